import type { TracingProvider } from '../model/index.ts';
import { CollectorClient } from './collector-client.ts';
import { loadOtlpEncoder, type OtlpEncoder } from './otlp.ts';
import type { SpanSink } from './reporter.ts';
import { zipkinJson } from './zipkin.ts';

/** The sink for a provider. What it needs is loaded by the first call. */
export function sinkOf(provider: TracingProvider): SpanSink {
  return provider.kind === 'zipkin' ? zipkinSink(provider) : otlpSink(provider);
}

function zipkinSink(provider: TracingProvider): SpanSink {
  const client = new CollectorClient(provider, 'application/json');
  return {
    name: `${provider.name} at ${provider.address}`,
    send: (spans, source) => client.post(zipkinJson(spans, source)),
    close: () => client.close(),
  };
}

function otlpSink(provider: TracingProvider): SpanSink {
  const client = new CollectorClient(provider, 'application/x-protobuf');
  let encode: OtlpEncoder | undefined;
  return {
    name: `${provider.name} at ${provider.address}`,
    async send(spans, source) {
      encode ??= await loadOtlpEncoder();
      return client.post(encode(spans, source));
    },
    close: () => client.close(),
  };
}
