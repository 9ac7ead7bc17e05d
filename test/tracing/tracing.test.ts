// Traces of a chain of three proxies: in a collector of the test's, and in the real Zipkin and Jaeger where WEFT_ZIPKIN (its jar)
// and WEFT_JAEGER (its program) name them. The settings are Istio's: `defaultConfig.tracing.zipkin` as blogs have it, and a
// Telemetry.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Chain } from './chain.ts';
import { type Collector, type ReadSpan, startJaeger, startKeeper, startZipkin } from './collectors.ts';

const settings = {
  zipkin: (port: number) => `
apiVersion: v1
kind: ConfigMap
metadata: { name: istio, namespace: istio-system }
data:
  mesh: |
    defaultConfig:
      tracing:
        zipkin:
          address: 127.0.0.1:${port}
        sampling: 100.0
`,
  opentelemetry: (port: number) => `
apiVersion: v1
kind: ConfigMap
metadata: { name: istio, namespace: istio-system }
data:
  mesh: |
    extensionProviders:
    - name: jaeger
      opentelemetry: { service: localhost, port: ${port}, http: { path: /v1/traces } }
---
apiVersion: telemetry.istio.io/v1
kind: Telemetry
metadata: { name: mesh, namespace: istio-system }
spec:
  tracing:
  - providers: [{ name: jaeger }]
    randomSamplingPercentage: 100
`,
} as const;

const route = `
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: prices, namespace: shop }
spec:
  hosts: [prices]
  http:
  - match: [{ uri: { prefix: /prices } }]
    retries: { attempts: 2, retryOn: 5xx }
    route: [{ destination: { host: prices } }]
`;

const collectors = [
  { name: 'a collector', start: startKeeper, missing: '' },
  {
    name: 'Zipkin',
    start: () => startZipkin(process.env.WEFT_ZIPKIN!),
    missing: process.env.WEFT_ZIPKIN ? '' : 'there is no Zipkin; name its jar in WEFT_ZIPKIN',
  },
  {
    name: 'Jaeger',
    start: () => startJaeger(process.env.WEFT_JAEGER!),
    missing: process.env.WEFT_JAEGER ? '' : 'there is no Jaeger; name its program in WEFT_JAEGER',
  },
];

/** Waits for what a collector takes a moment to show. */
async function until<T>(what: string, look: () => Promise<T | undefined>): Promise<T> {
  for (const limit = performance.now() + 30_000; ; ) {
    const found = await look();
    if (found !== undefined) return found;
    assert.ok(performance.now() < limit, `not within 30 s: ${what}`);
    await sleep(100);
  }
}

/** `service kind name`, from the first span down; fails when the spans are no single chain. */
function chainOf(spans: readonly ReadSpan[]): string[] {
  const lines: string[] = [];
  let parent = '';
  for (let left = spans; left.length > 0; ) {
    const below = left.filter(span => span.parent === parent);
    assert.equal(below.length, 1, `one span under '${parent}': ${JSON.stringify(spans, undefined, 1)}`);
    const [span] = below as [ReadSpan];
    lines.push(`${span.service} ${span.kind} ${span.name}`);
    parent = span.id;
    left = left.filter(each => each !== span);
  }
  return lines;
}

for (const { name, start, missing } of collectors) {
  describe(`traces in ${name}`, { skip: missing === '' ? false : missing, timeout: 280_000 }, () => {
    let collector: Collector;
    let chain: Chain;
    let passesOn = true;
    /** Statuses that prices answers with before it answers 200. */
    const fails: number[] = [];

    before(
      async () => {
        collector = await start();
        chain = await Chain.start(`${settings[collector.kind](collector.port)}---${route}`, {
          passesOn: () => passesOn,
          prices: (_, response) => response.writeHead(fails.shift() ?? 200).end('7'),
        });
        // Before the settings have come requests are not traced.
        await until('tracing is on', async () => {
          const on = await Promise.all(chain.all.map(each => each.get('/status')));
          return on.every(text => text.includes('collectors')) ? true : undefined;
        });
      },
      { timeout: 250_000 },
    );
    after(() => {
      chain?.close();
      collector?.close();
    });

    /** The spans of the request with this id, once there are so many. */
    const spansOf = (id: string, count: number): Promise<readonly ReadSpan[]> =>
      until(`${count} spans of ${id}`, async () => {
        const all = await collector.spans('web.shop');
        const ids = new Set(
          all.filter(({ tags }) => tags['guid:x-request-id'] === id).map(({ traceId }) => traceId),
        );
        const own = all.filter(({ traceId }) => ids.has(traceId));
        return own.length >= count ? own : undefined;
      });

    test('the spans of one request are one chain over its hops, with right parents and names', async () => {
      const { status } = await chain.client.call('http://web.shop/prices/7', { 'x-request-id': 'one' });
      assert.equal(status, 200);
      const spans = await spansOf('one', 4);
      assert.deepEqual(chainOf(spans), [
        'client.shop client web.shop.svc.cluster.local:80/*',
        'web.shop server web.shop.svc.cluster.local:80/*',
        'web.shop client prices.shop.svc.cluster.local:80/prices*',
        'prices.shop server prices.shop.svc.cluster.local:80/*',
      ]);
      const asked = spans.find(span => span.service === 'web.shop' && span.kind === 'client')!;
      assert.equal(asked.tags['url.path'], '/prices/7');
      assert.equal(asked.tags['http.response.status_code'], '200');
      assert.equal(asked.tags['k8s.pod.name'], 'web-0');
      assert.equal(asked.tags['istio.canonical_service'], 'web');
      assert.deepEqual(asked.events, []);
    });

    test('a retry is seen in the span of the request, and both tries hang under it', async () => {
      fails.push(503);
      await chain.client.call('http://web.shop/prices/8', { 'x-request-id': 'two' });
      const spans = await spansOf('two', 5);
      const asked = spans.find(span => span.service === 'web.shop' && span.kind === 'client')!;
      assert.deepEqual(asked.events, ['try not-taken', 'try taken']);
      const served = spans.filter(span => span.service === 'prices.shop');
      assert.deepEqual(
        served.map(({ parent, tags }) => [parent === asked.id, tags['http.response.status_code']]).sort(),
        [
          [true, '200'],
          [true, '503'],
        ],
      );
    });

    test('a failure is reported by every proxy on its way, though its trace is not sampled', async () => {
      fails.push(500, 500, 500);
      const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00';
      await chain.client.call('http://web.shop/prices/9', { 'x-request-id': 'three', traceparent });
      await chain.client.call('http://web.shop/prices/9', { 'x-request-id': 'four', traceparent });
      // Three tries at prices, and the three spans before them.
      const spans = await spansOf('three', 6);
      assert.equal(spans.length, 6);
      assert.ok(spans.every(({ tags }) => tags['weft.kept'] === 'error'));
      assert.ok(spans.every(({ traceId }) => traceId === traceparent.slice(3, 35)));
      assert.equal(spans.find(({ service }) => service === 'client.shop')?.parent, 'b7ad6b7169203331');
    });

    test('spans of the last requests get there before a proxy goes', async () => {
      await chain.client.call('http://web.shop/prices/10', { 'x-request-id': 'last' });
      await chain.prices.drain();
      const isLast = ({ service, tags }: ReadSpan): boolean =>
        service === 'prices.shop' && tags['guid:x-request-id'] === 'last';
      await until('the span of the last request', async () =>
        (await collector.spans('prices.shop')).some(isLast) ? true : undefined,
      );
    });

    test('an app that drops the context of its requests is named, with where it calls', {
      skip: name !== 'a collector' && 'shown once',
    }, async () => {
      passesOn = false;
      await until('web is named', async () => {
        await chain.client.call('http://web.shop/prices/11');
        await sleep(200);
        return chain.web.log.includes('the app drops trace contexts') ? true : undefined;
      });
      const metrics = await chain.web.get('/metrics');
      assert.match(
        metrics,
        /^weft_trace_context_dropped_total\{destination="prices\.shop\.svc\.cluster\.local"\} \d+$/m,
      );
      assert.doesNotMatch(await chain.client.get('/metrics'), /^weft_trace_context_dropped_total\{/m);
    });
  });
}
