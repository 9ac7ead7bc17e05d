// What one request makes a proxy allocate and ask of the kernel: a fixed number of requests over real sockets, one connection,
// one at a time, so that every run does the very same.
import { connect } from 'node:net';
import { askHop, type RunningPath, startWeft } from '../peers/index.ts';
import type { Running } from '../processes.ts';
import { ownBackend } from '../scenarios/backends.ts';
import type { Stage } from '../stage.ts';
import { systemCalls } from '../usage.ts';

const warm = 16_000;
/** The least of several batches: what is allocated now and then is not the request's. */
const batches = 3;
/**
 * What a batch costs beside its requests (its connection, what is freed or compiled after the collection before it) is up to a
 * megabyte to either side, and moves with what else is in the bundle. So two sizes are counted, and the difference is theirs.
 */
const few = 2_000;
const many = 12_000;
const request =
  'GET /api/v1/products/42?page=3 HTTP/1.1\r\nhost: server.bench\r\nuser-agent: bench\r\naccept: */*\r\n';

interface Heap {
  readonly used: number;
  readonly external: number;
}

/** Bytes allocated, and read and write calls, for each request of a hop or of a whole path. */
export async function requestCost(stage: Stage, topology: 'hop' | 'path'): Promise<Record<string, number>> {
  const { http } = await ownBackend(stage);
  const path = await startWeft({ protocol: 'http', topology, backend: http }, stage, COUNTING);
  const found = await requestBytes(path);
  return Object.fromEntries(Object.entries(found).map(([name, value]) => [`${topology}_${name}`, value]));
}

/** How a proxy is started whose allocations are counted. */
export const COUNTING = {
  // Nothing is collected while counting: at 15 KB a request this would hold thirty thousand. And nothing is optimised: what the
  // compilers inline, and so what they need not allocate, depends on the moment and differs by a third from run to run. This
  // counts what the code asks for.
  flags: [
    ...['--expose-gc', '--no-turbofan', '--no-maglev'],
    ...['--min-semi-space-size=512', '--max-semi-space-size=512'],
  ],
  ipc: true,
};

/** The same of proxies that are up, started so. `field`: a line that each request has besides. */
export async function requestBytes(path: RunningPath, field = ''): Promise<Record<string, number>> {
  await send(path.port, warm, field);
  const leastOf = async (requests: number): Promise<Record<string, number>> => {
    const least = await batch(path, requests, field);
    for (let more = 1; more < batches; more++)
      for (const [name, value] of Object.entries(await batch(path, requests, field)))
        least[name] = Math.min(least[name]!, value);
    return least;
  };
  const small = await leastOf(few);
  const large = await leastOf(many);
  return Object.fromEntries(
    Object.entries(large).map(([name, value]) => [name, (value - small[name]!) / (many - few)]),
  );
}

/** Of all of its requests together. */
async function batch(
  { port, programs }: RunningPath,
  requests: number,
  field: string,
): Promise<Record<string, number>> {
  const before = await Promise.all(programs.map(program => heapOf(program, true)));
  const callsBefore = programs.map(program => systemCalls(program.pid));
  await send(port, requests, field);
  const callsAfter = programs.map(program => systemCalls(program.pid));
  const after = await Promise.all(programs.map(program => heapOf(program, false)));
  const grown = (of: keyof Heap): number =>
    after.reduce((sum, heap, index) => sum + heap[of] - before[index]![of], 0);
  const called = (of: 'reads' | 'writes'): number =>
    callsAfter.reduce((sum, calls, index) => sum + calls[of] - callsBefore[index]![of], 0);
  return {
    bytes_per_request: grown('used') + grown('external'),
    reads_per_request: called('reads'),
    writes_per_request: called('writes'),
  };
}

function heapOf(program: Running, collect: boolean): Promise<Heap> {
  return askHop(program, { ask: 'heap', collect }) as Promise<Heap>;
}

/** One request after the other on one connection. */
export function send(port: number, requests: number, field = ''): Promise<void> {
  const bytes = Buffer.from(`${request}${field === '' ? '' : `${field}\r\n`}\r\n`);
  return new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port, noDelay: true });
    let left = requests;
    let got = 0;
    let length = 0;
    const next = (): void => {
      if (left-- === 0) {
        socket.destroy();
        resolve();
      } else socket.write(bytes);
    };
    socket.on('connect', next).on('error', reject);
    socket.on('data', (data: Buffer) => {
      got += data.length;
      // The first answer tells how long all of them are.
      if (length === 0) length = got;
      if (got < length) return;
      got = 0;
      next();
    });
  });
}
