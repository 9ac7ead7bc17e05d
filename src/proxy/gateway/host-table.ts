/** What belongs to hosts, by pattern: the very host, else the narrowest wildcard, else what is for all. */
export class HostTable<T> {
  readonly #exact = new Map<string, T>();
  /** By `.example.com`. */
  readonly #wild = new Map<string, T>();
  readonly #all: T | undefined;

  /** `entries`: of two for one pattern the first counts. Patterns are hosts, `*.example.com` and `*`, lower case. */
  constructor(entries: readonly (readonly [pattern: string, value: T])[]) {
    let all: T | undefined;
    for (const [pattern, value] of entries) {
      if (pattern === '*') all ??= value;
      else if (!pattern.startsWith('*.')) addFirst(this.#exact, pattern, value);
      else addFirst(this.#wild, pattern.slice(1), value);
    }
    this.#all = all;
  }

  /** `host`: lower case, without a port. */
  find(host: string): T | undefined {
    const exact = this.#exact.get(host);
    if (exact !== undefined) return exact;
    if (this.#wild.size > 0) {
      for (let dot = host.indexOf('.'); dot >= 0; dot = host.indexOf('.', dot + 1)) {
        const wild = this.#wild.get(host.slice(dot));
        // `*.example.com` stands for at least one label.
        if (wild !== undefined && dot > 0) return wild;
      }
    }
    return this.#all;
  }
}

function addFirst<T>(map: Map<string, T>, key: string, value: T): void {
  if (!map.has(key)) map.set(key, value);
}

/** The host of an authority, as tables know it: lower case, without port and without a dot at its end. */
export function hostOf(authority: string): string {
  const bracket = authority.lastIndexOf(']');
  const colon = authority.indexOf(':', bracket + 1);
  const host = (colon < 0 ? authority : authority.slice(0, colon)).toLowerCase();
  return host.endsWith('.') ? host.slice(0, -1) : host;
}
