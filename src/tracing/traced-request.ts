import type { Flag } from '../errors/index.ts';
import { httpStatusOf } from '../grpc/index.ts';
import type { Head } from '../http/index.ts';
import type { ClusterConfig, ClusterEndpoint, Route } from '../model/index.ts';
import type { Exemplar } from '../telemetry/index.ts';

/** One try, as far as spans tell of it. */
export interface TracedTry {
  readonly endpoint: string;
  readonly why: string;
  readonly end: string;
  readonly status: number;
  readonly flag: Flag | '';
  readonly detail: string;
  /** Monotonic. */
  readonly startMs: number;
  readonly durationMs: number;
}

/**
 * A request as tracing sees it: what the proxy's observers are shown. One object serves one request after the other, and what it
 * says is valid during a call. Times are monotonic milliseconds.
 */
export interface TracedRequest {
  readonly direction: 'inbound' | 'outbound';
  readonly downstream: string;
  readonly principal: string;
  readonly head: Head;
  /** Of x-request-id. */
  readonly id: string;
  readonly destination: { readonly host: string; readonly port: number } | undefined;
  readonly route: Route | undefined;
  readonly cluster: { readonly config: ClusterConfig } | undefined;
  readonly endpoint: { readonly config: ClusterEndpoint } | undefined;
  readonly startMs: number;
  readonly endMs: number;
  readonly tries: readonly TracedTry[];
  readonly attempts: number;
  readonly status: number;
  /** How a gRPC call ended; -1 where nothing says so. */
  readonly grpcStatus: number;
  readonly flag: Flag | '';
  readonly detail: string;
  readonly receivedBytes: number;
  readonly sentBytes: number;
  /** That it was counted in. */
  readonly series: { readonly durationMs: { exemplify(exemplar: Exemplar): void } } | undefined;
}

/**
 * Whether it counts as failed: no answer, one of 5xx, or one that broke off. As in Envoy what a client did wrong (4xx) is no
 * failure of the service, and an injected delay is on purpose. Of gRPC that makes UNKNOWN, DEADLINE_EXCEEDED, UNIMPLEMENTED,
 * INTERNAL, UNAVAILABLE and DATA_LOSS, as OpenTelemetry has it of servers (opentelemetry.io/docs/specs/semconv/rpc/grpc/).
 */
export function hasFailed({
  status: answered,
  grpcStatus,
  flag,
}: Pick<TracedRequest, 'status' | 'grpcStatus' | 'flag'>): boolean {
  const status = grpcStatus > 0 ? httpStatusOf(grpcStatus) : answered;
  return status === 0 || status >= 500 || (flag !== '' && flag !== 'DI' && status < 400);
}
