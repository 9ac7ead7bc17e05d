/** What became of a request: 2xx, another status, or no answer. */
export type Outcome = 'ok' | 'not-ok' | 'failed';

/** Connections to one place, all open, that requests without a body go by. */
export interface LoadClient {
  /** Sends one if a connection has room for it. `fromMs`: when its clock began to run. */
  send(fromMs: number): boolean;
  close(): void;
}

/** Is told of the end of each request, after which there may be room for another. */
export type Ended = (fromMs: number, outcome: Outcome) => void;
