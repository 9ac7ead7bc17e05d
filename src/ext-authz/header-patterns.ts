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

/** What says how a message is carried, to whom, or who sent it: no authorizer sets it, and it is told no authorizer's client. */
const ofTheConnection = new Set([
  'connection',
  'content-length',
  'expect',
  'host',
  'keep-alive',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'x-forwarded-client-cert',
]);

/** Whether a header may be set in a message: its name a token, its value without control characters, none of the connection's. */
export function maySet(lower: string, value: string): boolean {
  return (
    !ofTheConnection.has(lower) &&
    /^[!#$%&'*+.^_`|~0-9a-z-]+$/.test(lower) &&
    /^[\t\x20-\x7e\x80-\xff]*$/.test(value)
  );
}
