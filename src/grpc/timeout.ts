// The deadline of a call, as its caller says it in the field `grpc-timeout`: at most eight digits and a unit
// (https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md).

/** The field's name. */
export const GRPC_TIMEOUT: Buffer = Buffer.from('grpc-timeout', 'latin1');

/** Milliseconds of each unit, the finest first. */
const units: readonly (readonly [unit: string, ms: number])[] = [
  ['n', 1e-6],
  ['u', 1e-3],
  ['m', 1],
  ['S', 1000],
  ['M', 60_000],
  ['H', 3_600_000],
];
/** The same by the byte that stands for the unit. */
const msOf: Record<number, number> = {};
for (const [unit, ms] of units) msOf[unit.charCodeAt(0)] = ms;

const maxDigits = 8;
const maxValue = 99_999_999;

/** Milliseconds of the `grpc-timeout` in `bytes[start, end)`, which may be a fraction; -1 where it is none. */
export function parseTimeout(bytes: Uint8Array, start: number, end: number): number {
  const digits = end - start - 1;
  if (digits < 1 || digits > maxDigits) return -1;
  let value = 0;
  for (let i = start; i < end - 1; i++) {
    const digit = bytes[i]! - 0x30;
    if (digit < 0 || digit > 9) return -1;
    value = value * 10 + digit;
  }
  const ms = msOf[bytes[end - 1]!];
  return ms === undefined ? -1 : value * ms;
}

/**
 * The same as text, in the finest unit from microseconds on that eight digits hold, rounded down: who is called must not believe
 * to have longer than there is. What is over is `0u`.
 */
export function formatTimeout(ms: number): string {
  for (const [unit, unitMs] of units) {
    if (unit === 'n') continue;
    const value = Math.floor(ms / unitMs);
    if (value <= maxValue) return `${Math.max(0, value)}${unit}`;
  }
  return `${maxValue}H`;
}
