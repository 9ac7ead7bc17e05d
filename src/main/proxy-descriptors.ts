// What a proxy tells of its file descriptors: in the log when connections are refused because there are too few, and as metrics.
import type { Exposition, Log } from '../telemetry/index.ts';
import type { Clock } from '../time/index.ts';
import { descriptorUse, watchDescriptors } from '../wire/index.ts';

/** Between two lines of the log. */
const quietMs = 10_000;

/** Says so in the log, at most every ten seconds. */
export function tellDescriptors(log: Log, clock: Clock): void {
  let saidMs = Number.NEGATIVE_INFINITY;
  watchDescriptors(() => {
    const nowMs = clock.monotonic();
    if (nowMs - saidMs < quietMs) return;
    saidMs = nowMs;
    const { limit, refused } = descriptorUse();
    log.warn(
      { limit, refused },
      'new connections are reset: half of the file descriptors are in use, and the others are for what was let in; raise the limit of open files (ulimit -n, LimitNOFILE) if it lasts',
    );
  });
}

/** The limit and how many connections it has cost, on this core. */
export function descriptorMetrics(out: Exposition): void {
  const { limit, refused } = descriptorUse();
  if (Number.isFinite(limit)) {
    out.family(
      'weft_descriptors_limit',
      'gauge',
      'How many files and connections the process may have open.',
    );
    out.sample('weft_descriptors_limit', '', limit);
  }
  out.family(
    'weft_descriptors_refused_total',
    'counter',
    'Connections that were reset because half of the file descriptors were in use.',
  );
  out.sample('weft_descriptors_refused_total', '', refused);
}
