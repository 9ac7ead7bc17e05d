import type { TokenClaims } from './claims.ts';

/** Bounds of a cache; a token costs about three times its bytes with what it says. */
const maxTokens = 1024;
const maxBytes = 2 * 1024 * 1024;

/** A token that was verified. */
export interface KnownToken {
  readonly claims: TokenClaims;
  /** Seconds since the epoch, with what clocks may differ by. */
  readonly untilSeconds: number;
}

/**
 * Tokens of one rule that were verified, by all of their bytes, so that a token costs a verification once and not with every
 * request. Only good ones: who sends bad ones cannot push these out. The one that was verified longest ago goes first.
 */
export class TokenCache {
  readonly #entries = new Map<string, KnownToken>();
  #bytes = 0;

  get size(): number {
    return this.#entries.size;
  }

  get(token: string, nowSeconds: number): KnownToken | undefined {
    const entry = this.#entries.get(token);
    if (entry === undefined) return undefined;
    if (nowSeconds > entry.untilSeconds) {
      this.#drop(token);
      return undefined;
    }
    return entry;
  }

  put(token: string, claims: TokenClaims, untilSeconds: number): void {
    if (this.#entries.has(token)) this.#drop(token);
    this.#entries.set(token, { claims, untilSeconds });
    this.#bytes += token.length * 3;
    while (this.#entries.size > maxTokens || this.#bytes > maxBytes) {
      const { value: oldest } = this.#entries.keys().next();
      this.#drop(oldest!);
    }
  }

  clear(): void {
    this.#entries.clear();
    this.#bytes = 0;
  }

  #drop(token: string): void {
    if (this.#entries.delete(token)) this.#bytes -= token.length * 3;
  }
}
