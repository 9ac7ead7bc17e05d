// What happened to each try of a request, for whoever wants to explain it. Told when a try is over; where nobody asks nothing is
// made.
import type { Flag } from '../../errors/index.ts';
import type { Head } from '../../http/index.ts';

/** Why a try went where it went. */
export type TryWhy =
  /** The balancer chose, among what is left after earlier tries. */
  | 'balanced'
  /** The same, by consistent hashing of what the request is known by. */
  | 'hashed'
  /** The client's sticky session. */
  | 'session'
  /** The client is logged in on a connection of its own. */
  | 'login'
  /** A second try beside a slow first one. */
  | 'hedge';

/** How a try ended. */
export type TryEnd =
  /** Its answer goes to the client. */
  | 'taken'
  /** It was answered, and the answer is not taken: the request goes out once more. */
  | 'not-taken'
  /** The connection broke, or what came over it was no HTTP. */
  | 'broken'
  /** The same as the idle keep-alive race has it: it goes out once more and counts for nothing. */
  | 'stale'
  | 'no-connection'
  /** The endpoint was taken away while the request waited for a connection. */
  | 'endpoint-gone'
  | 'no-answer'
  /** Another try, begun beside it, was quicker. */
  | 'overtaken'
  /** The request ended before it: the client left, or its whole time was up. */
  | 'given-up';

/** One try of a request. */
export interface TryRecord {
  readonly cluster: string;
  /** Its address and port. */
  readonly endpoint: string;
  readonly why: TryWhy;
  readonly end: TryEnd;
  /** Of its answer; 0 when none came. */
  readonly status: number;
  /** With `broken`, `stale`, `no-connection` and `endpoint-gone`; '' otherwise. */
  readonly flag: Flag | '';
  /** What failed, in words; '' when nothing did. */
  readonly detail: string;
  /** From the choice of the endpoint on, or from its connection on where that had to be waited for. */
  readonly durationMs: number;
}

/** Hears of every try. */
export interface TryObserver {
  /** `request`: valid during the call. */
  onTry(request: Head, record: TryRecord): void;
}
