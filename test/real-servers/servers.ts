// How each server is started where it is installed. None of them is part of the project: a server that is not on PATH is left out
// by name.
import { execFileSync } from 'node:child_process';
import { accessSync, constants, mkdirSync, writeFileSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import type { Place } from './place.ts';

/** A server that speaks before its clients do. */
export interface RealServer {
  readonly kind: 'mariadb' | 'ssh' | 'nats';
  readonly port: number;
  /** Why it cannot run here; false when it can. */
  missing(): string | false;
  start(place: Place): Promise<void>;
}

/** The whole path of a program on PATH; undefined where there is none. */
function onPath(program: string): string | undefined {
  for (const folder of (process.env.PATH ?? '').split(delimiter)) {
    try {
      accessSync(join(folder, program), constants.X_OK);
      return join(folder, program);
    } catch {}
  }
  return undefined;
}

function needs(program: string): string | false {
  return onPath(program) === undefined ? `needs ${program} on PATH` : false;
}

/** Blocks an address after five connections that do not log in, where 100 is usual. */
const mariadb: RealServer = {
  kind: 'mariadb',
  port: 3306,
  missing: () => needs('mariadbd') || needs('mariadb-install-db'),
  async start(place) {
    const { folder, server } = place;
    const data = join(folder, 'data');
    mkdirSync(data);
    const base = dirname(dirname(onPath('mariadbd')!));
    const common = ['--no-defaults', `--basedir=${base}`, `--datadir=${data}`, '--user=root'];
    execFileSync(
      'mariadb-install-db',
      [...common, '--auth-root-authentication-method=normal', '--skip-test-db'],
      {
        stdio: 'pipe',
      },
    );
    const init = join(folder, 'init.sql');
    writeFileSync(
      init,
      `CREATE USER app@'${place.clients}' IDENTIFIED VIA mysql_native_password USING '';\n`,
    );
    const own = [`--socket=${join(folder, 's')}`, `--pid-file=${join(folder, 'pid')}`, `--init-file=${init}`];
    const strict = ['--max-connect-errors=5', '--skip-name-resolve', '--bind-address=0.0.0.0', '--port=3306'];
    await place.run(server, ['mariadbd', ...common, ...own, ...strict], /ready for connections/);
  },
};

const ssh: RealServer = {
  kind: 'ssh',
  port: 22,
  missing() {
    if (needs('sshd')) return needs('sshd');
    try {
      execFileSync('getent', ['passwd', 'sshd']);
      return false;
    } catch {
      return 'needs the user sshd';
    }
  },
  async start(place) {
    const key = join(place.folder, 'key');
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', key]);
    mkdirSync('/run/sshd', { recursive: true });
    const options = ['-o', 'PidFile=none', '-o', 'UsePAM=no', '-o', 'MaxStartups=200'];
    const command = [onPath('sshd')!, '-D', '-e', '-f', '/dev/null', '-h', key, '-p', '22', ...options];
    await place.run(place.server, command, /Server listening on 0\.0\.0\.0/);
  },
};

const nats: RealServer = {
  kind: 'nats',
  port: 4222,
  missing: () => needs('nats-server'),
  start: place => place.run(place.server, ['nats-server', '-p', '4222'], /Server is ready/),
};

export const SERVERS: readonly RealServer[] = [mariadb, ssh, nats];
