import type { EdgePolicy } from './edge.ts';
import type { ObjectRef } from './object-ref.ts';
import type { RequestMatch, TextMatch } from './request-match.ts';

/** When a request is tried again; each only inside the retry budget and only when the request can be repeated safely. */
export const RETRY_CONDITIONS = [
  'connect-failure',
  'reset',
  'gateway-error',
  '5xx',
  'retriable-4xx',
  'refused-stream',
  // Statuses of gRPC calls, by Envoy's words.
  'cancelled',
  'deadline-exceeded',
  'internal',
  'resource-exhausted',
  'unavailable',
] as const;

/** One of RETRY_CONDITIONS. */
export type RetryCondition = (typeof RETRY_CONDITIONS)[number];

/**
 * The conditions that a gRPC status meets, by status. They are asked of calls alone, and every call is a POST: who writes one
 * says that repeating it is wanted, so RetryPolicy.nonIdempotent is not asked.
 */
export const GRPC_RETRY_CONDITIONS: ReadonlyMap<number, RetryCondition> = new Map([
  [1, 'cancelled'],
  [4, 'deadline-exceeded'],
  [8, 'resource-exhausted'],
  [13, 'internal'],
  [14, 'unavailable'],
]);

const grpcConditions: ReadonlySet<string> = new Set(GRPC_RETRY_CONDITIONS.values());

/** Whether the condition is one of GRPC_RETRY_CONDITIONS. */
export function isGrpcCondition(condition: string): boolean {
  return grpcConditions.has(condition);
}

/** How often and when a request is tried again. */
export interface RetryPolicy {
  /** Tries beside the first one; 0 switches retries off. */
  readonly attempts: number;
  /** 0 for none beside the route's own time limit. */
  readonly perTryTimeoutMs: number;
  readonly on: readonly RetryCondition[];
  /** Statuses that are retried whatever `on` says; empty for none. */
  readonly statuses?: readonly number[];
  /** No further try begins so long after the first one did; undefined for no such bound (nginx's proxy_next_upstream_timeout). */
  readonly withinMs?: number;
  readonly backoffBaseMs: number;
  readonly backoffMaxMs: number;
  /** What each wait begins with, before the part that is drawn; undefined for none (the minimum of Gateway API's `backoff`). */
  readonly backoffMinMs?: number;
  /**
   * Whether a request that is not idempotent (RFC 9110 section 9.2.2) may be repeated after a byte of it may have reached the
   * application. False unless a user said so in a policy.
   */
  readonly nonIdempotent: boolean;
  /** Whether later tries may leave the caller's zone even where its own still has endpoints (Istio's retryRemoteLocalities). */
  readonly remoteLocalities?: boolean;
  /** Send a second try when the first has not answered within this time, and take whichever answers first; 0 or undefined off. */
  readonly hedgeAfterMs?: number;
}

/**
 * Names of headers that no policy may edit: they belong to the connection, frame the message, or are what proxies tell each
 * other. Edited, they would break the message or smuggle another one in. Lower case.
 */
export const UNTOUCHABLE_HEADERS: ReadonlySet<string> = new Set([
  'connection',
  'content-length',
  'expect',
  'keep-alive',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'x-forwarded-client-cert',
  'x-weft-translated',
  'x-weft-untouched',
]);

/** Header edits, in this order: rename, remove, set, add. Names lowercase; values as they are sent. */
export interface HeaderEdits {
  /**
   * One after the other. Every field of the first name gets the second, in place of those that had it; where none has the first,
   * nothing is done.
   */
  readonly rename?: readonly (readonly [from: string, to: string])[];
  readonly remove?: readonly string[];
  readonly set?: readonly (readonly [name: string, value: string])[];
  readonly add?: readonly (readonly [name: string, value: string])[];
}

/** What becomes of the requests that one of several targets gets, beside what their route does with all of its requests. */
export interface ShareWork {
  readonly requestHeaders?: HeaderEdits;
  readonly responseHeaders?: HeaderEdits;
  /** In place of the route's. */
  readonly path?: PathRewrite;
  /** In place of the route's. */
  readonly authority?: string;
  /** They are sent nowhere but answered with this. */
  readonly redirect?: Redirect;
}

/** Whether it says anything. */
export function saysMore({ requestHeaders, responseHeaders, path, authority, redirect }: ShareWork): boolean {
  return [requestHeaders, responseHeaders, path, authority, redirect].some(each => each !== undefined);
}

/** One cluster among those that share a route's traffic. */
export interface WeightedCluster extends ShareWork {
  /** ClusterConfig.name */
  readonly cluster: string;
  /** At least 0; shares are weight / sum. */
  readonly weight: number;
  /** Beside the route's. */
  readonly mirrors?: readonly Mirror[];
  /**
   * Why its share is answered 500: it refers to what does not exist or may not be referred to, and the dialect wants that told.
   */
  readonly invalid?: string;
}

/**
 * What the path becomes. `prefix` replaces what the match's prefix matched; `regex` substitutes with \1 … \9; `steps` are taken
 * one after the other.
 */
export type PathRewrite =
  | { readonly kind: 'steps'; readonly steps: readonly PathRewrite[] }
  | { readonly kind: 'full'; readonly value: string }
  | { readonly kind: 'prefix'; readonly matched: string; readonly value: string }
  | { readonly kind: 'regex'; readonly pattern: string; readonly substitution: string };

/** Send the request on. */
export interface Forward {
  readonly kind: 'forward';
  readonly clusters: readonly WeightedCluster[];
  readonly path?: PathRewrite;
  readonly authority?: string;
}

/** Answer with a redirect. What is undefined stays as it was asked. */
export interface Redirect {
  readonly kind: 'redirect';
  readonly status: number;
  readonly scheme?: string;
  readonly authority?: string;
  readonly port?: number;
  /** In policies: the port is the one that was called, which resolve/ puts in. */
  readonly fromRequestPort?: boolean;
  readonly path?: PathRewrite;
}

/** Answer without asking anybody. */
export interface Respond {
  readonly kind: 'respond';
  readonly status: number;
  readonly body: string;
  readonly contentType: string;
}

export type RouteAction = Forward | Redirect | Respond;

/** In which form a mirror's copies go out. */
export interface CopyForm {
  /** Their Host; undefined: that of the request, with `-shadow` behind its name. */
  readonly authority?: string;
  /** They have no body, whatever the request has. */
  readonly withoutBody?: true;
  /** For a whole answer; 30 s unless told. */
  readonly timeoutMs?: number;
  /** A copy with a longer body is given up, or where `bodyFirst` holds not made; undefined: of any length. */
  readonly maxBodyBytes?: number;
  /** They go out once all of the body has come. Otherwise it goes as it comes, and who lags behind by 256 KiB is given up. */
  readonly bodyFirst?: true;
}

/** A copy of a share of the requests goes to another cluster, whose answers nobody hears. */
export interface Mirror extends CopyForm {
  readonly cluster: string;
  /** 0 to 100. */
  readonly percent: number;
}

/** An answer that takes the upstream's place. */
export interface FaultAbort {
  /** What it is to clients that do not speak gRPC. */
  readonly status: number;
  readonly percent: number;
  /** What it is to those that do; undefined: what `status` is in gRPC. */
  readonly grpcStatus?: number;
  /** No answer at all: the stream is reset with this code (RFC 9113 section 7); a connection of HTTP/1 is closed. */
  readonly http2Error?: number;
}

/** What is asked for, in words: `503`, `gRPC status 14`, `a reset with error 7`. */
export function abortWords({ status, grpcStatus, http2Error }: FaultAbort): string {
  if (http2Error !== undefined) return `a reset with error ${http2Error}`;
  return grpcStatus === undefined ? String(status) : `gRPC status ${grpcStatus}`;
}

/** Failures on purpose, for testing. */
export interface FaultInjection {
  readonly delay?: { readonly ms: number; readonly percent: number };
  readonly abort?: FaultAbort;
}

/** Cross-origin requests (https://fetch.spec.whatwg.org/#http-cors-protocol), answered by the proxy. */
export interface CorsPolicy {
  readonly origins: readonly TextMatch[];
  readonly methods: readonly string[];
  readonly headers: readonly string[];
  /** Whatever is asked for is allowed, and answered: Gateway API's `*` together with credentials. */
  readonly anyMethod?: boolean;
  readonly anyHeader?: boolean;
  readonly exposeHeaders: readonly string[];
  readonly maxAgeSeconds?: number;
  readonly credentials: boolean;
  /** Preflights of other origins: answered by the proxy without permission, or sent on (Istio's unmatchedPreflights). */
  readonly forwardUnmatchedPreflights: boolean;
}

/** Keeps a client with the endpoint that it had, by a cookie that the proxy sets. */
export interface StickySession {
  readonly cookie: string;
  /** Seconds; 0 for a session cookie. */
  readonly ttlSeconds: number;
  readonly path: string;
  readonly domain?: string;
  readonly sameSite?: 'None' | 'Lax' | 'Strict';
  /** Whether only TLS carries it; `by-tls`: where its request came so. False unless told. */
  readonly secure?: boolean | 'by-tls';
  /**
   * So many of the route's targets know the session; those behind them are chosen by weight, and set no cookie. Undefined: all.
   */
  readonly targets?: number;
}

/** A token bucket, filled by `perFill` every `fillIntervalMs`, that each request takes one token from. */
export interface TokenBucket {
  readonly maxTokens: number;
  readonly perFill: number;
  readonly fillIntervalMs: number;
}

/** Requests beyond the bucket are refused by the proxy: `status`, flag RL. */
export interface RateLimit {
  readonly from?: ObjectRef;
  readonly bucket: TokenBucket;
  /** Only requests that match one of these; empty for all. */
  readonly matches: readonly RequestMatch[];
  readonly status: number;
  /** Percent of requests that the limit looks at, and of those over it percent that are really refused. */
  readonly enabledPercent: number;
  readonly enforcedPercent: number;
  readonly responseHeaders?: HeaderEdits;
  /** What who is refused is told, in place of which limit it was. */
  readonly message?: string;
}

/** Which answers count as failures, for per-route metrics, retries and outlier detection; the first that matches decides. */
export interface ResponseClass {
  readonly min: number;
  readonly max: number;
  readonly failure: boolean;
}

/** A rule of a destination: the first route that matches decides. */
export interface Route {
  /** For logs and metrics; unique within its destination. */
  readonly name: string;
  /** The object that asked for it; undefined for the default route. */
  readonly from?: ObjectRef;
  /** Any of them; undefined or empty matches everything. */
  readonly matches?: readonly RequestMatch[];
  readonly action: RouteAction;
  /** From the request's head to the response's end; 0 for none. */
  readonly timeoutMs: number;
  /** Nothing sent or received on the stream for this long ends it; 0 for none. */
  readonly idleTimeoutMs: number;
  readonly retry: RetryPolicy;
  readonly requestHeaders?: HeaderEdits;
  readonly responseHeaders?: HeaderEdits;
  readonly mirrors?: readonly Mirror[];
  readonly fault?: FaultInjection;
  readonly cors?: CorsPolicy;
  readonly session?: StickySession;
  readonly rateLimits?: readonly RateLimit[];
  readonly responseClasses?: readonly ResponseClass[];
  /** Counted under this name in weft_route_*; undefined for no metrics of its own. */
  readonly metricsName?: string;
  /** Percent of its requests that belong to no trace yet, in place of TracingSettings.samplingPercent. */
  readonly traceSampling?: number;
  /** What gateways alone do. */
  readonly edge?: EdgePolicy;
}

/** Route.name of the answer to requests that no rule matches; for the response flag NR. */
export const NO_ROUTE = 'no-route';

/** Route.idleTimeoutMs where nobody said anything: an hour, long enough for every stream that is alive. */
export const DEFAULT_STREAM_IDLE_TIMEOUT_MS = 3_600_000;

/** What holds where nobody said anything: two more tries, for what is certainly safe to repeat. */
export const DEFAULT_RETRY: RetryPolicy = {
  attempts: 2,
  perTryTimeoutMs: 0,
  on: ['connect-failure', 'reset', 'gateway-error', 'refused-stream'],
  backoffBaseMs: 25,
  backoffMaxMs: 250,
  nonIdempotent: false,
};
