import { errorMessage } from '../errors/index.ts';
import type { Cancel, Clock } from '../time/index.ts';
import type { CompilerMachine } from './linux.ts';

/** How often is looked. */
const lookMs = 250;
/** Below this the event loop leaves the compiler time enough. */
const busyShare = 0.8;
/** A compiler that waited longer than this between two looks is starved. */
const starvedMs = 80;
/**
 * While it is starved: a pause in each period, a fifth of the CPU. A core at its limit from the first request on is at full speed
 * after 3 s (2 with a compiler that does not yield, 6 without pauses).
 */
const periodMs = 5;
const pauseMs = 1;

/**
 * Lets V8's workers run only when traffic leaves the CPU free. Where traffic never does, because this process has a single core
 * and that is full, code would stay slow for want of its compiler; then, and only then, traffic pauses for a millisecond in five
 * until the compiler is through.
 *
 * Gives why it cannot be done here, as a text for a log (a sandbox that forbids the call, no koffi); nothing else is lost then.
 */
export function yieldToTraffic(clock: Clock, machine: CompilerMachine): string | undefined {
  const workers = machine.workers();
  try {
    for (const worker of workers) machine.makeIdle(worker);
  } catch (error) {
    return errorMessage(error);
  }
  if (workers.length === 0) return 'no thread of this process is named as a worker of V8';
  machine.collectAlone();
  const waited = (): number => workers.reduce((sum, worker) => sum + (machine.waitedMs(worker) ?? 0), 0);
  /** At the last look, if the event loop was busy then. */
  let before: number | undefined;
  let pausing: Cancel | undefined;
  clock.every(lookMs, () => {
    const now = machine.busy() > busyShare ? waited() : undefined;
    const starved = now !== undefined && before !== undefined && now - before > starvedMs;
    before = now;
    if (starved) pausing ??= clock.every(periodMs, () => machine.pause(pauseMs));
    else {
      pausing?.();
      pausing = undefined;
    }
  });
  return undefined;
}
