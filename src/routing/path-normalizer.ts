import { type Head, METHOD } from '../http/index.ts';
import { DEFAULT_PATH_NORMALIZATION, PATH_NORMALIZATIONS, type PathNormalization } from '../model/index.ts';
import { pathStartOf } from './request-parts.ts';

const SLASH = 0x2f;
const BACKSLASH = 0x5c;
const PERCENT = 0x25;
const QUESTION = 0x3f;
const DOT = 0x2e;

/** What a byte of a path may ask for: nothing, the end of the path, work, or work where a slash stands before it. */
const IS = { PLAIN: 0, END: 1, TROUBLE: 2, TROUBLE_AFTER_SLASH: 3 } as const;

/** The value of a hexadecimal digit, 16 for every other byte. */
const HEX = new Uint8Array(256).fill(16);
for (const digit of '0123456789abcdefABCDEF') HEX[digit.charCodeAt(0)] = Number.parseInt(digit, 16);

/**
 * The one step that gives every spelling of a path the same bytes, before rules look at it and before it goes upstream, so that
 * nobody walks around a rule with `/public/../admin` or `/%61dmin`. Works in place and allocates nothing; a path that is normal
 * already is only read.
 *
 * Follows Istio's golden table (tests/integration/security/normalization_test.go), with two differences. Bytes above 0x7f stay as
 * they are, where Envoy escapes them. An escape stays where it would complete another one (`%%32e`), so that normalising twice
 * changes nothing more: the caller's proxy, the server's proxy and whoever comes after them see the same path.
 */
export class PathNormalizer {
  readonly #kinds: Uint8Array | undefined;
  /** Which bytes are not left escaped. */
  readonly #unescaped = new Uint8Array(256);
  readonly #mergeSlashes: boolean;

  /** The one for a mode; a mode that this version does not know is the default. */
  static of(mode: PathNormalization = DEFAULT_PATH_NORMALIZATION): PathNormalizer {
    return normalizers.get(mode) ?? normalizers.get(DEFAULT_PATH_NORMALIZATION)!;
  }

  constructor(mode: PathNormalization) {
    this.#mergeSlashes = mode === 'MERGE_SLASHES' || mode === 'DECODE_AND_MERGE_SLASHES';
    for (let code = 0; code < 128; code++)
      if (/[\w.~-]/.test(String.fromCharCode(code))) this.#unescaped[code] = 1;
    if (mode === 'DECODE_AND_MERGE_SLASHES') {
      this.#unescaped[SLASH] = 1;
      this.#unescaped[BACKSLASH] = 1;
    }
    if (mode === 'NONE') return;
    const kinds = new Uint8Array(256);
    kinds[QUESTION] = IS.END;
    kinds[PERCENT] = IS.TROUBLE;
    kinds[BACKSLASH] = IS.TROUBLE;
    kinds[DOT] = IS.TROUBLE_AFTER_SLASH;
    if (this.#mergeSlashes) kinds[SLASH] = IS.TROUBLE_AFTER_SLASH;
    this.#kinds = kinds;
  }

  /**
   * Normalises the path of a request in `head.bytes`, which must be the head's own (Head.retain); query, authority, `*` and the
   * target of CONNECT stay as they are. False for a path with `%00`, which no rule may be asked about: readers end there, or do
   * not.
   */
  normalize(head: Head): boolean {
    const kinds = this.#kinds;
    if (kinds === undefined || head.method === METHOD.CONNECT) return true;
    const { bytes, targetEnd } = head;
    const start = pathStartOf(head);
    if (start === targetEnd || bytes[start] !== SLASH) return true;
    const at = this.#firstTrouble(kinds, bytes, start, targetEnd);
    if (at === targetEnd || bytes[at] === QUESTION) return true;
    let end = at;
    while (end < targetEnd && bytes[end] !== QUESTION) end++;
    const newEnd = this.#rewrite(bytes, start, end);
    if (newEnd < 0) return false;
    if (newEnd === end) return true;
    bytes.copyWithin(newEnd, end, targetEnd);
    head.targetEnd = newEnd + targetEnd - end;
    return true;
  }

  /**
   * The same for a target that begins with a slash and that a route has made; undefined for one with `%00`. May change `target`.
   */
  normalizeTarget(target: Buffer): Buffer | undefined {
    const kinds = this.#kinds;
    if (kinds === undefined || target[0] !== SLASH) return target;
    const at = this.#firstTrouble(kinds, target, 0, target.length);
    if (at === target.length || target[at] === QUESTION) return target;
    const question = target.indexOf(QUESTION, at);
    const end = question < 0 ? target.length : question;
    const newEnd = this.#rewrite(target, 0, end);
    if (newEnd < 0) return undefined;
    target.copyWithin(newEnd, end);
    return target.subarray(0, newEnd + target.length - end);
  }

  /** The offset of the first byte that asks for work, or of the path's end. */
  #firstTrouble(kinds: Uint8Array, bytes: Uint8Array, start: number, end: number): number {
    let at = start + 1;
    for (; at < end; at++) {
      const kind = kinds[bytes[at]!]!;
      if (kind === IS.PLAIN || (kind === IS.TROUBLE_AFTER_SLASH && bytes[at - 1] !== SLASH)) continue;
      return at;
    }
    return at;
  }

  /**
   * Writes the normal form of `bytes[start, end)`, which begins with a slash, over it; the new end, or -1 for `%00`. It never
   * grows.
   */
  #rewrite(bytes: Uint8Array, start: number, end: number): number {
    let to = start + 1;
    /** Where the segment begins that is being written. */
    let segment = to;
    /** How much of an escape the last bytes could be that were written and are none: `%` is 1, `%` and a hexadecimal digit 2. */
    let loose = 0;
    for (let from = start + 1; from < end; ) {
      let code = bytes[from]!;
      if (code === PERCENT) {
        const escaped = escapedByte(bytes, from, end);
        if (escaped === 0) return -1;
        if (escaped > 0 && (this.#unescaped[escaped] === 0 || (loose > 0 && HEX[escaped]! < 16))) {
          bytes.copyWithin(to, from, from + 3);
          to += 3;
          from += 3;
          loose = 0;
          continue;
        }
        if (escaped > 0) {
          code = escaped;
          from += 2;
        }
        loose = escaped > 0 ? 0 : 1;
      } else loose = loose === 1 && HEX[code]! < 16 ? 2 : 0;
      from++;
      if (code !== SLASH && code !== BACKSLASH) {
        bytes[to++] = code;
        continue;
      }
      const kept = withoutDots(bytes, start, segment, to);
      if (kept === to) bytes[to++] = SLASH;
      else to = kept;
      segment = to;
    }
    to = withoutDots(bytes, start, segment, to);
    return this.#mergeSlashes ? mergeSlashes(bytes, start, to) : to;
  }
}

const normalizers = new Map(PATH_NORMALIZATIONS.map(mode => [mode, new PathNormalizer(mode)]));

/** The byte that the escape at `at` stands for; -1 when it is none. */
function escapedByte(bytes: Uint8Array, at: number, end: number): number {
  if (at + 2 >= end) return -1;
  const high = HEX[bytes[at + 1]!]!;
  const low = HEX[bytes[at + 2]!]!;
  return high < 16 && low < 16 ? high * 16 + low : -1;
}

/**
 * What stays of a path that ends with `bytes[segment, end)`: all of it, or for `.` and `..` what is before them (RFC 3986 section
 * 5.2.4).
 */
function withoutDots(bytes: Uint8Array, start: number, segment: number, end: number): number {
  const length = end - segment;
  if (length === 0 || length > 2 || bytes[segment] !== DOT || bytes[end - 1] !== DOT) return end;
  if (length === 1) return segment;
  let at = segment - 1;
  while (at > start && bytes[at - 1] !== SLASH) at--;
  return Math.max(at, start + 1);
}

function mergeSlashes(bytes: Uint8Array, start: number, end: number): number {
  let to = start + 1;
  for (let from = start + 1; from < end; from++) {
    if (bytes[from] !== SLASH || bytes[to - 1] !== SLASH) bytes[to++] = bytes[from]!;
  }
  return to;
}
