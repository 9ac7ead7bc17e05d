import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sentLines } from '../http1/testing/heads.ts';
import type { CustomTag, Route, TelemetrySettings, TracingSettings } from '../model/index.ts';
import { Histogram, silentLog } from '../telemetry/index.ts';
import { FakeClock } from '../time/index.ts';
import type { Span, SpanSource } from './span.ts';
import { peer, type RequestParts, tracedRequest } from './testing/requests.ts';
import type { TracedRequest } from './traced-request.ts';
import { Tracer } from './tracer.ts';

const trace = '0af7651916cd43dd8448eb211c80319c';
const sampled = `traceparent: 00-${trace}-b7ad6b7169203331-01`;
const unsampled = sampled.replace(/01$/, '00');

interface Rig {
  readonly tracer: Tracer;
  readonly clock: FakeClock;
  /** What the collector got so far. */
  spans(): Promise<{ spans: Span[]; source: SpanSource | undefined }>;
  /** Lets a request come and end, and gives what was sent on. */
  pass(direction: 'inbound' | 'outbound', parts?: RequestParts): ReadonlyMap<string, string>;
}

function settings(parts: Partial<TracingSettings> = {}): TracingSettings {
  return {
    provider: {
      name: 'otel',
      kind: 'opentelemetry',
      address: 'collector:4318',
      path: '/v1/traces',
      timeoutMs: 1_000,
      maxTagLength: 256,
    },
    disabled: false,
    samplingPercent: 100,
    useRequestIdForSampling: true,
    istioTags: true,
    customTags: [],
    ...parts,
  };
}

function rig(tracing: TracingSettings | undefined = settings(), random = 0.5): Rig {
  const clock = new FakeClock();
  const got: Span[] = [];
  let source: SpanSource | undefined;
  const tracer = new Tracer({
    clock,
    log: silentLog,
    random: () => random,
    environment: { CLUSTER: 'east' },
    identity: {
      pod: 'cart-v1-0',
      namespace: 'shop',
      address: '10.0.0.1',
      node: 'node-1',
      trustDomain: 'cluster.local',
      clusterDomain: 'cluster.local',
    },
    self: () => peer('cart'),
    sink: () => ({
      name: 'collector',
      send: async (spans, from) => {
        got.push(...spans);
        source = from;
        return { kind: 'taken' };
      },
      close: async () => {},
    }),
  });
  tracer.apply({ inbound: { ...(tracing && { tracing }) }, outbound: { ...(tracing && { tracing }) } });
  return {
    tracer,
    clock,
    async spans() {
      await clock.advance(1_000);
      return { spans: got, source };
    },
    pass(direction, parts) {
      const request = tracedRequest(direction, parts);
      tracer.forward(request);
      tracer.end(request);
      return fieldsOf(request);
    },
  };
}

function fieldsOf({ head }: TracedRequest): ReadonlyMap<string, string> {
  return new Map(
    sentLines(head).map(line => {
      const [, name, value] = /^([^:]+):\s*(.*)$/.exec(line)!;
      return [name!.toLowerCase(), value!];
    }),
  );
}

test('one span for a request: its parent is who asked, and the upstream is told of it', async () => {
  const { pass, spans } = rig();
  const sent = pass('inbound', { lines: [sampled, 'tracestate: a=1'] });
  const { spans: got, source } = await spans();
  const [span] = got as [Span];
  assert.deepEqual(
    [got.length, span.traceId, span.parentId, span.kind, span.traceState],
    [1, trace, 'b7ad6b7169203331', 'server', 'a=1'],
  );
  assert.equal(sent.get('traceparent'), `00-${trace}-${span.spanId}-01`);
  assert.equal(source?.service, 'cart.shop');
  assert.equal(source?.attributes['istio.canonical_revision'], 'v1');
  assert.equal(source?.attributes.node_id, 'sidecar~10.0.0.1~cart-v1-0.shop~shop.svc.cluster.local');
});

test("the hops of one request are one chain: client's span, server's span, and on", async () => {
  const cart = rig();
  const prices = rig();
  const out = cart.pass('outbound', {});
  prices.pass('inbound', { lines: [`traceparent: ${out.get('traceparent')}`] });
  const [client] = (await cart.spans()).spans as [Span];
  const [server] = (await prices.spans()).spans as [Span];
  assert.deepEqual([client.parentId, server.parentId], ['', client.spanId]);
  assert.equal(server.traceId, client.traceId);
  assert.equal(client.name, 'prices.shop.svc.cluster.local:80/*');
  assert.equal(server.name, 'prices.shop.svc.cluster.local:80/*');
});

test('attributes are those of the semantic conventions, without the query, and those that Kiali reads', async () => {
  const { pass, spans } = rig();
  pass('outbound', { status: 503, flag: 'UF', detail: 'connect: ECONNREFUSED', attempts: 2 });
  pass('inbound', {});
  const [client, server] = (await spans()).spans as [Span, Span];
  const { attributes } = client;
  const expected = {
    'http.request.method': 'GET',
    'url.path': '/prices/7',
    'url.full': 'http://prices.shop:80/prices/7',
    'http.response.status_code': 503,
    'server.address': 'prices.shop',
    'server.port': 80,
    'network.protocol.version': '1.1',
    'user_agent.original': 'test/1',
    'peer.service': 'prices.shop',
    'network.peer.address': '10.0.0.9',
    'http.request.resend_count': 1,
    'error.type': 'UF',
    response_flags: 'UF',
    upstream_cluster: 'prices.shop.svc.cluster.local:80/v1',
    component: 'proxy',
    'guid:x-request-id': 'f00d',
    'http.status_code': '503',
  };
  for (const [name, value] of Object.entries(expected)) assert.equal(attributes[name], value, name);
  assert.equal(JSON.stringify(attributes).includes('secret'), false);
  assert.equal(client.error, 'UF: the connection to the upstream could not be opened: connect: ECONNREFUSED');
  assert.equal(server.error, '');
  assert.equal(server.attributes['client.address'], '10.0.0.1');
  assert.equal(server.attributes['source.principal'], peer('cart').principal);
  assert.equal(server.durationMs, 12.5);
});

test('tries are events of the span, each with its end', async () => {
  const { pass, spans } = rig();
  const each = { why: 'balanced', flag: '', detail: '', durationMs: 3 } as const;
  pass('outbound', {
    attempts: 2,
    tries: [
      { ...each, endpoint: '10.0.0.8:8080', end: 'not-taken', status: 503, startMs: 101 },
      { ...each, endpoint: '10.0.0.9:8080', end: 'taken', status: 200, startMs: 105 },
    ],
  });
  const [{ events, startMs }] = (await spans()).spans as [Span];
  assert.deepEqual(
    events.map(({ name, atMs, attributes }) => [
      name,
      atMs - startMs,
      attributes['http.response.status_code'],
    ]),
    [
      ['try not-taken', 1, 503],
      ['try taken', 5, 200],
    ],
  );
});

test('a parent decides; where there is none the rate does, alike for one request id', async () => {
  for (const [percent, line, expected] of [
    [0, sampled, 1],
    [100, unsampled, 0],
    [0, 'b3: 1', 1],
    [100, 'b3: 0', 0],
    [0, 'x-request-id: a1a1a1a1-a1a1-9a1a-a1a1-a1a1a1a1a1a1', 1],
    [0, 'x-request-id: a1a1a1a1-a1a1-4a1a-a1a1-a1a1a1a1a1a1', 0],
    [0, 'x-request-id: a1a1a1a1-a1a1-9a1a-a1a1-a1a1a1a1a1a', 0],
    [60, '', 1],
    [40, '', 0],
  ] as const) {
    const { pass, spans } = rig(settings({ samplingPercent: percent }));
    const sent = pass('outbound', { lines: line === '' ? [] : [line] });
    assert.equal((await spans()).spans.length, expected, `${percent} ${line}`);
    assert.equal(sent.get('traceparent')!.slice(-2), `0${expected}`, 'the next proxy is told');
  }
  const proxies = [rig(settings({ samplingPercent: 50 }), 0), rig(settings({ samplingPercent: 50 }), 0.99)];
  const decided = proxies.map(({ pass }) =>
    Array.from({ length: 200 }, (_, i) =>
      pass('outbound', { lines: [`x-request-id: request-${i}`] })
        .get('traceparent')!
        .slice(-2),
    ).join(),
  );
  assert.equal(decided[0], decided[1]);
  assert.ok(decided[0]!.includes('00') && decided[0]!.includes('01'));
});

test('a route may have a rate of its own', async () => {
  const route = { traceSampling: 100, action: { kind: 'respond' } } as Route;
  const { pass, spans } = rig(settings({ samplingPercent: 0 }));
  pass('outbound', { route });
  pass('outbound', { route, lines: [unsampled] });
  pass('outbound', {});
  assert.equal((await spans()).spans.length, 1);
});

test('x-envoy-force-trace counts from the app and from the mesh; from others it is taken out', async () => {
  const none = settings({ samplingPercent: 0 });
  const lines = ['X-Envoy-Force-Trace: true'];
  for (const [direction, principal, expected] of [
    ['outbound', '', 1],
    ['inbound', peer('cart').principal, 1],
    ['inbound', '', 0],
  ] as const) {
    const { pass, spans } = rig(none);
    const sent = pass(direction, { lines, principal });
    assert.equal((await spans()).spans.length, expected, `${direction} ${principal}`);
    assert.equal(sent.has('x-envoy-force-trace'), expected === 1);
  }
});

test('what is not sampled is reported when it fails or is slow, says so, and not without end', async () => {
  const { pass, spans, tracer } = rig(settings({ samplingPercent: 0 }));
  pass('outbound', {});
  pass('outbound', { status: 404 });
  pass('outbound', { endMs: 1_100 });
  pass('outbound', { status: 503 });
  pass('outbound', { status: 200, flag: 'UC' });
  pass('outbound', { status: 200, flag: 'DI' });
  for (let i = 0; i < 20; i++) pass('outbound', { status: 0, flag: 'UH' });
  const { spans: got } = await spans();
  assert.deepEqual(
    got.slice(0, 3).map(({ attributes }) => attributes['weft.kept']),
    ['slow', 'error', 'error'],
  );
  assert.deepEqual([got.length, tracer.kept, tracer.keeping.refused], [10, { error: 9, slow: 1 }, 13]);
});

test('an answer of the proxy itself has a span though nothing was forwarded', async () => {
  const { tracer, spans } = rig();
  tracer.end(tracedRequest('inbound', { lines: [sampled], status: 403, flag: 'UAEX', attempts: 0 }));
  const [span] = (await spans()).spans as [Span];
  assert.deepEqual([span.parentId, span.error], ['b7ad6b7169203331', '']);
});

test('without settings, and disabled, a request goes through as it came', async () => {
  for (const tracing of [undefined, settings({ disabled: true })]) {
    const { tracer, spans } = rig();
    const telemetry: TelemetrySettings = {
      inbound: { ...(tracing && { tracing }) },
      outbound: { ...(tracing && { tracing }) },
    };
    tracer.apply(telemetry);
    assert.equal(tracer.active, false);
    const request = tracedRequest('outbound', { lines: [sampled], status: 503 });
    tracer.forward(request);
    tracer.end(request);
    assert.equal(fieldsOf(request).get('traceparent'), sampled.slice(13));
    assert.equal((await spans()).spans.length, 0);
  }
});

test("spans on their way to a collector have none of their own, whoever's they are", async () => {
  const { pass, spans } = rig();
  for (const target of ['/v1/traces', '/api/v2/spans'])
    pass('inbound', { target, method: 'POST', status: 503 });
  pass('inbound', { target: '/v1/traces' });
  pass('inbound', { target: '/v1/traces2', method: 'POST' });
  assert.equal((await spans()).spans.length, 2);
});

test('a collector of Zipkin means apps that pass on B3', () => {
  const { provider } = settings();
  const { pass } = rig(settings({ provider: { ...provider, kind: 'zipkin' } }));
  const sent = pass('outbound', {});
  assert.equal(sent.get('x-b3-traceid'), sent.get('traceparent')!.slice(3, 35));
  assert.equal(sent.get('x-b3-sampled'), '1');
});

test('custom tags: literals, the environment, headers; cut, and left out where there is nothing', async () => {
  const customTags: CustomTag[] = [
    { name: 'a', kind: 'literal', value: 'x' },
    { name: 'b', kind: 'environment', of: 'CLUSTER' },
    { name: 'c', kind: 'environment', of: 'NONE', fallback: 'other' },
    { name: 'd', kind: 'environment', of: 'NONE' },
    { name: 'e', kind: 'header', of: 'x-user' },
  ];
  const { pass, spans } = rig(settings({ customTags }));
  pass('inbound', { lines: [`X-User: ${'u'.repeat(500)}`], target: `/${'p'.repeat(500)}` });
  const [{ attributes }] = (await spans()).spans as [Span];
  const { a, b, c, d, e } = attributes;
  assert.deepEqual({ a, b, c, d, e }, { a: 'x', b: 'east', c: 'other', d: undefined, e: 'u'.repeat(256) });
  assert.equal(String(attributes['url.path']).length, 256);
});

test('one object that stands for one request after the other: what the first was leaves nothing behind', async () => {
  const { tracer, spans, clock } = rig();
  const view = tracedRequest('inbound', { lines: [sampled] });
  tracer.forward(view);
  tracer.end(view);
  Object.assign(view, tracedRequest('inbound', { startMs: clock.monotonic(), endMs: clock.monotonic() }));
  tracer.end(view);
  const [first, second] = (await spans()).spans as [Span, Span];
  assert.deepEqual([second.parentId, second.traceId === first.traceId], ['', false]);
});

test('when the collector changes, what waits for the old one still gets there', async () => {
  const { tracer, pass, spans } = rig();
  pass('outbound', {});
  const other = settings({ provider: { ...settings().provider, address: 'other:4318' } });
  tracer.apply({ inbound: { tracing: other }, outbound: { tracing: other } });
  assert.equal([...tracer.reporters].length, 1);
  assert.equal((await spans()).spans.length, 1);
});

test('what is reported is an example of its latency in the series that it was counted in', async () => {
  const { pass, spans } = rig();
  const histogram = new Histogram();
  pass('inbound', { lines: [sampled], series: { durationMs: histogram } });
  pass('inbound', { lines: [unsampled], series: { durationMs: histogram } });
  await spans();
  const { traceId, value } = histogram.exemplars!.find(each => each !== undefined)!;
  assert.deepEqual([traceId, value], [trace, 12.5]);
  assert.equal(histogram.exemplars!.filter(each => each !== undefined).length, 1);
});
