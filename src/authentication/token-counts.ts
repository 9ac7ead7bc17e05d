import type { TokenFault } from './verify.ts';

/** What became of tokens and of fetching keys, for metrics. */
export class TokenCounts {
  /** Requests whose tokens were refused, by the reason. */
  readonly refusals = new Map<TokenFault, number>();
  readonly fetches = new Map<'ok' | 'failed', number>();
  /** Requests whose tokens were good. */
  accepted = 0;

  refused(fault: TokenFault): void {
    this.refusals.set(fault, (this.refusals.get(fault) ?? 0) + 1);
  }

  fetched(result: 'ok' | 'failed'): void {
    this.fetches.set(result, (this.fetches.get(result) ?? 0) + 1);
  }
}
