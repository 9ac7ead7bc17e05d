import type { RunningCluster } from '../../cluster/index.ts';
import { httpStatusOf, NO_STATUS } from '../../grpc/index.ts';
import type { RunningDestination } from '../destinations/destination.ts';
import type { RunningRoute } from '../destinations/running-route.ts';
import type { Instead } from '../filters/filter.interface.ts';
import type { RouteWork } from './route-work.ts';
import type { Shadows } from './shadows.ts';

/** What a request is waiting for. */
export const PHASE = {
  /** Nothing: there is none. */
  IDLE: 0,
  /** Where it goes. */
  TARGET: 1,
  /** A filter that has to find something out, or holds it on purpose. */
  HELD: 2,
  /** An answer to one of the tries. */
  ANSWER: 3,
  /** The rest of the answer. */
  BODY: 4,
  /** Upgraded or CONNECT: bytes in both directions. */
  TUNNEL: 5,
} as const;

/**
 * What is known of a request beside what came in (that is RequestSoFar): what was decided about it, how far it has got, how it
 * ended. One object serves the requests of a stream, one after the other. Times are monotonic milliseconds.
 */
export class StreamInfo {
  /** One of PHASE. */
  phase: number = PHASE.IDLE;
  /** Grows with every request: whoever comes back with a word on an earlier one is too late. */
  turn = 0;
  startMs = 0;
  /** When a byte last moved, in either direction. */
  lastMoveMs = 0;
  /** When the answer that is taken came; -1 where none did. */
  answeredMs = -1;
  /** Where it goes; undefined as long as nobody knows. */
  target: RunningDestination | undefined = undefined;
  route: RunningRoute | undefined = undefined;
  /** Defined while the route of this request has work to do. */
  work: RouteWork | undefined = undefined;
  /** Its copies. */
  shadows: Shadows | undefined = undefined;
  /** That has counted it in, and gets its place back. */
  cluster: RunningCluster | undefined = undefined;
  /** The cluster that had no room for it. */
  full: RunningCluster | undefined = undefined;
  /** The answer that took the upstream's place. */
  instead: Instead | undefined = undefined;
  /** Whether a policy held the request up on purpose. */
  delayed = false;
  /** Whether a filter had it wait. */
  held = false;
  /** Of the answer; 0 as long as there is none. */
  status = 0;
  /** How a gRPC call ended; -1 where nobody has said so. */
  grpcStatus: number = NO_STATUS;
  /** Bytes of the bodies: from the client, and to it. */
  receivedBytes = 0;
  sentBytes = 0;
  /** Bytes that the request's body may have. */
  bodyLimit: number = Number.POSITIVE_INFINITY;

  /** The status of HTTP that says how it ended: of a gRPC call that of its own status, where that is a failure. */
  get outcome(): number {
    return this.grpcStatus > 0 ? httpStatusOf(this.grpcStatus) : this.status;
  }

  begin(nowMs: number): void {
    this.phase = PHASE.TARGET;
    this.startMs = nowMs;
    this.lastMoveMs = nowMs;
  }

  clear(): void {
    this.phase = PHASE.IDLE;
    this.turn++;
    this.answeredMs = -1;
    this.target = undefined;
    this.route = undefined;
    this.work = undefined;
    this.shadows = undefined;
    this.cluster = undefined;
    this.full = undefined;
    this.instead = undefined;
    this.delayed = false;
    this.held = false;
    this.status = 0;
    this.grpcStatus = NO_STATUS;
    this.receivedBytes = 0;
    this.sentBytes = 0;
    this.bodyLimit = Number.POSITIVE_INFINITY;
  }
}
