import type { Attributes, Span, SpanSource } from './span.ts';

/** Where Zipkin takes spans. */
export const ZIPKIN_PATH = '/api/v2/spans';

interface Endpoint {
  serviceName?: string;
  ipv4?: string;
  ipv6?: string;
  port?: number;
}

/**
 * Spans as Zipkin's JSON, version 2 (https://zipkin.io/zipkin-api/). Its values are texts: attributes become tags as
 * OpenTelemetry's mapping for Zipkin has it, events become annotations, and a failure is the tag `error`.
 */
export function zipkinJson(spans: readonly Span[], source: SpanSource): string {
  const local = endpoint(source.service, source.address, 0);
  const common = tagsOf(source.attributes);
  return JSON.stringify(
    spans.map(span => ({
      traceId: span.traceId,
      id: span.spanId,
      ...(span.parentId !== '' && { parentId: span.parentId }),
      kind: span.kind === 'server' ? 'SERVER' : 'CLIENT',
      name: span.name,
      timestamp: Math.round(span.startMs * 1000),
      // Zipkin takes 0 for unknown.
      duration: Math.max(1, Math.round(span.durationMs * 1000)),
      localEndpoint: local,
      remoteEndpoint: endpoint(span.remote.service, span.remote.address, span.remote.port),
      annotations: span.events.map(({ name, atMs, attributes }) => ({
        timestamp: Math.round(atMs * 1000),
        value: `${name}: ${Object.entries(attributes)
          .map(([key, value]) => `${key}=${value}`)
          .join(' ')}`,
      })),
      tags: {
        ...common,
        ...tagsOf(span.attributes),
        ...(span.error !== '' && { error: span.error, 'otel.status_code': 'ERROR' }),
      },
    })),
  );
}

function endpoint(service: string, address: string, port: number): Endpoint {
  return {
    ...(service !== '' && { serviceName: service }),
    ...(address !== '' && (address.includes(':') ? { ipv6: address } : { ipv4: address })),
    ...(port > 0 && { port }),
  };
}

function tagsOf(attributes: Attributes): Record<string, string> {
  const tags: Record<string, string> = {};
  for (const [name, value] of Object.entries(attributes)) tags[name] = String(value);
  return tags;
}
