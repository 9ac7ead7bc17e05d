// Requests at a constant rate, whether or not answers come back: no answer is waited for before the next request is sent, so a
// slow moment is seen by every request that falls into it (no coordinated omission). A request that finds every connection busy
// waits for one, and its wait counts from when it was due.
//   node bench/load/open-loop.ts --url http://127.0.0.1:9000/ --rate 1000 --seconds 5 [--connections 64] [--host NAME]
import { execFileSync } from 'node:child_process';
import { closeSync, openSync, rmSync } from 'node:fs';
import { connect, Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Worker } from 'node:worker_threads';
import { percentiles, printResult } from './load-result.ts';

const { values } = parseArgs({
  options: {
    url: { type: 'string', default: '' },
    rate: { type: 'string', default: '1000' },
    seconds: { type: 'string', default: '5' },
    connections: { type: 'string', default: '64' },
    host: { type: 'string' },
  },
});
const url = new URL(values.url);
const rate = Number(values.rate);
const connections = Number(values.connections);
const total = Math.round(rate * Number(values.seconds));
const request = Buffer.from(`GET ${url.pathname} HTTP/1.1\r\nhost: ${values.host ?? url.host}\r\n\r\n`);
const now = (): number => performance.timeOrigin + performance.now();

const latencies = new Float64Array(total);
const lateness = new Float64Array(total);
const idle: Connection[] = [];
/** Due times of requests that wait for a connection. */
const waiting: number[] = [];
let answered = 0;
let failed = 0;
let notOk = 0;
let finish: () => void = () => {};

/** One connection that carries one request at a time. */
class Connection {
  readonly #socket: Socket;
  #sentMs = 0;
  #text = '';
  #missing = -1;

  constructor(ready: () => void) {
    this.#socket = connect({ host: url.hostname, port: Number(url.port), noDelay: true });
    this.#socket.on('connect', ready);
    this.#socket.on('data', (data: Buffer) => this.#received(data));
    this.#socket.on('error', () => {});
    this.#socket.on('close', () => {
      if (this.#sentMs === 0) return;
      failed++;
      done();
    });
  }

  /** `fromMs`: when the clock of this request began to run. */
  send(fromMs: number): void {
    this.#sentMs = fromMs;
    this.#socket.write(request);
  }

  close(): void {
    this.#sentMs = 0;
    this.#socket.destroy();
  }

  #received(data: Buffer): void {
    if (this.#missing < 0) {
      this.#text += data.toString('latin1');
      const end = this.#text.indexOf('\r\n\r\n');
      if (end < 0) return;
      const length = Number(/^content-length: *(\d+)/im.exec(this.#text)?.[1] ?? 0);
      this.#missing = length - (this.#text.length - end - 4);
      if (this.#text.charCodeAt(9) !== 0x32) notOk++;
    } else this.#missing -= data.length;
    if (this.#missing > 0) return;
    latencies[answered++] = now() - this.#sentMs;
    this.#text = '';
    this.#missing = -1;
    this.#sentMs = 0;
    const next = waiting.shift();
    if (next === undefined) idle.push(this);
    else this.send(next);
    done();
  }
}

function done(): void {
  if (answered + failed >= total) finish();
}

/** A pipe: Node has none of its own, so a named one that is gone from the folder at once. */
function pipe(): { read: Socket; write: number } {
  const path = join(tmpdir(), `weft-bench-pace-${process.pid}`);
  execFileSync('mkfifo', [path]);
  // Opened for both, so that opening does not wait for the other end.
  const fd = openSync(path, 'r+');
  const write = openSync(path, 'w');
  rmSync(path);
  return { read: new Socket({ fd, readable: true, writable: false }), write };
}

// Every connection is open and warm before the clock runs.
await new Promise<void>(resolve => {
  let open = 0;
  for (let each = 0; each < connections; each++)
    idle.push(new Connection(() => ++open === connections && resolve()));
});

const startMs = now() + 100;
const intervalMs = 1000 / rate;
const { read, write } = pipe();
let due = 0;
read.on('data', (ticks: Buffer) => {
  for (let each = 0; each < ticks.length; each++) {
    const dueMs = startMs + due * intervalMs;
    const nowMs = now();
    lateness[due++] = nowMs - dueMs;
    // Last used first: like a client's pool, and the generator's own lateness is not counted against the proxy.
    const connection = idle.pop();
    if (connection === undefined) waiting.push(dueMs);
    else connection.send(nowMs);
  }
});
const pacer = new Worker(new URL('./pacer.ts', import.meta.url), {
  workerData: { pipe: write, intervalMs, total, startMs },
});
await Promise.race([
  new Promise<void>(resolve => {
    finish = resolve;
  }),
  new Promise(resolve => setTimeout(resolve, Number(values.seconds) * 1000 + 5_000).unref()),
]);
const seconds = (now() - startMs) / 1000;
await pacer.terminate();
read.destroy();
closeSync(write);
for (const connection of idle) connection.close();
printResult({
  count: answered,
  seconds,
  ...percentiles(latencies.subarray(0, answered)),
  errors: failed + (total - answered - failed),
  not_ok: notOk,
  late_p99_ms: percentiles(lateness.subarray(0, due)).p99_ms,
});
process.exit(0);
