// What tracing adds to a request in one proxy, by itself: contexts read and written, the decision, the span made and queued. In
// one process without a network, so that the figures hardly depend on what else the machine does.
//   node --expose-gc --max-semi-space-size=512 bench/tracing.ts
import { getHeapStatistics } from 'node:v8';
import type { TracingSettings } from '../src/model/index.ts';
import { silentLog } from '../src/telemetry/index.ts';
import { systemClock } from '../src/time/index.ts';
import { type SpanSink, sinkOf, Tracer } from '../src/tracing/index.ts';
import { peer, tracedRequest } from '../src/tracing/testing/requests.ts';

const rounds = 7;
const requests = 20_000;
const traceparent = 'traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-0';
const identity = {
  pod: 'cart-0',
  namespace: 'shop',
  address: '10.0.0.1',
  node: 'node-1',
  trustDomain: 'cluster.local',
  clusterDomain: 'cluster.local',
};

function settings(samplingPercent: number): TracingSettings {
  const provider = {
    name: 'otel',
    kind: 'opentelemetry',
    address: '127.0.0.1:1',
    path: '/v1/traces',
    timeoutMs: 1_000,
    maxTagLength: 256,
  } as const;
  return {
    provider,
    disabled: false,
    samplingPercent,
    useRequestIdForSampling: true,
    istioTags: true,
    customTags: [],
  };
}

/** Microseconds and bytes for each request; `sink`: takes every batch at once. */
async function cost(percent: number, line: string, sink: SpanSink): Promise<[number, number]> {
  const tracer = new Tracer({
    clock: systemClock,
    log: silentLog,
    random: Math.random,
    environment: {},
    identity,
    self: () => peer('cart'),
    sink: () => sink,
  });
  const tracing = settings(percent);
  tracer.apply({ inbound: { tracing }, outbound: { tracing } });
  const request = tracedRequest('outbound', { lines: line === '' ? [] : [line] });
  const found: [number, number][] = [];
  for (let round = 0; round < rounds; round++) {
    globalThis.gc?.();
    const before = getHeapStatistics();
    const startMs = performance.now();
    for (let i = 0; i < requests; i++) {
      const { head } = request;
      // As the next request on the same connection finds it.
      head.addedCount = 0;
      for (let at = 0; at < head.count; at++) head.slots[at * 5 + 4] = head.lineEnd(at);
      tracer.forward(request);
      tracer.end(request);
      if (i % 200 === 0) await new Promise(resolve => setImmediate(resolve));
    }
    const spent = performance.now() - startMs;
    const after = getHeapStatistics();
    const bytes =
      after.used_heap_size - before.used_heap_size + after.external_memory - before.external_memory;
    found.push([(spent * 1000) / requests, bytes / requests]);
  }
  await tracer.close(0);
  found.sort(([left], [right]) => left - right);
  return found[rounds >> 1]!;
}

const nothing: SpanSink = { name: 'none', send: async () => ({ kind: 'taken' }), close: async () => {} };
const { createServer } = await import('node:http');
const server = createServer((call, response) => call.resume().on('end', () => response.end())).listen(
  0,
  '127.0.0.1',
);
await new Promise(resolve => server.once('listening', resolve));
const { port } = server.address() as { port: number };
const otlp = (): SpanSink => sinkOf({ ...settings(0).provider, address: `127.0.0.1:${port}` });
for (const [name, percent, line, sink] of [
  ['no parent, none sampled', 0, '', nothing],
  ['parent not sampled', 0, `${traceparent}0`, nothing],
  ['1 % sampled, made', 1, '', nothing],
  ['100 % sampled, made', 100, '', nothing],
  ['100 % sampled, made and sent (OTLP, the collector in the same process)', 100, '', otlp()],
] as const) {
  const [us, bytes] = await cost(percent, line, sink);
  console.log(`${name.padEnd(72)} ${us.toFixed(2).padStart(7)} µs ${bytes.toFixed(0).padStart(7)} bytes`);
}
server.closeAllConnections();
server.close();
