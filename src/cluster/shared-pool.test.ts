// Connections that carry many streams at once, of a far end that a test plays; see streams-codec.ts.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { onInternalError } from '../errors/index.ts';
import { DEFAULT_TRAFFIC } from '../model/index.ts';
import type { UpstreamDialer } from './dials.ts';
import type { Pool } from './pool.ts';
import type { RunningCluster } from './running-cluster.ts';
import { clusterOf, TestClusterHost } from './testing/clusters.ts';
import { below, oneOf, seeded } from './testing/random.ts';
import { answer, request, TestRequest } from './testing/requests.ts';
import type { StreamsPeer } from './testing/streams-codec.ts';

interface SetUp {
  readonly host: TestClusterHost;
  readonly cluster: RunningCluster;
  readonly pool: Pool;
}

function setUp(
  limits: Partial<typeof DEFAULT_TRAFFIC.limits> = {},
  more: { n?: number; idleTimeoutMs?: number; multiplexes?: UpstreamDialer['multiplexes'] } = {},
): SetUp {
  const host = new TestClusterHost(seeded(1));
  host.multiplexes = more.multiplexes ?? 'maybe';
  const cluster = clusterOf(host, more.n ?? 1, {
    limits: { ...DEFAULT_TRAFFIC.limits, ...limits },
    idleTimeoutMs: more.idleTimeoutMs ?? 60_000,
  });
  return { host, cluster, pool: [...cluster.endpoints][0]!.pool };
}

const several = (pool: Pool, n: number): TestRequest[] => Array.from({ length: n }, () => request(pool));
const served = (asked: readonly TestRequest[]): boolean[] => asked.map(each => each.stream !== undefined);

test('who comes while a connection is being opened waits for it and shares it', () => {
  const { host, pool, cluster } = setUp();
  const asked = several(pool, 50);
  assert.equal(host.dials.length, 1);
  assert.equal(cluster.occupancy.waiting, 50);
  const peer = host.dials[0]!.share();
  assert.ok(asked.every(each => each.connection === peer));
  assert.equal(peer.active, 50);
  assert.equal(request(pool).connection, peer, 'who comes later finds it');
  assert.deepEqual([cluster.occupancy.connections, cluster.occupancy.waiting, host.dials.length], [1, 0, 0]);
});

test('a further connection is opened when the streams of those there are used up, and no more than are needed', () => {
  const { host, pool } = setUp();
  const asked = several(pool, 5);
  const first = host.dials[0]!.share(2);
  assert.deepEqual(served(asked), [true, true, false, false, false]);
  assert.equal(host.dials.length, 2, 'three more want two, of two streams each');
  first.streams[0]!.answer();
  assert.equal(asked[2]!.connection, first, 'a place that becomes free is not waited beside');
  const second = host.dials[0]!.share(2);
  assert.ok(asked.every(each => each.stream !== undefined));
  const third = host.dials[0]!.share(2);
  assert.deepEqual([second.active, third.active], [2, 0]);
  assert.equal(request(pool).connection, third);
});

test('the oldest connection is filled first, so that the others run empty', () => {
  const { host, pool } = setUp();
  several(pool, 3);
  const first = host.dials[0]!.share(2);
  const second = host.dials[0]!.share(2);
  first.streams[0]!.answer();
  assert.equal(request(pool).connection, first);
  assert.equal(second.active, 1);
});

test('at the connection limit who waits is served as streams end, in order', () => {
  const { host, pool, cluster } = setUp({ maxConnections: 1 });
  const asked = several(pool, 4);
  const peer = host.dials[0]!.share(2);
  assert.equal(host.dials.length, 0);
  peer.streams[1]!.answer();
  assert.deepEqual(served(asked), [true, true, true, false]);
  asked[0]!.stream!.cancel('client-gone');
  assert.deepEqual(served(asked), [true, true, true, true], 'one that is given up makes room, too');
  assert.equal(cluster.occupancy.waiting, 0);
});

test('too many waiting: refused at once with UO and counted', () => {
  const { pool, cluster, host } = setUp({ maxPendingRequests: 2 });
  assert.deepEqual(
    several(pool, 3).map(each => each.flag),
    ['', '', 'UO'],
  );
  assert.equal(cluster.occupancy.overflows, 1);
  assert.equal(host.dials.length, 1);
});

test('a far end that comes to allow more serves those who wait', () => {
  const { host, pool } = setUp({ maxConnections: 1 });
  const asked = several(pool, 4);
  const peer = host.dials[0]!.share(1);
  peer.allow(3);
  assert.deepEqual(served(asked), [true, true, true, false]);
});

test('a far end that comes to allow fewer gets no more until enough have ended; others go over another connection', () => {
  const { host, pool } = setUp();
  const asked = several(pool, 3);
  const peer = host.dials[0]!.share(10);
  peer.allow(1);
  assert.equal(peer.room, -2);
  const next = request(pool);
  assert.equal(next.stream, undefined);
  for (let left = 3; left > 1; left--) {
    peer.streams[0]!.answer();
    assert.equal(next.stream, undefined);
  }
  const second = host.dials[0]!.share(1);
  assert.equal(next.connection, second);
  assert.equal(asked[2]!.over, false);
});

test('a connection that takes no more (GOAWAY): what is under way goes on, who waits gets another, and its place is free', () => {
  const { host, pool, cluster } = setUp({ maxConnections: 1 });
  const asked = several(pool, 3);
  const old = host.dials[0]!.share(2);
  assert.equal(host.dials.length, 0);
  old.goAway();
  assert.equal(host.dials.length, 1, 'the one that waits is not left to what never has room again');
  assert.equal(cluster.occupancy.connections, 1);
  const next = host.dials[0]!.share(2);
  assert.equal(asked[2]!.connection, next);
  assert.deepEqual([asked[0]!.over, asked[1]!.over, old.closed], [false, false, false]);
  for (const stream of [...old.streams]) stream.answer();
  assert.deepEqual([asked[0]!.done, asked[1]!.done, old.closed], [true, true, true]);
  assert.equal(cluster.occupancy.connections, 1);
  assert.equal(pool.figures.open, 1);
});

test('what a far end that goes away has not taken is told so, and the others are not', () => {
  const { host, pool } = setUp();
  const asked = several(pool, 3);
  const peer = host.dials[0]!.share();
  peer.goAway(1);
  assert.deepEqual(
    asked.map(each => each.failure?.unread),
    [undefined, undefined, true],
  );
});

test('a connection that goes away with nothing on it is not used again', () => {
  const { host, pool, cluster } = setUp();
  request(pool);
  const peer = host.dials[0]!.share();
  peer.streams[0]!.answer();
  peer.goAway();
  assert.equal(cluster.occupancy.connections, 0);
  const next = request(pool);
  assert.equal(next.stream, undefined);
  assert.equal(next.flag, '');
  assert.equal(host.dials[0]!.share(), next.connection);
});

test('a connection that breaks takes its streams with it, and who waited gets another', () => {
  const { host, pool, cluster } = setUp({ maxConnections: 1 });
  const asked = several(pool, 2);
  host.dials[0]!.share(1).close();
  assert.equal(asked[0]!.failure?.unread, false);
  assert.equal(host.dials.length, 1);
  host.dials[0]!.share(1);
  assert.ok(asked[1]!.stream);
  assert.equal(cluster.occupancy.connections, 1);
});

test('a dial that fails fails who asked for it; who came while it was under way waits for one more at most', () => {
  const { host, pool, cluster } = setUp();
  const asked = several(pool, 3);
  const dial = host.dials[0]!;
  const late = request(pool);
  dial.fail('UF', 'connection refused');
  assert.equal(asked[0]!.flag, 'UF');
  assert.deepEqual([asked[1]!.flag, asked[2]!.flag, late.flag], ['', '', ''], 'they came after it had begun');
  assert.equal(host.dials.length, 1);
  host.dials[0]!.fail('UF', 'connection refused');
  assert.deepEqual(
    [...asked, late].map(each => each.flag),
    ['UF', 'UF', 'UF', 'UF'],
  );
  assert.deepEqual([cluster.occupancy.waiting, cluster.occupancy.connections], [0, 0]);
});

test('an endpoint that turns out to carry one stream at a time: who waited gets a connection each', () => {
  const { host, pool, cluster } = setUp();
  const asked = several(pool, 4);
  assert.equal(host.dials.length, 1);
  const peer = host.dials[0]!.open();
  assert.equal(asked[0]!.wire, peer.wire);
  assert.equal(host.dials.length, 3);
  assert.ok(
    host.dials.every(each => each.exclusive),
    'nobody is asked a second time',
  );
  while (host.dials.length > 0) host.dials[0]!.open();
  assert.deepEqual(served(asked), [true, true, true, true]);
  assert.equal(cluster.occupancy.connections, 4);
  peer.send(answer());
  assert.equal(request(pool).wire, peer.wire);
  request(pool);
  assert.equal(host.dials[0]!.exclusive, true, 'as long as a connection is there');
});

test('with no connection left, an endpoint is asked again what it speaks', async () => {
  const { host, pool } = setUp({}, { idleTimeoutMs: 1_000 });
  request(pool);
  host.dials[0]!.open().send(answer());
  await host.clock.advance(3_000);
  assert.equal(pool.figures.open, 0);
  const asked = several(pool, 2);
  assert.deepEqual(
    host.dials.map(each => each.exclusive),
    [false],
  );
  host.dials[0]!.share();
  assert.deepEqual(served(asked), [true, true]);
});

test('a request that must be alone on its connection gets one of its own, beside the shared one', () => {
  const { host, pool, cluster } = setUp();
  request(pool);
  const shared = host.dials[0]!.share();
  const alone = request(pool, true, true);
  assert.equal(alone.stream, undefined);
  assert.equal(host.dials[0]!.exclusive, true);
  const own = host.dials[0]!.open();
  assert.equal(alone.wire, own.wire);
  assert.equal(request(pool).connection, shared);
  assert.deepEqual([cluster.occupancy.connections, pool.figures.open], [2, 2]);
  own.send(answer());
  assert.equal(request(pool, true, true).wire, own.wire);
});

test('where an endpoint speaks nothing else, such a request shares as all do', () => {
  const { host, pool } = setUp({}, { multiplexes: 'always' });
  const alone = request(pool, true, true);
  assert.equal(host.dials[0]!.exclusive, false);
  assert.equal(host.dials[0]!.share(), alone.connection);
});

test('a connection takes as many streams as are allowed on it, and ends after the last', () => {
  const { host, pool, cluster } = setUp({ maxRequestsPerConnection: 3, maxConnections: 1 });
  const asked = several(pool, 2);
  const first = host.dials[0]!.share();
  assert.equal(request(pool).connection, first);
  assert.equal(first.draining, true);
  const fourth = request(pool);
  assert.equal(fourth.stream, undefined);
  host.dials[0]!.share();
  assert.ok(fourth.stream, 'a connection that takes no more is not in its way');
  for (const stream of [...first.streams]) stream.answer();
  assert.ok(asked.every(each => each.done));
  assert.equal(first.closed, true);
  assert.equal(cluster.occupancy.connections, 1);
});

test('a connection with nothing on it ends in order when its time is over, and an idle pool schedules nothing', async () => {
  const { host, pool, cluster } = setUp({}, { idleTimeoutMs: 5_000 });
  request(pool);
  const peer = host.dials[0]!.share();
  await host.clock.advance(20_000);
  assert.equal(peer.closed, false, 'a long stream is no idle connection');
  peer.streams[0]!.answer();
  await host.clock.advance(4_900);
  assert.equal(peer.closed, false);
  await host.clock.advance(3_000);
  assert.equal(peer.closed, true);
  assert.equal(cluster.occupancy.connections, 0);
  await host.clock.advance(5_000);
  assert.equal(host.clock.pending, 0);
});

test('no connection is too old for what must not be repeated: its far end says what it has not taken', async () => {
  const { host, pool } = setUp();
  request(pool);
  const peer = host.dials[0]!.share();
  peer.streams[0]!.answer();
  await host.clock.advance(30_000);
  assert.equal(request(pool, false).connection, peer);
});

test('at the connection limit an idle connection makes room for another endpoint; one that carries something does not', () => {
  const { host, cluster } = setUp({ maxConnections: 1 }, { n: 2 });
  const [a, b] = [...cluster.endpoints].map(each => each.pool);
  request(a!);
  const peer = host.dials[0]!.share();
  assert.equal(request(b!).flag, 'UO');
  peer.streams[0]!.answer();
  const next = request(b!);
  assert.equal(next.flag, '');
  assert.equal(peer.closed, true);
  host.dials[0]!.share();
  assert.ok(next.stream);
});

test('closing: what carries nothing goes, what carries something finishes and then goes', () => {
  const { host, pool, cluster } = setUp();
  const asked = several(pool, 3);
  const busy = host.dials[0]!.share(2);
  const waits = host.dials[0]!;
  cluster.close();
  assert.equal(waits.cancelled, true);
  assert.match(asked[2]!.detail, /removed/);
  assert.deepEqual([busy.draining, busy.closed], [true, false]);
  for (const stream of [...busy.streams]) stream.answer();
  assert.deepEqual([asked[0]!.done, asked[1]!.done, busy.closed], [true, true, true]);
  assert.deepEqual([cluster.occupancy.connections, cluster.occupancy.waiting], [0, 0]);
});

test('memory is short: connections that carry nothing close', () => {
  const { host, pool, cluster } = setUp();
  several(pool, 2);
  const [busy, idle] = [host.dials[0]!.share(1), host.dials[0]!.share(1)];
  idle.streams[0]!.answer();
  cluster.closeAllIdle();
  assert.deepEqual([busy.closed, idle.closed], [false, true]);
});

test('what goes wrong with one request who waited costs neither the connection nor the others', t => {
  const errors: string[] = [];
  onInternalError(({ where }) => errors.push(where));
  t.after(() => onInternalError(undefined));
  const { host, pool } = setUp();
  const bad = new TestRequest(true, () => {
    throw new Error('test');
  });
  pool.acquire(bad);
  const good = request(pool);
  const peer = host.dials[0]!.share();
  assert.equal(good.connection, peer);
  assert.deepEqual([peer.active, peer.closed], [1, false]);
  assert.deepEqual(errors, ['pool.connection']);
});

test('any sequence of events leaks no place, strands nobody and keeps to the limits', async () => {
  for (let seed = 1; seed <= 40; seed++) await randomLife(seed);
});

/** One pool's life in random events; checks the books after each of them. */
async function randomLife(seed: number): Promise<void> {
  const random = seeded(seed);
  const maxConnections = 1 + below(random, 3);
  const maxPendingRequests = 1 + below(random, 6);
  const { host, cluster } = setUp(
    { maxConnections, maxPendingRequests, maxRequestsPerConnection: oneOf(random, [0, 0, 1, 5]) },
    { n: 2, idleTimeoutMs: 2_000, multiplexes: oneOf(random, ['maybe', 'always'] as const) },
  );
  const pools = [...cluster.endpoints].map(each => each.pool);
  const asked: TestRequest[] = [];
  const peers: StreamsPeer[] = [];
  const anyDial = () => (host.dials.length === 0 ? undefined : oneOf(random, host.dials));
  const anyPeer = (): StreamsPeer | undefined => {
    const open = peers.filter(each => !each.closed);
    return open.length === 0 ? undefined : oneOf(random, open);
  };
  const anyStream = () => {
    const streams = peers.flatMap(each => each.streams);
    return streams.length === 0 ? undefined : oneOf(random, streams);
  };
  const dialled = (): void => {
    const dial = anyDial();
    // What must be alone gets HTTP/1, and is answered at once.
    if (dial?.exclusive === true) dial.open().send(answer('connection: close\r\n'));
    else if (dial !== undefined) peers.push(dial.share(oneOf(random, [1, 2, 5])));
  };
  const events: (() => void)[] = [
    () => asked.push(request(oneOf(random, pools), random() < 0.5)),
    () => asked.push(request(oneOf(random, pools), true, random() < 0.2)),
    dialled,
    dialled,
    () => anyDial()?.fail(),
    () => anyStream()?.answer(),
    () => anyStream()?.answer(),
    () => anyStream()?.break(true),
    () => anyPeer()?.allow(below(random, 6)),
    () => random() < 0.3 && anyPeer()?.goAway(below(random, 2)),
    () => random() < 0.3 && anyPeer()?.close(),
    () => {
      const some = asked.filter(each => !each.over);
      if (some.length === 0) return;
      const given = oneOf(random, some);
      asked.splice(asked.indexOf(given), 1);
      for (const pool of pools) pool.cancel(given);
      given.stream?.cancel('client-gone');
    },
  ];
  const check = (what: string): void => {
    const { occupancy } = cluster;
    const sum = (pick: (pool: Pool) => number): number =>
      pools.reduce((total, pool) => total + pick(pool), 0);
    const where = `seed ${seed}, ${what}`;
    const places = sum(pool => pool.figures.open + pool.figures.dialing);
    assert.equal(occupancy.connections, places, `${where}: places`);
    const waits = sum(pool => pool.figures.waiting);
    assert.equal(occupancy.waiting, waits, `${where}: waiting`);
    assert.ok(occupancy.connections <= maxConnections, `${where}: more connections than allowed`);
    assert.ok(occupancy.waiting <= maxPendingRequests, `${where}: more waiting than allowed`);
    const waiting = asked.filter(each => !each.over && each.stream === undefined).length;
    assert.equal(occupancy.waiting, waiting, `${where}: somebody waits who is not listed`);
    for (const { figures } of pools)
      if (figures.waiting > 0)
        assert.ok(figures.dialing + figures.open > 0, `${where}: somebody waits for nothing`);
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
  for (const peer of peers) if (!peer.closed) peer.close();
  assert.deepEqual(
    [cluster.occupancy.connections, cluster.occupancy.waiting],
    [0, 0],
    `seed ${seed}: the end`,
  );
  assert.equal(asked.filter(each => !each.over).length, 0, `seed ${seed}: somebody was never told`);
  await host.clock.advance(5_000);
  assert.equal(host.clock.pending, 0, `seed ${seed}: something is still scheduled`);
}

test('no more streams are on a connection at once than are asked for, whatever its peer allows', () => {
  const { host, cluster, pool } = setUp();
  cluster.configure({
    ...cluster.config,
    settings: { ...cluster.config.settings, http2: { maxConcurrentStreams: 2 } },
  });
  const asked = several(pool, 3);
  const first = host.dials[0]!.share(100);
  assert.deepEqual(served(asked), [true, true, false]);
  host.dials[0]!.share(100);
  assert.deepEqual(served(asked), [true, true, true]);
  assert.equal(first.active, 2);
});

test('each request goes as its client sent it, on connections of both kinds beside each other', () => {
  const { host, pool } = setUp();
  host.carriage = 'client';
  const ask = (isHttp2: boolean): TestRequest => {
    const waiter = new TestRequest();
    waiter.isHttp2 = isHttp2;
    pool.acquire(waiter);
    return waiter;
  };
  const many = [ask(true), ask(true)];
  const shared = host.dials[0]!.share();
  const one = ask(false);
  assert.equal(host.dials[0]!.exclusive, true);
  const own = host.dials[0]!.open();
  assert.ok(many.every(each => each.connection === shared));
  assert.equal(one.wire, own.wire);
  assert.equal(host.dials.length, 0);
});

test('where HTTP/1 is declared only what makes no sense in it goes as HTTP/2', () => {
  const { host, pool } = setUp();
  host.carriage = 'http1';
  const plain = new TestRequest();
  plain.isHttp2 = true;
  pool.acquire(plain);
  assert.equal(host.dials[0]!.exclusive, true);
  host.dials[0]!.open();
  const call = new TestRequest();
  call.needsHttp2 = true;
  pool.acquire(call);
  assert.equal(host.dials[0]!.exclusive, false);
});

test('an endpoint that does not understand gets everything else as HTTP/1 for a while, and is asked again then', async () => {
  const { host, pool } = setUp();
  const first = request(pool);
  host.dials[0]!.share().misunderstand();
  assert.equal(first.failure?.unread, true);
  const again = request(pool);
  assert.equal(host.dials[0]!.exclusive, true);
  const own = host.dials[0]!.open();
  assert.equal(again.wire, own.wire);
  const call = new TestRequest();
  call.needsHttp2 = true;
  pool.acquire(call);
  assert.match(`${call.flag} ${call.detail}`, /^UPE the upstream speaks HTTP\/1 and gRPC needs HTTP\/2/);
  own.close();
  await host.clock.advance(61_000);
  pool.acquire(call);
  assert.equal(host.dials[0]!.exclusive, false);
});
