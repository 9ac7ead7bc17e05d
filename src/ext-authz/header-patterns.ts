import { UNTOUCHABLE_HEADERS } from '../model/index.ts';

/** Names of headers as Istio's providers have them: exact, `prefix*`, `*suffix` or `*`, in lower case. */
export class HeaderPatterns {
  readonly #exact = new Set<string>();
  readonly #prefixes: string[] = [];
  readonly #suffixes: string[] = [];

  constructor(patterns: readonly string[]) {
    for (const pattern of patterns) {
      if (pattern.endsWith('*')) this.#prefixes.push(pattern.slice(0, -1));
      else if (pattern.startsWith('*')) this.#suffixes.push(pattern.slice(1));
      else this.#exact.add(pattern);
    }
  }

  /** `lower`: in lower case. */
  has(lower: string): boolean {
    return (
      this.#exact.has(lower) ||
      this.#prefixes.some(each => lower.startsWith(each)) ||
      this.#suffixes.some(each => lower.endsWith(each))
    );
  }
}

/**
 * Whether an authorizer may set a header, or be told of it: its name a token, its value without control characters. What says how
 * a message is carried, to whom, or who sent it, nobody but proxies sets.
 */
export function maySet(lower: string, value: string): boolean {
  return (
    !UNTOUCHABLE_HEADERS.has(lower) &&
    lower !== 'host' &&
    /^[!#$%&'*+.^_`|~0-9a-z-]+$/.test(lower) &&
    /^[\t\x20-\x7e\x80-\xff]*$/.test(value)
  );
}
