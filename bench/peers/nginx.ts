// nginx: one process, connections to the backend kept.

import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { freePort } from '../../src/wire/testing/ports.ts';
import { listening, type Running } from '../processes.ts';
import type { Stage } from '../stage.ts';
import type { Edge, Job, MeasuredProxy, RunningPath } from './proxy.interface.ts';

const streamModule = '/usr/lib/nginx/modules/ngx_stream_module.so';

/** nginx at `command`. */
export function nginx(command: string): MeasuredProxy {
  const said = execFileSync('sh', ['-c', '"$1" -v 2>&1', 'sh', command], { encoding: 'utf8' });
  return {
    name: 'nginx',
    command,
    version: /nginx\/(\S+)/.exec(said)?.[1] ?? '',
    cannot: job => cannot(job),
    start: (job, stage) => start(command, job, stage),
  };
}

function isStream({ protocol }: Job): boolean {
  return protocol === 'tcp' || protocol === 'udp';
}

function cannot(job: Job): string | undefined {
  if (job.policies === true) return 'has no such policies';
  if (isStream(job) && !existsSync(streamModule))
    return 'left out: the package libnginx-mod-stream is not installed';
  if (job.protocol === 'http2') return 'left out: it speaks HTTP/2 to upstreams for gRPC alone';
  if ((job.rules ?? 0) > 0)
    return 'left out: it has no rules over header and path together without scripting';
  return undefined;
}

async function start(command: string, job: Job, stage: Stage): Promise<RunningPath> {
  const { rootFile, client, server } = stage.identities;
  const port = await freePort();
  const backend = `127.0.0.1:${job.backend}`;
  if (job.topology === 'hop') {
    const listen = job.edge ? edgeListen(job.edge, port, stage) : `listen 127.0.0.1:${port};`;
    return { port, programs: [await run(command, job, stage, port, listen, backend, '')] };
  }
  const tlsPort = await freePort();
  const secured = `listen 127.0.0.1:${tlsPort} ssl;
    ssl_certificate ${server.files.chain}; ssl_certificate_key ${server.files.key}; ssl_protocols TLSv1.3;
    ssl_client_certificate ${rootFile}; ssl_verify_client on; ssl_verify_depth 3;`;
  const upstream = `proxy_ssl_certificate ${client.files.chain}; proxy_ssl_certificate_key ${client.files.key};
    proxy_ssl_trusted_certificate ${rootFile}; proxy_ssl_verify on; proxy_ssl_verify_depth 3; proxy_ssl_protocols TLSv1.3;
    proxy_ssl_name ${server.dnsName}; proxy_ssl_server_name on;`;
  const receiving = await run(command, job, stage, tlsPort, secured, backend, '');
  const sending = await run(
    command,
    job,
    stage,
    port,
    `listen 127.0.0.1:${port};`,
    `127.0.0.1:${tlsPort}`,
    upstream,
  );
  return { port, programs: [sending, receiving] };
}

function edgeListen({ clients, tls }: Edge, port: number, stage: Stage): string {
  if (clients === 'udp') return `listen 127.0.0.1:${port} udp;`;
  const listen = `listen 127.0.0.1:${port}${tls ? ' ssl' : ''}${clients === 'http2' ? ' http2' : ''};`;
  if (tls === undefined) return listen;
  const { chain, key } = stage.edgeCertificate(tls);
  return `${listen} ssl_certificate ${chain}; ssl_certificate_key ${key}; ssl_protocols TLSv1.2 TLSv1.3;
    ssl_session_cache shared:edge:10m;`;
}

async function run(
  command: string,
  job: Job,
  stage: Stage,
  port: number,
  listen: string,
  backend: string,
  tls: string,
): Promise<Running> {
  const connections = 2 * (job.connections ?? 4096) + 64;
  const body = isStream(job)
    ? `stream { server { ${listen} proxy_pass ${backend}; ${tls === '' ? '' : `proxy_ssl on; ${tls}`} } }`
    : http(stage, listen, backend, tls, job);
  const config = `
${isStream(job) ? `load_module ${streamModule};` : ''}
worker_processes 1; master_process off; daemon off; worker_rlimit_nofile ${connections + 64};
pid ${stage.folder}/nginx-${port}.pid; error_log stderr error;
events { worker_connections ${connections}; }
${body}
`;
  const file = stage.file('nginx.conf', config);
  const program = stage.proxy(command, ['-c', file, '-p', stage.folder, '-e', 'stderr']);
  await listening(port, program, 30_000, job.protocol === 'udp' ? 'udp' : 'tcp');
  return program;
}

/** nginx closes connections to the backend unless told not to, and passes upgrades on only when told to. */
function http(stage: Stage, listen: string, backend: string, tls: string, job: Job): string {
  const connection =
    job.protocol === 'websocket'
      ? 'proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection "upgrade"; proxy_read_timeout 1h;'
      : 'proxy_set_header Connection "";';
  const forwarded = job.edge
    ? 'proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for; proxy_set_header X-Forwarded-Proto $scheme;'
    : '';
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
    .map(each => `${each}_temp_path ${stage.folder}/${each};`)
    .join(' ');
  return `http { access_log off; keepalive_requests 100000000; keepalive_timeout 1h; ${temporary}
  upstream out { server ${backend}; keepalive 256; keepalive_requests 100000000; keepalive_timeout 1h; }
  server { ${listen} client_max_body_size 0;
    location / { proxy_pass ${tls === '' ? 'http' : 'https'}://out; proxy_http_version 1.1; ${connection} ${forwarded}
      proxy_set_header Host $http_host; proxy_request_buffering off; proxy_max_temp_file_size 0; ${tls} } } }`;
}
