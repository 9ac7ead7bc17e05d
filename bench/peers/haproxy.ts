// HAProxy: one thread, connections kept on both sides and shared between clients.

import { execFileSync } from 'node:child_process';
import { freePort } from '../../src/wire/testing/ports.ts';
import { listening, type Running } from '../processes.ts';
import type { Stage } from '../stage.ts';
import { type Edge, type Job, type MeasuredProxy, type RunningPath, rulesOf } from './proxy.interface.ts';

/** HAProxy at `command`. */
export function haproxy(command: string): MeasuredProxy {
  const version = /version (\S+)/.exec(execFileSync(command, ['-v'], { encoding: 'utf8' }))?.[1] ?? '';
  return {
    name: 'haproxy',
    command,
    version: version.replace(/-.*/, ''),
    cannot: job => {
      if (job.policies === true) return 'has no such policies';
      return job.protocol === 'udp' ? 'carries no UDP' : undefined;
    },
    start: (job, stage) => start(command, job, stage),
  };
}

async function start(command: string, job: Job, stage: Stage): Promise<RunningPath> {
  const { rootFile, client, server } = stage.identities;
  const port = await freePort();
  const h2 = job.protocol === 'http2';
  // By prior knowledge without TLS, by ALPN within it.
  const [proto, alpn] = h2 ? [' proto h2', ' alpn h2'] : ['', ''];
  const plain = job.edge ? edgeBind(job.edge, port, stage) : `bind 127.0.0.1:${port}${proto}`;
  if (job.topology === 'hop') {
    return {
      port,
      programs: [await run(command, job, stage, port, plain, `127.0.0.1:${job.backend}${proto}`)],
    };
  }
  const tlsPort = await freePort();
  const tls = 'ssl-min-ver TLSv1.3 verify required';
  const secured = `bind 127.0.0.1:${tlsPort} ssl crt ${server.files.bundle} ca-file ${rootFile} ${tls}${alpn}`;
  const upstream = `127.0.0.1:${tlsPort} ssl crt ${client.files.bundle} ca-file ${rootFile} ${tls} sni str(${server.dnsName}) verifyhost ${server.dnsName}${alpn}`;
  const receiving = await run(command, job, stage, tlsPort, secured, `127.0.0.1:${job.backend}${proto}`);
  const sending = await run(command, job, stage, port, plain, upstream);
  return { port, programs: [sending, receiving] };
}

function edgeBind({ clients, tls }: Edge, port: number, stage: Stage): string {
  if (tls === undefined) return `bind 127.0.0.1:${port}${clients === 'http2' ? ' proto h2' : ''}`;
  const { bundle } = stage.edgeCertificate(tls);
  return `bind 127.0.0.1:${port} ssl crt ${bundle} ssl-min-ver TLSv1.2 alpn h2,http/1.1`;
}

async function run(
  command: string,
  job: Job,
  stage: Stage,
  port: number,
  bind: string,
  server: string,
): Promise<Running> {
  const config = `
global
  nbthread 1
  maxconn ${job.connections ?? 4096}
  no strict-limits
defaults
  mode ${job.protocol === 'tcp' ? 'tcp' : 'http'}
  timeout client 1h
  timeout server 1h
  timeout tunnel 1h
  timeout connect 5s
  ${job.protocol === 'tcp' ? '' : 'http-reuse always'}
  ${job.edge ? 'option forwardfor' : ''}
frontend in
  ${bind}
  ${job.edge ? `http-request set-header X-Forwarded-Proto ${job.edge.tls ? 'https' : 'http'}` : ''}
${rules(job)}
  default_backend out
backend out
  server one ${server}
backend never
  server one ${server}
`;
  const program = stage.proxy(command, ['-db', '-f', stage.file('haproxy.cfg', config)]);
  await listening(port, program);
  return program;
}

/** Rules of which none matches. */
function rules(job: Job): string {
  const lines = rulesOf(job).map(({ prefix, header, value }) => {
    return `  use_backend never if { path_beg ${prefix} } { req.hdr(${header}) -m str ${value} }`;
  });
  return lines.join('\n');
}
