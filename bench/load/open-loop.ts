// Requests at a constant rate, whether or not answers come back: no answer is waited for before the next request is sent, so a
// slow moment is seen by every request that falls into it (no coordinated omission). A request that finds every connection busy
// waits for one, and its wait counts from when it was due.
//   node bench/load/open-loop.ts --url http://127.0.0.1:9000/ --rate 1000 --seconds 5 [--http2] [--connections 64] [--host NAME]
// With --http2 requests are streams of four connections, unless told.
import { execFileSync } from 'node:child_process';
import { closeSync, openSync, rmSync } from 'node:fs';
import { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { readFlags } from '../flags.ts';
import { http1Client } from './http1-client.ts';
import { http2Client } from './http2-client.ts';
import type { Outcome } from './load-client.ts';
import { percentiles, printResult } from './load-result.ts';

const { values } = readFlags(import.meta.filename, {
  options: {
    url: { type: 'string', default: '' },
    rate: { type: 'string', default: '1000' },
    seconds: { type: 'string', default: '5' },
    http2: { type: 'boolean', default: false },
    connections: { type: 'string' },
    host: { type: 'string' },
  },
});
const url = new URL(values.url);
const rate = Number(values.rate);
const connections = Number(values.connections ?? (values.http2 ? 4 : 64));
const total = Math.round(rate * Number(values.seconds));
const now = (): number => performance.timeOrigin + performance.now();

const latencies = new Float64Array(total);
const lateness = new Float64Array(total);
/** Due times of requests that wait for a connection. */
const waiting: number[] = [];
let answered = 0;
let failed = 0;
let notOk = 0;
let finish: () => void = () => {};

function ended(fromMs: number, outcome: Outcome): void {
  if (outcome === 'failed') failed++;
  else latencies[answered++] = now() - fromMs;
  if (outcome === 'not-ok') notOk++;
  if (waiting.length > 0 && client.send(waiting[0]!)) waiting.shift();
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
const open = values.http2 ? http2Client : http1Client;
const client = await open(url, values.host ?? url.host, connections, ended);

const startMs = now() + 100;
const intervalMs = 1000 / rate;
const { read, write } = pipe();
let due = 0;
read.on('data', (ticks: Buffer) => {
  for (let each = 0; each < ticks.length; each++) {
    const dueMs = startMs + due * intervalMs;
    const nowMs = now();
    lateness[due++] = nowMs - dueMs;
    if (!client.send(nowMs)) waiting.push(dueMs);
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
client.close();
printResult({
  count: answered,
  seconds,
  ...percentiles(latencies.subarray(0, answered)),
  errors: failed + (total - answered - failed),
  not_ok: notOk,
  late_p99_ms: percentiles(lateness.subarray(0, due)).p99_ms,
});
process.exit(0);
