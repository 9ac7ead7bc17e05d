// Keeps the time for open-loop.ts: writes one byte per request that is due. A thread of its own that sleeps on a futex, because
// timers of the event loop are a millisecond apart.
import { writeSync } from 'node:fs';
import { workerData } from 'node:worker_threads';

const { pipe, intervalMs, total, startMs } = workerData as {
  readonly pipe: number;
  readonly intervalMs: number;
  readonly total: number;
  readonly startMs: number;
};
const sleeping = new Int32Array(new SharedArrayBuffer(4));
const tick = Buffer.from('.');
// performance.now() of a worker counts from the worker's own start.
const now = (): number => performance.timeOrigin + performance.now();

for (let sent = 0; sent < total; sent++) {
  const restMs = startMs + sent * intervalMs - now();
  if (restMs > 0) Atomics.wait(sleeping, 0, 0, restMs);
  writeSync(pipe, tick);
}
