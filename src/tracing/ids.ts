import { randomFillSync } from 'node:crypto';

/** Value of a hexadecimal digit by its byte: lower case 0 to 15, upper case the same plus UPPER, everything else NO_DIGIT. */
export const DIGITS: Uint8Array = new Uint8Array(256).fill(0xff);
export const UPPER = 0x10;
export const NO_DIGIT = 0xff;
const hex = Buffer.from('0123456789abcdef', 'latin1');
for (let value = 0; value < 16; value++) {
  DIGITS[hex[value]!] = value;
  if (value > 9) DIGITS[hex[value]! - 0x20] = value | UPPER;
}

const pool = Buffer.allocUnsafeSlow(4096);
let used = pool.length;

/** Writes `bytes` random bytes into `into` as lower-case digits from `at` on: never all zeros, which is no id. */
export function writeRandomId(into: Buffer, at: number, bytes: number): void {
  if (used + bytes > pool.length) {
    randomFillSync(pool);
    used = 0;
  }
  let any = 0;
  for (let i = 0; i < bytes; i++) {
    const byte = pool[used++]!;
    any |= byte;
    into[at + 2 * i] = hex[byte >> 4]!;
    into[at + 2 * i + 1] = hex[byte & 15]!;
  }
  if (any === 0) into[at] = hex[1]!;
}

/**
 * Copies `length` hexadecimal digits from `bytes` at `start`, in lower case, to `into` at `to`. False when one is no digit (or is
 * upper case where that is not allowed) or when all are zeros; what has been copied by then is no id.
 */
export function copyId(
  bytes: Uint8Array,
  start: number,
  length: number,
  into: Buffer,
  to: number,
  allowUpper: boolean,
): boolean {
  let any = 0;
  for (let i = 0; i < length; i++) {
    const digit = DIGITS[bytes[start + i]!]!;
    if (digit === NO_DIGIT || (digit >= UPPER && !allowUpper)) return false;
    any |= digit & 15;
    into[to + i] = hex[digit & 15]!;
  }
  return any !== 0;
}
