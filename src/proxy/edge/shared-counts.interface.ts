// What a gateway's replicas count together, so that a limit is one for all of them. The edge asks; proxy/shared-counts answers.

/** One limit of one client. */
export interface RateQuestion {
  /** Unlike any other limit's and client's. */
  readonly key: string;
  readonly perSecond: number;
  /** Requests beyond the rate that are taken. */
  readonly burst: number;
}

/** What became of a request: how far beyond each rate it is, or the first that is exceeded; then none has counted it. */
export type RateAnswer = { readonly excesses: readonly number[] } | { readonly refused: number };

/** Answers of undefined: nobody could be asked, and what this replica has counted decides. */
export interface SharedCounts {
  /** False as long as nobody answers: then it costs nothing to have it. */
  readonly usable: boolean;
  /** Takes a request of all rates, or of none. */
  take(rates: readonly RateQuestion[]): Promise<RateAnswer | undefined>;
  /** Whether this replica may have `own` requests of a client under way, `max` of all replicas at most. */
  enter(key: string, own: number, max: number): Promise<boolean | undefined>;
  /** It has so many now. */
  left(key: string, own: number): void;
}
