// What happened to each try of a request. Written down when a try is over; where nobody watches nothing is made.
import type { Flag } from '../../errors/index.ts';
import type { Peer } from '../../model/index.ts';

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
  /**
   * The same as the idle keep-alive race has it, or the upstream says that it has not looked at the request: it goes out once
   * more and counts for nothing.
   */
  | 'stale'
  | 'no-connection'
  /** The endpoint was taken away while the request waited for a connection. */
  | 'endpoint-gone'
  | 'no-answer'
  /** Another try, begun beside it, was quicker. */
  | 'overtaken'
  /** The request ended before it: the client left, or its whole time was up. */
  | 'given-up';

/** Why a request that failed was not tried (again); '' where it was, or nothing was to be gained. */
export type NoRetry =
  | ''
  /** Its policy has no further try for this kind of failure. */
  | 'not-wanted'
  /** A byte may have reached the app, and doing it twice is not the same as doing it once. */
  | 'not-idempotent'
  /** It is no longer there as it came: its body was too large to keep, or it is an upgrade. */
  | 'not-kept'
  /** There were as many tries as its policy has. */
  | 'no-tries-left'
  /** The first try began too long ago for its policy. */
  | 'too-late'
  /** The cluster's budget of retries was spent. */
  | 'budget'
  /** It belongs to a login on the connection that failed. */
  | 'login'
  /** The server of a gRPC call asks that it not be, or not before its deadline (grpc-retry-pushback-ms). */
  | 'pushback';

/** One try of a request. */
export interface TryRecord {
  readonly cluster: string;
  /** Its address and port. */
  readonly endpoint: string;
  /** Who that is. */
  readonly peer: Peer;
  /** Whether it is called by mesh TLS. */
  readonly mesh: boolean;
  readonly why: TryWhy;
  readonly end: TryEnd;
  /** Of its answer; 0 when none came. */
  readonly status: number;
  /** With `broken`, `stale`, `no-connection` and `endpoint-gone`; '' otherwise. */
  readonly flag: Flag | '';
  /** What failed, in words; '' when nothing did. */
  readonly detail: string;
  /** When it began, monotonic: its endpoint was chosen, or its connection there where that had to be waited for. */
  readonly startMs: number;
  readonly durationMs: number;
}

/** Of requests that were not tried, or that nobody watched. */
export const NO_TRIES: readonly TryRecord[] = [];
