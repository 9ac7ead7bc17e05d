// The chaos suite: does one fault after the other to a mesh under load, says what its clients saw, and ends with 1 when a row's
// promise was broken. Needs root; leaves nothing behind.
//
//   --short          the rows that CI does
//   --only A,B       these rows
//   --times N        every row N times
//   --seconds S      rows by chance until S seconds are over
//   --seed N         which chance
//   --write          writes what the rows saw into the table of docs/resilience.md
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { machineCapabilities } from '../../src/sandbox/index.ts';
import { Random } from '../fuzz/random.ts';
import { Bed } from './bed.ts';
import { brokenPromises } from './expectation.ts';
import type { Fault } from './faults.ts';
import { type ChaosOptions, chaosOptions } from './options.ts';
import { type Done, linesOf, written } from './report.ts';
import { seenOf } from './seen.ts';

const beforeMs = 3_000;
const sleep = (ms: number): Promise<void> => new Promise(resolve => setTimeout(resolve, ms));

/** Does one fault. */
async function done(bed: Bed, fault: Fault): Promise<Done> {
  await bed.calm();
  const tidy = await fault.prepare?.(bed);
  try {
    if (tidy !== undefined) await bed.calm();
    const row = await watched(bed, fault);
    console.log(linesOf(row));
    return row;
  } finally {
    await tidy?.();
  }
}

/** Clients before it, while it lasts and after it. */
async function watched(bed: Bed, fault: Fault): Promise<Done> {
  const late = monitorEventLoopDelay({ resolution: 20 });
  late.enable();
  const fromMs = Date.now();
  await sleep(beforeMs);
  const faultMs = Date.now();
  const undo = await fault.begin(bed);
  try {
    await sleep(fault.holdMs);
  } finally {
    await undo();
  }
  const backMs = Date.now();
  await sleep(fault.settleMs);
  late.disable();
  const span = { fromMs, faultMs, backMs, untilMs: Date.now() };
  // The client says what it knows ten times a second.
  await sleep(500);
  const seen = seenOf(bed.outcomes(), span);
  const broken = [...brokenPromises(fault.expected, seen, late.max / 1e6)];
  await fault.check?.(bed).catch((error: Error) => void broken.push(error.message));
  return { fault, seen, broken };
}

/** The rows to do, one after the other. */
function* chosen({ rows, times, seconds }: ChaosOptions, seed: number): Generator<Fault> {
  if (seconds === undefined) {
    for (let turn = 0; turn < times; turn++) yield* rows;
    return;
  }
  const random = new Random(seed);
  for (const limit = performance.now() + seconds * 1000; performance.now() < limit; ) yield random.pick(rows);
}

async function main(): Promise<number> {
  const options = chaosOptions(process.argv.slice(2));
  if (typeof options === 'string') {
    console.error(`chaos: ${options}`);
    return 2;
  }
  const { reasons } = machineCapabilities();
  if (reasons.length > 0) {
    console.error(`chaos: ${reasons.join('; ')}`);
    return 2;
  }
  const seed = options.seed ?? Date.now() % 1_000_000;
  console.log(`seed ${seed}`);
  const rows: Done[] = [];
  const stop = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort());
  await using bed = await Bed.up(`chaos-${process.pid}`);
  const leftOut = new Set<Fault>();
  for (const fault of chosen(options, seed)) {
    if (stop.signal.aborted) break;
    const why = fault.impossible?.();
    if (why !== undefined) {
      if (!leftOut.has(fault)) console.log(`left out ${fault.name}: ${why}`);
      leftOut.add(fault);
      // Rows by chance may all be this one.
      await sleep(1);
      continue;
    }
    rows.push(await done(bed, fault));
  }
  const broken = rows.filter(row => row.broken.length > 0);
  console.log(`${rows.length} faults, ${broken.length} with a broken promise; seed ${seed}`);
  if (options.write && broken.length === 0) {
    const path = join(import.meta.dirname, '..', '..', 'docs', 'resilience.md');
    writeFileSync(path, written(readFileSync(path, 'utf8'), rows));
  }
  return broken.length === 0 && !stop.signal.aborted ? 0 : 1;
}

process.exitCode = await main();
