// Connections that are opened before a request needs one: every dial is decided by hand, so none can go unseen.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type ClusterEndpoint, DEFAULT_TRAFFIC } from '../model/index.ts';
import type { RunningEndpoint } from './endpoint.ts';
import type { Pool } from './pool.ts';
import { RunningCluster } from './running-cluster.ts';
import { config, endpoint, endpoints, TestClusterHost } from './testing/clusters.ts';
import { seeded } from './testing/random.ts';
import { answer, request, TestRequest } from './testing/requests.ts';

const meshed = (...numbers: readonly number[]): ClusterEndpoint[] =>
  numbers.map(n => ({ ...endpoint(n), tls: 'mesh' }));

interface SetUp {
  readonly host: TestClusterHost;
  readonly cluster: RunningCluster;
}

function setUp(settings: Parameters<typeof config>[0] = {}, first = meshed(1, 2)): SetUp {
  const host = new TestClusterHost(seeded(1));
  const cluster = new RunningCluster(config(settings), host);
  cluster.setEndpoints(endpoints(first));
  return { host, cluster };
}

const one = (cluster: RunningCluster, n: number): RunningEndpoint =>
  [...cluster.endpoints].find(({ key }) => key === `10.0.0.${n}:80`)!;

/** So many first tries now, as far as the budget counts them. */
function called(cluster: RunningCluster, times: number, host: TestClusterHost): void {
  for (let i = 0; i < times; i++) cluster.budget.recordRequest(host.clock.monotonic());
}

/** A request over HTTP/1 that is answered; its connection then lies idle. Gives the far end. */
function use(host: TestClusterHost, { pool }: RunningEndpoint) {
  const asked = request(pool);
  const peer = host.dials.at(-1)!.open();
  peer.send(answer());
  assert.equal(asked.status, 200);
  return peer;
}

/** The same of a client that speaks HTTP/2; it is not answered. */
function http2(pool: Pool): TestRequest {
  const asked = new TestRequest();
  asked.isHttp2 = true;
  pool.acquire(asked);
  return asked;
}

const dialled = (host: TestClusterHost): string[] => host.dials.map(dial => dial.endpoint.address).sort();

test('a rollout of a Service that is called often: the first request to each new pod pays no handshake', async () => {
  const { host, cluster } = setUp();
  use(host, one(cluster, 1));
  called(cluster, 40, host);
  cluster.setEndpoints(endpoints(meshed(2, 3, 4)));
  assert.deepEqual(dialled(host), ['10.0.0.3', '10.0.0.4'], 'one for each that is new, before anybody asks');
  for (const dial of [...host.dials]) dial.open();
  for (const n of [3, 4]) assert.ok(request(one(cluster, n).pool).stream, 'at once');
  assert.equal(host.dials.length, 0);
  assert.equal(cluster.warmth.opened, 2);
});

test('when all pods are replaced at once, the new ones are spoken to as the old ones were', () => {
  const { host, cluster } = setUp();
  host.multiplexes = 'maybe';
  host.carriage = 'client';
  const shared = new RunningCluster(config(), host);
  shared.setEndpoints(endpoints(meshed(1)));
  http2([...shared.endpoints][0]!.pool);
  host.dials.at(-1)!.share();
  for (const running of [cluster, shared]) called(running, 40, host);
  use(host, one(cluster, 1));
  cluster.setEndpoints(endpoints(meshed(5)));
  assert.deepEqual([dialled(host), host.dials[0]!.exclusive], [['10.0.0.5'], true]);
  host.dials.at(-1)!.fail();
  shared.setEndpoints(endpoints(meshed(6)));
  assert.deepEqual([dialled(host), host.dials[0]!.exclusive], [['10.0.0.6'], false]);
  const peer = host.dials[0]!.share();
  assert.equal(http2([...shared.endpoints][0]!.pool).connection, peer);
});

test('nobody is called who is called seldom, or is no proxy', async () => {
  for (const [times, to] of [
    [0, meshed(1, 2, 3)],
    [14, meshed(1, 2, 3)],
    [40, [...meshed(1, 2), endpoint(3)]],
  ] as const) {
    const { host, cluster } = setUp();
    use(host, one(cluster, 1));
    called(cluster, times, host);
    cluster.setEndpoints(endpoints(to));
    assert.deepEqual(dialled(host), [], `${times} calls`);
  }
  const { host, cluster } = setUp();
  use(host, one(cluster, 1));
  called(cluster, 40, host);
  await host.clock.advance(12_000);
  cluster.setEndpoints(endpoints(meshed(1, 2, 3)));
  assert.deepEqual(dialled(host), [], 'that was long ago');
});

test('a large change opens eight, and the limit on connections holds without anybody being closed for it', () => {
  const numbers = Array.from({ length: 40 }, (_, i) => i + 3);
  const { host, cluster } = setUp();
  use(host, one(cluster, 1));
  called(cluster, 1_000, host);
  cluster.setEndpoints(endpoints(meshed(1, 2, ...numbers)));
  assert.equal(host.dials.length, 8);
  const few = setUp({ limits: { ...DEFAULT_TRAFFIC.limits, maxConnections: 3 } });
  const peer = use(few.host, one(few.cluster, 1));
  called(few.cluster, 1_000, few.host);
  few.cluster.setEndpoints(endpoints(meshed(1, 2, ...numbers)));
  assert.equal(few.host.dials.length, 2);
  assert.equal(peer.closed, false);
});

test('a connection that the other side ends while it is in use is made anew, once; one that lay idle is not', async () => {
  const { host, cluster } = setUp();
  const first = use(host, one(cluster, 1));
  called(cluster, 40, host);
  first.end();
  assert.deepEqual(dialled(host), ['10.0.0.1']);
  const second = host.dials.at(-1)!.open();
  second.end();
  assert.deepEqual(dialled(host), [], 'it had carried nothing');
  const third = use(host, one(cluster, 1));
  await host.clock.advance(3_000);
  called(cluster, 40, host);
  third.end();
  assert.deepEqual(dialled(host), [], 'it lay idle for three seconds');
});

test('what is closed here is not opened again: short memory, idle time', async () => {
  const { host, cluster } = setUp({ idleTimeoutMs: 1_500 });
  use(host, one(cluster, 1));
  called(cluster, 40, host);
  cluster.closeAllIdle();
  assert.deepEqual(dialled(host), []);
  use(host, one(cluster, 1));
  for (let i = 0; i < 30; i++) {
    called(cluster, 10, host);
    await host.clock.advance(100);
  }
  assert.equal(cluster.occupancy.connections, 0);
  assert.deepEqual(dialled(host), []);
});

test('an endpoint that is ejected has none opened', () => {
  const { host, cluster } = setUp();
  const peer = use(host, one(cluster, 1));
  called(cluster, 40, host);
  for (let i = 0; i < 5; i++) cluster.record(one(cluster, 1), 'error-5xx');
  assert.equal(cluster.healthy, 1);
  peer.end();
  assert.deepEqual(dialled(host), []);
});

test('one that cannot be opened is nobody’s failure, and the next request tries by itself', () => {
  const { host, cluster } = setUp();
  use(host, one(cluster, 1));
  called(cluster, 40, host);
  cluster.setEndpoints(endpoints(meshed(1, 2, 3)));
  host.dials.at(-1)!.fail();
  assert.deepEqual([cluster.occupancy.connections, cluster.healthy, host.dials.length], [1, 3, 0]);
  const asked = new TestRequest();
  one(cluster, 3).pool.acquire(asked);
  assert.deepEqual([asked.over, dialled(host)], [false, ['10.0.0.3']]);
});

test('an unused one is kept for the seconds in which calls were counted, and no longer', async () => {
  const { host, cluster } = setUp();
  use(host, one(cluster, 1));
  called(cluster, 40, host);
  cluster.setEndpoints(endpoints(meshed(1, 2, 3)));
  host.dials.at(-1)!.open();
  await host.clock.advance(9_000);
  assert.equal(one(cluster, 3).pool.figures.free, 1);
  await host.clock.advance(2_000);
  assert.equal(one(cluster, 3).pool.figures.open, 0);
  assert.deepEqual(dialled(host), []);
});
