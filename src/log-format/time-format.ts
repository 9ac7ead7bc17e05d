/** A piece of a time: its text, given the moment in milliseconds since the epoch. */
type Part = (date: Date, ms: number) => string;

const days = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday'];
const months = [
  'January',
  'February',
  'March',
  'April',
  'May',
  'June',
  'July',
  'August',
  'September',
  'October',
  'November',
  'December',
];

const two = (value: number): string => String(value).padStart(2, '0');
const three = (value: number): string => String(value).padStart(3, '0');
const padded = (value: number): string => String(value).padStart(2, ' ');

/** Of strftime(3), in UTC; local time is UTC in every container that nobody set another in. */
const parts: Readonly<Record<string, Part>> = {
  Y: date => String(date.getUTCFullYear()),
  y: date => two(date.getUTCFullYear() % 100),
  m: date => two(date.getUTCMonth() + 1),
  d: date => two(date.getUTCDate()),
  e: date => padded(date.getUTCDate()),
  H: date => two(date.getUTCHours()),
  I: date => two(date.getUTCHours() % 12 || 12),
  M: date => two(date.getUTCMinutes()),
  S: date => two(date.getUTCSeconds()),
  p: date => (date.getUTCHours() < 12 ? 'AM' : 'PM'),
  a: date => days[date.getUTCDay()]!.slice(0, 3),
  A: date => days[date.getUTCDay()]!,
  b: date => months[date.getUTCMonth()]!.slice(0, 3),
  B: date => months[date.getUTCMonth()]!,
  j: date => three(1 + Math.floor((date.getTime() - Date.UTC(date.getUTCFullYear(), 0, 1)) / 86_400_000)),
  F: date => date.toISOString().slice(0, 10),
  T: date => date.toISOString().slice(11, 19),
  D: date => `${parts.m!(date, 0)}/${parts.d!(date, 0)}/${parts.y!(date, 0)}`,
  R: date => date.toISOString().slice(11, 16),
  z: () => '+0000',
  Z: () => 'UTC',
  s: date => String(Math.floor(date.getTime() / 1000)),
  '%': () => '%',
  n: () => '\n',
  t: () => '\t',
};

/** A strftime format with Envoy's additions: `%3f` (`%1f` to `%9f`, `%f`) for fractions of a second, `%E3S` seconds with them. */
export class TimeFormat {
  readonly #parts: readonly (string | Part)[];

  private constructor(pieces: readonly (string | Part)[]) {
    this.#parts = pieces;
  }

  /** '' for ISO 8601 with milliseconds. Throws an Error for a specifier that is not known. */
  static of(format: string): TimeFormat {
    if (format === '') return new TimeFormat([date => date.toISOString()]);
    const pieces: (string | Part)[] = [];
    for (const [whole, specifier] of format.matchAll(/%(E[0-9*]S|[0-9*]?f|.)|[^%]+|%$/gs)) {
      if (specifier === undefined) pieces.push(whole);
      else pieces.push(partOf(specifier));
    }
    return new TimeFormat(pieces);
  }

  /** `ms`: since the epoch; its fraction counts. */
  text(ms: number): string {
    const date = new Date(ms);
    let text = '';
    for (const each of this.#parts) text += typeof each === 'string' ? each : each(date, ms);
    return text;
  }
}

function partOf(specifier: string): Part {
  const fraction = /^([0-9*]?)f$/.exec(specifier);
  if (fraction) return fractionOf(fraction[1]!);
  const seconds = /^E([0-9*])S$/.exec(specifier);
  if (seconds) {
    const behind = fractionOf(seconds[1]!);
    return (date, ms) => `${two(date.getUTCSeconds())}.${behind(date, ms)}`;
  }
  const part = parts[specifier];
  if (part === undefined) throw new Error(`%${specifier} is none of strftime's that are known here`);
  return part;
}

/** Digits of the fraction: nine unless told; of `*` as many as a millisecond has. */
function fractionOf(width: string): Part {
  const digits = width === '' ? 9 : width === '*' ? 3 : Number(width);
  return (_, ms) => {
    const nanos = Math.floor((ms - Math.floor(ms / 1000) * 1000) * 1e6);
    return String(nanos).padStart(9, '0').slice(0, digits);
  };
}

const iso = TimeFormat.of('');

/** `2026-01-02T03:04:05.678Z` */
export function formatTime(ms: number): string {
  return iso.text(ms);
}
