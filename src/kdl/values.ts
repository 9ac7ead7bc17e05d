import type { KdlScalar } from './document.ts';

/** What a checked value is for those who read it. */
export type CheckedValue = string | number | boolean;

/** A type of values: which it takes, in words, and what it makes of one. */
export interface ValueType {
  /** `a whole number`: for "weight is \"x\"; it takes a whole number". */
  readonly words: string;
  /** Undefined for a value that it does not take. */
  read(value: KdlScalar): CheckedValue | undefined;
}

/** Any text; numbers are texts too, so that nobody has to quote `404`. */
export const text: ValueType = {
  words: 'a text',
  read: value => (typeof value === 'number' ? String(value) : typeof value === 'string' ? value : undefined),
};

export const flag: ValueType = {
  words: '#true or #false',
  read: value => (typeof value === 'boolean' ? value : undefined),
};

/** A whole number, written as a number or as a text of digits. */
export function whole(least = 0, most = Number.MAX_SAFE_INTEGER): ValueType {
  const range = most === Number.MAX_SAFE_INTEGER ? `from ${least}` : `${least} to ${most}`;
  return {
    words: `a whole number, ${range}`,
    read: value => {
      const number = typeof value === 'string' && /^\d+$/.test(value) ? Number(value) : value;
      if (typeof number !== 'number' || !Number.isSafeInteger(number)) return undefined;
      return number >= least && number <= most ? number : undefined;
    },
  };
}

/** Any number in the range. */
export function number(least: number, most: number): ValueType {
  return {
    words: `a number, ${least} to ${most}`,
    read: value => (typeof value === 'number' && value >= least && value <= most ? value : undefined),
  };
}

const unitsMs: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** `100ms`, `1.5s`, `2m` → milliseconds. */
function durationMs(value: string): number | undefined {
  const [, digits, unit] = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/.exec(value.trim()) ?? [];
  return digits === undefined ? undefined : Number(digits) * unitsMs[unit!]!;
}

/** Seconds, at least `least`; or a text with a unit. Read as milliseconds. */
export function seconds(least = 0): ValueType {
  return {
    words: `seconds, from ${least}, or a text such as "500ms" or "2m"`,
    read: value => {
      const ms =
        typeof value === 'string' ? durationMs(value) : typeof value === 'number' ? value * 1_000 : undefined;
      return ms !== undefined && Number.isFinite(ms) && ms >= least * 1_000 ? ms : undefined;
    },
  };
}

/** A text with a unit, or a number of milliseconds. Read as milliseconds. */
export const duration: ValueType = {
  words: 'a duration such as "100ms" or "2s"',
  read: value => {
    if (typeof value === 'number') return Number.isFinite(value) && value >= 0 ? value : undefined;
    return typeof value === 'string' ? durationMs(value) : undefined;
  },
};

const unitBytes: Readonly<Record<string, number>> = { '': 1, b: 1, kb: 1 << 10, mb: 1 << 20, gb: 1 << 30 };

/** `10MB` or a number of bytes; a KB is 1,024 bytes. */
export const bytes: ValueType = {
  words: 'bytes, as a number or a text such as "10MB"',
  read: value => {
    if (typeof value === 'number') return Number.isSafeInteger(value) && value >= 0 ? value : undefined;
    const [, digits, unit] =
      /^(\d+)\s*([kmg]?b?)$/i.exec(typeof value === 'string' ? value.trim() : '') ?? [];
    const factor = unitBytes[(unit ?? '').toLowerCase().replace(/^([kmg])$/, '$1b')];
    return digits === undefined || factor === undefined ? undefined : Number(digits) * factor;
  },
};

/** One of several words. */
export function oneOf(...words: readonly string[]): ValueType {
  return {
    words: words.length === 1 ? words[0]! : `${words.slice(0, -1).join(', ')} or ${words.at(-1)}`,
    read: value => (typeof value === 'string' && words.includes(value) ? value : undefined),
  };
}

/** A text that has a shape. */
export function shaped(words: string, shape: RegExp): ValueType {
  return { words, read: value => (typeof value === 'string' && shape.test(value) ? value : undefined) };
}
