import type { Span, SpanSource } from './span.ts';

/** Where a collector takes spans over HTTP. */
export const OTLP_PATH = '/v1/traces';

/** Seconds and nanoseconds, as OpenTelemetry's packages have times. */
type HrTime = [number, number];

const scope = { name: 'weft' };
/** Their numbers for kinds and for the code of a status. */
const kinds = { server: 1, client: 2 } as const;
const UNSET = 0;
const ERROR = 2;

/** Makes the body of a call to a collector. */
export type OtlpEncoder = (spans: readonly Span[], source: SpanSource) => Uint8Array;

/**
 * Spans as OTLP's protobuf, made by OpenTelemetry's own package, which is loaded by the first call: nobody who reports nothing
 * has it in memory. Of the package only what writes spans is used, and bundled (docs/performance.md has what it costs).
 */
export async function loadOtlpEncoder(): Promise<OtlpEncoder> {
  const { ProtobufTraceSerializer } = await import('@opentelemetry/otlp-transformer');
  return (spans, source) => {
    const resource = resourceOf(source);
    const readable = spans.map(span => readableSpan(span, resource));
    return ProtobufTraceSerializer.serializeRequest(readable as unknown as Serializable)!;
  };
}

type Serializable = Parameters<
  typeof import('@opentelemetry/otlp-transformer')['ProtobufTraceSerializer']['serializeRequest']
>[0];

function resourceOf(source: SpanSource): object {
  return { attributes: { 'service.name': source.service, ...source.attributes }, schemaUrl: undefined };
}

/** What the serializer reads of OpenTelemetry's ReadableSpan. */
function readableSpan(span: Span, resource: object): object {
  const { traceId, spanId, parentId, flags, traceState } = span;
  return {
    resource,
    instrumentationScope: scope,
    name: span.name,
    kind: kinds[span.kind],
    spanContext: () => ({
      traceId,
      spanId,
      traceFlags: flags,
      ...(traceState !== '' && { traceState: { serialize: () => traceState } }),
    }),
    // Whoever asked did so over the network.
    ...(parentId !== '' && {
      parentSpanContext: { traceId, spanId: parentId, traceFlags: flags, isRemote: true },
    }),
    startTime: hrTime(span.startMs),
    endTime: hrTime(span.startMs + span.durationMs),
    status: span.error === '' ? { code: UNSET } : { code: ERROR, message: span.error },
    attributes: span.attributes,
    links: [],
    events: span.events.map(({ name, atMs, attributes }) => ({ name, time: hrTime(atMs), attributes })),
    droppedAttributesCount: 0,
    droppedEventsCount: 0,
    droppedLinksCount: 0,
  };
}

function hrTime(ms: number): HrTime {
  const seconds = Math.floor(ms / 1000);
  return [seconds, Math.floor((ms - seconds * 1000) * 1e6)];
}
