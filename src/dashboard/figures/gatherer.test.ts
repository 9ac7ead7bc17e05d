import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type EdgeItem, FIGURES_EVERY_MS, type ProxyItem } from '../../live/figures/index.ts';
import type { LiveListener, LiveQuestion } from '../../live/index.ts';
import { emptyMesh, type Mesh, type Workload } from '../../model/index.ts';
import { FakeClock } from '../../time/index.ts';
import { Gatherer } from './gatherer.ts';

const pod = (name: string, owner: string, version = 'v1'): [string, Workload] => [
  `shop/${name}`,
  {
    namespace: 'shop',
    name,
    addresses: [],
    identity: { trustDomain: 'td', namespace: 'shop', serviceAccount: owner },
    labels: {},
    owner: { kind: 'Deployment', name: owner },
    app: owner,
    version,
    ports: [],
    meshed: true,
    ready: true,
    from: { apiVersion: 'v1', kind: 'Pod', namespace: 'shop', name },
  },
];
const mesh: Mesh = {
  ...emptyMesh(),
  workloads: new Map([pod('web-0', 'web'), pod('web-1', 'web'), pod('cart-0', 'cart', 'v2')]),
};

const edge = (more: Partial<EdgeItem> = {}): EdgeItem => ({
  reporter: 'source',
  peer: 'shop/cart',
  version: 'v2',
  service: 'shop/cart',
  protocol: 'http',
  mtls: true,
  requests: 25,
  failed: 5,
  // Up to 5 ms.
  buckets: [[2, 25]],
  ...more,
});
const proxy: ProxyItem = {
  activeMs: 500,
  idleMs: 1_500,
  memoryBytes: 60e6,
  retries: 5,
  ejected: 1,
  waiting: 2,
};

function setUp(graceMs = 60_000) {
  const clock = new FakeClock();
  const questions: { question: LiveQuestion; listener: LiveListener; signal: AbortSignal }[] = [];
  const live = {
    ask: (question: LiveQuestion, listener: LiveListener, signal: AbortSignal) =>
      void questions.push({ question, listener, signal }),
  };
  const gatherer = new Gatherer({ live, mesh: () => mesh, clock, graceMs });
  const say = (from: string, ...items: unknown[]): void => questions.at(-1)!.listener.said(from, items, 0);
  return { clock, questions, gatherer, say, turn: () => clock.advance(FIGURES_EVERY_MS) };
}

test('asks only while somebody looks, and a moment longer', async () => {
  const { clock, questions, gatherer, turn } = setUp();
  assert.equal(questions.length, 0);
  let told = 0;
  const leave = gatherer.watch(() => told++);
  const leaveToo = gatherer.watch(() => told++);
  assert.deepEqual([questions.length, questions[0]!.question.question], [1, { kind: 'figures' }]);
  await turn();
  assert.equal(told, 2);
  leave();
  leave();
  leaveToo();
  await clock.advance(59_000);
  assert.equal(questions[0]!.signal.aborted, false);
  // Loaded anew in time: the same question goes on.
  const leaveAgain = gatherer.watch(() => {});
  await clock.advance(120_000);
  assert.equal(questions.length, 1);
  leaveAgain();
  await clock.advance(60_000);
  assert.equal(questions[0]!.signal.aborted, true);
  gatherer.watch(() => {});
  assert.equal(questions.length, 2);
});

test('counters become rates of the last ten seconds', async () => {
  const { gatherer, say, turn } = setUp();
  gatherer.watch(() => {});
  say('shop/web-0', { edge: edge() }, { proxy });
  await turn();
  const [first] = gatherer.figures.edges;
  assert.deepEqual(
    [first!.from, first!.to, first!.toVersion, first!.service],
    ['shop/web', 'shop/cart', 'v2', 'shop/cart'],
  );
  assert.deepEqual([first!.rps, first!.errors, first!.mtls, first!.p50], [10, 2, 1, 3]);
  const [said] = gatherer.figures.pods;
  assert.deepEqual(
    [said!.outbound.rps, said!.inbound.rps, said!.saturation.busy, said!.saturation.retries],
    [10, 0, 0.25, 2],
  );
  assert.equal(said!.size, undefined);
  for (let i = 0; i < 3; i++) await turn();
  assert.equal(gatherer.figures.edges[0]!.rps, 2.5);
  await turn();
  assert.deepEqual([gatherer.figures.edges, gatherer.figures.seconds], [[], 10]);
});

test('what a proxy used becomes what it should ask for, and nonsense becomes nothing', async () => {
  const { gatherer, say, turn } = setUp();
  gatherer.watch(() => {});
  const used = { busiestCores: 0.1, peakBytes: 60 * 2 ** 20, seconds: 5_000 };
  say('shop/web-0', { proxy: { ...proxy, used } }, { proxy });
  say('shop/cart-0', { proxy: { ...proxy, used: { busiestCores: -1, peakBytes: 'much' } } });
  await turn();
  const sizes = new Map(gatherer.figures.pods.map(({ pod, size }) => [pod, size]));
  assert.deepEqual(sizes.get('shop/web-0'), {
    ...used,
    cpuRequestCores: 0.115,
    memoryRequestBytes: 72 * 2 ** 20,
    memoryLimitBytes: 128 * 2 ** 20,
  });
  assert.deepEqual(sizes.get('shop/cart-0'), {
    ...{ busiestCores: 0, peakBytes: 0, seconds: 0 },
    ...{ cpuRequestCores: 0.01, memoryRequestBytes: 40 * 2 ** 20, memoryLimitBytes: 128 * 2 ** 20 },
  });
});

test('both sides of a call are one edge, the caller counts, and pods of a workload add up', async () => {
  const { gatherer, say, turn } = setUp();
  gatherer.watch(() => {});
  say('shop/web-0', { edge: edge() });
  say('shop/web-1', { edge: edge({ mtls: false }) });
  say('shop/cart-0', { edge: edge({ reporter: 'destination', peer: 'shop/web', requests: 40, failed: 0 }) });
  say('shop/cart-0', { edge: edge({ reporter: 'destination', peer: '', mtls: false }) });
  await turn();
  assert.deepEqual(
    gatherer.figures.edges.map(({ from, to, rps, errors, mtls }) => [from, to, rps, errors, mtls]),
    [
      ['shop/web', 'shop/cart', 20, 4, 0.5],
      ['unknown', 'shop/cart', 10, 2, 0],
    ],
  );
});

test('a proxy speaks for its own pod alone, and what it says is read as what anybody wrote', async () => {
  const { gatherer, say, turn } = setUp();
  gatherer.watch(() => {});
  const lies = [
    null,
    'text',
    { edge: null },
    { edge: { ...edge(), reporter: 'both' } },
    { edge: { ...edge(), peer: 'x'.repeat(400) } },
    { edge: { ...edge(), version: 7 } },
  ];
  say('shop/cart-0', ...lies);
  const odd = {
    requests: -4,
    failed: Number.NaN,
    buckets: [[99, 1], [1.5, 2], 'x', [3, -1]],
    flags: { __proto__: 1, 'a b': 2 },
  };
  say('shop/cart-0', { edge: { ...edge(), ...odd, peer: 'shop/web' } });
  for (let i = 0; i < 3_000; i++) say('shop/web-0', { edge: edge({ service: `s${i}` }) });
  await turn();
  const { edges } = gatherer.figures;
  assert.equal(edges.filter(each => each.from === 'shop/web').length, 2_000);
  const own = edges.filter(each => each.from === 'shop/cart');
  assert.deepEqual(
    own.map(({ to, rps, errors, flags, p99 }) => [to, rps, errors, flags, p99]),
    [['shop/web', 0, 0, {}, undefined]],
  );
});

test('connections are those of the last word', async () => {
  const { gatherer, say, turn } = setUp();
  gatherer.watch(() => {});
  const open = (many: number) => ({
    edge: edge({ protocol: 'tcp', requests: 0, failed: 0, buckets: [], open: many }),
  });
  say('shop/web-0', open(4));
  say('shop/web-1', open(1));
  await turn();
  assert.equal(gatherer.figures.edges[0]!.connections, 5);
  say('shop/web-0', open(3));
  await turn();
  assert.equal(gatherer.figures.edges[0]!.connections, 3);
  await turn();
  assert.equal(gatherer.figures.edges[0]!.connections, 0);
});

test('the history has a point every five seconds, gaps where nothing was said, and an end', async () => {
  const { gatherer, say, turn } = setUp();
  gatherer.watch(() => {});
  const inbound = edge({ reporter: 'destination', peer: 'shop/web' });
  for (let i = 0; i < 4; i++) {
    say('shop/cart-0', { edge: inbound }, { proxy });
    await turn();
  }
  for (let i = 0; i < 2; i++) await turn();
  const history = gatherer.history('workload', 'shop/cart');
  assert.deepEqual(
    [history.rps, history.errors],
    [
      [10, 10, 0],
      [2, 2, 0],
    ],
  );
  assert.deepEqual(
    [history.p50, history.busy],
    [
      [3, 3, null],
      [0.25, 0.25, null],
    ],
  );
  assert.equal(history.atMs[1]! - history.atMs[0]!, 5_000);
  assert.deepEqual(gatherer.history('pod', 'shop/cart-0').rps, history.rps);
  assert.deepEqual(gatherer.history('pod', 'shop/nobody').atMs, []);
  for (let i = 0; i < 400; i++) await turn();
  assert.equal(gatherer.history('workload', 'shop/cart').atMs.length, 0);
  say('shop/cart-0', { edge: inbound });
  for (let i = 0; i < 2; i++) await turn();
  assert.deepEqual(gatherer.history('workload', 'shop/cart').rps.at(-1), 5);
});

test('who was asked and says nothing is counted', async () => {
  const { gatherer, questions, say, turn } = setUp();
  gatherer.watch(() => {});
  for (const each of ['shop/web-0', 'shop/web-1', 'shop/cart-0']) questions[0]!.listener.asked(each);
  questions[0]!.listener.failed('shop/cart-0', 'it went away');
  say('shop/web-0', { proxy });
  await turn();
  assert.deepEqual([gatherer.figures.asked, gatherer.figures.answered], [2, 1]);
});
