/** How long connections of HTTP/2 from clients last, and their streams once they are to go. Milliseconds. */
export interface ConnectionLives {
  /** After which a client is asked to connect anew (GOAWAY); 0: never. */
  readonly maxAgeMs: number;
  /** What streams have after that before they end; 0: as long as they like. */
  readonly maxAgeGraceMs: number;
  /** What streams have once the proxy drains. */
  readonly drainMs: number;
  /** The ends of streams are spread over so long. */
  readonly spreadMs: number;
}

/**
 * Draining leaves half of a pod's usual grace period (30 s) to streams, and what follows to the app: one that waits for its
 * streams to end, as servers of gRPC do, is otherwise killed with all of them at once.
 */
export const DEFAULT_LIVES: ConnectionLives = {
  maxAgeMs: 0,
  maxAgeGraceMs: 0,
  drainMs: 15_000,
  spreadMs: 5_000,
};
