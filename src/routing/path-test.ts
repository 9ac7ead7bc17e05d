import type { PathMatch } from '../model/index.ts';
import { type CompiledPattern, compilePattern, literalPrefix } from './pattern.ts';
import type { RequestParts } from './request-parts.ts';
import { equalsLower, lowerAscii } from './text-test.ts';

const SLASH = 0x2f;

/**
 * A PathMatch that reads bytes. Paths are compared as they were sent: percent signs, dots and doubled slashes stay what they are.
 */
export class PathTest {
  readonly kind: PathMatch['kind'];
  /**
   * What the path must equal or begin with; for `segments` without a slash at its end, for `regex` what can be told of its
   * beginning.
   */
  readonly value: Buffer;
  readonly ignoreCase: boolean;
  readonly #pattern: CompiledPattern | undefined;

  /** Throws the WeftError of a bad pattern. */
  constructor(match: PathMatch) {
    this.kind = match.kind;
    this.ignoreCase = match.ignoreCase === true;
    const value = match.kind === 'segments' ? match.value.replace(/\/+$/, '') : match.value;
    const literal = match.kind === 'regex' ? literalPrefix(value) : value;
    this.value = Buffer.from(this.ignoreCase ? lowerAscii(literal) : literal, 'utf8');
    this.#pattern = match.kind === 'regex' ? compilePattern(value, this.ignoreCase) : undefined;
  }

  test(parts: RequestParts): boolean {
    const { pathBytes: bytes, pathStart: start, pathEnd: end } = parts;
    const { value, kind } = this;
    const left = end - start - value.length;
    if (left < 0 || (kind === 'exact' && left !== 0)) return false;
    if (this.ignoreCase ? !equalsLower(bytes, start, value) : !equals(bytes, start, value)) return false;
    if (kind === 'segments') return left === 0 || bytes[start + value.length] === SLASH;
    return this.#pattern === undefined || this.#pattern.matches(bytes.toString('latin1', start, end));
  }
}

function equals(bytes: Uint8Array, start: number, value: Uint8Array): boolean {
  for (let i = 0; i < value.length; i++) if (bytes[start + i] !== value[i]) return false;
  return true;
}
