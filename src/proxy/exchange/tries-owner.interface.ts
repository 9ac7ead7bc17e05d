import type { Flag } from '../../errors/index.ts';
import type { ClientStreamHandler } from '../../http/index.ts';

/**
 * What is to be done with the head of an answer. `TRY_AGAIN`: nothing, the request goes out once more. `HOLD`: it is kept until
 * more has come; see Tries.judgeEnd.
 */
export const VERDICT = { TAKE: 0, TRY_AGAIN: 1, HOLD: 2 } as const;

/**
 * Whose tries they are. It hears what comes from the upstream of the try that counts, and asks `judge` what to do with its
 * answer.
 */
export interface TriesOwner extends ClientStreamHandler {
  /** There is no further try. `untouched`: the upstream has not seen a byte of the request. */
  onTriesFailed(flag: Flag, detail: string, untouched: boolean): void;
  /** A connection to an upstream that is the client's own is gone, or will be with this answer. */
  onLoginLost(): void;
}
