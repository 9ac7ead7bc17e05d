import assert from 'node:assert/strict';
import { test } from 'node:test';
import { probeRaw } from '../../load/probes.ts';
import type { Report } from '../../load/tally.ts';
import { start } from '../../testing.ts';
import { type DemoContext, eventually, judge, judgedLines } from '../claim.ts';
import { Growth } from '../metrics/growth.ts';
import { parsePrometheus } from '../metrics/prometheus.ts';
import { repeatedOrders } from '../shop.ts';
import { judgeEjection, whileOutBetween } from './failures.ts';
import { judgeGrpcRetried, judgeGrpcSpread } from './grpc.ts';
import { lossesBetween } from './losses.ts';
import { judgeBudget, judgeStrict, reasonIn } from './policy.ts';
import { type Burst, judgeIdentities, judgeInterception, judgeSpread, judgeSums } from './quiet.ts';
import { headerRequest, judgeBanner, judgeHeaders } from './wire.ts';

const context = {} as DemoContext;
const latencyMs = { count: 1, mean: 1, p50: 1, p95: 1, p99: 1, max: 1 };
const emptyReport: Report = {
  running: false,
  elapsedMs: 0,
  sent: 0,
  inFlight: 0,
  ok: 0,
  failed: 0,
  lostIdempotent: 0,
  lostOther: 0,
  repeatedOrders: 0,
  skipped: 0,
  ratePerSecond: 0,
  statuses: {},
  errors: {},
  latencyMs,
  methods: {},
  servedBy: {},
  failures: [],
};

const id = (name: string) => `spiffe://cluster.local/ns/shop/sa/${name}`;
function line(
  from: string,
  to: string,
  value: number,
  policy = 'mutual_tls',
  series = 'istio_requests_total',
) {
  return (['source', 'destination'] as const)
    .map(
      reporter =>
        `${series}{reporter="${reporter}",source_principal="${id(from)}",destination_principal="${id(to)}",` +
        `connection_security_policy="${policy}"} ${value}`,
    )
    .join('\n');
}
const tcp = 'istio_tcp_connections_opened_total';
const http = [
  ['loadgen', 'storefront', 100],
  ['loadgen', 'cart', 10],
  ['storefront', 'catalog', 100],
  ['storefront', 'reviews', 100],
  ['storefront', 'cart', 100],
  ['reviews', 'ratings', 50],
  ['catalog', 'offers', 100],
] as const;
const allLines = () => [
  ...http.map(([from, to, n]) => line(from, to, n)),
  line('loadgen', 'stock', 2, 'mutual_tls', tcp),
  line('catalog', 'stock', 3, 'mutual_tls', tcp),
];

function burst(metrics: readonly string[], more: Partial<Burst> = {}): Burst {
  const pods = new Map([['all', parsePrometheus(metrics.join('\n'))]]);
  const growth = new Growth(undefined, { atMs: 0, pods });
  return {
    report: {
      ...emptyReport,
      sent: 110,
      ok: 110,
      methods: { GET: { sent: 100, ok: 100 }, POST: { sent: 10, ok: 10 } },
      servedBy: {
        'storefront/a/v1': 50,
        'storefront/b/v1': 50,
        'catalog/a/v1': 100,
        'reviews/a/v1': 50,
        'reviews/b/v2': 50,
        'ratings/a/v1': 50,
        'cart/a/v1': 110,
        'stock/a/v1': 100,
        'offers/a/v1': 100,
      },
    },
    growth,
    sinceStart: growth,
    served: { storefront: 100, catalog: 100, reviews: 100, ratings: 50, cart: 110, offers: 100 },
    proxySettings: [],
    ...more,
  };
}
const pods = { storefront: 2, catalog: 1, reviews: 2, ratings: 1, cart: 1, offers: 1 };

test('a shop whose figures are right passes the four claims of the burst', () => {
  const good = burst(allLines());
  assert.deepEqual(judgeInterception(good, true), {
    result: 'pass',
    figure: '6 apps answered 560 requests, their proxies saw 560; no app has a proxy setting',
    detail: [],
  });
  assert.equal(judgeIdentities(good).result, 'pass', judgeIdentities(good).detail?.join());
  assert.match(
    judgeIdentities(good).figure,
    /^560 of 560 requests and 5 TCP connections over 9 kinds of call/,
  );
  assert.equal(judgeSpread(good, pods).result, 'pass');
  assert.equal(judgeSums(good).result, 'pass');
});

test('a request that went past a proxy fails interception, and so does an app with a proxy setting', () => {
  const past = judgeInterception(burst(allLines(), { served: { ...burst([]).served, ratings: 51 } }), true);
  assert.equal(past.result, 'fail');
  assert.deepEqual(past.detail, ['ratings served 51, its proxies saw 50']);
  assert.equal(judgeInterception(burst(allLines(), { proxySettings: ['HTTP_PROXY'] }), true).result, 'fail');
  assert.equal(judgeInterception(burst([]), true).result, 'fail');
  assert.equal(judgeInterception(burst(allLines()), false).result, 'skip');
});

test('plaintext, a wrong identity and a missing hop each fail the identities', () => {
  const plaintext = judgeIdentities(burst([...allLines(), line('loadgen', 'cart', 1, 'none')]));
  assert.deepEqual(plaintext.detail, [
    'source: 1 of 11 from loadgen to cart without mesh TLS',
    'destination: 1 of 11 from loadgen to cart without mesh TLS',
  ]);
  const wrong = judgeIdentities(burst([...allLines(), line('default', 'cart', 1)]));
  assert.ok(wrong.detail!.includes('destination: unexpected default to cart'));
  const missing = judgeIdentities(burst(allLines().slice(0, -1)));
  assert.deepEqual(missing.detail, [
    'source: nothing from catalog to stock',
    'destination: nothing from catalog to stock',
  ]);
});

test('a pod with too little or nothing fails the spread', () => {
  const uneven = burst(allLines());
  const servedBy = {
    ...uneven.report.servedBy,
    'storefront/a/v1': 95,
    'storefront/b/v1': 5,
    'reviews/b/v2': 10,
  };
  const verdict = judgeSpread({ ...uneven, report: { ...uneven.report, servedBy } }, pods);
  assert.equal(verdict.result, 'fail');
  assert.deepEqual(
    verdict.detail!.filter(line => line.includes('of its share')),
    ['storefront/a/v1: 95 answers, 1.90 of its share', 'storefront/b/v1: 5 answers, 0.10 of its share'],
    'a version that is slower than another gets less, and that is right',
  );
  assert.ok(judgeSpread(uneven, { ...pods, catalog: 2 }).detail!.includes('catalog: 1 of 2 pods answered'));
});

test('one request too many or too few fails the sums', () => {
  const more = judgeSums(burst([...allLines(), line('storefront', 'cart', 1)]));
  assert.deepEqual(more.detail, [
    'storefront to cart: sent 100, source proxy counted 101',
    'storefront to cart: sent 100, destination proxy counted 101',
  ]);
  assert.equal(judgeSums(burst(allLines().slice(1))).result, 'fail');
});

test('the greeting must come, from every connection, in time', () => {
  const banners = { 'STOCK/1 ready stock/s/v1': 30 };
  const report = { latencyMs: { ...latencyMs, count: 30, p50: 30 }, errors: [], banners };
  assert.equal(judgeBanner(report, [1, 5, 9]).result, 'pass');
  assert.equal(judgeBanner({ ...report, latencyMs: { ...latencyMs, p50: 56 } }, [1, 5, 9]).result, 'fail');
  assert.equal(judgeBanner({ ...report, errors: ['ECONNRESET'] }, [5]).result, 'fail');
  assert.equal(judgeBanner({ ...report, banners: { hello: 1 } }, [5]).result, 'fail');
});

const sentLines = [
  'hOsT: catalog',
  'x-ZEBRA: last first',
  'X-Twice: one',
  'aCCept: */*',
  'x-twice: two',
  'COOKIE: a=1; b=2',
  'X-Empty: ',
  'x_under.score!: kept',
  'X-Spaces: inner   spaces  kept',
  'ETag-Like: W/"a,b"',
  'X-LATIN: café',
];
function echo(
  lines: readonly string[],
  head = 'X-eChO-CaSe: Kept\r\ncontent-TYPE: application/json\r\nx-twice: one\r\nX-Twice: two',
) {
  const body = JSON.stringify({ requestLine: 'GET /echo?q=%7e&e= HTTP/1.1', lines });
  return {
    tookMs: 1,
    text: `HTTP/1.1 200 OK\r\n${head}\r\nDate: now\r\n\r\n${Buffer.from(body).toString('latin1')}`,
  };
}

test('the echo of a shop service passes when nothing is in between', async () => {
  await using catalog = await start('shop/catalog.ts');
  const verdict = judgeHeaders(await probeRaw('127.0.0.1', catalog.port, headerRequest));
  assert.equal(verdict.result, 'pass', verdict.detail?.join('\n'));
});

test('headers may be added but not changed, reordered or dropped, in both directions', () => {
  const verdict = judgeHeaders(echo(['X-Forwarded-For: 10.0.0.1', ...sentLines, 'X-Request-Id: 7']));
  assert.equal(verdict.result, 'pass', verdict.detail?.join());
  assert.match(verdict.figure, /added beside them: X-Forwarded-For, X-Request-Id$/);
  const swapped = [sentLines[1]!, sentLines[0]!, ...sentLines.slice(2)];
  assert.equal(judgeHeaders(echo(swapped)).result, 'fail');
  assert.equal(judgeHeaders(echo(sentLines.slice(1))).result, 'fail');
  assert.equal(judgeHeaders(echo(sentLines.map(text => text.replace('hOsT', 'host')))).result, 'fail');
  assert.equal(judgeHeaders(echo([...sentLines, 'x-stray: 1'])).result, 'fail');
  assert.equal(judgeHeaders(echo(sentLines, 'x-echo-case: Kept')).result, 'fail');
  assert.deepEqual(judgeHeaders({ text: '', error: 'ECONNRESET', tookMs: 1 }), {
    result: 'fail',
    figure: 'no answer of the echo: ECONNRESET',
  });
});

test('a budget claim needs retries, and not too many', () => {
  assert.equal(judgeBudget(1200, 1430, 3).result, 'pass');
  assert.equal(judgeBudget(1200, 2000, 3).result, 'fail');
  assert.equal(judgeBudget(1200, 1200, 3).result, 'fail', 'without a retry nothing is shown');
  assert.equal(judgeBudget(0, 0, 3).result, 'fail');
});

test('an ejected pod must be out, idle, and back, and nobody may notice', () => {
  const steps = {
    ejectedMs: 500,
    backMs: 4000,
    whileOut: { toVictim: 0, toSiblings: 24 },
    slowestMs: 20,
    lost: 0,
    lostWords: '0 of 9 requests lost',
    detail: [],
  };
  assert.deepEqual(judgeEjection(steps), {
    result: 'pass',
    figure:
      'out after 500 ms, then 0 requests to it and 24 elsewhere, back 4.0 s after it was mended; 0 of 9 requests lost',
    detail: [],
  });
  assert.equal(judgeEjection({ ...steps, whileOut: { toVictim: 3, toSiblings: 24 } }).result, 'fail');
  assert.equal(judgeEjection({ ...steps, lost: 1 }).result, 'fail');
  assert.match(judgeEjection({ ...steps, ejectedMs: undefined }).figure, /^not ejected/);
  assert.match(judgeEjection({ ...steps, backMs: undefined }).figure, /not back within/);
  for (const missing of ['ejectedMs', 'backMs', 'whileOut'])
    assert.equal(judgeEjection({ ...steps, [missing]: undefined }).result, 'fail', missing);
});

test('a machine too busy to see an ejection says so, and still answers for lost requests and for those to an ejected pod', () => {
  const steps = { ejectedMs: 500, slowestMs: 2000, lost: 0, lostWords: '0 of 9 requests lost', detail: [] };
  const { result, figure } = judgeEjection(steps);
  assert.equal(result, 'skip');
  assert.match(figure, /^this machine is too busy: reading the metrics took up to 2\.0 s/);
  assert.equal(judgeEjection({ ...steps, lost: 1 }).result, 'fail');
  const whileOut = { toVictim: 1, toSiblings: 30 };
  assert.equal(judgeEjection({ ...steps, whileOut }).result, 'fail');
});

test('what was under way when a pod was ejected is not held against its caller, and what came later is', () => {
  const first = { underWay: 4, toVictim: 10, toSiblings: 50 };
  const after = (toVictim: number) => whileOutBetween(first, { underWay: 0, toVictim, toSiblings: 80 });
  assert.deepEqual(after(14), { toVictim: 0, toSiblings: 30 });
  assert.deepEqual(after(17), { toVictim: 3, toSiblings: 30 });
});

test('strict mode must refuse, say why, let go again, and not be felt inside', () => {
  const visit = { status: 200, tookMs: 1 };
  const steps = {
    open: visit,
    refused: { error: 'ECONNRESET', tookMs: 1 },
    refusedMs: 300,
    reason: 'plaintext refused: strict',
    again: visit,
    lost: 0,
    lostWords: '0 of 9 requests lost',
    detail: [],
  };
  assert.equal(judgeStrict(steps).result, 'pass');
  assert.match(judgeStrict({ ...steps, open: { error: 'x', tookMs: 1 } }).figure, /not answered before: x/);
  assert.match(judgeStrict({ ...steps, refused: undefined }).figure, /still answered/);
  assert.match(judgeStrict({ ...steps, reason: undefined }).figure, /nothing says why/);
  assert.match(judgeStrict({ ...steps, again: undefined }).figure, /not answered again/);
  assert.equal(judgeStrict({ ...steps, lost: 1 }).result, 'fail');
});

test('finds the reason in a JSON log line or a plain one, the latest first', () => {
  const log = [
    '{"level":40,"msg":"plaintext from 10.0.0.9 refused: strict on port 8080"}',
    '{"level":40,"msg":"plaintext from 10.0.0.8 refused: strict by PeerAuthentication shop/cart-strict"}',
    '{"level":30,"msg":"strict is nice"}',
  ].join('\n');
  assert.equal(
    reasonIn(log),
    'plaintext from 10.0.0.8 refused: strict by PeerAuthentication shop/cart-strict',
  );
  assert.equal(reasonIn('plaintext is refused in STRICT mode'), 'plaintext is refused in STRICT mode');
  const answer =
    'weft: port 8080 takes mutual TLS only (PeerAuthentication shop/cart-strict); or allow plaintext\n';
  assert.equal(
    reasonIn(answer),
    'weft: port 8080 takes mutual TLS only (PeerAuthentication shop/cart-strict)',
  );
  assert.equal(reasonIn('nothing'), undefined);
});

test('losses are the difference of two reports, with the new failures in words', () => {
  const failure = { atMs: 1200, id: 'x', request: 'GET http://a/', reason: '503 no endpoint' };
  const before = { ...emptyReport, ok: 10, failed: 1, lostIdempotent: 1, failures: [failure] };
  const after = {
    ...before,
    ok: 20,
    failed: 3,
    lostIdempotent: 2,
    lostOther: 1,
    failures: [failure, failure],
  };
  assert.deepEqual(lossesBetween(before, after), {
    requests: 12,
    idempotent: 1,
    other: 1,
    repeatedOrders: 0,
    detail: ['1.2 s GET http://a/: 503 no endpoint'],
  });
});

test('orders are repeated when an id is in the logs twice, in one pod or in two', () => {
  assert.deepEqual(repeatedOrders(['order a\norder b\n', 'order c\norder b\n']), ['b']);
  assert.deepEqual(repeatedOrders(['order a\n', 'nothing']), []);
});

test('a claim that throws or takes too long is a fail that says so', async () => {
  const thrown = await judge(
    { name: 'a', run: () => Promise.reject(new Error('no such pod')) },
    context,
    1000,
  );
  assert.deepEqual([thrown.result, thrown.figure], ['fail', 'no such pod']);
  const late = await judge({ name: 'b', run: () => new Promise(() => {}) }, context, 5);
  assert.deepEqual([late.result, late.figure], ['fail', 'not shown within 0.005 s']);
});

test('verdicts are lines; details only of a fail', () => {
  const judged = { name: 'a', figure: '1 of 2', tookMs: 1, detail: ['see x'] };
  assert.deepEqual(judgedLines({ ...judged, result: 'fail' }, false), ['FAIL  a: 1 of 2', '        see x']);
  assert.deepEqual(judgedLines({ ...judged, result: 'pass' }, true), ['\x1b[32mPASS\x1b[0m  a: 1 of 2']);
});

test('asks until there is something, and no longer than the limit', async () => {
  let asked = 0;
  const third = () => Promise.resolve(++asked === 3 ? 'there' : undefined);
  assert.equal(await eventually(third, 1000, 1), 'there');
  assert.equal(await eventually(() => Promise.resolve(undefined), 5, 1), undefined);
});

test('calls of one channel that stay on one pod fail the spread of gRPC, and so does a call that failed', () => {
  const even = {
    ...emptyReport,
    sent: 90,
    ok: 90,
    servedBy: { 'offers/a/v1': 40, 'offers/b/v1': 30, 'offers/c/v1': 20 },
  };
  assert.equal(judgeGrpcSpread(even, 3).result, 'pass');
  assert.equal(judgeGrpcSpread({ ...even, failed: 1 }, 3).result, 'fail');
  assert.equal(judgeGrpcSpread({ ...even, servedBy: { 'offers/a/v1': 90 } }, 3).result, 'fail');
  assert.equal(
    judgeGrpcSpread({ ...even, servedBy: { ...even.servedBy, 'offers/c/v1': 5, 'offers/a/v1': 55 } }, 3)
      .result,
    'fail',
  );
});

test('a gRPC call that fails in its trailers must have been tried twice, and answered by another pod', () => {
  const good = { ...emptyReport, sent: 100, ok: 100, servedBy: { 'offers/b/v1': 100 } };
  assert.equal(judgeGrpcRetried(good, 106, 'offers/a/').result, 'pass');
  assert.equal(judgeGrpcRetried(good, 100, 'offers/a/').result, 'fail');
  assert.equal(judgeGrpcRetried(good, 106, 'offers/b/').result, 'fail');
  assert.equal(judgeGrpcRetried({ ...good, ok: 99, failed: 1 }, 106, 'offers/a/').result, 'fail');
});
