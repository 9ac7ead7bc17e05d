import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DEFAULT_TRAFFIC } from '../model/index.ts';
import type { RunningEndpoint } from './endpoint.ts';
import type { Outcome } from './outlier.ts';
import { RunningCluster } from './running-cluster.ts';
import { clusterOf, config, endpoint, endpoints, TestClusterHost } from './testing/clusters.ts';
import { below, oneOf, seeded } from './testing/random.ts';
import { answer, request } from './testing/requests.ts';

function fail(
  cluster: RunningCluster,
  which: RunningEndpoint,
  times: number,
  outcome: Outcome = 'error-5xx',
): void {
  for (let i = 0; i < times; i++) cluster.record(which, outcome);
}

/** Which endpoints `pick` ever gives. */
function reachable(cluster: RunningCluster): string[] {
  const seen = new Set<string>();
  for (let i = 0; i < 500; i++) seen.add(cluster.pick([], 0)!.key);
  return [...seen].sort();
}

const list = (cluster: RunningCluster): RunningEndpoint[] => [...cluster.endpoints];

test('an ejected endpoint gets nothing until its time is over, and its ejection is recorded with its reason', async () => {
  const host = new TestClusterHost(seeded(1));
  const cluster = clusterOf(host, 4);
  const bad = list(cluster)[1]!;
  fail(cluster, bad, 4);
  assert.equal(cluster.healthy, 4);
  fail(cluster, bad, 1);
  assert.equal(cluster.healthy, 3);
  assert.deepEqual(reachable(cluster), ['10.0.0.1:80', '10.0.0.3:80', '10.0.0.4:80']);
  const [ejection] = cluster.ejections.recent;
  assert.equal(ejection!.endpoint, '10.0.0.2:80');
  assert.equal(ejection!.pod, 'a-2');
  assert.equal(ejection!.reason, 'consecutive-5xx');
  assert.equal(ejection!.forMs, 30_000);
  assert.equal(ejection!.atMs, host.clock.now());
  assert.equal(cluster.ejections.counts['consecutive-5xx'], 1);
  await host.clock.advance(29_900);
  assert.equal(cluster.healthy, 3);
  await host.clock.advance(1_200);
  assert.equal(cluster.healthy, 4);
  assert.equal(reachable(cluster).length, 4);
  fail(cluster, bad, 4);
  assert.equal(cluster.healthy, 4, 'failures from before its ejection were held against it');
});

test('connect failures and errors of the app are told apart', () => {
  const host = new TestClusterHost(seeded(1));
  const cluster = clusterOf(host, 4);
  const [a, b] = list(cluster);
  fail(cluster, a!, 3, 'connect-failure');
  fail(cluster, b!, 5, 'gateway-error');
  assert.deepEqual(
    cluster.ejections.recent.map(({ endpoint: key, reason }) => [key, reason]),
    [
      ['10.0.0.1:80', 'consecutive-connect-failures'],
      ['10.0.0.2:80', 'consecutive-gateway-errors'],
    ],
  );
});

test('the second ejection lasts longer, and time without one makes them short again', async () => {
  const host = new TestClusterHost(seeded(1));
  const outlier = { baseEjectionTimeMs: 1_000, intervalMs: 2_000, consecutive5xx: 1 };
  const cluster = clusterOf(host, 2, { outlier });
  const bad = list(cluster)[0]!;
  for (const forMs of [1_000, 2_000, 3_000]) {
    fail(cluster, bad, 1);
    assert.equal(cluster.ejections.recent.at(-1)!.forMs, forMs);
    await host.clock.advance(forMs + 20);
    assert.equal(cluster.healthy, 2);
  }
  await host.clock.advance(8_000);
  assert.equal(bad.health.multiplier, 0);
  fail(cluster, bad, 1);
  assert.equal(cluster.ejections.recent.at(-1)!.forMs, 1_000);
});

test('the last endpoint stays whatever it does, and so does a lone one', () => {
  const host = new TestClusterHost(seeded(1));
  const cluster = clusterOf(host, 3, { outlier: { maxEjectionPercent: 100, consecutive5xx: 1 } });
  for (const each of list(cluster)) fail(cluster, each, 20);
  assert.equal(cluster.healthy, 1);
  const lone = clusterOf(host, 1, { outlier: { maxEjectionPercent: 100, consecutive5xx: 1 } });
  fail(lone, list(lone)[0]!, 20);
  assert.equal(lone.healthy, 1);
});

test('an endpoint that may not go yet goes with its next failure once another is back', async () => {
  const host = new TestClusterHost(seeded(1));
  const cluster = clusterOf(host, 2, { outlier: { consecutive5xx: 2, baseEjectionTimeMs: 1_000 } });
  const [a, b] = list(cluster);
  fail(cluster, a!, 2);
  fail(cluster, b!, 2);
  assert.equal(cluster.healthy, 1);
  await host.clock.advance(1_100);
  assert.equal(cluster.healthy, 2);
  fail(cluster, b!, 1);
  assert.equal(b!.health.ejected, true);
});

test('panic: with fewer healthy endpoints than the threshold all of them take requests', () => {
  const host = new TestClusterHost(seeded(1));
  const cluster = clusterOf(host, 4, {
    outlier: { maxEjectionPercent: 100, panicThresholdPercent: 50, consecutive5xx: 1 },
  });
  const all = list(cluster);
  fail(cluster, all[0]!, 1);
  fail(cluster, all[1]!, 1);
  assert.equal(reachable(cluster).length, 2, 'exactly at the threshold is not below it');
  fail(cluster, all[2]!, 1);
  assert.equal(cluster.healthy, 1);
  assert.equal(reachable(cluster).length, 4);
});

test('an ejected endpoint that discovery takes away and brings back begins anew', async () => {
  const host = new TestClusterHost(seeded(1));
  const cluster = clusterOf(host, 3);
  const bad = list(cluster)[0]!;
  fail(cluster, bad, 5);
  cluster.setEndpoints(endpoints([endpoint(2), endpoint(3)]));
  assert.equal(cluster.healthy, 2);
  assert.equal(bad.removed, true);
  fail(cluster, bad, 50);
  assert.equal(cluster.healthy, 2, 'the record of an endpoint that is gone counted');
  cluster.setEndpoints(endpoints(3));
  assert.equal(cluster.healthy, 3);
  const back = list(cluster).find(each => each.key === bad.key)!;
  assert.notEqual(back, bad);
  assert.equal(back.health.multiplier, 0);
  await host.clock.advance(120_000);
  assert.equal(cluster.healthy, 3);
});

test('another pod at the same address inherits nothing; the same pod told again keeps everything', () => {
  const host = new TestClusterHost(seeded(1));
  const cluster = clusterOf(host, 3);
  const [a, b] = list(cluster);
  fail(cluster, a!, 5);
  fail(cluster, b!, 5);
  assert.equal(cluster.healthy, 2);
  cluster.setEndpoints(
    endpoints([endpoint(1, { version: 'v2' }), endpoint(2, { pod: 'other' }), endpoint(3)]),
  );
  const [a2, b2] = list(cluster);
  assert.equal(a2, a, 'new labels of the same pod are no new pod');
  assert.equal(a2!.config.peer.version, 'v2');
  assert.equal(a2!.health.ejected, true);
  const reborn = list(cluster).find(each => each.key === '10.0.0.2:80')!;
  assert.notEqual(reborn, b);
  assert.equal(reborn.health.errors5xx, 0);
  assert.equal(b!.removed, true);
  assert.ok(b2);
});

test('a pod whose proxy listens elsewhere now is connected to there', () => {
  const host = new TestClusterHost(seeded(1));
  const cluster = new RunningCluster(config(), host);
  cluster.setEndpoints(endpoints([{ ...endpoint(1), tls: 'mesh', tunnelPort: 15006 }]));
  cluster.setEndpoints(endpoints([{ ...endpoint(1), tls: 'mesh', tunnelPort: 25006 }]));
  request(cluster.pick([], 0)!.pool);
  assert.equal(host.dials[0]!.endpoint.tunnelPort, 25006);
});

test('switching outlier detection off lets everybody back in; switching it on again starts from nothing', () => {
  const host = new TestClusterHost(seeded(1));
  const cluster = clusterOf(host, 4);
  const bad = list(cluster)[0]!;
  fail(cluster, bad, 5);
  cluster.configure(config({ outlier: { enabled: false } }));
  assert.equal(cluster.healthy, 4);
  fail(cluster, bad, 50);
  assert.equal(cluster.healthy, 4);
  cluster.configure(config());
  fail(cluster, bad, 1);
  assert.equal(cluster.healthy, 4, 'one failure was enough, because old ones were kept');
  fail(cluster, bad, 4);
  assert.equal(cluster.healthy, 3);
});

test('settings that change while endpoints are out hold for what comes next', async () => {
  const host = new TestClusterHost(seeded(1));
  const cluster = clusterOf(host, 10, { outlier: { consecutive5xx: 1 } });
  const all = list(cluster);
  for (const each of all.slice(0, 5)) fail(cluster, each, 1);
  assert.equal(cluster.healthy, 5);
  cluster.configure(
    config({ outlier: { consecutive5xx: 1, maxEjectionPercent: 20, baseEjectionTimeMs: 100 } }),
  );
  assert.equal(cluster.healthy, 5, 'those that are out stay out for their time');
  fail(cluster, all[9]!, 5);
  assert.equal(cluster.healthy, 5);
  await host.clock.advance(31_000);
  assert.equal(cluster.healthy, 10);
  for (const each of all) fail(cluster, each, 1);
  assert.equal(cluster.healthy, 8);
});

test('a retry goes elsewhere while there is elsewhere to go, and never to an ejected endpoint before', () => {
  const host = new TestClusterHost(seeded(1));
  const cluster = clusterOf(host, 3);
  const [a, b, c] = list(cluster);
  fail(cluster, c!, 5);
  for (let i = 0; i < 100; i++) assert.equal(cluster.pick([a!], 0), b);
  for (let i = 0; i < 100; i++) assert.notEqual(cluster.pick([a!, b!], 0), c);
  cluster.setEndpoints(endpoints(0));
  assert.equal(cluster.pick([], 0), undefined);
});

test('closing a cluster leaves nothing scheduled and nothing to pick', async () => {
  const host = new TestClusterHost(seeded(1));
  const cluster = clusterOf(host, 3);
  fail(cluster, list(cluster)[0]!, 5);
  cluster.close();
  assert.equal(cluster.pick([], 0), undefined);
  assert.equal(cluster.size, 0);
  await host.clock.advance(1_100);
  assert.equal(host.clock.pending, 0);
});

test('for random outcomes, churn and times: never more than the allowed share is ejected, never the last', async () => {
  for (let seed = 1; seed <= 25; seed++) {
    const random = seeded(seed);
    const host = new TestClusterHost(random);
    const total = 2 + below(random, 12);
    const maxEjectionPercent = oneOf(random, [0, 10, 25, 50, 80, 100]);
    const cluster = clusterOf(host, total, {
      outlier: { maxEjectionPercent, baseEjectionTimeMs: 500, intervalMs: 300, consecutive5xx: 2 },
    });
    const allowed =
      maxEjectionPercent === 0 ? 0 : Math.max(1, Math.floor((total * maxEjectionPercent) / 100));
    let sick = 0;
    for (let step = 0; step < 400; step++) {
      if (random() < 0.05) sick = below(random, total + 1);
      const picked = cluster.pick([], host.clock.monotonic());
      assert.ok(picked, `seed ${seed}: nothing to pick`);
      assert.ok(!picked.health.ejected, `seed ${seed}: an ejected endpoint was picked`);
      const failed = list(cluster).indexOf(picked) < sick;
      cluster.record(
        picked,
        failed ? oneOf(random, ['error-5xx', 'gateway-error', 'connect-failure']) : 'success',
      );
      const ejected = list(cluster).filter(each => each.health.ejected).length;
      assert.equal(cluster.size - cluster.healthy, ejected, `seed ${seed}: the count is wrong`);
      assert.ok(
        ejected <= allowed,
        `seed ${seed}: ${ejected} of ${total} ejected at ${maxEjectionPercent} %`,
      );
      assert.ok(ejected < total, `seed ${seed}: all are ejected`);
      if (random() < 0.2) await host.clock.advance(below(random, 300));
    }
    await host.clock.advance(400_000);
    assert.equal(cluster.healthy, total, `seed ${seed}: somebody never came back`);
  }
});

const unready = (total: number) => ({ ...endpoints([]), total });

/** A connection to the endpoint, open and idle. */
function connect(host: TestClusterHost, which: RunningEndpoint): void {
  request(which.pool);
  host.dials.at(-1)!.open().send(answer());
}

test('where all endpoints turn unready at once while connections to them work, the last set goes on', () => {
  const host = new TestClusterHost(seeded(1));
  const cluster = clusterOf(host, 3);
  for (const each of list(cluster)) connect(host, each);
  cluster.setEndpoints(unready(3));
  assert.equal(reachable(cluster).length, 3);
  assert.equal(cluster.keptUnready, 3);
  const [first] = list(cluster);
  cluster.record(first!, 'error-5xx');
  assert.equal(cluster.keptUnready, 3, 'an answer shows that it is there');
  cluster.record(first!, 'connect-failure');
  assert.deepEqual(reachable(cluster), ['10.0.0.2:80', '10.0.0.3:80'], 'who fails is let go');
  assert.ok(first!.removed);
  cluster.setEndpoints(unready(2));
  assert.equal(cluster.keptUnready, 2);
  for (const each of list(cluster)) cluster.record(each, 'connect-failure');
  assert.equal(cluster.pick([], 0), undefined, 'nobody is left');
  cluster.setEndpoints(endpoints(1));
  assert.deepEqual(reachable(cluster), ['10.0.0.1:80']);
  assert.equal(cluster.keptUnready, 0);
});

test('a single endpoint that has said itself that it is not ready gets no request on the connections that are open', () => {
  const ill = (total: number) => ({ ...unready(total), ill: true as const });
  const single = clusterOf(new TestClusterHost(seeded(1)), 1);
  const host = new TestClusterHost(seeded(1));
  const doubted = clusterOf(host, 1);
  connect(host, list(doubted)[0]!);
  doubted.setEndpoints(unready(1));
  assert.equal(doubted.keptUnready, 1, 'somebody else has judged it');
  doubted.setEndpoints(ill(1));
  assert.equal(doubted.pick([], 0), undefined, 'now it has, too');
  single.setEndpoints(ill(1));
  assert.equal(single.pick([], 0), undefined);
  // One after the other: the last is a single one.
  const several = clusterOf(host, 2);
  for (const each of list(several)) connect(host, each);
  several.setEndpoints({ ...endpoints(1), total: 2 });
  several.setEndpoints(ill(2));
  assert.equal(several.pick([], 0), undefined);
  // All in one go, as where what they all need is away: whoever answers is better than nobody.
  const atOnce = clusterOf(host, 2);
  for (const each of list(atOnce)) connect(host, each);
  atOnce.setEndpoints(ill(2));
  assert.equal(atOnce.keptUnready, 2);
});

test('who waits for a connection to an endpoint that is ejected goes elsewhere, whatever it speaks', () => {
  for (const speaks of ['http1', 'http2'] as const) {
    const host = new TestClusterHost(seeded(1));
    if (speaks === 'http2') host.multiplexes = 'always';
    const limits = { ...DEFAULT_TRAFFIC.limits, maxConnections: 1 };
    const cluster = clusterOf(host, 2, { limits });
    const [bad] = list(cluster);
    const busy = request(bad!.pool);
    const dial = host.dials.at(-1)!;
    if (speaks === 'http2') dial.share(1);
    else dial.open();
    const waiting = request(bad!.pool);
    fail(cluster, bad!, 5);
    assert.equal(cluster.healthy, 1, speaks);
    assert.match(`${waiting.flag} ${waiting.detail}`, /^UH the endpoint was ejected/, speaks);
    assert.equal(bad!.pool.figures.waiting, 0, speaks);
    assert.notEqual(busy.stream, undefined, `${speaks}: what is under way goes on`);
    assert.equal(busy.failure, undefined, speaks);
  }
});

test('with the first endpoint that is ready again all is as usual, and its ejection is over', () => {
  const host = new TestClusterHost(seeded(1));
  const cluster = clusterOf(host, 3);
  const [bad] = list(cluster);
  connect(host, list(cluster)[1]!);
  fail(cluster, bad!, 5);
  assert.equal(cluster.healthy, 2);
  cluster.setEndpoints(unready(3));
  assert.equal(reachable(cluster).length, 2, 'until then it lasts');
  cluster.setEndpoints(endpoints(3));
  assert.equal(cluster.healthy, 3);
  assert.equal(reachable(cluster).length, 3);
  // Also where only it was away.
  fail(cluster, list(cluster)[0]!, 5);
  assert.equal(cluster.healthy, 2);
  cluster.setEndpoints(endpoints([endpoint(2), endpoint(3)]));
  cluster.setEndpoints(endpoints(3));
  assert.equal(cluster.healthy, 3);
});

test('nothing is kept of a Service that is gone, and nothing that nobody is connected to', () => {
  const host = new TestClusterHost(seeded(1));
  const gone = clusterOf(host, 2);
  for (const each of list(gone)) connect(host, each);
  gone.setEndpoints(unready(0));
  assert.equal(gone.pick([], 0), undefined);
  const unknown = clusterOf(host, 2);
  unknown.setEndpoints(unready(2));
  assert.equal(unknown.pick([], 0), undefined);
  assert.equal(unknown.keptUnready, 0);
});

const stateOf = ({ health }: RunningEndpoint): string => health.health.state;

test('an endpoint on trial gets few requests at once, is back after enough successes, and out again after one failure', async () => {
  const host = new TestClusterHost(seeded(1));
  const cluster = clusterOf(host, 2, {
    outlier: { ...DEFAULT_TRAFFIC.outlier, trial: { maxRequests: 1, successes: 2 } },
  });
  const bad = list(cluster)[1]!;
  fail(cluster, bad, 5);
  assert.equal(stateOf(bad), 'ejected');
  await host.clock.advance(31_000);
  assert.equal(stateOf(bad), 'half-open');
  assert.equal(reachable(cluster).length, 2, 'it may be asked');
  bad.active = 1;
  assert.deepEqual(reachable(cluster), ['10.0.0.1:80'], 'one at a time');
  bad.active = 0;
  cluster.record(bad, 'success');
  assert.equal(stateOf(bad), 'half-open');
  cluster.record(bad, 'error-5xx');
  assert.equal(stateOf(bad), 'ejected', 'one failure is enough');
  assert.equal(cluster.ejections.counts['consecutive-5xx'], 2);
  await host.clock.advance(61_000);
  for (let i = 0; i < 2; i++) cluster.record(bad, 'success');
  assert.equal(stateOf(bad), 'healthy');
  bad.active = 9;
  assert.equal(bad.full, false);
});

test('an endpoint gets no more requests at once than it may have; where all are full nobody can be picked, with the reason', () => {
  const host = new TestClusterHost(seeded(1));
  const cluster = new RunningCluster(config(), host);
  cluster.setEndpoints(
    endpoints([
      { ...endpoint(1), maxRequests: 1 },
      { ...endpoint(2), maxRequests: 3 },
    ]),
  );
  const [a, b] = list(cluster);
  a!.active = 1;
  b!.active = 2;
  assert.deepEqual(reachable(cluster), ['10.0.0.2:80']);
  assert.equal(cluster.pick([b!], 0), b, 'one that was tried is better than none');
  b!.active = 3;
  assert.equal(cluster.pick([], 0), undefined);
  assert.equal(cluster.emptyFlag, 'UO');
  assert.match(cluster.emptyWords, /all 2 endpoints of .* have as many requests under way as they may/);
});
