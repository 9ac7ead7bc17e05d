import type { RunningCluster } from '../../cluster/index.ts';
import { isGrpcCondition, type RetryCondition, type RetryPolicy } from '../../model/index.ts';
import type { NoRetry } from '../observation/try-record.ts';
import type { RequestSoFar } from './request-so-far.ts';

/**
 * Whether a request may be tried once more: what its policy wants, what is safe, and what the cluster's budget has left. One
 * object serves the requests of a connection, one after the other.
 */
export class RetryPermits {
  /** Whether the last one would have been given, had there been tries left. */
  outOfRetries = false;
  /** Why the last one was not given. */
  refusal: NoRetry = '';
  readonly #request: RequestSoFar;

  constructor(request: RequestSoFar) {
    this.#request = request;
  }

  /**
   * Asks for one more try; one that is given is charged. `untouched`: no byte of the request reached the application. `attempts`:
   * tries so far. `owned`: it goes over a connection that is the client's own.
   */
  ask(
    policy: RetryPolicy,
    cluster: RunningCluster,
    condition: RetryCondition | 'status',
    untouched: boolean,
    attempts: number,
    owned: boolean,
  ): boolean {
    const request = this.#request;
    if (owned) return this.refuse('login');
    if (condition !== 'status' && !policy.on.includes(condition)) return this.refuse('not-wanted');
    // Every gRPC call is a POST: who names its statuses wants it repeated.
    const wanted = policy.nonIdempotent || isGrpcCondition(condition);
    if (!untouched && !wanted && !request.idempotent) return this.refuse('not-idempotent');
    if (!request.repeatable) return this.refuse('not-kept');
    if (attempts > policy.attempts) {
      this.outOfRetries = policy.attempts > 0;
      return this.refuse(this.outOfRetries ? 'no-tries-left' : 'not-wanted');
    }
    if (!cluster.budget.tryRetry()) return this.refuse('budget');
    cluster.retries++;
    return true;
  }

  /** Ready for the next request. */
  clear(): void {
    this.outOfRetries = false;
    this.refusal = '';
  }

  /** Says no, and why. */
  refuse(why: NoRetry): false {
    this.refusal = why;
    return false;
  }
}
