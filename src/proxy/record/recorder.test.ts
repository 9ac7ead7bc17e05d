import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { RequestRecord, Route } from '../../model/index.ts';
import { ExchangeRig, GET, OK, type RigOptions, tell } from '../testing/exchange-rig.ts';
import { RouteRig } from '../testing/route-rig.ts';
import { KeptRecords } from './kept-records.ts';
import { DEFAULT_RECORD, type RecordSettings, RequestRecorder } from './recorder.ts';
import { SlowRequests } from './slow.ts';

const failed = 'HTTP/1.1 500 no\r\ncontent-length: 0\r\n\r\n';

/** A rig that keeps a record. */
function recorded(
  options: RigOptions = {},
  settings: RecordSettings = DEFAULT_RECORD,
): { rig: ExchangeRig; recorder: RequestRecorder; kept: () => readonly RequestRecord[] } {
  const rig = new ExchangeRig(options);
  const recorder = new RequestRecorder(rig.host.clock, settings);
  rig.services.observers.add(recorder);
  return { rig, recorder, kept: () => recorder.find({}) as readonly RequestRecord[] };
}

test('a failure is kept with its route, its cluster, its endpoints and its tries', async () => {
  const { rig, kept } = recorded({ endpoints: 2, retry: { attempts: 1 } });
  const client = rig.client();
  client.peer.send('GET /a?secret=1 HTTP/1.1\r\nhost: a\r\nx-request-id: mine\r\n\r\n');
  rig.host.dials[0]!.fail('UF', 'refused');
  await rig.advance(1000);
  rig.host.dials[0]!.fail('UF', 'refused');
  await rig.settle();
  const [record] = kept();
  assert.deepEqual(
    [record?.kept, record?.id, record?.status, record?.flag, record?.code, record?.path],
    ['failed', 'mine', 503, 'UF', 'upstream_reset_before_response_started{connection_failure}', '/a'],
  );
  assert.deepEqual(
    [record?.route?.name, record?.cluster?.name, record?.destination?.key, record?.attempts],
    ['default', 'a:80', 'a:80', 2],
  );
  assert.deepEqual(
    record?.tries.map(({ end, detail, why }) => [end, detail, why]),
    [
      ['no-connection', 'refused', 'balanced'],
      ['no-connection', 'refused', 'balanced'],
    ],
  );
  assert.deepEqual(
    record?.endpoints?.endpoints.map(({ endpoint, state }) => `${endpoint} ${state}`),
    ['10.0.0.1:80 candidate', '10.0.0.2:80 candidate'],
  );
});

test('of an ejected endpoint it is told for what; not where the request itself brought it about', async () => {
  const { rig, kept } = recorded({
    endpoints: 3,
    retry: { attempts: 0 },
    settings: { outlier: { consecutiveConnectFailures: 1, maxEjectionPercent: 40 } },
  });
  for (let i = 0; i < 2; i++) {
    rig.client().peer.send(GET);
    await rig.advance(10);
    rig.host.dials[0]!.fail('UF', 'refused');
    await rig.advance(10);
  }
  const states = kept().map(({ endpoints }) =>
    endpoints!.endpoints.map(({ state, why }) => why ?? state).sort(),
  );
  assert.deepEqual(states, [
    ['candidate', 'candidate', 'candidate'],
    ['candidate', 'candidate', 'consecutive-connect-failures'],
  ]);
});

test('a request that was tried again, one that was slow, and of the rest one now and then', async () => {
  const { rig, kept } = recorded(
    { endpoints: 2, retry: { attempts: 1 } },
    { maxBytes: 1 << 20, slowMs: 100 },
  );
  const client = rig.client();
  const ask = async (ms: number): Promise<void> => {
    client.peer.send(GET);
    const upstream = rig.host.dials.length > 0 ? await rig.upstream() : undefined;
    await rig.advance(ms);
    (upstream ?? last)!.send(OK);
    last = upstream ?? last;
    client.peer.take();
  };
  let last: Awaited<ReturnType<typeof rig.upstream>> | undefined;
  await ask(1);
  for (let i = 0; i < 5; i++) await ask(1);
  await ask(150);
  await ask(60);
  assert.deepEqual(
    kept().map(({ kept }) => kept),
    ['sample', 'slow', 'sample'],
  );
});

test('slow is what takes more than twice the 99th percentile of its route', () => {
  const slow = new SlowRequests(undefined);
  const route = { name: 'a' } as Route;
  // 1 of 100 takes 80 ms, the others 10 to 40.
  const takes = (i: number): number => (i % 100 === 99 ? 80 : 10 + (i % 31));
  let told = 0;
  for (let i = 0; i < 20_000; i++) if (slow.judge(route, takes(i))) told++;
  assert.ok(told < 40, `${told} of 20,000`);
  assert.equal(slow.judge(route, 250), true);
  assert.equal(slow.judge({ name: 'b' } as Route, 250), false, 'of another route nothing is known');
});

test('too many failures at once: some are kept, the others counted', async () => {
  const { rig, recorder, kept } = recorded();
  rig.targets = 'late';
  for (let i = 0; i < 150; i++) {
    rig.client().peer.send(GET);
    tell(rig, undefined, 'NR', 'nobody knows it');
  }
  assert.deepEqual([kept().length, recorder.leftOut], [100, 50]);
  await rig.advance(1000);
  rig.client().peer.send(GET);
  tell(rig, undefined, 'NR', 'nobody knows it');
  assert.equal(kept().length, 101);
});

test('the record stays within its bytes, and the oldest makes room', () => {
  const records = new KeptRecords(10_000);
  const record = (i: number) =>
    ({ kind: 'refusal', id: `${i}`, kept: 'failed', at: i, detail: 'x'.repeat(200) }) as never;
  for (let i = 0; i < 1000; i++) records.add(record(i));
  assert.ok(records.bytes <= 10_000 && records.count > 20, `${records.count} in ${records.bytes}`);
  assert.equal(records.find({}).at(-1)?.id, '999');
  assert.deepEqual(records.find({ id: '5' }), []);
  assert.deepEqual(
    records.find({ limit: 2 }).map(({ id }) => id),
    ['998', '999'],
  );
  assert.equal(records.find({ sinceMs: 995 }).length, 5);
});

test('long paths, hosts and words are cut, and ids are found as they are kept', async () => {
  const { rig, recorder } = recorded();
  rig.targets = 'late';
  const path = `/${'p'.repeat(5000)}`;
  rig.client().peer.send(`GET ${path} HTTP/1.1\r\nhost: a\r\nx-request-id: ${'i'.repeat(500)}\r\n\r\n`);
  tell(rig, undefined, 'NR', 'w'.repeat(5000));
  const [record] = recorder.find({ id: 'i'.repeat(128) }) as RequestRecord[];
  assert.deepEqual([record!.path.length, record!.detail.length], [301, 301]);
});

test('what a filter answered is kept with the object that asked for it, and the trace of the request', async () => {
  const from = { apiVersion: 'v1', kind: 'VirtualService', namespace: 'shop', name: 'a', origin: 'a.yaml:1' };
  const rig = new RouteRig([{ from, fault: { abort: { status: 503, percent: 100 } } }]);
  const recorder = new RequestRecorder(rig.host.clock, DEFAULT_RECORD);
  rig.services.observers.add(recorder);
  const trace = '4bf92f3577b34da6a3ce929d0e0e4736';
  await rig.send(`GET /a HTTP/1.1\r\nhost: a\r\ntraceparent: 00-${trace}-00f067aa0ba902b7-01\r\n\r\n`);
  const [record] = recorder.find({ kept: 'failed' }) as RequestRecord[];
  assert.deepEqual([record!.code, record!.traceId], ['fault_filter_abort', trace]);
  assert.deepEqual(record!.filters, [{ filter: 'fault-abort', verdict: 'answered', from }]);
});

test('a failed answer of the app itself is a failure too', async () => {
  const { rig, kept } = recorded();
  rig.client().peer.send(GET);
  (await rig.upstream()).send(failed);
  assert.deepEqual(
    kept().map(({ status, flag, code, tries }) => [status, flag, code, tries[0]?.end]),
    [[500, '', 'via_upstream', 'taken']],
  );
});
