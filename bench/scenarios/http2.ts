// HTTP/2 through each proxy: streams on four connections, one hop and the path of mutual TLS, and unary calls of gRPC.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePort } from '../../src/wire/testing/ports.ts';
import { readH2load } from '../load/h2load.ts';
import { debian, type Job } from '../peers/index.ts';
import { listening } from '../processes.ts';
import type { Stage } from '../stage.ts';
import { openLoopOfStreams } from './loads.ts';
import { type Comparison, compare, type Load } from './rounds.ts';
import type { Scenario } from './scenario.interface.ts';

const connections = 4;
const topologies = { hop: 'one plaintext hop', path: 'proxy → mutual TLS → proxy' } as const;

function command(name: string, debianPackage: string): string {
  const found = debian(name, debianPackage);
  if ('missing' in found) throw new Error(found.missing);
  return found.path;
}

/** nghttpd: 100 bytes at `/`, and at `/Say.grpc` an empty message of gRPC with its status in trailers. */
export async function http2Backend(stage: Stage): Promise<number> {
  const folder = join(stage.folder, 'http2');
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'index.html'), '0123456789'.repeat(10));
  writeFileSync(join(folder, 'Say.grpc'), Buffer.alloc(5));
  const types = stage.file('mime.types', 'application/grpc grpc\ntext/html html\n');
  const port = await freePort();
  const flags = [
    '--no-tls',
    '-a',
    '127.0.0.1',
    '-d',
    folder,
    '--mime-types-file',
    types,
    '--trailer',
    'grpc-status: 0',
  ];
  const program = stage.helper(command('nghttpd', 'nghttp2-server'), [...flags, '-m', '1000', `${port}`]);
  await listening(port, program);
  return port;
}

/** `streams` at once on each of four connections. */
export function h2load(streams: number, grpc: boolean, scheme: 'http' | 'https' = 'http'): Load {
  return async (stage, port, seconds) => {
    const flags = [
      '-c',
      `${connections}`,
      '-t',
      '1',
      '-m',
      `${streams}`,
      '-D',
      `${Math.max(1, Math.round(seconds))}`,
    ];
    const call = grpc
      ? [
          '-d',
          stage.file('message', '\0\0\0\0\0'),
          '-H',
          'content-type: application/grpc',
          '-H',
          'te: trailers',
        ]
      : [];
    const url = `${scheme}://127.0.0.1:${port}/${grpc ? 'Say.grpc' : ''}`;
    return readH2load(await stage.load(command('h2load', 'nghttp2-client'), [...flags, ...call, url]));
  };
}

/** Full handshakes of TLS, one for each request over HTTP/1: h2load never resumes. Hundreds at once, again and again. */
export const fullHandshakes: Load = async (stage, port, seconds) => {
  const flags = ['--h1', '-t', '1', '-c', '200', '-n', '200', `https://127.0.0.1:${port}/`];
  const sum = { count: 0, seconds: 0, errors: 0, not_ok: 0 };
  for (const endMs = performance.now() + seconds * 1000; performance.now() < endMs; ) {
    const printed = await stage.load(command('h2load', 'nghttp2-client'), flags);
    const { count, seconds: took, errors, not_ok: notOk = 0 } = readH2load(printed);
    sum.count += count;
    sum.seconds += took;
    sum.errors += errors;
    sum.not_ok += notOk;
  }
  return sum;
};

function scenario(topology: Job['topology'], streams: number, grpc = false): Scenario {
  const comparison = (quick: boolean): Comparison => ({
    job: { protocol: 'http2', topology },
    backend: http2Backend,
    load: h2load(streams, grpc),
    seconds: quick ? 2 : 5,
  });
  const what = grpc ? 'a unary call of gRPC' : 'GET of 100 bytes over HTTP/2';
  return {
    name: `${grpc ? 'grpc' : 'h2'}-${topology}-${streams}`,
    title: `${what}, ${streams} streams on each of ${connections} connections, ${topologies[topology]}`,
    unit: grpc ? 'call' : 'request',
    run: (proxies, settings) => compare(comparison(settings.quick), proxies, settings),
  };
}

/** The path at a rate that leaves time, and the same without any proxy. */
function atRate(rate: number): Scenario {
  const comparison = (quick: boolean): Comparison => ({
    job: { protocol: 'http2', topology: 'path' },
    backend: http2Backend,
    load: openLoopOfStreams(rate),
    seconds: quick ? 4 : 15,
    direct: true,
  });
  return {
    name: `h2-rate-${rate}`,
    title: `${rate.toLocaleString('en-US')} requests/s over HTTP/2, ${topologies.path}`,
    unit: 'request',
    run: (proxies, settings) => compare(comparison(settings.quick), proxies, settings),
  };
}

/** In the order in which they run. */
export const http2Scenarios: readonly Scenario[] = [
  scenario('hop', 1),
  scenario('hop', 10),
  scenario('hop', 100),
  scenario('hop', 1000),
  scenario('path', 1),
  scenario('path', 10),
  scenario('path', 100),
  atRate(1000),
  scenario('hop', 10, true),
  scenario('path', 10, true),
];
