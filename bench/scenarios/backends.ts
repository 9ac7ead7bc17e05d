// The applications behind the proxies, on the load CPUs.

import { truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePort } from '../../src/wire/testing/ports.ts';
import { which } from '../peers/index.ts';
import { listening } from '../processes.ts';
import type { Stage } from '../stage.ts';

/** Ports on loopback. */
export interface Backends {
  readonly http: number;
  readonly tcp: number;
}

/**
 * Answers GET with 100 bytes and `/bytes/100000000` with as many: nginx where there is one, because it leaves most to the load
 * generator.
 */
export async function fastBackend(
  stage: Stage,
  host = '127.0.0.1',
  prefix: readonly string[] = [],
): Promise<number> {
  const command = which('nginx');
  if (command === undefined) return (await ownBackend(stage, host, prefix)).http;
  const port = await freePort();
  const large = join(stage.folder, '100000000');
  writeFileSync(large, '');
  truncateSync(large, 100_000_000);
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
    .map(each => `${each}_temp_path ${stage.folder}/backend-${each};`)
    .join(' ');
  const user = process.getuid?.() === 0 ? 'user root;' : '';
  const config = `
${user} worker_processes 1; master_process off; daemon off; worker_rlimit_nofile 40000;
pid ${stage.folder}/backend.pid; error_log stderr error;
events { worker_connections 30000; }
http { access_log off; keepalive_requests 1000000000; keepalive_timeout 1h; sendfile on; ${temporary}
  server { listen ${host}:${port} backlog=4096;
    location / { default_type text/plain; return 200 "${'0123456789'.repeat(10)}"; }
    location /bytes/ { alias ${stage.folder}/; } } }`;
  const program = stage.helper(
    command,
    ['-c', stage.file('backend.conf', config), '-p', stage.folder, '-e', 'stderr'],
    { prefix },
  );
  await listening(port, program);
  return port;
}

/** Reads bodies, echoes, and sends streams. */
export async function ownBackend(
  stage: Stage,
  host = '127.0.0.1',
  prefix: readonly string[] = [],
): Promise<Backends> {
  const [http, tcp] = [await freePort(), await freePort()];
  const program = stage.helper(process.execPath, ['bench/backend.ts', `${http}`, `${tcp}`, host], { prefix });
  await listening(tcp, program);
  await listening(http, program);
  return { http, tcp };
}
