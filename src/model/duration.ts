const unitMs: Record<string, number> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
};
const whole = /^(\d+(\.\d+)?(ns|us|µs|ms|s|m|h))+$/;
const part = /(\d+(?:\.\d+)?)(ns|us|µs|ms|s|m|h)/g;

/** Go counts nanoseconds in 63 bits: some 292 years. What is more is no duration there either. */
const mostMs = 2 ** 63 / 1e6;

/** Milliseconds of a Go duration (`1.5s`, `1h30m`, `300ms`, `0`), as Kubernetes objects write them; undefined if it is none. */
export function parseDurationMs(text: string): number | undefined {
  if (text === '0') return 0;
  if (!whole.test(text)) return undefined;
  let sumMs = 0;
  for (const [, number, unit] of text.matchAll(part)) sumMs += Number(number) * unitMs[unit!]!;
  return sumMs < mostMs ? sumMs : undefined;
}
