// When a certificate is renewed and how failed attempts are repeated, as pure functions of its life. Everything is a share of
// the life, so that certificates of a few seconds behave as those of a day do.

/** Without a certificate nothing works: try often. */
const firstRetryMs = 250;
const longestRetryMs = 5_000;
/** With one there is time. */
const calmRetryMs = 1_000;
const longestCalmRetryMs = 60_000;
const shortestRetryMs = 100;
const longestAttemptMs = 10_000;
const shortestAttemptMs = 500;

/**
 * How long after it came a certificate is renewed: half its life, less up to a tenth of its life at random, so that proxies
 * which started together do not come back together and at least half the life is left for an authority that is away.
 * `random` is in [0, 1).
 */
export function renewAfter(lifeMs: number, random: number): number {
  return lifeMs * (0.5 - 0.1 * random);
}

/**
 * How long to wait after the `failures`th failure in a row: doubling from one second to a twenty-fourth of the life (at most a
 * minute) or an eighth of what is left of it, whichever is less, of which a random half. `lifeMs` undefined: there is no
 * certificate, or it has run out.
 */
export function retryAfter(
  failures: number,
  lifeMs: number | undefined,
  leftMs: number | undefined,
  random: number,
): number {
  const longest =
    lifeMs === undefined || leftMs === undefined
      ? longestRetryMs
      : Math.min(longestCalmRetryMs, Math.max(shortestRetryMs, Math.min(lifeMs / 24, leftMs / 8)));
  const first = Math.min(lifeMs === undefined ? firstRetryMs : calmRetryMs, longest);
  return Math.min(longest, first * 2 ** Math.min(failures - 1, 16)) * (0.5 + 0.5 * random);
}

/**
 * How long one attempt may take before it counts as failed: ten seconds, or an eighth of what is left of the certificate's life,
 * so that an authority which hangs and comes back shortly before the end is still asked in time. After an attempt that was too
 * short it is half of what is left: where a machine is starved an answer may take longer than any small share, and limits that
 * only shrink would cut off every one of them until the certificate has run out.
 */
export function attemptLimit(leftMs: number | undefined, wasTooShort = false): number {
  if (leftMs === undefined) return longestAttemptMs;
  return Math.min(longestAttemptMs, Math.max(shortestAttemptMs, leftMs / (wasTooShort ? 2 : 8)));
}
