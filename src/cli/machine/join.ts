// `weft machine join` and `leave`: the files and the service of a machine's proxy.
import { readFileSync } from 'node:fs';
import { join as joinPath } from 'node:path';
import { WeftError } from '../../errors/index.ts';
import { undoResolver } from './dns.ts';
import type { Host, MachineFile } from './host.ts';
import { parseProxyEnv } from './proxy-env.ts';
import { dropInsOf, JOINED_PATHS, PROXY_ENV, ROOT_CERTIFICATE, SERVICE, TOKEN, unitFiles } from './units.ts';

/** Puts the machine into the mesh with what `weft machine prepare` wrote. What was there of a machine before is written over. */
export function joinMachine(host: Host, folder: string): void {
  const given = (name: string): string => {
    const path = joinPath(folder, name);
    try {
      return readFileSync(path, 'utf8');
    } catch {
      throw new WeftError(
        'bad-configuration',
        `${path} cannot be read; name the folder that weft machine prepare has written`,
        { source: 'config' },
      );
    }
  };
  const env = given('proxy.env');
  const dropIns = dropInsOf(parseProxyEnv(env, joinPath(folder, 'proxy.env')));
  const files: readonly MachineFile[] = [
    ...unitFiles(dropIns),
    { path: PROXY_ENV, text: env },
    { path: ROOT_CERTIFICATE, text: given('root-cert.pem') },
    { path: TOKEN, text: given('token'), mode: 0o640 },
  ];
  if (host.isLive && !host.exists('/run/systemd/system'))
    throw new WeftError(
      'bad-configuration',
      'this machine is not run by systemd; start weft-proxy run as docs/machines.md has it, with the flags of proxy.env',
      { source: 'config' },
    );
  if (host.isLive && !host.exists('/opt/weft/weft-proxy.mjs'))
    throw new WeftError(
      'bad-configuration',
      'there is no /opt/weft/weft-proxy.mjs; put the bundle of this version there, with Node as /opt/weft/node',
      { source: 'config' },
    );
  for (const file of files) host.write(file);
  host.run(['systemd-sysusers']);
  host.run(['chgrp', 'weft-proxy', TOKEN, ROOT_CERTIFICATE, PROXY_ENV]);
  host.run(['systemctl', 'daemon-reload']);
  host.run(['systemctl', 'enable', SERVICE]);
  host.run(['systemctl', 'restart', SERVICE]);
}

/** Takes all of that away. The proxy drains first, and what the unit has put in force goes with it. */
export function leaveMachine(host: Host): void {
  if (host.exists(`/etc/systemd/system/${SERVICE}`)) host.run(['systemctl', 'disable', '--now', SERVICE]);
  undoResolver(host);
  for (const path of JOINED_PATHS) host.remove(path);
  host.remove('/var/lib/weft-proxy');
  host.run(['systemctl', 'daemon-reload']);
}
