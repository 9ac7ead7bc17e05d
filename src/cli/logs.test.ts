import assert from 'node:assert/strict';
import { test } from 'node:test';
import { WeftError } from '../errors/index.ts';
import { collectLogs } from './logs/collect.ts';
import { isMeant, type LineFilter, type LogLine, lineText, readLine } from './logs/line.ts';
import type { LogWish, MeshPod, RunningMesh } from './proxies/index.ts';
import { fakeCluster } from './proxies/testing/fake-cluster.ts';

const screen = { colours: false };
const access = (over: object = {}): string =>
  JSON.stringify({
    ...{
      level: 'info',
      time: '2026-01-01T10:00:01.250Z',
      log: 'access',
      direction: 'outbound',
      protocol: 'HTTP/1.1',
    },
    ...{
      method: 'GET',
      authority: 'cart.shop',
      path: '/items',
      status: 503,
      durationMs: 12.345,
      receivedBytes: 0,
    },
    ...{
      sentBytes: 9,
      downstream: '10.0.0.1:4',
      upstream: '10.0.0.7:8080',
      cluster: 'cart.shop:80',
      peer: '',
    },
    ...{ requestId: 'abc', attempts: 2, flags: 'UF', reason: 'the connection could not be opened', ...over },
  });
const process = (level: string, time: string, message = 'connected'): string =>
  JSON.stringify({ level, time, program: 'weft-proxy', where: 'here', many: [1], message });

test('lines of the access log are sentences, those of the process have their fields behind them', () => {
  const shown = (text: string, named = false): string =>
    lineText(readLine('shop/web-0', text), named, screen);
  assert.equal(
    shown(access()),
    '10:00:01.250  outbound GET cart.shop/items → 503 UF, 12.3 ms, to 10.0.0.7:8080 (cart.shop:80), 2 tries, id abc: the connection could not be opened',
  );
  assert.match(
    shown(access({ status: 200, grpcStatus: 14, flags: '-' })),
    /cart\.shop\/items → 200 gRPC 14, 12/,
  );
  assert.equal(
    shown(access({ status: 200, flags: '-', reason: '', attempts: 1, peer: 'spiffe://a/ns/b/sa/c' }), true),
    '10:00:01.250  shop/web-0  outbound GET cart.shop/items → 200, 12.3 ms, to 10.0.0.7:8080 (cart.shop:80), peer spiffe://a/ns/b/sa/c, id abc',
  );
  assert.equal(
    shown(
      access({
        protocol: 'TCP',
        method: undefined,
        authority: undefined,
        path: undefined,
        status: 0,
        requestId: undefined,
      }),
    ),
    '10:00:01.250  outbound TCP → no answer UF, 12.3 ms, to 10.0.0.7:8080 (cart.shop:80), 2 tries: the connection could not be opened',
  );
  assert.equal(
    shown(process('warn', '2026-01-01T10:00:00.000Z')),
    '10:00:00.000  WARN  connected  where=here  many=[1]',
  );
  assert.equal(shown('Error: no\x1b[31m', true), 'shop/web-0  Error: no?[31m');
  assert.equal(shown('{"cut":'), '{"cut":');
});

test('failures are red on a terminal, warnings yellow', () => {
  const colour = (text: string): string =>
    lineText(readLine('p', text), false, { colours: true }).slice(0, 5);
  assert.deepEqual([access(), process('warn', ''), process('error', ''), process('info', '')].map(colour), [
    '\x1b[31m',
    '\x1b[33m',
    '\x1b[31m',
    'INFO ',
  ]);
});

test('lines are chosen by status, id and severity; what says nothing of these is left out', () => {
  const meant = (text: string, filter: LineFilter): boolean => isMeant(readLine('p', text), filter);
  const info = process('info', '');
  const cases: readonly (readonly [text: string, filter: LineFilter, wanted: boolean])[] = [
    [access(), { status: '5xx' }, true],
    [access(), { status: '503' }, true],
    [access(), { status: '500' }, false],
    [access({ status: 404 }), { status: '5xx' }, false],
    [access({ status: 0 }), { status: '5xx' }, false],
    [info, { status: '5xx' }, false],
    [access(), { requestId: 'abc' }, true],
    [access(), { requestId: 'ab' }, false],
    [access(), { requestId: 'abc', status: '4xx' }, false],
    [info, { level: 'debug' }, true],
    [info, { level: 'warn' }, false],
    [process('error', ''), { level: 'warn' }, true],
    ['no JSON', { level: 'debug' }, false],
    ['no JSON', {}, true],
  ];
  for (const [text, filter, wanted] of cases)
    assert.equal(meant(text, filter), wanted, `${JSON.stringify(filter)} ${text}`);
});

const pod = (name: string): MeshPod => ({
  namespace: 'shop',
  name,
  labels: {},
  phase: 'Running',
  proxyVersion: '1',
});

function meshOf(logs: Readonly<Record<string, readonly string[] | undefined>>): RunningMesh {
  return {
    log: async ({ name }: MeshPod, _: LogWish, onLine: (line: string) => void) => {
      const lines = logs[name];
      if (lines === undefined) throw new WeftError('no-log', 'the container has not started');
      for (const line of lines) onLine(line);
    },
  } as unknown as RunningMesh;
}

test('logs of several pods become one, in the order of time; a line without time stays behind the one before it', async () => {
  const at = (second: number): string => `2026-01-01T10:00:0${second}.000Z`;
  const mesh = meshOf({
    a: [process('info', at(1), 'a1'), 'a trace', process('info', at(5), 'a5')],
    b: [process('info', at(3), 'b3')],
  });
  const seen: LogLine[] = [];
  const filter = {};
  const troubles = await collectLogs(
    mesh,
    [pod('a'), pod('b'), pod('c')],
    { wish: { follow: false }, filter },
    line => void seen.push(line),
    new AbortController().signal,
  );
  assert.deepEqual(
    seen.map(({ pod: of, fields, text }) => [of, fields?.message ?? text]),
    [
      ['shop/a', 'a1'],
      ['shop/a', 'a trace'],
      ['shop/b', 'b3'],
      ['shop/a', 'a5'],
    ],
  );
  assert.deepEqual(troubles, [{ pod: 'shop/c', message: 'the container has not started' }]);
});

test('logs are read through the API server: of one container, as much as was asked for, and filtered', async t => {
  const pods = [{ name: 'web-0' }, { name: 'web-1' }, { name: 'plain', meshed: false }];
  const { api, weft } = await fakeCluster('logs', t, pods, {
    'web-0/log': { text: `${access()}\n${access({ status: 200, flags: '-' })}\n` },
    'web-1/log': { status: 403, reason: 'Forbidden', message: 'pods/log is forbidden' },
  });
  const { out, err, code } = await weft('-n', 'shop', '--status', '5xx', '--since', '10m', '--tail', '5');
  assert.equal(out.trim().split('\n').length, 1);
  assert.match(out, / shop\/web-0 {2}outbound GET cart\.shop\/items → 503 UF/);
  assert.match(err, /^shop\/web-1: no log: .*forbidden/);
  assert.equal(code, 0);
  const call = api.calls.find(({ path }) => path.endsWith('/pods/web-0/log'))!;
  assert.deepEqual(Object.fromEntries(call.query), {
    ...{ container: 'weft-proxy', follow: 'false', sinceSeconds: '600', tailLines: '5' },
  });
});
