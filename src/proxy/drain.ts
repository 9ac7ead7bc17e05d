import type { Clock } from '../time/index.ts';
import type { UnderWay } from './under-way.ts';

/** What draining looks at. */
export interface DrainSubject {
  /** Exchanges and connections that are under way. */
  busy(): Pick<UnderWay, 'exchanges' | 'outbound'>;
  /** Whether the app still runs; undefined when that cannot be known (a proxy that shares its network with others). */
  appIsPresent(): boolean | undefined;
}

const lookEveryMs = 100;
/** The app must have been gone, and nothing under way, for this long. */
const quietMs = 500;
/** Without a view of the app: at most this long. */
const blindLimitMs = 30_000;

/**
 * Waits until a proxy that was told to stop may go: its app is gone and nothing is under way. There is no limit but the pod's
 * own grace period, whose end the kubelet enforces; so nobody has another knob to turn. `atLeastMs`: not before, because whoever
 * sends connections here has to notice first.
 */
export function drained(subject: DrainSubject, clock: Clock, atLeastMs = 0): Promise<void> {
  return new Promise(resolve => {
    const startMs = clock.monotonic();
    let quietSinceMs: number | undefined;
    const stop = clock.every(lookEveryMs, () => {
      const nowMs = clock.monotonic();
      const { exchanges, outbound } = subject.busy();
      const present = subject.appIsPresent();
      const quiet = exchanges === 0 && (present === undefined ? outbound === 0 : !present);
      if (!quiet) quietSinceMs = undefined;
      else quietSinceMs ??= nowMs;
      const blindTooLong = present === undefined && nowMs - startMs >= blindLimitMs;
      if (nowMs - startMs < atLeastMs) return;
      if (!blindTooLong && (quietSinceMs === undefined || nowMs - quietSinceMs < quietMs)) return;
      stop();
      resolve();
    });
  });
}
