import type { LabelSelector } from './labels.ts';
import type { ObjectRef } from './object-ref.ts';
import type { OriginatedTls } from './traffic.ts';

/** Metrics that overrides can name, by Istio's word and the name of the series. */
export const ISTIO_METRICS = {
  REQUEST_COUNT: 'istio_requests_total',
  REQUEST_DURATION: 'istio_request_duration_milliseconds',
  REQUEST_SIZE: 'istio_request_bytes',
  RESPONSE_SIZE: 'istio_response_bytes',
  TCP_OPENED_CONNECTIONS: 'istio_tcp_connections_opened_total',
  TCP_CLOSED_CONNECTIONS: 'istio_tcp_connections_closed_total',
  TCP_SENT_BYTES: 'istio_tcp_sent_bytes_total',
  TCP_RECEIVED_BYTES: 'istio_tcp_received_bytes_total',
  GRPC_REQUEST_MESSAGES: 'istio_request_messages_total',
  GRPC_RESPONSE_MESSAGES: 'istio_response_messages_total',
} as const;

/** One of ISTIO_METRICS. */
export type IstioMetric = keyof typeof ISTIO_METRICS;

/** Whose side of a call something holds for: the client's proxy (outbound), the server's (inbound), or both. */
export type TelemetryMode = 'client' | 'server' | 'both';

/** Where spans and logs are sent: an OpenTelemetry collector or Zipkin, over HTTP. */
export interface Collector {
  /** `name:port`; a name as a pod of the mesh resolves it. */
  readonly address: string;
  /** Absolute: `/v1/traces`. */
  readonly path: string;
  /** Sent with every call. */
  readonly headers?: readonly (readonly [name: string, value: string])[];
  readonly timeoutMs: number;
  /** How it proves itself; undefined for plaintext. */
  readonly tls?: OriginatedTls;
}

/** Who takes spans. The names are those of the mesh's settings, where Telemetry objects find them. */
export interface TracingProvider extends Collector {
  readonly name: string;
  readonly kind: 'zipkin' | 'opentelemetry';
  /** Longer tags are cut, `http.url` among them. */
  readonly maxTagLength: number;
}

/** A tag of every span. Where a variable or header is missing it has `fallback`, and without one it is left out. */
export type CustomTag =
  | { readonly name: string; readonly kind: 'literal'; readonly value: string }
  | {
      readonly name: string;
      /** `environment`: of the proxy. `header`: of the request, in lower case. */
      readonly kind: 'environment' | 'header';
      readonly of: string;
      readonly fallback?: string;
    };

/** What holds for the spans of one direction. What a parent has decided (`traceparent`, `b3`) goes before its sampling. */
export interface TracingSettings {
  readonly provider: TracingProvider;
  /** No span is reported; trace contexts are passed on all the same. */
  readonly disabled: boolean;
  /** Of the requests that have no parent: 0 to 100, down to a hundredth. */
  readonly samplingPercent: number;
  /** Whether the decision is taken from the request id, so that every proxy that has no parent decides alike. */
  readonly useRequestIdForSampling: boolean;
  /** Whether spans have Istio's `istio.*` tags. */
  readonly istioTags: boolean;
  /** Each name once. */
  readonly customTags: readonly CustomTag[];
}

/** How a line of the access log is made: an Envoy format string, or fields that each have one. Undefined for Istio's default. */
export type LogFormat =
  | { readonly kind: 'text'; readonly text?: string }
  | { readonly kind: 'json'; readonly fields?: JsonFields };

/** Envoy's operators as values; maps of them too. */
export interface JsonFields {
  readonly [name: string]: string | JsonFields;
}

/** Where lines of the access log go, and what they say. The names are those of the mesh's settings. */
export type LogProvider =
  | {
      readonly name: string;
      readonly kind: 'file';
      /** `/dev/stdout`, `/dev/stderr`, or a file. */
      readonly path: string;
      readonly format: LogFormat;
    }
  | {
      readonly name: string;
      readonly kind: 'opentelemetry';
      readonly collector: Collector;
      /** Of the scope of its records. */
      readonly logName: string;
      /** The record's body. */
      readonly text?: string;
      /** The record's attributes. */
      readonly labels: JsonFields;
    };

/** One access log of one direction. */
export interface AccessLogSettings {
  readonly provider: LogProvider;
  /** An expression of cel/; only requests for which it is true are logged. */
  readonly filter?: string;
  /** Who said so; undefined for the mesh's settings. */
  readonly from?: ObjectRef;
}

/** What of requests is not to stand in any log. */
export interface Redaction {
  /** Names of headers, in lower case, whose values are replaced. */
  readonly headers: readonly string[];
  /** Names of query parameters whose values are replaced; `*` for all. */
  readonly query: readonly string[];
}

export const DEFAULT_REDACTION: Redaction = {
  headers: ['authorization', 'cookie', 'proxy-authorization', 'set-cookie'],
  query: [],
};

/** A tag of a metric: set to what an expression of cel/ comes to, or taken away where there is none. */
export interface MetricTag {
  readonly name: string;
  readonly expression?: string;
}

/** What is otherwise than usual about one metric of one direction. */
export interface MetricSettings {
  readonly metric: IstioMetric;
  readonly disabled: boolean;
  /** Each name once. */
  readonly tags: readonly MetricTag[];
}

/** What a proxy tells of the traffic of one direction. */
export interface DirectionTelemetry {
  /** Undefined: as usual. */
  readonly metrics?: readonly MetricSettings[];
  /** Undefined: the proxy's own log of failures. Empty: nothing is logged. */
  readonly accessLogs?: readonly AccessLogSettings[];
  /** Undefined: no spans are made, and trace contexts are passed through as they are. */
  readonly tracing?: TracingSettings;
}

/** What holds for one workload, as Telemetry objects and the mesh's settings have it. Plain data: part of a resource. */
export interface TelemetrySettings {
  readonly inbound: DirectionTelemetry;
  readonly outbound: DirectionTelemetry;
  /** Undefined for DEFAULT_REDACTION. */
  readonly redaction?: Redaction;
}

/** What one Telemetry object says; sections in its order. */
export interface TelemetryPolicy {
  /** The namespace it applies to; undefined for the whole mesh. */
  readonly namespace?: string;
  /** Undefined for every workload of its scope. */
  readonly selector?: LabelSelector;
  readonly metrics: readonly {
    /** Undefined: those of the section before, then the mesh's. Only `prometheus` counts. */
    readonly providers?: readonly string[];
    readonly overrides: readonly {
      /** Undefined for all. */
      readonly metric?: IstioMetric;
      readonly mode: TelemetryMode;
      readonly disabled?: boolean;
      readonly tags: readonly MetricTag[];
    }[];
  }[];
  readonly accessLogging: readonly {
    readonly mode: TelemetryMode;
    readonly providers?: readonly string[];
    readonly disabled?: boolean;
    readonly filter?: string;
  }[];
  readonly tracing: readonly {
    readonly mode: TelemetryMode;
    readonly providers?: readonly string[];
    readonly disabled?: boolean;
    readonly samplingPercent?: number;
    readonly useRequestIdForSampling?: boolean;
    readonly istioTags?: boolean;
    readonly customTags?: readonly CustomTag[];
  }[];
  readonly from: ObjectRef;
}

/** What the mesh's settings say about telemetry: providers by name, and what holds where no Telemetry object speaks. */
export interface MeshTelemetry {
  readonly tracingProviders: readonly TracingProvider[];
  readonly logProviders: readonly LogProvider[];
  /** Names of all other providers, which exist and have no effect here: `prometheus`, `stackdriver`. */
  readonly otherProviders: readonly string[];
  readonly defaults: {
    readonly tracing: readonly string[];
    readonly accessLogging: readonly string[];
    readonly metrics: readonly string[];
  };
  /** The file that all requests are logged to (`accessLogFile`). */
  readonly accessLog?: LogProvider;
  /** `enableTracing` with `defaultConfig.tracing`. */
  readonly tracing?: TracingSettings;
  /** `defaultConfig.tracing.sampling`: what Telemetry objects without a percentage come to. */
  readonly samplingPercent?: number;
  readonly redaction?: Partial<Redaction>;
}

/** A mesh whose settings say nothing about telemetry; Istio has these providers whatever its MeshConfig says. */
export const DEFAULT_MESH_TELEMETRY: MeshTelemetry = {
  tracingProviders: [],
  logProviders: [{ name: 'envoy', kind: 'file', path: '/dev/stdout', format: { kind: 'text' } }],
  otherProviders: ['prometheus', 'stackdriver'],
  defaults: { tracing: [], accessLogging: [], metrics: [] },
};
