import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { UNKNOWN_PEER } from '../../telemetry/index.ts';
import { FakeClock } from '../../time/index.ts';
import type { CallResult } from '../../tracing/index.ts';
import { KeptLog } from '../testing/static-mesh.ts';
import { DEFAULT_OTLP_LIMITS, type OtlpLimits, OtlpSink } from './otlp-sink.ts';

/** A collector whose answers the test gives. */
class Rig {
  readonly clock = new FakeClock();
  readonly log = new KeptLog();
  readonly series = { lines: 0, dropped: 0, failures: 0 };
  readonly calls: { readonly body: string; answer(result: CallResult): void }[] = [];
  readonly sink: OtlpSink;

  constructor(limits: Partial<OtlpLimits> = {}) {
    this.sink = new OtlpSink({
      collector: { address: 'otel:4318', path: '/v1/logs', timeoutMs: 1000 },
      logName: 'shop',
      self: () => ({ ...UNKNOWN_PEER, app: 'cart', namespace: 'shop', pod: 'cart-1' }),
      hostname: 'cart-1',
      clock: this.clock,
      log: this.log,
      series: this.series,
      client: {
        post: body => new Promise(resolve => this.calls.push({ body, answer: resolve })),
        close: async () => {},
      },
      limits: { ...DEFAULT_OTLP_LIMITS, ...limits },
    });
  }

  async answer(kind: CallResult['kind']): Promise<void> {
    this.calls.shift()!.answer(kind === 'taken' ? { kind } : { kind, why: 'no' });
    await new Promise(resolve => setImmediate(resolve));
  }
}

test('records go in batches, one call at a time, with who says it', async () => {
  const rig = new Rig({ maxBatch: 2 });
  rig.sink.write('{"a":1}');
  assert.equal(rig.calls.length, 0);
  for (const each of ['{"a":2}', '{"a":3}', '{"a":4}']) rig.sink.write(each);
  assert.equal(rig.calls.length, 1);
  const { resourceLogs } = JSON.parse(rig.calls[0]!.body);
  const [{ resource, scopeLogs }] = resourceLogs;
  assert.deepEqual(
    resource.attributes.map(
      (each: { key: string; value: { stringValue: string } }) => `${each.key}=${each.value.stringValue}`,
    ),
    ['service.name=cart', 'service.namespace=shop', 'k8s.namespace.name=shop', 'k8s.pod.name=cart-1'],
  );
  assert.deepEqual(scopeLogs, [{ scope: { name: 'shop' }, logRecords: [{ a: 1 }, { a: 2 }] }]);
  await rig.answer('taken');
  assert.equal(rig.calls.length, 1);
  await rig.answer('taken');
  assert.deepEqual(rig.series, { lines: 4, dropped: 0, failures: 0 });
});

test('a few records do not wait longer than a second', async () => {
  const rig = new Rig();
  rig.sink.write('{}');
  await rig.clock.advance(999);
  assert.equal(rig.calls.length, 0);
  await rig.clock.advance(1);
  assert.equal(rig.calls.length, 1);
});

test('a collector that is away fills the queue and no more; what does not fit is counted, and the log says it once', async () => {
  const rig = new Rig({ maxRecords: 3, maxBatch: 2, delayMs: 1000 });
  for (let i = 0; i < 10; i++) rig.sink.write(`{"a":${i}}`);
  assert.equal(rig.series.dropped, 7);
  await rig.answer('later');
  await rig.clock.advance(1999);
  assert.equal(rig.calls.length, 0);
  await rig.clock.advance(1);
  assert.match(rig.calls[0]!.body, /"a":0.*"a":1/);
  await rig.answer('later');
  await rig.clock.advance(4000);
  await rig.answer('taken');
  assert.deepEqual(
    rig.log.lines.map(({ level }) => level),
    ['warn', 'info'],
  );
  assert.deepEqual(rig.series, { lines: 2, dropped: 7, failures: 2 });
});

test('records that a collector refuses are dropped, not sent for ever', async () => {
  const rig = new Rig();
  rig.sink.write('{}');
  await rig.clock.advance(1000);
  await rig.answer('refused');
  await rig.clock.advance(60_000);
  assert.equal(rig.calls.length, 0);
  assert.deepEqual(rig.series, { lines: 0, dropped: 1, failures: 1 });
});

test('large records are bounded by their bytes', () => {
  const rig = new Rig({ maxBytes: 100 });
  rig.sink.write('x'.repeat(80));
  rig.sink.write('x'.repeat(80));
  assert.equal(rig.series.dropped, 1);
});

test('over HTTP: what a collector gets, and what is counted when it has gone', async t => {
  const got: { url: string | undefined; tenant: unknown; body: string }[] = [];
  const { promise: came, resolve: tell } = Promise.withResolvers<void>();
  const server = createServer((request, response) => {
    let body = '';
    request.setEncoding('utf8');
    request.on('data', (piece: string) => {
      body += piece;
    });
    request.on('end', () => {
      got.push({ url: request.url, tenant: request.headers['x-tenant'], body });
      response.end();
      tell();
    });
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  t.after(() => server.close());
  const { port } = server.address() as AddressInfo;
  const collector = {
    address: `127.0.0.1:${port}`,
    path: '/v1/logs',
    timeoutMs: 10_000,
    headers: [['x-tenant', 'shop']] as const,
  };
  const series = { lines: 0, dropped: 0, failures: 0 };
  const sink = new OtlpSink({
    collector,
    logName: 'shop',
    self: () => UNKNOWN_PEER,
    hostname: 'cart-1',
    clock: new FakeClock(),
    log: new KeptLog(),
    series,
  });
  sink.write('{"body":{"stringValue":"gr\u00fcn"}}');
  const ended = sink.end(10_000);
  await came;
  await ended;
  assert.deepEqual([got[0]!.url, got[0]!.tenant], ['/v1/logs', 'shop']);
  const [{ scopeLogs }] = JSON.parse(got[0]!.body).resourceLogs;
  assert.equal(scopeLogs[0].logRecords[0].body.stringValue, 'gr\u00fcn');
  assert.deepEqual(series, { lines: 1, dropped: 0, failures: 0 });
  server.closeAllConnections();
});

test('at the end everything that waits is sent, in as many calls as it takes', async () => {
  const rig = new Rig({ maxBatch: 2 });
  for (const each of ['{"a":1}', '{"a":2}', '{"a":3}']) rig.sink.write(each);
  let ended = false;
  const over = rig.sink.end(5_000).then(() => {
    ended = true;
  });
  await rig.answer('taken');
  assert.deepEqual([ended, rig.calls.length], [false, 1]);
  await rig.answer('taken');
  await over;
  assert.deepEqual(rig.series, { lines: 3, dropped: 0, failures: 0 });
  rig.sink.write('{}');
  assert.equal(rig.series.dropped, 1, 'nothing is taken after the end');
});

test('the end does not wait for a collector that fails or is silent, and what is lost is counted', async () => {
  const failing = new Rig({ maxBatch: 1 });
  failing.sink.write('{}');
  failing.sink.write('{}');
  const over = failing.sink.end(5_000);
  await failing.answer('later');
  await over;
  assert.deepEqual([failing.calls.length, failing.series.dropped], [0, 2]);
  const silent = new Rig();
  silent.sink.write('{}');
  const late = silent.sink.end(5_000);
  await silent.clock.advance(5_000);
  await late;
  assert.equal(silent.series.dropped, 1);
  await new Rig().sink.end(5_000);
});
