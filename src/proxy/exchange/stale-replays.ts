import type { StreamFailure } from '../../http/index.ts';
import type { CurrentTry } from './current-try.ts';
import type { RequestSoFar } from './request-so-far.ts';

/** Idle keep-alive races are repaired this often without counting as retries. */
const maxStaleReplays = 2;

/**
 * The idle keep-alive race: the upstream closed a connection that it had used before, just when we used it again. Or its peer
 * says of one of many streams that it has not looked at it. Not its failure and not a retry: the request goes out once more at
 * once, if it is certain that it was not read or if repeating it is harmless.
 */
export class StaleReplays {
  /** Of this request so far. */
  count = 0;
  readonly #request: RequestSoFar;
  readonly #current: CurrentTry;

  constructor(request: RequestSoFar, current: CurrentTry) {
    this.#request = request;
    this.#current = current;
  }

  /** Whether the request goes out once more after this; if so it is counted. */
  take({ flag, reused, unread }: StreamFailure): boolean {
    const request = this.#request;
    const { owned, connection } = this.#current;
    if (owned || flag === 'UPE' || !(reused || (unread && connection?.multiplexes === true))) return false;
    if (!unread && !request.idempotent) return false;
    if (!request.body.complete || this.count >= maxStaleReplays) return false;
    this.count++;
    return true;
  }
}
