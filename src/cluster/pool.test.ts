import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { MemoryPeer } from '../http1/testing/memory-wire.ts';
import { DEFAULT_TRAFFIC } from '../model/index.ts';
import type { Pool } from './pool.ts';
import type { RunningCluster } from './running-cluster.ts';
import { clusterOf, TestClusterHost } from './testing/clusters.ts';
import { below, oneOf, seeded } from './testing/random.ts';
import { answer, request, TestRequest } from './testing/requests.ts';

interface SetUp {
  readonly host: TestClusterHost;
  readonly cluster: RunningCluster;
  readonly pool: Pool;
}

function setUp(
  limits: Partial<typeof DEFAULT_TRAFFIC.limits> = {},
  more: { n?: number; idleTimeoutMs?: number } = {},
): SetUp {
  const host = new TestClusterHost(seeded(1));
  const settings = {
    limits: { ...DEFAULT_TRAFFIC.limits, ...limits },
    idleTimeoutMs: more.idleTimeoutMs ?? 60_000,
  };
  const cluster = clusterOf(host, more.n ?? 1, settings);
  return { host, cluster, pool: [...cluster.endpoints][0]!.pool };
}

/** A request that is answered at once on a new connection, which is idle afterwards. */
function warm({ host, pool }: SetUp, lines = ''): MemoryPeer {
  const asked = request(pool);
  const peer = host.dials[0]!.open();
  peer.send(answer(lines));
  assert.equal(asked.done, true);
  return peer;
}

/** `n` connections that are idle at the same time, in the order in which they became so. */
function warmSeveral({ host, pool }: SetUp, n: number): MemoryPeer[] {
  const asked = Array.from({ length: n }, () => request(pool));
  const peers = asked.map(() => host.dials[0]!.open());
  for (const peer of peers) peer.send(answer());
  assert.ok(asked.every(each => each.done));
  return peers;
}

test('the connection that became free last is used first', () => {
  const set = setUp();
  const peers = warmSeveral(set, 3);
  const [third, second, first] = [0, 1, 2].map(() => request(set.pool));
  assert.equal(third!.wire, peers[2]!.wire);
  assert.equal(second!.wire, peers[1]!.wire);
  assert.equal(first!.wire, peers[0]!.wire);
  assert.equal(set.host.dials.length, 0);
});

test('an upstream that says when it closes is not used in its last second', async () => {
  const set = setUp();
  const peer = warm(set, 'keep-alive: timeout=5\r\n');
  await set.host.clock.advance(3_900);
  const early = request(set.pool, false);
  assert.equal(early.wire, peer.wire, 'even what must not be repeated may use it');
  peer.send(answer());
  await set.host.clock.advance(4_100);
  const late = request(set.pool);
  assert.equal(late.connection, undefined);
  assert.equal(peer.closed, true);
  assert.equal(set.host.dials.length, 1);
});

test('a very short announced limit is trusted by half', async () => {
  const set = setUp();
  warm(set, 'keep-alive: timeout=1\r\n');
  await set.host.clock.advance(450);
  const asked = request(set.pool);
  assert.ok(asked.connection);
  const again = setUp();
  warm(again, 'keep-alive: timeout=1\r\n');
  await again.host.clock.advance(500);
  assert.equal(request(again.pool).connection, undefined);
});

test('what must not be repeated takes no connection that was idle for a while; what may be repeated does', async () => {
  const set = setUp();
  const peer = warm(set);
  await set.host.clock.advance(299);
  const soon = request(set.pool, false);
  assert.equal(soon.wire, peer.wire);
  peer.send(answer());
  await set.host.clock.advance(300);
  const post = request(set.pool, false);
  assert.equal(post.connection, undefined);
  assert.equal(set.host.dials.length, 1);
  const get = request(set.pool, true);
  assert.equal(get.wire, peer.wire, 'the old connection stays for others');
});

test('between proxies idle connections are good for everything', async () => {
  const host = new TestClusterHost(seeded(1));
  const { clusterOf: make, endpoint, endpoints } = await import('./testing/clusters.ts');
  const cluster = make(host, 0);
  cluster.setEndpoints(endpoints([{ ...endpoint(1), tls: 'mesh' }]));
  const set = { host, cluster, pool: [...cluster.endpoints][0]!.pool };
  const peer = warm(set);
  await host.clock.advance(30_000);
  assert.equal(request(set.pool, false).wire, peer.wire);
});

test('those who wait are served in their order', () => {
  const { host, pool, cluster } = setUp({ maxConnections: 2 });
  const asked = [1, 2, 3, 4, 5].map(() => request(pool));
  assert.equal(host.dials.length, 2);
  assert.equal(cluster.occupancy.waiting, 5);
  const a = host.dials[0]!.open();
  const b = host.dials[0]!.open();
  assert.deepEqual(
    asked.map(each => each.connection !== undefined),
    [true, true, false, false, false],
  );
  b.send(answer());
  a.send(answer());
  assert.equal(asked[2]!.wire, b.wire);
  assert.equal(asked[3]!.wire, a.wire);
  assert.equal(cluster.occupancy.waiting, 1);
  a.send(answer());
  assert.equal(asked[4]!.wire, a.wire);
});

test('a request that is given up waits no longer, and its connection serves the next', () => {
  const { host, pool, cluster } = setUp();
  const [given, stays] = [request(pool), request(pool)];
  pool.cancel(given!);
  pool.cancel(given!);
  assert.equal(cluster.occupancy.waiting, 1);
  host.dials[0]!.open();
  assert.equal(given!.connection, undefined);
  assert.ok(stays!.connection);
  host.dials[0]!.open();
  assert.deepEqual(pool.figures, { open: 2, free: 1, waiting: 0, dialing: 0 });
});

test('a failed dial fails one request, and the others keep waiting for theirs', () => {
  const { host, pool, cluster } = setUp({ maxConnections: 2 });
  const asked = [1, 2, 3].map(() => request(pool));
  host.dials[0]!.fail('UF', 'connection refused');
  assert.deepEqual(
    asked.map(each => each.flag),
    ['UF', '', ''],
  );
  assert.equal(asked[0]!.detail, 'connection refused');
  assert.equal(cluster.occupancy.connectFailures, 1);
  assert.equal(host.dials.length, 2, 'the place that became free is used');
  host.dials[0]!.open();
  host.dials[0]!.fail();
  assert.ok(asked[1]!.connection);
  assert.equal(asked[2]!.flag, 'UF');
  assert.equal(cluster.occupancy.connections, 1);
});

test('too many waiting: refused at once with UO and counted', () => {
  const { pool, cluster, host } = setUp({ maxConnections: 1, maxPendingRequests: 2 });
  const asked = [1, 2, 3].map(() => request(pool));
  assert.deepEqual(
    asked.map(each => each.flag),
    ['', '', 'UO'],
  );
  assert.equal(cluster.occupancy.overflows, 1);
  assert.equal(host.dials.length, 1);
});

test('a request that finds only connections it must not use gets a new one, also at the connection limit', async () => {
  const set = setUp({ maxConnections: 1 });
  const old = warm(set);
  await set.host.clock.advance(1_000);
  const post = request(set.pool, false);
  assert.equal(post.flag, '');
  assert.equal(old.closed, true, 'the idle connection makes room');
  assert.equal(set.cluster.occupancy.connections, 1);
  set.host.dials[0]!.open();
  assert.ok(post.connection);
});

test('idle connections to other endpoints make room at the connection limit; busy ones do not', () => {
  const { host, cluster } = setUp({ maxConnections: 2 }, { n: 3 });
  const [a, b, c] = [...cluster.endpoints].map(each => each.pool);
  const first = request(a!);
  const idle = host.dials[0]!.open();
  idle.send(answer());
  assert.equal(first.done, true);
  const second = request(b!);
  const busy = host.dials[0]!.open();
  const third = request(c!);
  assert.equal(third.flag, '', 'an idle connection elsewhere was in its way');
  assert.equal(idle.closed, true);
  host.dials[0]!.open();
  assert.ok(third.connection);
  assert.equal(second.wire, busy.wire);
  const fourth = request(a!);
  assert.equal(fourth.flag, 'UO');
  assert.match(fourth.detail, /connection limit/);
  assert.equal(cluster.occupancy.connections, 2);
});

test('connections are closed after as many requests as are allowed on each', () => {
  const set = setUp({ maxRequestsPerConnection: 3 });
  const peer = warm(set);
  for (let i = 0; i < 2; i++) {
    assert.equal(request(set.pool).wire, peer.wire);
    peer.send(answer());
  }
  assert.equal(peer.closed, true);
  assert.equal(set.cluster.occupancy.connections, 0);
  assert.equal(request(set.pool).connection, undefined);
});

test('when the last request of a spent connection ends, those who wait get another', () => {
  const { host, pool } = setUp({ maxRequestsPerConnection: 1, maxConnections: 1 });
  const [a, b] = [request(pool), request(pool)];
  const peer = host.dials[0]!.open();
  peer.send(answer());
  assert.equal(a!.done, true);
  assert.equal(peer.closed, true);
  assert.equal(host.dials.length, 1);
  host.dials[0]!.open();
  assert.ok(b!.connection);
});

test('idle connections are closed when their time is over, and an idle pool schedules nothing', async () => {
  const set = setUp({}, { idleTimeoutMs: 5_000 });
  const [a, b] = warmSeveral(set, 2);
  await set.host.clock.advance(4_000);
  const asked = request(set.pool);
  b!.send(answer());
  assert.equal(asked.done, true);
  await set.host.clock.advance(2_000);
  assert.equal(a!.closed, true);
  assert.equal(b!.closed, false);
  await set.host.clock.advance(8_000);
  assert.equal(b!.closed, true);
  await set.host.clock.advance(5_000);
  assert.equal(set.host.clock.pending, 0);
  assert.equal(set.cluster.occupancy.connections, 0);
});

test('a connection that was opened in vain is closed after a second, however long used ones are kept', async () => {
  const set = setUp();
  const peer = warm(set);
  await set.host.clock.advance(10_000);
  const first = request(set.pool);
  const second = request(set.pool);
  assert.equal(first.wire, peer.wire);
  peer.send(answer());
  assert.equal(second.wire, peer.wire, 'the dial is not waited for when another becomes free');
  const spare = set.host.dials[0]!.open();
  peer.send(answer());
  await set.host.clock.advance(900);
  assert.equal(spare.closed, false);
  await set.host.clock.advance(300);
  assert.equal(spare.closed, true);
  assert.equal(peer.closed, false);
  assert.equal(set.cluster.occupancy.connections, 1);
  await set.host.clock.advance(62_000);
  assert.equal(peer.closed, true, 'the used one goes in its own time');
});

test('a connection that was opened in vain serves the next request, and counts as used from then on', async () => {
  const set = setUp();
  const peer = warm(set);
  request(set.pool);
  request(set.pool);
  peer.send(answer());
  peer.send(answer());
  const spare = set.host.dials[0]!.open();
  const next = request(set.pool);
  assert.equal(next.wire, spare.wire);
  spare.send(answer());
  await set.host.clock.advance(20_000);
  assert.equal(spare.closed, false);
});

test('connections that break while idle are never given out', () => {
  const set = setUp();
  const peers = warmSeveral(set, 3);
  peers[2]!.breakOff();
  peers[1]!.end();
  peers[0]!.send('HTTP/1.1 408 Request Timeout\r\nconnection: close\r\n\r\n');
  assert.equal(set.cluster.occupancy.connections, 0);
  assert.equal(request(set.pool).connection, undefined);
});

test('closing: idle connections go, busy ones finish and then go', () => {
  const set = setUp();
  const [idle, busyPeer] = warmSeveral(set, 2);
  const busy = request(set.pool);
  assert.equal(busy.wire, busyPeer!.wire);
  set.cluster.close();
  assert.equal(idle!.closed, true);
  assert.equal(busy.over, false);
  busyPeer!.send(answer());
  assert.equal(busy.done, true);
  assert.equal(busyPeer!.closed, true, 'a busy connection of a closed pool was kept');
  assert.equal(set.cluster.occupancy.connections, 0);
});

test('closing with a dial under way and a request that waits for it', () => {
  const { host, pool, cluster } = setUp();
  const asked = request(pool);
  const [dial] = host.dials;
  cluster.close();
  assert.equal(dial!.cancelled, true);
  assert.equal(asked.flag, 'UH');
  assert.match(asked.detail, /removed/);
  assert.deepEqual([cluster.occupancy.connections, cluster.occupancy.waiting], [0, 0]);
});

test('a request may ask for another connection from within its own callbacks', () => {
  const { host, pool } = setUp();
  let second: TestRequest | undefined;
  const first = new TestRequest(true, () => {
    second = request(pool);
  });
  pool.acquire(first);
  const peer = host.dials[0]!.open();
  assert.ok(first.connection);
  assert.equal(second!.connection, undefined);
  peer.send(answer());
  assert.equal(second!.wire, peer.wire);
});

test('when the last place goes to another endpoint, everybody who waits at this one hears so', () => {
  const { host, cluster } = setUp({ maxConnections: 1 }, { n: 2 });
  const [a, b] = [...cluster.endpoints].map(each => each.pool);
  // What follows a failure at once, as the next request of the same client does, takes the place that became free.
  const first = new TestRequest(
    true,
    () => {},
    () => request(b!),
  );
  a!.acquire(first);
  const others = [request(a!), request(a!)];
  host.dials[0]!.fail();
  assert.deepEqual(
    others.map(each => each.flag),
    ['UO', 'UO'],
  );
  assert.equal(cluster.occupancy.waiting, 1);
});

test('any sequence of events leaks no place, strands nobody and keeps to the limits', async () => {
  for (let seed = 1; seed <= 40; seed++) await randomLife(seed);
});

/** One pool's life in random events; checks the books after each of them. */
async function randomLife(seed: number): Promise<void> {
  const random = seeded(seed);
  const maxConnections = 1 + below(random, 4);
  const maxPendingRequests = 1 + below(random, 5);
  const set = setUp(
    { maxConnections, maxPendingRequests, maxRequestsPerConnection: oneOf(random, [0, 0, 1, 3]) },
    { n: 2, idleTimeoutMs: 2_000 },
  );
  const { host, cluster } = set;
  const pools = [...cluster.endpoints].map(each => each.pool);
  const asked: TestRequest[] = [];
  const peers: MemoryPeer[] = [];
  const events: (() => void)[] = [
    () => asked.push(request(oneOf(random, pools), random() < 0.5)),
    () => asked.push(request(oneOf(random, pools), random() < 0.5)),
    () => host.dials.length > 0 && peers.push(oneOf(random, host.dials).open()),
    () => host.dials.length > 0 && peers.push(oneOf(random, host.dials).open()),
    () => host.dials.length > 0 && oneOf(random, host.dials).fail(),
    () =>
      busyPeer()?.send(answer(oneOf(random, ['', '', 'keep-alive: timeout=1\r\n', 'connection: close\r\n']))),
    () => busyPeer()?.send(answer()),
    () => peers.length > 0 && oneOf(random, peers).end(),
    () => peers.length > 0 && oneOf(random, peers).breakOff(),
    () => {
      const some = asked.filter(each => !each.over);
      if (some.length === 0) return;
      const given = oneOf(random, some);
      asked.splice(asked.indexOf(given), 1);
      for (const pool of pools) pool.cancel(given);
      given.stream?.cancel('client-gone');
    },
  ];
  const busyPeer = (): MemoryPeer | undefined => {
    const busy = asked.filter(each => each.connection !== undefined && !each.over);
    if (busy.length === 0) return undefined;
    const { wire } = oneOf(random, busy);
    return peers.find(peer => peer.wire === wire);
  };
  const check = (what: string): void => {
    const { occupancy } = cluster;
    const sum = (pick: (pool: Pool) => number): number =>
      pools.reduce((total, pool) => total + pick(pool), 0);
    const where = `seed ${seed}, ${what}`;
    const open = peers.filter(peer => !peer.closed).length;
    assert.equal(occupancy.connections, open + host.dials.length, `${where}: places`);
    assert.equal(
      occupancy.connections,
      sum(pool => pool.figures.open + pool.figures.dialing),
      `${where}: figures`,
    );
    assert.equal(
      occupancy.waiting,
      sum(pool => pool.figures.waiting),
      `${where}: waiting`,
    );
    assert.ok(occupancy.connections <= maxConnections, `${where}: more connections than allowed`);
    assert.ok(occupancy.waiting <= maxPendingRequests, `${where}: more waiting than allowed`);
    const waiting = asked.filter(each => !each.over && each.connection === undefined).length;
    assert.equal(occupancy.waiting, waiting, `${where}: somebody waits who is not listed`);
    for (const pool of pools) {
      const { waiting: here, dialing, open: all, free } = pool.figures;
      if (here > 0) assert.ok(dialing + all > 0, `${where}: somebody waits for nothing`);
      if (here > 0) assert.ok(dialing + all - free > 0, `${where}: somebody waits beside idle connections`);
    }
  };
  for (let step = 0; step < 300; step++) {
    const event = below(random, events.length);
    events[event]!();
    check(`step ${step}, event ${event}`);
    if (random() < 0.1) {
      await host.clock.advance(below(random, 3_000));
      check(`step ${step}, time`);
    }
  }
  cluster.close();
  for (const peer of peers) if (!peer.closed) peer.breakOff();
  assert.deepEqual(
    [cluster.occupancy.connections, cluster.occupancy.waiting],
    [0, 0],
    `seed ${seed}: the end`,
  );
  assert.equal(asked.filter(each => !each.over).length, 0, `seed ${seed}: somebody was never told`);
  await host.clock.advance(5_000);
  assert.equal(host.clock.pending, 0, `seed ${seed}: something is still scheduled`);
}

test('a few connections are opened at once; each that opens allows one more, so many requests soon have theirs', () => {
  const { host, pool, cluster } = setUp();
  const asked = Array.from({ length: 300 }, () => request(pool));
  const atOnce: number[] = [];
  while (host.dials.length > 0) {
    const round = [...host.dials];
    atOnce.push(round.length);
    for (const dial of round) dial.open();
  }
  assert.deepEqual(atOnce, [16, 32, 64, 64, 64, 60]);
  assert.ok(asked.every(each => each.connection !== undefined));
  assert.equal(cluster.occupancy.connections, 300);
});

test('a connection that cannot be opened makes the next ones fewer, and who waits for none that is being opened hears of it', () => {
  const { host, pool, cluster } = setUp();
  const asked = Array.from({ length: 20 }, () => request(pool));
  const failed = () => asked.map(({ flag }, i) => (flag === '' ? -1 : i)).filter(i => i >= 0);
  const upTo = (end: number) => Array.from({ length: end }, (_, i) => i);
  const first = [...host.dials];
  assert.equal(first.length, 16);
  first[0]!.fail('UF', 'no TLS handshake');
  assert.deepEqual(failed(), [0]);
  assert.equal(host.dials.length, 15, 'eight may be under way, so no other begins');
  for (const dial of first.slice(1)) dial.fail('UF', 'no TLS handshake');
  assert.deepEqual(failed(), upTo(16), 'nobody fails for a dial that began before it came');
  assert.equal(host.dials.length, 1, 'one at a time, until one opens');
  host.dials[0]!.fail('UF', 'no TLS handshake');
  assert.deepEqual(failed(), upTo(20), 'they have waited as long as a dial may take');
  assert.equal(cluster.occupancy.waiting, 0);
  assert.equal(cluster.occupancy.connections, 0);
  const next = request(pool);
  host.dials[0]!.open();
  assert.ok(next.connection);
});

test('a removed endpoint says so, for that is nobody’s failure', () => {
  const { pool } = setUp();
  let told: boolean | undefined;
  pool.acquire({
    repeatable: true,
    exclusive: false,
    isHttp2: false,
    needsHttp2: false,
    streamHandler: new TestRequest(),
    onStream() {},
    onNoConnection: (_flag, _detail, removed) => {
      told = removed;
    },
  });
  pool.close();
  assert.equal(told, true);
});

test('of more idle connections than are wanted the one closes that is idle longest', () => {
  const set = setUp({ maxIdlePerEndpoint: 2 });
  const peers = warmSeveral(set, 3);
  assert.deepEqual(
    peers.map(peer => peer.closed),
    [true, false, false],
  );
  assert.equal(set.pool.figures.free, 2);
  assert.equal(warmSeveral(setUp({ maxIdlePerEndpoint: 0 }), 1)[0]!.closed, true);
});

test('a connection that is too old takes no further request, and closes when nobody uses it', async () => {
  const set = setUp({ maxConnectionAgeMs: 5_000 });
  const peer = warm(set);
  await set.host.clock.advance(4_000);
  const asked = request(set.pool);
  assert.equal(set.pool.figures.dialing, 0, 'it is used while it is young');
  await set.host.clock.advance(2_000);
  peer.send(answer());
  assert.equal(asked.done, true);
  assert.equal(peer.closed, true, 'it was too old when its request was over');

  const idle = setUp({ maxConnectionAgeMs: 5_000 });
  const alone = warm(idle);
  await idle.host.clock.advance(5_300);
  assert.equal(alone.closed, true);
});
