import type { ExpectedName } from './backend-tls.ts';
import type { CredentialRef, TlsVersion } from './gateway.ts';

/** What a consistent hash is made of; the first of several that the request has counts. */
export type HashSource =
  | { readonly kind: 'header'; readonly name: string }
  | { readonly kind: 'query'; readonly name: string }
  /** Set by the proxy when the client has none and `ttlSeconds` is given (0: session cookie). */
  | { readonly kind: 'cookie'; readonly name: string; readonly path: string; readonly ttlSeconds?: number }
  | { readonly kind: 'source-ip' };

/**
 * How a request's endpoint is picked. `p2c-ewma`: of two random ones the clearly faster by a moving mean of latencies, else the
 * less loaded. `ring-hash` and `maglev`: by consistent hash.
 */
export interface BalancerSettings {
  readonly kind: 'p2c-ewma' | 'least-request' | 'round-robin' | 'random' | 'ring-hash' | 'maglev';
  /** For the hashing kinds. */
  readonly hash?: readonly HashSource[];
  /** `ring-hash`: points on the ring at least; `maglev`: size of the table, a prime. */
  readonly tableSize?: number;
  /** An endpoint gets its full share this long after it became ready, rising steadily; 0 or undefined: at once. */
  readonly slowStartMs?: number;
  /** Its share at the beginning of slow start, percent of the full one. */
  readonly slowStartMinPercent?: number;
  readonly locality?: LocalitySettings;
}

/** Which zones traffic prefers. A locality is `region/zone/subzone`, shorter or with `*` at the end for more. */
export interface LocalitySettings {
  readonly enabled: boolean;
  /** Shares by locality for callers of `from`; the rest of the world gets nothing. */
  readonly distribute?: readonly { readonly from: string; readonly to: Readonly<Record<string, number>> }[];
  /** Where traffic of `from` goes when its own region has too few healthy endpoints. */
  readonly failover?: readonly { readonly from: string; readonly to: string }[];
  /** Labels whose common prefix makes endpoints near. */
  readonly failoverPriority?: readonly string[];
}

/** A limit on requests under way that finds itself: rises while latency stays near its best, falls when it grows (gradient). */
export interface AdaptiveConcurrency {
  readonly minRequests: number;
  readonly maxRequests: number;
  /** Latency may grow to this multiple of the best seen before the limit falls. */
  readonly tolerance: number;
}

/** A Secret that a policy names for an upstream. */
export interface NamedCredential extends CredentialRef {
  /** '': where whoever connects runs, as DestinationRules have it. */
  readonly namespace: string;
  /** Of a namespace of '': also sidecars may have it, since the policy selects them by labels. Gateways may in any case. */
  readonly forSidecars?: true;
}

/** TLS towards an upstream that is no mesh peer. Files are the proxy's own. */
export interface OriginatedTls {
  /** Only for requests: what an app sends as bytes is its own affair, and may be TLS already. */
  readonly requestsOnly?: boolean;
  /** PEM of the authorities, in place of a file. */
  readonly authorities?: string;
  /** In place of files: CertificateResource.key of what is shown where the upstream asks. */
  readonly certificate?: string;
  /** Names, in place of `subjectAltNames`: one of them must be the certificate's. */
  readonly expected?: readonly ExpectedName[];
  /** Whoever the authorities vouch for will do, whatever its name (HAProxy's `verify required` without verifyhost). */
  readonly anyName?: true;
  readonly minVersion?: TlsVersion;
  readonly maxVersion?: TlsVersion;
  /** OpenSSL's names, for TLS 1.2. */
  readonly ciphers?: readonly string[];
  /** Authorities between the root and the upstream, at most; undefined for any number. */
  readonly maxDepth?: number;
  /** In policies: a Secret with authorities (`ca.crt`) and what is shown (`tls.crt`, `tls.key`); resolve/ puts them in. */
  readonly credential?: NamedCredential;
  /** Why nothing can be trusted: no connection is made. */
  readonly why?: string;
  /** `mesh`: with the proxy's own certificate, to who has one of `subjectAltNames`, vouched for by its own trust domain. */
  readonly mode: 'simple' | 'mutual' | 'mesh';
  readonly serverName?: string;
  readonly subjectAltNames?: readonly string[];
  readonly caFile?: string;
  readonly certificateFile?: string;
  readonly keyFile?: string;
  readonly insecureSkipVerify?: boolean;
}

/** How HTTP/2 is spoken to the upstreams of a cluster. */
export interface Http2Settings {
  /** Requests of HTTP/1 go as HTTP/2 between proxies. */
  readonly upgrade?: boolean;
  /** Each request goes as its client sent it, whatever the port is declared to speak; wins over `upgrade`. */
  readonly useClientProtocol?: boolean;
  /** Endpoints that are not meshed are known to speak it, whatever their port is declared to (RFC 9113 section 3.3). */
  readonly priorKnowledge?: boolean;
  /** Requests at once on one connection; those of the peer's choice where it allows fewer. */
  readonly maxConcurrentStreams?: number;
  readonly keepalive?: Http2Keepalive;
}

/** PINGs that find dead connections, and keep others from being taken for dead by what is between. */
export interface Http2Keepalive {
  readonly intervalMs: number;
  /** A connection whose PING is not answered after so long is closed. */
  readonly timeoutMs: number;
}

/**
 * Probes of TCP on connections that say nothing, so that neither what is between takes them for dead nor we a dead peer for a
 * quiet one. What is left out is the kernel's own.
 */
export interface TcpKeepalive {
  /** Quiet for so long, it is asked. */
  readonly timeMs?: number;
  /** And again after so long, as long as nothing is answered. */
  readonly intervalMs?: number;
  /** So many without an answer close it. */
  readonly probes?: number;
}

/** Bounds on what one proxy may hold open towards one cluster. Over them: an immediate 503 with flag UO, counted. */
export interface ConnectionLimits {
  /** Connections to all endpoints of the cluster together. */
  readonly maxConnections: number;
  /** Requests that wait for a connection. */
  readonly maxPendingRequests: number;
  /** Requests under way, waiting ones included. */
  readonly maxRequests: number;
  /** Requests one connection carries before it is closed; 0 for no limit. */
  readonly maxRequestsPerConnection: number;
  /** Idle connections to one endpoint; of more the one closes that is idle longest. Undefined: until their time is over. */
  readonly maxIdlePerEndpoint?: number;
  /** A connection of this age takes no further request, milliseconds; undefined: it lives as long as it is used. */
  readonly maxConnectionAgeMs?: number;
}

/** How an endpoint comes back after an ejection: on trial (half open), until it has shown that it is well. */
export interface EjectionTrial {
  /** Requests that it may have under way meanwhile. */
  readonly maxRequests: number;
  /** Successes that end it; one failure ejects it again. */
  readonly successes: number;
}

/** When an endpoint is taken out of rotation. Semantics and names follow Envoy's outlier detection. */
export interface OutlierSettings {
  readonly enabled: boolean;
  /** 5xx answers in a row (connect failures and resets count as one); 0 switches this rule off. */
  readonly consecutive5xx: number;
  /** 502, 503, 504 in a row (connect failures and resets count as one); 0 off. */
  readonly consecutiveGatewayErrors: number;
  /** Connect failures, resets and timeouts before an answer in a row; 0 off. */
  readonly consecutiveConnectFailures: number;
  /** How often ejected endpoints are looked at for return, and ejection multipliers decay. */
  readonly intervalMs: number;
  /** The first ejection lasts this long, the n-th n times as long. */
  readonly baseEjectionTimeMs: number;
  readonly maxEjectionTimeMs: number;
  /** Never more than this share of the endpoints, in percent; and never the last one whatever it says. */
  readonly maxEjectionPercent: number;
  /** Undefined: whose time is over is like any other at once. */
  readonly trial?: EjectionTrial;
  /** With a smaller share of healthy endpoints than this percentage, ejections are ignored (panic); 0 never. */
  readonly panicThresholdPercent: number;
}

/** How many retries a cluster may see beside its first tries. */
export interface RetryBudget {
  /** Retries may add this share to the requests of the last `ttlMs`; 0.2 is a fifth. */
  readonly ratio: number;
  /** Retries per second that are always allowed. */
  readonly minPerSecond: number;
  readonly ttlMs: number;
}

/** Everything about traffic to one destination that is not a route. */
export interface TrafficSettings {
  readonly balancer: BalancerSettings;
  readonly limits: ConnectionLimits;
  readonly outlier: OutlierSettings;
  readonly retryBudget: RetryBudget;
  readonly connectTimeoutMs: number;
  /** An unused connection is closed after this. */
  readonly idleTimeoutMs: number;
  readonly tcpKeepalive?: TcpKeepalive;
  readonly adaptiveConcurrency?: AdaptiveConcurrency;
  readonly http2?: Http2Settings;
  /** For endpoints that are not meshed. */
  readonly tls?: OriginatedTls;
}

/** What holds where nobody said anything. */
export const DEFAULT_TRAFFIC: TrafficSettings = {
  balancer: { kind: 'p2c-ewma' },
  limits: { maxConnections: 1024, maxPendingRequests: 1024, maxRequests: 4096, maxRequestsPerConnection: 0 },
  outlier: {
    enabled: true,
    consecutive5xx: 5,
    consecutiveGatewayErrors: 5,
    consecutiveConnectFailures: 3,
    intervalMs: 10_000,
    baseEjectionTimeMs: 30_000,
    maxEjectionTimeMs: 300_000,
    maxEjectionPercent: 50,
    panicThresholdPercent: 0,
  },
  retryBudget: { ratio: 0.2, minPerSecond: 10, ttlMs: 10_000 },
  connectTimeoutMs: 5_000,
  idleTimeoutMs: 60_000,
};

/** The same for ports that are declared TCP or TLS: what is a request elsewhere is a connection there. */
export const DEFAULT_TCP_TRAFFIC: TrafficSettings = {
  ...DEFAULT_TRAFFIC,
  limits: { ...DEFAULT_TRAFFIC.limits, maxConnections: 4096 },
};
