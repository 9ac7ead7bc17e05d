// The files of a machine's proxy under systemd: packaging/systemd, which a bundle has beside its programs.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { WeftError } from '../../errors/index.ts';
import type { MachineFile } from './host.ts';
import { flagOf, type ProxyEnv } from './proxy-env.ts';

export const PROXY_ENV = '/etc/weft/proxy.env';
export const TOKEN = '/etc/weft/token';
export const ROOT_CERTIFICATE = '/etc/weft/root-cert.pem';
export const SERVICE = 'weft-proxy.service';
const UNIT = `/etc/systemd/system/${SERVICE}`;
const SYSUSERS = '/usr/lib/sysusers.d/weft-proxy.conf';

/** In the order in which they are looked for: a bundle (dist/systemd), the repository. */
const folders = ['../systemd', '../../systemd', '../../../packaging/systemd'].map(each =>
  join(import.meta.dirname, each),
);

function packaged(name: string): string {
  const folder = folders.find(each => existsSync(join(each, name)));
  if (folder !== undefined) return readFileSync(join(folder, name), 'utf8');
  throw new WeftError('machine-files', `${name} is not where weft is installed; install the whole bundle`, {
    source: 'config',
  });
}

/** Which drop-ins a machine with these flags needs. */
export function dropInsOf({ proxyFlags }: ProxyEnv): readonly string[] {
  return [
    ...(proxyFlags.includes('--no-redirect') ? [] : ['intercept.conf']),
    ...(flagOf(proxyFlags, '--dns') === undefined ? [] : ['dns.conf']),
  ];
}

/** The unit, the user that it runs as, and those drop-ins. */
export function unitFiles(dropIns: readonly string[]): readonly MachineFile[] {
  return [
    { path: SYSUSERS, text: packaged('weft-proxy.sysusers.conf') },
    { path: UNIT, text: packaged(SERVICE) },
    ...dropIns.map(name => ({ path: `${UNIT}.d/${name}`, text: packaged(`${SERVICE}.d/${name}`) })),
  ];
}

/** Everything that `join` writes, for `leave` to take away. */
export const JOINED_PATHS: readonly string[] = [
  `${UNIT}.d`,
  UNIT,
  SYSUSERS,
  TOKEN,
  ROOT_CERTIFICATE,
  PROXY_ENV,
];
