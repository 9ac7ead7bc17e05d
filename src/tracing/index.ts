// tracing: what becomes of a request's trace. In: requests as the proxy's observers see them, and settings. Out: headers that
// pass the trace on, spans in batches to a collector, and the names of services whose app does not pass it on. Loaded only where
// tracing is on.
export { type CallResult, CollectorClient } from './collector-client.ts';
export { DECISION, FORMAT, TraceContext } from './context.ts';
export { type Dropped, DroppedContext } from './dropped-context.ts';
export { DEFAULT_KEEP, type KeepSettings, type KeptFor } from './keep.ts';
export { OTLP_PATH } from './otlp.ts';
export { DEFAULT_REPORTER_LIMITS, Reporter, type ReporterLimits, type SpanSink } from './reporter.ts';
export { sinkOf } from './sinks.ts';
export type { Identity } from './source.ts';
export type { Span, SpanSource } from './span.ts';
export type { TracedRequest, TracedTry } from './traced-request.ts';
export { Tracer, type TracerOptions } from './tracer.ts';
export { ZIPKIN_PATH } from './zipkin.ts';
