import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { test } from 'node:test';
import { WeftError } from '../../errors/index.ts';
import { clusterTools, explain, groupFailures } from '../../explain/index.ts';
import type { ProxyRecords, RequestRecord } from '../../model/index.ts';
import type { LiveApi } from '../live/connect.ts';
import { type AdminEndpoint, adminAt, type MeshPod, type RunningMesh } from '../proxies/index.ts';
import { askAddresses, askLive, askPods, queryText } from './ask-records.ts';
import { idIn } from './id-of.ts';
import { explanationText, recentText } from './text.ts';

const peer = (name: string) => ({
  ...{ namespace: 'shop', pod: `${name}-0`, workload: name, app: name, version: '', principal: '' },
});

function record(over: Partial<RequestRecord> = {}): RequestRecord {
  return {
    ...{ kind: 'request', id: 'r1', kept: 'failed', at: 1_000, durationMs: 12.34, direction: 'outbound' },
    ...{ downstream: '10.0.0.9:1', principal: '', status: 503, flag: 'UH', code: 'no_healthy_upstream' },
    ...{ detail: 'no endpoint of cart.shop is ready', protocol: 'HTTP/1.1', method: 'GET' },
    ...{ authority: 'cart', path: '/a\x1b[2J', filters: [{ filter: 'fault-delay', verdict: 'passed' }] },
    destination: { key: 'cart:80', found: 'service', host: 'cart.shop', port: 80 },
    route: {
      ...{ name: 'cart/0', timeoutMs: 0, idleTimeoutMs: 0, attempts: 0, perTryTimeoutMs: 0 },
      from: {
        ...{ apiVersion: 'networking.istio.io/v1', kind: 'VirtualService', namespace: 'shop', name: 'cart' },
        origin: 'shop.yaml:12',
      },
    },
    cluster: {
      ...{ name: 'cart:80', host: 'cart.shop', service: 'cart', namespace: 'shop', balancer: 'p2c-ewma' },
      ...{ connectTimeoutMs: 1, maxRequests: 1, maxConnections: 1, maxPending: 1 },
    },
    endpoints: {
      endpoints: [{ endpoint: '10.0.0.1:80', pod: 'cart-0', state: 'ejected', why: 'consecutive-5xx' }],
      ...{ ready: 1, total: 2, ejected: 1, why: '' },
    },
    tries: [
      {
        ...{ endpoint: '10.0.0.1:80', pod: 'cart-0', namespace: 'shop', workload: 'cart', mesh: false },
        ...{ why: 'balanced', end: 'bad-answer', status: 503, flag: '', detail: 'overloaded' },
        ...{ afterMs: 0.25, durationMs: 11_000 },
      },
    ],
    ...{ attempts: 1, noRetry: '', mirrored: 0, receivedBytes: 0, sentBytes: 0 },
    ...over,
  };
}

const answerOf = (name: string, ...records: RequestRecord[]): ProxyRecords => ({
  ...{ self: peer(name), address: '', nowMs: 0, keeps: true, records, leftOut: 0 },
});

test('cause, object and remedy come first, then the way; nothing that a client sent steers the terminal', () => {
  const found = explain('r1', [answerOf('web', record())], clusterTools)!;
  const text = explanationText(found, false);
  assert.match(
    text,
    /^request r1: GET cart\/a\?\[2J was answered 503 \(UH, no_healthy_upstream\) after 12 ms\n\ncause {4}/,
  );
  assert.match(
    text,
    /\ndecided {2}Service cart\.shop\nremedy {3}see why their readiness probes fail\n {9}kubectl /,
  );
  assert.match(
    text,
    /\n✗ shop\/web-0 outbound: 503 \(UH, no_healthy_upstream\) 12 ms\n {2}to {8}cart\.shop:80\n/,
  );
  assert.match(text, /\n {2}route {5}cart\/0 of VirtualService cart\.shop \(shop\.yaml:12\)\n/);
  assert.match(text, /\n {2}cluster {3}cart:80 \(p2c-ewma, 1 of 2 ready, 1 ejected\)\n/);
  assert.match(
    text,
    /\n {2}try {7}\+0\.3 ms 10\.0\.0\.1:80 cart-0 \(balanced\) bad-answer 503 in 11 s: overloaded\n/,
  );
  assert.ok(!text.includes('  endpoint'));
  assert.match(
    explanationText(found, true),
    /\n {2}endpoint {2}10\.0\.0\.1:80 cart-0: ejected \(consecutive-5xx\)\n/,
  );
});

test('a sound request says that nothing failed', () => {
  const sound = record({ status: 200, flag: '', code: '', detail: '', kept: 'sample', answeredAfterMs: 1 });
  const text = explanationText(explain('r1', [answerOf('web', sound)], clusterTools)!, false);
  assert.match(text, /was answered 200 after 12 ms\n\nnothing failed\n/);
  assert.ok(text.includes('· shop/web-0 outbound: 200 12 ms'));
});

test('recent failures are a line for each cause and decider, with an id to ask for', () => {
  const groups = groupFailures(
    [
      answerOf('web', record(), record({ id: 'r2', at: 31_000 })),
      answerOf('api', record({ id: 'r3', at: 2_000 })),
    ],
    clusterTools,
  );
  const [head, row] = recentText(groups, 61_000, { colours: false }).split('\n');
  assert.match(head!, /^COUNT +LAST +CAUSE +DECIDED BY +EXAMPLE +WORDS$/);
  assert.match(row!, /^3 +30s ago +endpoints-not-ready +Service cart\.shop +r\d +none of the 2 pods/);
  assert.equal(recentText([], 0, { colours: false }), 'no failures of late');
});

test('ids are found in lines of logs: ours, Envoys, an apps; a UUID anywhere', () => {
  const uuid = '4f5c7bbd-2c8f-4f0e-9a53-0d8c3f6a1e77';
  for (const line of [
    `{"requestId":"${uuid}","status":503}`,
    `x-request-id: ${uuid}`,
    `[2026-01-01] "GET / HTTP/1.1" 503 UF "curl" "${uuid}" "cart"`,
    `level=error reqId=${uuid} msg=failed`,
  ])
    assert.equal(idIn(line), uuid, line);
  assert.equal(idIn('{"requestId":"a.b:c/9="}'), 'a.b:c/9=');
  assert.equal(idIn('nothing of that kind'), undefined);
});

/** A live API that answers with these lines. */
function liveApi(lines: readonly object[], paths: string[] = [], statusCode = 200): LiveApi {
  return {
    async get(path) {
      paths.push(path);
      const body = Readable.from([lines.map(line => `${JSON.stringify(line)}\n`).join('')]);
      return Object.assign(body, { statusCode }) as never;
    },
  };
}

test('records of several cores and proxies come together; who did not answer is told', async () => {
  const { records: _, ...proxy } = answerOf('web');
  const state = { discovery: 'control-plane', connected: true, reason: '', draining: false };
  const paths: string[] = [];
  const api = liveApi(
    [
      { type: 'begin', replica: 'a', proxies: 2 },
      { type: 'said', pod: 'shop/web-0', items: [{ proxy }, { record: record() }] },
      {
        type: 'said',
        pod: 'shop/web-0',
        items: [{ proxy: { ...proxy, state } }, { record: record({ id: 'r2' }) }],
      },
      { type: 'failed', pod: 'shop/cart-0', why: 'is of a version without a record' },
      { type: 'failed', replica: 'b', why: 'does not answer' },
      { type: 'over' },
    ],
    paths,
  );
  const { answers, troubles } = await askLive(api, { id: 'r1' }, 'shop');
  assert.deepEqual(paths, ['/live/requests?id=r1&namespace=shop']);
  assert.deepEqual(
    answers.map(answer => [answer.self.pod, answer.state?.connected, answer.records.map(({ id }) => id)]),
    [['web-0', true, ['r1', 'r2']]],
  );
  assert.deepEqual(troubles, [
    { pod: 'shop/cart-0', why: 'is of a version without a record' },
    { pod: 'b', why: 'does not answer' },
  ]);
});

test('a refusal of the live API is its words', async () => {
  const refused = { error: 'you may not get pods/requests', code: 'live-forbidden' };
  await assert.rejects(askLive(liveApi([refused], [], 403), {}), {
    ...{ code: 'live-forbidden', message: /you may not get pods\/requests/ },
  });
});

test('pods are asked by their admin endpoints, each closed again, and one that fails does not stop the others', async t => {
  const server = createServer((request, response) => {
    assert.equal(request.url, '/requests?kept=failed&limit=5');
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify(answerOf('web', record())));
  }).listen(0, '127.0.0.1');
  t.after(() => server.close());
  await new Promise(resolve => server.once('listening', resolve));
  const address = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  let closed = 0;
  const mesh = {
    async admin({ name }: MeshPod): Promise<AdminEndpoint> {
      if (name === 'gone') throw new WeftError('pod-unasked', 'refused');
      const admin = adminAt(address);
      return { ...admin, read: path => admin.read(path), close: () => void closed++ };
    },
  } as unknown as RunningMesh;
  const pods = ['web-0', 'gone', 'api-0'].map(
    (name): MeshPod => ({
      ...{ namespace: 'shop', name, labels: {}, phase: 'Running' },
    }),
  );
  const { answers, troubles } = await askPods(mesh, pods, { kept: 'failed', limit: 5 });
  assert.deepEqual([answers.length, closed], [2, 2]);
  assert.deepEqual(troubles, [{ pod: 'shop/gone', why: 'refused' }]);
  assert.equal((await askAddresses([address], { kept: 'failed', limit: 5 })).answers[0]?.records.length, 1);
});

test('the query leaves nothing of a value to chance', () => {
  assert.equal(queryText({ id: 'a b&c' }, { namespace: 'shop' }), 'id=a+b%26c&namespace=shop');
});
