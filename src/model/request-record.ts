// What a proxy writes down of a request, a connection or a refusal, for whoever asks about it later. Plain JSON data: it goes
// from proxies to `weft explain` and the dashboard, also between versions, so fields are added and never change their meaning.
import type { ObjectRef } from './object-ref.ts';
import type { Peer } from './resource.ts';

/** Why it was kept. */
export type KeptFor = 'failed' | 'slow' | 'retried' | 'sample';

/** An endpoint that a try could have gone to, as it was when the request ended. */
export interface ConsideredEndpoint {
  readonly endpoint: string;
  readonly pod: string;
  /**
   * `candidate`: might have been chosen. `ejected`: out since before the request began, for failures of its own.
   * `elsewhere`: in a locality that traffic does not go to now. `weightless`: its weight is 0.
   */
  readonly state: 'candidate' | 'ejected' | 'elsewhere' | 'weightless';
  /** With `ejected`: for what. */
  readonly why?: string;
}

/** The endpoints of a cluster, seen from one proxy. */
export interface ConsideredEndpoints {
  /** At most MAX_CONSIDERED of them. */
  readonly endpoints: readonly ConsideredEndpoint[];
  /** How many discovery told of, and how many the Service has in all, ready or not. */
  readonly ready: number;
  readonly total: number;
  readonly ejected: number;
  /** Why there can be none; '' where nothing is wrong. */
  readonly why: string;
}

export const MAX_CONSIDERED = 12;

/** One try. See proxy/observation/try-record.ts for the words. */
export interface RecordedTry {
  readonly endpoint: string;
  readonly pod: string;
  readonly namespace: string;
  readonly workload: string;
  /** Whether by mesh TLS, to its proxy. */
  readonly mesh: boolean;
  readonly why: string;
  readonly end: string;
  readonly status: number;
  readonly flag: string;
  readonly detail: string;
  /** Milliseconds from the request's beginning. */
  readonly afterMs: number;
  readonly durationMs: number;
}

/** What every record has. Times are milliseconds, `at` since the epoch. */
interface RecordBase {
  readonly id: string;
  readonly kept: KeptFor;
  readonly at: number;
  readonly durationMs: number;
  readonly direction: 'inbound' | 'outbound';
  /** Address and port, and SPIFFE id ('' for plaintext), of who called this proxy. */
  readonly downstream: string;
  readonly principal: string;
  /** Of the answer; 0 for none. */
  readonly status: number;
  /** A response flag, see errors/flags.ts; '' for none. */
  readonly flag: string;
  /** Envoy's response_code_details, where it has one for this; '' otherwise. */
  readonly code: string;
  readonly detail: string;
}

/** Of a request. */
export interface RequestRecord extends RecordBase {
  readonly kind: 'request';
  readonly protocol: string;
  /** How a gRPC call ended; undefined where nothing says so. */
  readonly grpcStatus?: number;
  readonly method: string;
  readonly authority: string;
  /** Without its query. */
  readonly path: string;
  /** The trace that `traceparent` names; undefined without one. */
  readonly traceId?: string;
  /** When the answer's head came; undefined where none did. */
  readonly answeredAfterMs?: number;
  /** What the caller asked for; undefined when nobody knew. */
  readonly destination?: {
    readonly key: string;
    readonly found: string;
    readonly host: string;
    readonly port: number;
  };
  readonly route?: {
    readonly name: string;
    readonly from?: ObjectRef;
    readonly timeoutMs: number;
    readonly idleTimeoutMs: number;
    readonly attempts: number;
    readonly perTryTimeoutMs: number;
  };
  readonly cluster?: {
    readonly name: string;
    /** `reviews.shop.svc.cluster.local` */
    readonly host: string;
    readonly service: string;
    readonly namespace: string;
    readonly balancer: string;
    readonly connectTimeoutMs: number;
    readonly maxRequests: number;
    readonly maxConnections: number;
    readonly maxPending: number;
  };
  readonly filters: readonly {
    readonly filter: string;
    readonly verdict: string;
    readonly from?: ObjectRef;
  }[];
  readonly endpoints?: ConsideredEndpoints;
  readonly tries: readonly RecordedTry[];
  readonly attempts: number;
  /** Why there was no further try, in the words of proxy/observation/try-record.ts; '' where none was missing. */
  readonly noRetry: string;
  readonly mirrored: number;
  readonly receivedBytes: number;
  readonly sentBytes: number;
}

/** Of a connection whose bytes nobody reads. */
export interface SessionRecord extends RecordBase {
  readonly kind: 'session';
  readonly cluster: {
    readonly name: string;
    readonly host: string;
    readonly service: string;
    readonly namespace: string;
  };
  readonly endpoint: string;
  readonly pod: string;
  readonly opened: boolean;
  readonly attempts: number;
  readonly endpoints: ConsideredEndpoints;
  readonly receivedBytes: number;
  readonly sentBytes: number;
}

/** Of what was refused before it became either. */
export interface RefusalRecord extends RecordBase {
  readonly kind: 'refusal';
  readonly port: number;
  readonly wanted: string;
  readonly reason: string;
  readonly from?: ObjectRef;
}

/** Of a copy for a mirror that failed. */
export interface MirrorRecord extends RecordBase {
  readonly kind: 'mirror';
  readonly cluster: SessionRecord['cluster'];
  readonly endpoint: string;
  readonly pod: string;
}

export type ProxyRecord = RequestRecord | SessionRecord | RefusalRecord | MirrorRecord;

/** What a proxy answers when it is asked for records. */
export interface ProxyRecords {
  readonly self: Peer;
  /** This pod's own address; ''. */
  readonly address: string;
  /** The clock of this proxy when it answered, since the epoch: how far clocks differ. */
  readonly nowMs: number;
  /** Whether it keeps any. */
  readonly keeps: boolean;
  /** The oldest first. */
  readonly records: readonly ProxyRecord[];
  /** Since when what was kept is complete but for what was left out; undefined when nothing was kept yet. */
  readonly sinceMs?: number;
  /** Failures and slow ones that came too many at a time to be written down. */
  readonly leftOut: number;
  /** About the control plane and the certificate: what an explanation may need. */
  readonly state?: RecordedState;
}

/** How the proxy itself was when it answered. */
export interface RecordedState {
  /** Where its configuration comes from: `control-plane`, `files`, … */
  readonly discovery: string;
  readonly connected: boolean;
  /** Why it is not. */
  readonly reason: string;
  readonly draining: boolean;
  readonly certificateExpiresInMs?: number;
  /** Why there was no new one the last time. */
  readonly certificateError?: string;
}

/** Which records are asked for. */
export interface RecordQuery {
  readonly id?: string;
  readonly kept?: KeptFor;
  readonly sinceMs?: number;
  /** The latest so many. */
  readonly limit?: number;
}
