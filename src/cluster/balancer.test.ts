import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ClusterEndpoint } from '../model/index.ts';
import { type Balancer, createBalancer, type Random } from './balancer.ts';
import type { RunningEndpoint } from './endpoint.ts';
import { EndpointGroup } from './endpoint-group.ts';
import { HashKey } from './hash-key.ts';
import type { RunningCluster } from './running-cluster.ts';
import { clusterOf, endpoint, endpoints, TestClusterHost } from './testing/clusters.ts';
import { below, seeded } from './testing/random.ts';

const kinds = ['p2c-ewma', 'least-request', 'round-robin', 'random', 'ring-hash', 'maglev'] as const;
const hashing: readonly Balancer['kind'][] = ['ring-hash', 'maglev'];

/** A balancer, and endpoints for it to choose from. */
function setUp(kind: Balancer['kind'], n: number | readonly ClusterEndpoint[], seed = 1) {
  const host = new TestClusterHost(seeded(seed));
  const cluster: RunningCluster = clusterOf(host, 0);
  cluster.setEndpoints(endpoints(n));
  const all = [...cluster.endpoints];
  return {
    host,
    cluster,
    balancer: balancerOf(kind, all, seeded(seed + 1)),
    all,
    group: new EndpointGroup(all),
  };
}

function balancerOf(kind: Balancer['kind'], all: readonly RunningEndpoint[], random: Random): Balancer {
  const balancer = createBalancer({ kind, ...(kind === 'maglev' && { tableSize: 5003 }) }, random);
  balancer.update(all);
  return balancer;
}

/** Keys of many different clients. */
const keys = (seed: number): (() => number) => {
  const random = seeded(seed);
  return () => below(random, 0x7fff_ffff);
};

function count(picks: number, pick: () => RunningEndpoint): Map<RunningEndpoint, number> {
  const counts = new Map<RunningEndpoint, number>();
  for (let i = 0; i < picks; i++) {
    const picked = pick();
    counts.set(picked, (counts.get(picked) ?? 0) + 1);
  }
  return counts;
}

for (const kind of kinds) {
  test(`${kind}: equal endpoints get equal shares`, () => {
    for (const n of [2, 3, 5, 10]) {
      const { balancer, all, group, host } = setUp(kind, n);
      const key = keys(9);
      const counts = count(20_000, () => balancer.pick(group, host.clock.monotonic(), key()));
      // On a ring shares are as even as its points are many.
      const tolerance = kind === 'ring-hash' ? 0.25 : 0.1;
      for (const endpoint of all) {
        const share = ((counts.get(endpoint) ?? 0) * n) / 20_000;
        assert.ok(Math.abs(share - 1) < tolerance, `${n} endpoints: one got ${share} of its share`);
      }
    }
  });

  test(`${kind}: weights are shares`, () => {
    const weights = [1, 2, 5];
    const { balancer, all, group, host } = setUp(
      kind,
      weights.map((weight, i) => ({ ...endpoint(i + 1), weight })),
    );
    const key = keys(9);
    const counts = count(40_000, () => balancer.pick(group, host.clock.monotonic(), key()));
    for (const [i, weight] of weights.entries()) {
      const share = ((counts.get(all[i]!) ?? 0) * 8) / (40_000 * weight);
      assert.ok(Math.abs(share - 1) < 0.2, `weight ${weight} got ${share} of its share`);
    }
  });

  test(`${kind}: picks only what it is given, from lists of every size that change between picks`, () => {
    const { balancer, all, host } = setUp(kind, 12);
    const random = seeded(7);
    const key = keys(8);
    for (let i = 0; i < 5_000; i++) {
      const some = all.filter(() => random() < 0.5);
      if (some.length === 0) continue;
      some[0]!.active = below(random, 5);
      const hash = i % 3 === 0 ? -1 : key();
      assert.ok(some.includes(balancer.pick(new EndpointGroup(some), host.clock.monotonic(), hash)));
    }
    assert.equal(balancer.pick(new EndpointGroup([all[3]!]), 0, key()), all[3]);
  });

  test(`${kind}: two proxies that start together do not march in step`, () => {
    const { all, group } = setUp(kind, 10);
    const firsts = new Set<RunningEndpoint>();
    for (let seed = 0; seed < 50; seed++) firsts.add(balancerOf(kind, all, seeded(seed)).pick(group, 0, -1));
    assert.ok(firsts.size >= 5, `50 proxies began with only ${firsts.size} of 10 endpoints`);
  });

  test(`${kind}: a new endpoint gets its share slowly and never less than before`, async () => {
    const host = new TestClusterHost(seeded(2));
    const settings = { kind, slowStartMs: 60_000, slowStartMinPercent: 10 };
    const cluster = clusterOf(host, 4, { balancer: settings });
    await host.clock.advance(100_000);
    const fresh = { ...endpoint(5), readySinceMs: host.clock.now() };
    cluster.setEndpoints(endpoints([1, 2, 3, 4].map(n => endpoint(n)).concat(fresh)));
    const key = keys(3);
    const hashes = Array.from({ length: 6_000 }, key);
    const shares: number[] = [];
    for (let minute = 0; minute <= 10; minute++) {
      const nowMs = host.clock.monotonic();
      for (const each of cluster.endpoints) each.latency.observe(5, nowMs);
      const picks = hashes.map(hash => cluster.pick([], nowMs, hash)!.key);
      shares.push((picks.filter(picked => picked === '10.0.0.5:80').length * 5) / hashes.length);
      await host.clock.advance(6_000);
    }
    // Random ones jitter; the rise of a tenth at a time is well above that.
    const jitter = hashing.includes(kind) ? 0 : 0.12;
    for (const [i, share] of shares.entries())
      if (i > 0) assert.ok(share >= shares[i - 1]! - jitter, `${kind}: ${shares}`);
    assert.ok(shares[0]! < 0.3, `at first it got ${shares[0]} of its share`);
    assert.ok(shares[5]! > shares[0]! && shares[10]! > 0.75 && shares[10]! < 1.25, `${shares}`);
  });
}

for (const kind of hashing as readonly ('ring-hash' | 'maglev')[]) {
  test(`${kind}: the same key goes to the same endpoint, in every proxy, in whatever order endpoints are told`, () => {
    const { balancer, group } = setUp(kind, 10);
    const other = setUp(
      kind,
      [10, 3, 1, 2, 9, 8, 7, 6, 5, 4].map(n => endpoint(n)),
      77,
    );
    const key = keys(1);
    for (let i = 0; i < 2_000; i++) {
      const hash = key();
      const picked = balancer.pick(group, 0, hash).key;
      assert.equal(balancer.pick(group, 5_000, hash).key, picked);
      assert.equal(other.balancer.pick(other.group, 0, hash).key, picked);
    }
  });

  test(`${kind}: of n endpoints one that goes moves its own keys and hardly any others`, () => {
    for (const n of [3, 10, 50]) {
      const { balancer, group, all } = setUp(kind, n);
      const gone = all[1]!;
      const rest = all.filter(each => each !== gone);
      const after = balancerOf(kind, rest, seeded(5));
      const restGroup = new EndpointGroup(rest);
      const key = keys(2);
      let moved = 0;
      let movedWithoutNeed = 0;
      for (let i = 0; i < 20_000; i++) {
        const hash = key();
        const before = balancer.pick(group, 0, hash);
        if (before === after.pick(restGroup, 0, hash)) continue;
        moved++;
        if (before !== gone) movedWithoutNeed++;
      }
      const allowed = kind === 'maglev' ? 0.05 : 0;
      assert.ok(
        movedWithoutNeed / 20_000 <= allowed,
        `${n}: ${movedWithoutNeed} of 20000 moved without need`,
      );
      assert.ok(moved / 20_000 < 1.35 / n + allowed, `${n}: ${moved} of 20000 moved`);
    }
  });

  test(`${kind}: an ejected endpoint's keys spread over the others, and theirs stay`, () => {
    const { balancer, group, all } = setUp(kind, 10);
    const healthy = new EndpointGroup(all.filter(each => each !== all[4]));
    const key = keys(3);
    const heirs = new Set<RunningEndpoint>();
    for (let i = 0; i < 10_000; i++) {
      const hash = key();
      const before = balancer.pick(group, 0, hash);
      const after = balancer.pick(healthy, 0, hash);
      if (before !== all[4]) assert.equal(after, before);
      else heirs.add(after);
    }
    assert.equal(heirs.size, 9);
  });

  test(`${kind}: while an endpoint starts slowly every key moves to it once and stays`, async () => {
    const host = new TestClusterHost(seeded(2));
    const cluster = clusterOf(host, 4, { balancer: { kind, slowStartMs: 10_000 } });
    await host.clock.advance(100_000);
    const all = [1, 2, 3, 4].map(n => endpoint(n)).concat({ ...endpoint(5), readySinceMs: host.clock.now() });
    cluster.setEndpoints(endpoints(all));
    const key = keys(6);
    const hashes = Array.from({ length: 2_000 }, key);
    const moves = hashes.map(() => 0);
    let last = hashes.map(hash => cluster.pick([], host.clock.monotonic(), hash)!.key);
    for (let step = 0; step < 30; step++) {
      await host.clock.advance(500);
      const now = hashes.map(hash => cluster.pick([], host.clock.monotonic(), hash)!.key);
      for (const [i, picked] of now.entries()) {
        if (picked === last[i]) continue;
        moves[i]!++;
        assert.equal(picked, '10.0.0.5:80');
      }
      last = now;
    }
    assert.ok(Math.max(...moves) === 1);
  });
}

test('maglev: a table size that is no prime becomes the next one', () => {
  const balancer = createBalancer({ kind: 'maglev', tableSize: 1000 }, seeded(1));
  const { all, group } = setUp('random', 3);
  balancer.update(all);
  assert.ok(all.includes(balancer.pick(group, 0, 12_345)));
});

test('round-robin: consecutive picks go through all endpoints', () => {
  const { balancer, group } = setUp('round-robin', 7);
  for (let round = 0; round < 10; round++) {
    const counts = count(7, () => balancer.pick(group, 0, -1));
    assert.equal(counts.size, 7);
  }
});

test('round-robin: weighted turns are spread out and not in a row', () => {
  const { balancer, group, all } = setUp('round-robin', [
    { ...endpoint(1), weight: 4 },
    { ...endpoint(2), weight: 1 },
    { ...endpoint(3), weight: 1 },
  ]);
  const turns = Array.from({ length: 12 }, () => all.indexOf(balancer.pick(group, 0, -1)));
  assert.equal(turns.filter(turn => turn === 0).length, 8);
  assert.ok(!turns.join('').includes('000000'), turns.join(''));
});

for (const kind of ['p2c-ewma', 'least-request'] as const) {
  test(`${kind}: an endpoint loaded with requests gets next to nothing`, () => {
    const { balancer, all, group, host } = setUp(kind, 4);
    all[2]!.active = 50;
    const counts = count(10_000, () => balancer.pick(group, host.clock.monotonic(), -1));
    assert.equal(counts.get(all[2]!) ?? 0, 0);
  });
}

/** Serves open-loop requests in simulated time; returns how many each endpoint got. */
async function serve(
  { balancer, all, group, host }: Pick<ReturnType<typeof setUp>, 'balancer' | 'all' | 'group' | 'host'>,
  requests: number,
  latencyMs: (endpoint: number, nowMs: number) => number,
  everyMs = 1,
): Promise<number[]> {
  const got = all.map(() => 0);
  for (let i = 0; i < requests; i++) {
    const nowMs = host.clock.monotonic();
    const picked = balancer.pick(group, nowMs, -1);
    const index = all.indexOf(picked);
    got[index]!++;
    picked.active++;
    const tookMs = latencyMs(index, nowMs);
    host.clock.after(tookMs, () => {
      picked.active--;
      picked.latency.observe(tookMs, host.clock.monotonic());
    });
    await host.clock.advance(everyMs);
  }
  return got;
}

test('p2c-ewma: an endpoint ten times as slow as the others gets much less than its share', async () => {
  const got = await serve(setUp('p2c-ewma', 4), 4_000, endpoint => (endpoint === 0 ? 100 : 10));
  assert.ok(got[0]! < 300, `the slow one got ${got[0]} of 4000`);
  for (const other of got.slice(1)) assert.ok(other > 900, `${got}`);
});

test('p2c-ewma: an endpoint that was slow once, as when it started, gets its share again', async () => {
  for (const n of [2, 5]) {
    const set = setUp('p2c-ewma', n);
    let first = true;
    const got = await serve(set, 3_000, (endpoint, nowMs) => {
      if (endpoint !== 0 || !first || nowMs < 100) return 10;
      first = false;
      return 2_000;
    });
    assert.ok(!first);
    for (let minute = 0; minute < 12; minute++) await set.host.clock.advance(10_000);
    const later = await serve(set, 3_000, () => 10);
    const share = (later[0]! * n) / 3_000;
    assert.ok(
      share > 0.7,
      `of ${n} endpoints the one that was slow once got ${share} of its share (before: ${got})`,
    );
  }
});

test('p2c-ewma: a single slow answer costs an endpoint next to nothing', async () => {
  const set = setUp('p2c-ewma', 2);
  let paused = false;
  const slowOnce = (endpoint: number, nowMs: number) => {
    if (endpoint !== 0 || paused || nowMs < 500) return 10;
    paused = true;
    return 300;
  };
  const got = await serve(set, 400, slowOnce, 10);
  assert.ok(got[0]! > 150, `the one that was slow once got ${got[0]} of 400`);
});

test('p2c-ewma: after a start that is slow for all, nobody is left out', async () => {
  for (const n of [2, 4]) {
    for (let seed = 1; seed < 20; seed++) {
      const set = setUp('p2c-ewma', n, seed);
      const random = seeded(seed);
      await serve(set, 200, () => 100 + below(random, 200), 10);
      await serve(set, 50, () => 5 + below(random, 10), 10);
      const got = await serve(set, 400, () => 5 + below(random, 10), 10);
      for (const one of got) assert.ok((one * n) / 400 > 0.6, `${n} endpoints got ${got}`);
    }
  }
});

test('p2c-ewma: pauses of a collector in each endpoint, now and then, leave the load even', async () => {
  const set = setUp('p2c-ewma', 3);
  const random = seeded(6);
  const pausedMs = set.all.map(() => -1_000);
  const got = await serve(set, 5_000, (endpoint, nowMs) => {
    if (random() < 0.004) pausedMs[endpoint] = nowMs;
    return 2 + below(random, 4) + Math.max(0, pausedMs[endpoint]! + 40 - nowMs);
  });
  for (const one of got) assert.ok((one * 3) / 5_000 > 0.8, `${got}`);
});

test('p2c-ewma: a new endpoint is neither flooded nor starved', async () => {
  const host = new TestClusterHost(seeded(3));
  const cluster = clusterOf(host, 3, { balancer: { kind: 'p2c-ewma' } });
  const balancer = createBalancer({ kind: 'p2c-ewma' }, seeded(4));
  const now = () => {
    const all = [...cluster.endpoints];
    return { host, balancer, all, group: new EndpointGroup(all) };
  };
  await serve(now(), 1_000, () => 20);
  cluster.setEndpoints(endpoints(4));
  const got = await serve(now(), 2_000, () => 20);
  assert.ok(got[3]! > 350 && got[3]! < 650, `the new one got ${got[3]} of 2000 among 4`);
});

test('weights under load: shares stay near what they should be', async () => {
  for (const kind of ['p2c-ewma', 'least-request'] as const) {
    const set = setUp(kind, [
      { ...endpoint(1), weight: 1 },
      { ...endpoint(2), weight: 4 },
      { ...endpoint(3), weight: 4 },
    ]);
    const [light] = await serve(set, 6_000, () => 30);
    const share = (light! * 9) / 6_000;
    assert.ok(share > 0.6 && share < 1.8, `${kind}: weight 1 of 9 got ${share} of its share`);
  }
});

test('a connection without HTTP is known by its client where the address is hashed, and else by nothing', () => {
  const key = new HashKey([{ kind: 'header', name: 'x' }, { kind: 'source-ip' }]);
  assert.ok(key.ofClient('10.0.0.1') >= 0);
  assert.equal(key.ofClient('10.0.0.1'), key.ofClient('10.0.0.1'));
  assert.notEqual(key.ofClient('10.0.0.1'), key.ofClient('10.0.0.2'));
  assert.equal(key.ofClient(''), -1);
  assert.equal(new HashKey([{ kind: 'header', name: 'x' }]).ofClient('10.0.0.1'), -1);
});
