/** Clocks that differ by more than this are warned of; certificates tolerate about five minutes. */
export const MAX_QUIET_SKEW_MS = 120_000;

/**
 * The warning about two clocks that differ by more than two minutes, naming whose and by how much; undefined when all is well.
 * `aheadMs` is how far `who`'s clock is ahead of `whom`'s, negative when it is behind.
 */
export function clockSkewWarning(who: string, whom: string, aheadMs: number): string | undefined {
  const bySeconds = Math.round(Math.abs(aheadMs) / 1000);
  if (Math.abs(aheadMs) <= MAX_QUIET_SKEW_MS) return undefined;
  return (
    `the clock of ${who} is ${Math.floor(bySeconds / 60)} min ${bySeconds % 60} s ${aheadMs > 0 ? 'ahead of' : 'behind'} ` +
    `that of ${whom}; beyond 5 minutes certificates will be refused: synchronise the clocks of both machines (NTP)`
  );
}
