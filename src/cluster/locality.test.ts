import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { BalancerSettings, ClusterEndpoint, LocalitySettings } from '../model/index.ts';
import { RunningCluster } from './running-cluster.ts';
import { config, endpoint, endpoints, TestClusterHost } from './testing/clusters.ts';
import { seeded } from './testing/random.ts';

const here = 'eu/eu-1/a';
const sameSubzone = 'eu/eu-1/a';
const sameZone = 'eu/eu-1/b';
const sameRegion = 'eu/eu-2/a';
const elsewhere = 'us/us-1/a';
const farAway = 'asia/as-1/a';

/** A cluster of endpoints in these places, called from `here`. */
function clusterIn(
  places: readonly (string | Partial<ClusterEndpoint>)[],
  locality: LocalitySettings = { enabled: true },
  balancer: Partial<BalancerSettings> = {},
  callerLocality: string | undefined = here,
): RunningCluster {
  const settings = config({
    balancer: { kind: 'round-robin', ...balancer, locality },
    outlier: { consecutive5xx: 1, maxEjectionPercent: 100 },
  });
  const host = new TestClusterHost(seeded(1));
  const cluster = new RunningCluster(
    { ...settings, ...(callerLocality !== undefined && { callerLocality }) },
    host,
  );
  const list = places.map((place, i) => ({
    ...endpoint(i + 1),
    ...(typeof place === 'string' ? { locality: place } : place),
  }));
  cluster.setEndpoints(endpoints(list));
  return cluster;
}

/** Shares of 4000 requests by locality. */
function shares(cluster: RunningCluster, hashed = false): Record<string, number> {
  const counts: Record<string, number> = {};
  const random = seeded(9);
  for (let i = 0; i < 4_000; i++) {
    const picked = cluster.pick([], 0, hashed ? Math.floor(random() * 0x7fff_ffff) : -1)!;
    const place = picked.config.locality ?? picked.config.zone ?? picked.key;
    counts[place] = (counts[place] ?? 0) + 1 / 4_000;
  }
  return counts;
}

function eject(cluster: RunningCluster, ...numbers: number[]): void {
  const all = [...cluster.endpoints];
  for (const n of numbers) cluster.record(all[n - 1]!, 'error-5xx');
}

function near(actual: number | undefined, expected: number): void {
  assert.ok(Math.abs((actual ?? 0) - expected) < 0.03, `${actual} instead of ${expected}`);
}

test('without locality settings every endpoint is as good as any other', () => {
  const all = shares(clusterIn([sameSubzone, elsewhere], { enabled: false }));
  near(all[sameSubzone], 0.5);
  near(all[elsewhere], 0.5);
});

test('traffic keeps to the nearest: subzone, then zone, then region, then the world', () => {
  const places = [elsewhere, sameRegion, sameZone, sameSubzone];
  for (let nearest = places.length; nearest > 0; nearest--) {
    const some = places.slice(0, nearest);
    assert.deepEqual(Object.keys(shares(clusterIn(some))), [some.at(-1)]);
  }
});

test('a caller that knows its zone alone prefers it all the same', () => {
  const cluster = clusterIn([{ zone: 'eu-1' }, { zone: 'eu-2' }], undefined, {}, '/eu-1');
  assert.deepEqual(Object.keys(shares(cluster)), ['eu-1']);
});

test('a level keeps all of its traffic until less than 71 % of it is healthy, then passes on what it lacks', () => {
  const cluster = clusterIn([...Array(10).fill(sameSubzone), elsewhere, elsewhere]);
  eject(cluster, 1, 2);
  near(shares(cluster)[elsewhere] ?? 0, 0);
  eject(cluster, 3, 4, 5);
  near(shares(cluster)[elsewhere], 0.3);
  eject(cluster, 6, 7, 8, 9);
  near(shares(cluster)[elsewhere], 0.86);
  eject(cluster, 10);
  near(shares(cluster)[elsewhere], 1);
});

test('hashing kinds keep a key in its locality, and fail over by key', () => {
  for (const kind of ['ring-hash', 'maglev'] as const) {
    const cluster = clusterIn([...Array(10).fill(sameSubzone), elsewhere], undefined, {
      kind,
      tableSize: 5003,
    });
    const all = [...cluster.endpoints];
    assert.deepEqual(Object.keys(shares(cluster, true)), [sameSubzone]);
    const before = cluster.pick([], 0, 4711)!;
    eject(cluster, ...[1, 2, 3, 4, 5].filter(n => all[n - 1] !== before));
    near(shares(cluster, true)[elsewhere], cluster.healthy === 6 ? 0.3 : 0.16);
  }
});

test('failover names the region that comes next; others come last', () => {
  const failover = [{ from: 'eu', to: 'us' }];
  const cluster = clusterIn([farAway, elsewhere, sameSubzone], { enabled: true, failover });
  eject(cluster, 3);
  assert.deepEqual(Object.keys(shares(cluster)), [elsewhere]);
  eject(cluster, 2);
  assert.deepEqual(Object.keys(shares(cluster)), [farAway]);
});

test('failoverPriority goes over places', () => {
  const locality = { enabled: true, failoverPriority: ['app.version'] };
  const cluster = clusterIn(
    [
      { priority: 1, locality: sameSubzone },
      { priority: 0, locality: elsewhere },
    ],
    locality,
  );
  assert.deepEqual(Object.keys(shares(cluster)), [elsewhere]);
});

test('distribute gives shares to places, and nothing to places that it does not name', () => {
  const distribute: LocalitySettings['distribute'] = [
    { from: 'us/*', to: { 'us/*': 100 } },
    { from: 'eu/eu-1/*', to: { 'eu/eu-1/*': 70, 'eu/eu-2/*': 20, 'us/*': 10 } },
  ];
  const cluster = clusterIn([sameSubzone, sameZone, sameRegion, elsewhere, farAway], {
    enabled: true,
    distribute,
  });
  const all = shares(cluster);
  near((all[sameSubzone] ?? 0) + (all[sameZone] ?? 0), 0.7);
  near(all[sameRegion], 0.2);
  near(all[elsewhere], 0.1);
  assert.equal(all[farAway], undefined);
  eject(cluster, 3);
  const without = shares(cluster);
  near((without[sameSubzone] ?? 0) + (without[sameZone] ?? 0), 0.875);
});

test('distribute to places where nobody is falls back on everybody', () => {
  const distribute = [{ from: '*', to: { 'mars/*': 100 } }];
  const all = shares(clusterIn([sameSubzone, elsewhere], { enabled: true, distribute }));
  near(all[elsewhere], 0.5);
});

test('in panic ejected endpoints count as healthy, so nothing fails over', () => {
  const host = new TestClusterHost(seeded(1));
  const cluster = new RunningCluster(
    {
      ...config({
        balancer: { kind: 'round-robin', locality: { enabled: true } },
        outlier: { consecutive5xx: 1, maxEjectionPercent: 100, panicThresholdPercent: 50 },
      }),
      callerLocality: here,
    },
    host,
  );
  const list = [1, 2, 3, 4, 5].map(n => ({ ...endpoint(n), locality: n < 5 ? sameSubzone : elsewhere }));
  cluster.setEndpoints(endpoints(list));
  eject(cluster, 1, 2);
  near(shares(cluster)[elsewhere], 0.3);
  eject(cluster, 3);
  assert.deepEqual(Object.keys(shares(cluster)), [sameSubzone]);
});

test('later tries stay in the locality while it has others, unless they may leave it', () => {
  const cluster = clusterIn([sameSubzone, sameSubzone, elsewhere]);
  const [first, second, far] = [...cluster.endpoints];
  assert.equal(cluster.pick([first!], 0), second);
  const again = new Set(Array.from({ length: 50 }, () => cluster.pick([first!, second!], 0)));
  assert.deepEqual(again, new Set([first, second]), 'with nobody untried nearby it begins anew nearby');
  eject(cluster, 2);
  const anywhere = new Set(Array.from({ length: 50 }, () => cluster.pick([first!], 0, -1, true)));
  assert.deepEqual([...anywhere], [far]);
});

test('an endpoint of weight 0 gets nothing, unless there is nobody else', () => {
  const cluster = clusterIn([{ weight: 0 }, { weight: 2 }]);
  assert.equal(shares(cluster)['10.0.0.1:80'], undefined);
  const only = clusterIn([{ weight: 0 }, { weight: 0 }]);
  near(shares(only)['10.0.0.1:80'], 0.5);
});
