// What others may see of requests: how they go on, how they end, and what never became one.
import type { RunningCluster, RunningEndpoint } from '../../cluster/index.ts';
import type { Flag } from '../../errors/index.ts';
import type { Head } from '../../http/index.ts';
import type { DestinationResource, ObjectRef, Route } from '../../model/index.ts';
import type { RequestSeries } from '../../telemetry/index.ts';
import type { NoRetry, TryRecord } from './try-record.ts';

/** What a filter said of a request. */
export interface FilterVerdict {
  /** Its name in filters/lists.ts. */
  readonly filter: string;
  /** `waited`: the request ended before it had decided. */
  readonly verdict: 'passed' | 'answered' | 'waited';
  /** With `answered`: the object that asked for it, where one did. */
  readonly from?: ObjectRef;
}

/**
 * A request as observers see it. One object serves all requests of a stream, one after the other: it may be the key of what an
 * observer keeps between the calls about one request, and what it says is valid during a call only. Times are monotonic
 * milliseconds, sizes bytes of bodies.
 */
export interface ObservedRequest {
  readonly direction: 'inbound' | 'outbound';
  /** Address and port of who calls, for the log. */
  readonly downstream: string;
  /** The SPIFFE id of its certificate; '' for plaintext. */
  readonly principal: string;
  /** With the edits so far, which are beside what was received. */
  readonly head: Head;
  /** Of x-request-id, at most MAX_ID_LENGTH long. Never '' once the request has ended. */
  readonly id: string;
  /** What the caller asked for; undefined when nobody knows. */
  readonly destination: DestinationResource | undefined;
  /** Undefined when none was looked for, or none matched. */
  readonly route: Route | undefined;
  /** Where the route sends it; undefined when it is sent nowhere. */
  readonly cluster: RunningCluster | undefined;
  /** Of the last try. */
  readonly endpoint: RunningEndpoint | undefined;
  /** The filters that it has met, in their order. Made when asked for. */
  readonly verdicts: readonly FilterVerdict[];
  /** How many copies of it went to mirrors. */
  readonly mirrored: number;
  readonly startMs: number;
  /** When the head of the answer that is taken came; -1 where none did. */
  readonly answeredMs: number;
  /** From here on only in `onRequestEnd`. `tries`: only of those that began while somebody watched. */
  readonly tries: readonly TryRecord[];
  readonly attempts: number;
  readonly noRetry: NoRetry;
  readonly endMs: number;
  /** Of the answer that the client got; 0 for none. */
  readonly status: number;
  /** How a gRPC call ended, as its answer says; -1 where it does not, as that of nothing else does. */
  readonly grpcStatus: number;
  readonly flag: Flag | '';
  /** What happened, in words; '' when the flag says it all. */
  readonly detail: string;
  readonly receivedBytes: number;
  readonly sentBytes: number;
  /** That it was counted in. */
  readonly series: RequestSeries | undefined;
}

/** A connection that carried bytes nobody reads. */
export interface ObservedSession {
  /** Of the CONNECT request that asked for it; '' for any other. */
  readonly id: string;
  readonly direction: 'inbound' | 'outbound';
  readonly downstream: string;
  readonly principal: string;
  readonly cluster: RunningCluster;
  /** The one that was connected to, otherwise the last that was tried. */
  readonly endpoint: RunningEndpoint | undefined;
  /** Whether it was connected. */
  readonly opened: boolean;
  readonly attempts: number;
  readonly flag: Flag | '';
  readonly detail: string;
  readonly startMs: number;
  readonly endMs: number;
  /** From the client, and to it. */
  readonly receivedBytes: number;
  readonly sentBytes: number;
}

/** What was refused before it became a request or a session. */
export interface ObservedRefusal {
  readonly direction: 'inbound' | 'outbound';
  readonly downstream: string;
  readonly principal: string;
  /** That was called; 0 where it is not known. */
  readonly port: number;
  /** What the client asked for, as far as it said: `host:port`, or ''. */
  readonly wanted: string;
  /** Why, for machines: `plaintext`, `handshake`, `silent-client`, `malformed:bad-line`, … */
  readonly reason: string;
  readonly flag: Flag;
  readonly detail: string;
  /** Of the answer; 0 for none. */
  readonly status: number;
  /** That the answer names; '' where there is none. */
  readonly id: string;
  /** The object that decided. */
  readonly from?: ObjectRef;
  readonly atMs: number;
}

/** A copy of a request that went to a mirror, and that nobody answered. */
export interface ObservedMirror {
  readonly id: string;
  readonly cluster: RunningCluster;
  readonly endpoint: RunningEndpoint | undefined;
  readonly flag: Flag;
  readonly detail: string;
  readonly startMs: number;
  readonly endMs: number;
}

/**
 * Watches what a proxy carries. What it throws is counted as an internal error and stops nothing. It is called in the midst of
 * carrying, so it must be quick, and must not keep what it is shown beyond the call.
 */
export interface RequestObserver {
  /** The request is about to be sent. Route and cluster are known; fields added to its head go to the upstream and to mirrors. */
  onForward?(request: ObservedRequest): void;
  /** An answer is taken. `head`: as the upstream sent it. Answers of Weft's own are not told here. */
  onAnswer?(request: ObservedRequest, head: Head): void;
  /**
   * Whether it wants to hear of this request's end, asked before anything is made for that; at once followed by `onRequestEnd` if
   * so. Not asked where it is not there: then all are wanted. `status`: of a gRPC call what its own is in HTTP, so that one look
   * tells a failure.
   */
  wants?(
    status: number,
    flag: Flag | '',
    route: Route | undefined,
    durationMs: number,
    endMs: number,
    attempts: number,
  ): boolean;
  /** The request is over, in whatever way. Once for each. */
  onRequestEnd?(request: ObservedRequest): void;
  onSessionEnd?(session: ObservedSession): void;
  onRefusal?(refusal: ObservedRefusal): void;
  onMirrorFailed?(mirror: ObservedMirror): void;
}
