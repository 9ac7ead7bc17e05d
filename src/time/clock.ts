import { internalError } from '../errors/index.ts';

/** Cancels what was scheduled; calling it again, or after it ran, does nothing. */
export type Cancel = () => void;

/** The time as the rest of Weft sees it. */
export interface Clock {
  /** Milliseconds since the Unix epoch. */
  now(): number;
  /** Milliseconds that never go back, with a fraction; for durations. */
  monotonic(): number;
  /** Calls `run` once after `delayMs` (at least 0) milliseconds. Never keeps the process alive by itself. */
  after(delayMs: number, run: () => void): Cancel;
  /** Calls `run` every `periodMs` milliseconds until cancelled. Never keeps the process alive by itself. */
  every(periodMs: number, run: () => void): Cancel;
}

/** setTimeout refuses more than 2^31-1 ms; longer waits are cut into pieces. */
const longestTimerMs = 0x7fff_ffff;

/** What is done every so often goes on being done. */
function runSafely(run: () => void): void {
  try {
    run();
  } catch (thrown) {
    internalError('clock', thrown);
  }
}

/** The machine's own clock and timers. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after(delayMs, run) {
    let timer: NodeJS.Timeout;
    const wait = (leftMs: number): void => {
      const pieceMs = Math.min(Math.max(leftMs, 0), longestTimerMs);
      timer = setTimeout(() => (leftMs > pieceMs ? wait(leftMs - pieceMs) : runSafely(run)), pieceMs);
      timer.unref();
    };
    wait(delayMs);
    return () => clearTimeout(timer);
  },
  every(periodMs, run) {
    const timer = setInterval(() => runSafely(run), periodMs);
    timer.unref();
    return () => clearInterval(timer);
  },
};
