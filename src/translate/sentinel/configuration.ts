// What a file of Sentinel's dialect says, with every reference in it followed. Times are milliseconds.

import type { TextPosition } from '../../kdl/index.ts';
import type {
  AcmeChallengeKind,
  BalancerSettings,
  CertificateKeyType,
  ClientConnections,
  ClientLimit,
  Compression,
  CopyForm,
  CorsPolicy,
  EjectionTrial,
  ErrorPage,
  FieldLimits,
  HeaderEdits,
  Http2Settings,
  OriginatedTls,
  PathRewrite,
  Redirect,
  RequestMatch,
  RetryPolicy,
  StickySession,
  TlsVersion,
  UpstreamSettings,
} from '../../model/index.ts';

/** A file that has no errors. */
export interface SentinelConfiguration {
  readonly system: SystemSettings;
  readonly listeners: readonly ListenerConfig[];
  /** In the order in which they are tried. */
  readonly routes: readonly RouteConfig[];
  readonly upstreams: readonly UpstreamConfig[];
  readonly observability: ObservabilityConfig;
}

/** Of the process as a whole; what is read once, when it starts. */
export interface SystemSettings {
  /** 0: one for each core; undefined: one. */
  readonly workerThreads?: number;
  readonly gracefulShutdownMs: number;
  /** Whether the file is read again when it changes, and not only at SIGHUP. */
  readonly autoReload: boolean;
  /** Where the process writes its number down. */
  readonly pidFile?: string;
}

/** `listener "id" { … }` */
export interface ListenerConfig {
  readonly id: string;
  readonly at: TextPosition;
  /** '' for all addresses. */
  readonly host: string;
  readonly port: number;
  readonly protocol: 'http' | 'https';
  readonly alpn?: readonly ('h2' | 'http/1.1')[];
  readonly tls?: ListenerTlsConfig;
  /** RouteConfig.id of those that it has; undefined for all. */
  readonly routes?: ReadonlySet<string>;
  /** RouteConfig.id */
  readonly defaultRoute?: string;
  readonly requestTimeoutMs: number;
  readonly keepaliveTimeoutMs: number;
  readonly keepaliveMaxRequests?: number;
  readonly maxConnections?: number;
  readonly maxHeadBytes?: number;
  readonly maxFields?: number;
  readonly maxStreams: number;
}

/** Files of a certificate and its key. */
export interface CertificateFiles {
  readonly certificate: string;
  readonly key: string;
  readonly at: TextPosition;
  /** Of a pair in a folder: what both files are called. One that is no good is left out, and the others are shown. */
  readonly stem?: string;
}

/** A folder of certificates, and when it is looked at again: `watch` as soon as files are, `off` with the configuration alone. */
export interface CertificateFolderConfig {
  readonly folder: string;
  readonly reload: 'off' | 'watch' | { readonly everyMs: number };
}

/** A certificate that is fetched from an ACME server. */
export interface AcmeConfig {
  readonly at: TextPosition;
  /** Lower case. */
  readonly domains: readonly string[];
  readonly server: string;
  readonly emails: readonly string[];
  readonly challenge: AcmeChallengeKind;
  readonly keyType: CertificateKeyType;
  /** The folder where it is kept. */
  readonly storage: string;
  readonly renewBeforeMs?: number;
  readonly external?: { readonly keyId: string; readonly hmacKey: string };
  readonly dns?: { readonly url: string; readonly timeoutMs: number; readonly credentialsFile?: string };
}

/** TLS that ends at a listener. */
export interface ListenerTlsConfig {
  /** The one for who asks for no other name comes first; those of `folder` are the last. */
  readonly certificates: readonly CertificateFiles[];
  readonly folder?: CertificateFolderConfig;
  /** Those that are fetched; shown after the others. */
  readonly acme: readonly AcmeConfig[];
  readonly resumes: boolean;
  readonly clientAuthorities?: string;
  readonly clientsMust: boolean;
  readonly minVersion?: TlsVersion;
  readonly maxVersion?: TlsVersion;
  readonly ciphers?: readonly string[];
}

/** What the gateway answers itself. */
export type BuiltinHandler = 'health' | 'status' | 'metrics' | 'not-found' | 'config' | 'upstreams';

/** `static-files { … }`: the gateway answers with what is in a folder. */
export interface StaticFilesConfig {
  readonly root: string;
  readonly at: TextPosition;
  readonly index: string;
  readonly cacheControl: string;
  readonly fallback?: string;
  /** By ending without its point. */
  readonly mimeTypes: Readonly<Record<string, string>>;
}

/** `route "id" { … }` */
export interface RouteConfig {
  readonly id: string;
  readonly at: TextPosition;
  /** Any of them. */
  readonly matches: readonly RequestMatch[];
  readonly action:
    | { readonly kind: 'upstream'; readonly upstream: string }
    | { readonly kind: 'builtin'; readonly handler: BuiltinHandler }
    | { readonly kind: 'files'; readonly files: StaticFilesConfig }
    | { readonly kind: 'redirect'; readonly redirect: Redirect };
  readonly path?: PathRewrite;
  readonly authority?: string;
  readonly websocket: boolean;
  readonly timeoutMs?: number;
  readonly idleTimeoutMs?: number;
  readonly retry?: Partial<RetryPolicy>;
  readonly requestHeaders?: HeaderEdits;
  readonly responseHeaders?: HeaderEdits;
  readonly shadow?: {
    readonly upstream: string;
    readonly percent: number;
    /** Only of requests with this header; its name in lower case. */
    readonly header?: { readonly name: string; readonly value: string };
    readonly form: CopyForm;
  };
  readonly cors?: CorsPolicy;
  readonly session?: StickySession;
  /** Of all of its requests together. */
  readonly rateLimits: readonly RouteRate[];
  readonly clientLimits: readonly ClientLimit[];
  /** Requests that may be under way at once, of one client or of all, at all routes together that count in one zone. */
  readonly underWay: readonly ClientConnections[];
  readonly maxBodyBytes: number;
  readonly fields?: FieldLimits;
  readonly compression?: Compression;
  /** For what the gateway answers itself. */
  readonly errorPages?: readonly ErrorPage[];
}

/** Requests per second of a route, whoever asks. */
export interface RouteRate {
  readonly perSecond: number;
  readonly burst: number;
  readonly status: number;
  /** Whether it only counts. */
  readonly dryRun: boolean;
  /** What who is refused is told. */
  readonly message?: string;
}

/** `upstream "id" { … }` */
export interface UpstreamConfig {
  readonly id: string;
  readonly at: TextPosition;
  readonly settings: UpstreamSettings;
  readonly balancer: BalancerSettings;
  readonly session?: StickySession;
  readonly maxConnections?: number;
  readonly idleTimeoutMs: number;
  readonly connectTimeoutMs: number;
  readonly requestTimeoutMs: number;
  /** Where a file says it. */
  readonly streamIdleTimeoutMs?: number;
  readonly circuitBreaker: CircuitBreaker;
  /** Idle connections to one target. */
  readonly maxIdle?: number;
  readonly maxConnectionAgeMs?: number;
  /** Requests that wait for a connection. */
  readonly maxPending?: number;
  readonly tls?: OriginatedTls;
  readonly http2: Http2Settings;
  /** Requests go as HTTP/2 whatever their client speaks. */
  readonly http2Only: boolean;
}

/** `circuit-breaker { … }` */
export interface CircuitBreaker {
  /** In a row, that take a target out. */
  readonly failures: number;
  readonly openMs: number;
  /** How it comes back. */
  readonly trial: EjectionTrial;
  /** Nobody says anything of it. */
  readonly isDefault?: true;
}

/** `observability { … }` */
export interface ObservabilityConfig {
  readonly metrics?: { readonly host: string; readonly port: number; readonly path: string };
  readonly logLevel?: string;
  readonly accessLog?: 'off' | 'errors' | 'all';
  readonly tracing?: {
    readonly backend: 'otlp' | 'zipkin';
    readonly endpoint: string;
    readonly samplingPercent: number;
  };
}
