// Values that a test asks for, compiled: of texts that are one object for a whole connection, and of ranges of bytes.
import type { ValueMatch } from '../model/index.ts';
import { type CompiledPattern, compilePattern } from '../routing/index.ts';
import { PathTemplate } from './path-template.ts';

/** Compares texts that are kept: identities, names, claims. What is '' is not there, and is none of them. */
export class TextValues {
  readonly #exact = new Set<string>();
  readonly #prefixes: string[] = [];
  readonly #suffixes: string[] = [];
  readonly #patterns: CompiledPattern[] = [];
  #any = false;

  /** Throws the WeftError of a bad pattern. */
  constructor(values: readonly ValueMatch[]) {
    for (const { kind, value } of values) {
      if (kind === 'exact') this.#exact.add(value);
      else if (kind === 'prefix') this.#prefixes.push(value);
      else if (kind === 'suffix') this.#suffixes.push(value);
      else if (kind === 'regex') this.#patterns.push(compilePattern(value));
      else if (kind === 'present') this.#any = true;
      else throw new Error(`a ${kind} cannot be compared with a name`);
    }
  }

  has(text: string): boolean {
    if (text === '') return false;
    if (this.#any || this.#exact.has(text)) return true;
    for (let i = 0; i < this.#prefixes.length; i++) if (text.startsWith(this.#prefixes[i]!)) return true;
    for (let i = 0; i < this.#suffixes.length; i++) if (text.endsWith(this.#suffixes[i]!)) return true;
    for (let i = 0; i < this.#patterns.length; i++) if (this.#patterns[i]!.matches(text)) return true;
    return false;
  }
}

const KIND = { EXACT: 0, PREFIX: 1, SUFFIX: 2, PRESENT: 3, TEMPLATE: 4, REGEX: 5 } as const;

/** Compares one value with bytes; capitals of `ignoreCase` are ASCII's. */
class ByteValue {
  readonly #kind: number;
  readonly #value: Buffer;
  readonly #ignoreCase: boolean;
  readonly #template: PathTemplate | undefined;
  readonly #pattern: CompiledPattern | undefined;

  constructor({
    kind,
    value,
    ignoreCase = false,
  }: Pick<ValueMatch, 'kind' | 'value'> & { ignoreCase?: boolean }) {
    const kinds: Readonly<Record<string, number>> = {
      exact: KIND.EXACT,
      prefix: KIND.PREFIX,
      suffix: KIND.SUFFIX,
      present: KIND.PRESENT,
      template: KIND.TEMPLATE,
      regex: KIND.REGEX,
    };
    const known = kinds[kind];
    if (known === undefined) throw new Error(`a ${kind} cannot be compared with bytes`);
    this.#kind = known;
    this.#ignoreCase = ignoreCase;
    this.#value = Buffer.from(ignoreCase ? value.toLowerCase() : value, 'utf8');
    this.#template = kind === 'template' ? new PathTemplate(value) : undefined;
    this.#pattern = kind === 'regex' ? compilePattern(value, ignoreCase) : undefined;
  }

  has(bytes: Buffer, start: number, end: number): boolean {
    const { length } = this.#value;
    switch (this.#kind) {
      case KIND.EXACT:
        return end - start === length && this.#at(bytes, start);
      case KIND.PREFIX:
        return end - start >= length && this.#at(bytes, start);
      case KIND.SUFFIX:
        return end - start >= length && this.#at(bytes, end - length);
      case KIND.PRESENT:
        return end > start;
      case KIND.TEMPLATE:
        return this.#template!.test(bytes, start, end);
      default:
        return this.#pattern!.matches(bytes.toString('latin1', start, end));
    }
  }

  #at(bytes: Uint8Array, start: number): boolean {
    const value = this.#value;
    for (let i = 0; i < value.length; i++) {
      let code = bytes[start + i]!;
      if (this.#ignoreCase && code >= 0x41 && code <= 0x5a) code |= 0x20;
      if (code !== value[i]) return false;
    }
    return true;
  }
}

/** Compares ranges of bytes: methods, paths, values of headers. */
export class ByteValues {
  readonly #values: readonly ByteValue[];

  constructor(values: readonly ValueMatch[]) {
    this.#values = values.map(each => new ByteValue(each));
  }

  has(bytes: Buffer, start: number, end: number): boolean {
    const values = this.#values;
    for (let i = 0; i < values.length; i++) if (values[i]!.has(bytes, start, end)) return true;
    return false;
  }
}

const COLON = 0x3a;
const DOT = 0x2e;

/** One host of a rule, its port apart. */
class HostValue {
  readonly #host: ByteValue;
  /** The port that there must be, or what it begins with; undefined: whatever it is, or none. */
  readonly #port: ByteValue | undefined;
  readonly #any: boolean;

  constructor({ kind, value }: ValueMatch) {
    // The colons of an IPv6 address are inside of brackets.
    const [, name, port] = /^([^[]*|.*\][^\]]*?):(\d*)$/s.exec(value) ?? [];
    const hasPort = name !== undefined && (port !== '' || kind === 'prefix');
    this.#any = kind === 'present';
    this.#port = hasPort
      ? new ByteValue({ kind: kind === 'prefix' ? 'prefix' : 'exact', value: port! })
      : undefined;
    const host = hasPort ? name : value;
    this.#host = new ByteValue({
      kind: hasPort && kind === 'prefix' ? 'exact' : kind,
      value: kind === 'prefix' && !hasPort ? host : host.replace(/\.$/, ''),
      ignoreCase: true,
    });
  }

  /** The name is in `[start, nameEnd)`, with its dot up to `hostEnd`, and behind the colon there the port. */
  has(bytes: Buffer, start: number, nameEnd: number, hostEnd: number, end: number): boolean {
    if (this.#any) return true;
    if (this.#port !== undefined && (hostEnd + 1 >= end || !this.#port.has(bytes, hostEnd + 1, end)))
      return false;
    return this.#host.has(bytes, start, nameEnd) || this.#host.has(bytes, start, hostEnd);
  }
}

/**
 * Compares authorities: without case, without a dot at the end of the name, and with or without the port. `example.com` is
 * `EXAMPLE.com`, `example.com.` and `example.com:8080`; `example.com:8080` is that port alone.
 */
export class HostValues {
  readonly #values: readonly HostValue[];

  constructor(values: readonly ValueMatch[]) {
    this.#values = values.map(each => new HostValue(each));
  }

  has(bytes: Buffer, start: number, end: number): boolean {
    if (start === end) return false;
    const hostEnd = hostEndOf(bytes, start, end);
    const nameEnd = hostEnd > start && bytes[hostEnd - 1] === DOT ? hostEnd - 1 : hostEnd;
    const values = this.#values;
    for (let i = 0; i < values.length; i++)
      if (values[i]!.has(bytes, start, nameEnd, hostEnd, end)) return true;
    return false;
  }
}

/** The offset of the colon before the port, whatever stands for one; `end` where there is none. */
export function hostEndOf(bytes: Uint8Array, start: number, end: number): number {
  for (let at = end - 1; at >= start; at--) {
    if (bytes[at] === 0x5d) return end;
    if (bytes[at] === COLON) return at;
  }
  return end;
}
