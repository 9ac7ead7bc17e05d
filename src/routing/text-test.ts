import type { TextMatch } from '../model/index.ts';
import { type CompiledPattern, compilePattern } from './pattern.ts';

/** A TextMatch that reads bytes. Allocates only for regexes, which take text. */
export class TextTest {
  readonly kind: TextMatch['kind'];
  readonly value: Buffer;
  readonly ignoreCase: boolean;
  readonly #pattern: CompiledPattern | undefined;

  /** Throws the WeftError of a bad pattern. */
  constructor(match: TextMatch) {
    this.kind = match.kind;
    this.ignoreCase = match.ignoreCase === true;
    this.value = Buffer.from(this.ignoreCase ? lowerAscii(match.value) : match.value, 'utf8');
    this.#pattern = match.kind === 'regex' ? compilePattern(match.value, this.ignoreCase) : undefined;
  }

  test(bytes: Buffer, start: number, end: number): boolean {
    const { length } = this.value;
    switch (this.kind) {
      case 'present':
        return true;
      case 'exact':
        return end - start === length && this.#equals(bytes, start);
      case 'prefix':
        return end - start >= length && this.#equals(bytes, start);
      case 'suffix':
        return end - start >= length && this.#equals(bytes, end - length);
      case 'regex':
        return this.#pattern!.matches(bytes.toString('utf8', start, end));
    }
  }

  #equals(bytes: Uint8Array, start: number): boolean {
    const { value } = this;
    if (this.ignoreCase) return equalsLower(bytes, start, value);
    for (let i = 0; i < value.length; i++) if (bytes[start + i] !== value[i]) return false;
    return true;
  }
}

/** Whether `bytes` at `start` are `lower`, ASCII letters in any case. */
export function equalsLower(bytes: Uint8Array, start: number, lower: Uint8Array): boolean {
  for (let i = 0; i < lower.length; i++) if (lowerCode(bytes[start + i]!) !== lower[i]) return false;
  return true;
}

/** The byte with ASCII capitals made small. */
export function lowerCode(code: number): number {
  return code >= 0x41 && code <= 0x5a ? code | 0x20 : code;
}

/** The text with ASCII capitals made small. */
export function lowerAscii(text: string): string {
  return text.replace(/[A-Z]+/g, capitals => capitals.toLowerCase());
}
