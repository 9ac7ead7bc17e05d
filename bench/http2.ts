// What a request costs a server that is the HTTP/2 codec and nothing else, beside node:http2 and nghttpd, under h2load.
//   node bench/http2.ts [--requests 60000] [--streams 1,10,100]
// h2load and nghttpd are looked for on PATH. CPU is the server's own, user and system, by the kernel's count.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http2';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BareServer } from '../src/http2/testing/bare-server.ts';
import { readFlags } from './flags.ts';

const { values } = readFlags(import.meta.filename, {
  options: {
    requests: { type: 'string', default: '60000' },
    streams: { type: 'string', default: '1,10,100' },
    serve: { type: 'string' },
  },
});
const words = 'hello from weft\n';
const ticksPerSecond = 100;

if (values.serve !== undefined) serve(values.serve);
else await measure();

/** As a process of its own: prints its port. */
function serve(what: string): void {
  if (what === 'weft') console.log(new BareServer().port);
  else {
    const server = createServer((_, response) => {
      response.writeHead(200, { 'content-type': 'text/plain', 'content-length': words.length });
      response.end(words);
    });
    server.listen(0, '127.0.0.1', () => console.log((server.address() as { port: number }).port));
  }
}

interface Server {
  readonly process: ChildProcess;
  readonly port: number;
}

async function started(what: string, folder: string): Promise<Server> {
  if (what === 'nghttpd') {
    const port = 20_000 + Math.floor(Math.random() * 10_000);
    const child = spawn('nghttpd', ['--no-tls', '-a', '127.0.0.1', '-d', folder, `${port}`], {
      stdio: 'ignore',
    });
    await new Promise(resolve => setTimeout(resolve, 500));
    return { process: child, port };
  }
  const child = spawn(process.execPath, [import.meta.filename, '--serve', what], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [line] = (await once(child.stdout, 'data')) as [Buffer];
  return { process: child, port: Number(line.toString()) };
}

/** Microseconds of CPU of a process so far. */
function cpuOf(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return ((Number(fields[11]) + Number(fields[12])) / ticksPerSecond) * 1e6;
}

function load(port: number, streams: number, requests: number): number {
  const args = [
    '-n',
    `${requests}`,
    '-c',
    '4',
    '-t',
    '1',
    '-m',
    `${streams}`,
    `http://127.0.0.1:${port}/index.html`,
  ];
  const { stdout, status } = spawnSync('h2load', args, { encoding: 'utf8', timeout: 120_000 });
  const done = Number(/(\d+) succeeded/.exec(stdout)?.[1] ?? 0);
  if (status !== 0 || done !== requests)
    throw new Error(`h2load: ${done} of ${requests} succeeded\n${stdout}`);
  return Number(/, ([\d.]+) req\/s/.exec(stdout)?.[1] ?? 0);
}

async function measure(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'weft-http2-bench-'));
  writeFileSync(join(folder, 'index.html'), words);
  const requests = Number(values.requests);
  try {
    for (const what of ['weft', 'node', 'nghttpd']) {
      if (what === 'nghttpd' && spawnSync('nghttpd', ['--version']).error !== undefined) continue;
      const { process: child, port } = await started(what, folder);
      try {
        load(port, 10, Math.min(requests, 20_000));
        for (const streams of values.streams.split(',').map(Number)) {
          const before = cpuOf(child.pid!);
          const rate = load(port, streams, requests);
          const cpu = (cpuOf(child.pid!) - before) / requests;
          console.log(
            `${what.padEnd(8)} ${String(streams).padStart(4)} streams × 4  ${cpu.toFixed(1).padStart(6)} µs CPU per request  ${Math.round(rate)} requests/s`,
          );
        }
      } finally {
        child.kill();
      }
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
}
