import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { RunningCluster } from '../../cluster/index.ts';
import { config, endpoint, endpoints, TestClusterHost } from '../../cluster/testing/clusters.ts';
import { seeded } from '../../cluster/testing/random.ts';
import { DEFAULT_RETRY, type DestinationResource } from '../../model/index.ts';
import { type DestinationAnswer, Destinations, MAX_DESTINATIONS } from './destinations.ts';
import { WeightedChoice } from './weighted-choice.ts';

/** `key`, with a route to each of `clusters` by weight. */
function destination(
  key: string,
  clusters: readonly string[],
  more: Partial<DestinationResource> = {},
): DestinationResource {
  const weighted = clusters.map(cluster => ({ cluster, weight: 1 }));
  return {
    kind: 'destination',
    key,
    found: 'service',
    host: key,
    port: 80,
    protocol: 'auto',
    routes: [
      {
        name: 'default',
        action: { kind: 'forward', clusters: weighted },
        timeoutMs: 0,
        idleTimeoutMs: 0,
        retry: DEFAULT_RETRY,
      },
    ],
    tcp: weighted,
    clusters: clusters.map(name => config({}, name)),
    ...more,
  };
}

function setUp() {
  const host = new TestClusterHost(seeded(1));
  const wanted: string[] = [];
  const forgotten: string[] = [];
  const source = { want: (key: string) => wanted.push(key), forget: (key: string) => forgotten.push(key) };
  const destinations = new Destinations(source, host, { idleMs: 60_000, waitMs: 2_000 });
  const answers: DestinationAnswer[] = [];
  const find = (key: string) => destinations.find(key, answer => answers.push(answer));
  return { host, wanted, forgotten, destinations, answers, find };
}

const names = (clusters: Iterable<RunningCluster>): string[] =>
  [...clusters].map(cluster => cluster.config.name).sort();

test('an unknown key is asked for once, and everybody who waits is told when its endpoints are there', () => {
  const { wanted, destinations, answers, find } = setUp();
  assert.equal(find('a:80'), undefined);
  assert.equal(find('a:80'), undefined);
  assert.deepEqual(wanted, ['a:80']);
  assert.equal(destinations.applyDestination(destination('a:80', ['one', 'two'])), undefined);
  assert.deepEqual(answers, []);
  destinations.applyEndpoints(endpoints(2, 'one'));
  assert.deepEqual(answers, [], 'told while the endpoints of a cluster were not known');
  destinations.applyEndpoints(endpoints(0, 'two'));
  assert.equal(answers.length, 2);
  assert.equal(find('a:80'), answers[0]);
  assert.deepEqual(wanted, ['a:80']);
});

test('endpoints that come before the destination that names them are kept for it', () => {
  const { destinations, answers, find } = setUp();
  find('a:80');
  destinations.applyEndpoints(endpoints(3, 'one'));
  destinations.applyDestination(destination('a:80', ['one']));
  assert.equal(answers.length, 1);
  assert.equal([...destinations.clusters][0]!.size, 3);
});

test('endpoints that came for something forgotten are not used much later', async () => {
  const { host, destinations, find } = setUp();
  destinations.applyEndpoints(endpoints(3, 'one'));
  await host.clock.advance(60_000);
  find('a:80');
  destinations.applyDestination(destination('a:80', ['one']));
  const [cluster] = [...destinations.clusters];
  assert.equal(cluster!.known, false, 'endpoints of a minute ago were taken for today’s');
});

test('who waits too long is told so, once; a late answer serves the next', async () => {
  const { host, destinations, answers, find } = setUp();
  find('a:80');
  await host.clock.advance(1_900);
  assert.deepEqual(answers, []);
  await host.clock.advance(200);
  assert.deepEqual(answers, ['timeout']);
  assert.equal(destinations.timeouts, 1);
  destinations.applyDestination(destination('a:80', ['one']));
  destinations.applyEndpoints(endpoints(1, 'one'));
  assert.equal(answers.length, 1);
  assert.notEqual(find('a:80'), undefined);
  await host.clock.advance(5_000);
  assert.equal(host.clock.pending, 0);
});

test('a destination whose endpoints do not come is handed out without them in the end', async () => {
  const { host, destinations, answers, find } = setUp();
  find('a:80');
  destinations.applyDestination(destination('a:80', ['one']));
  await host.clock.advance(2_100);
  assert.notEqual(answers[0], 'timeout');
  assert.equal([...destinations.clusters][0]!.known, false);
});

test('a source that answers within the question needs no waiting', () => {
  const host = new TestClusterHost(seeded(1));
  const destinations: Destinations = new Destinations(
    {
      want(key) {
        destinations.applyDestination(destination(key, ['one']));
        destinations.applyEndpoints(endpoints(1, 'one'));
      },
      forget() {},
    },
    host,
  );
  assert.notEqual(
    destinations.find('a:80', () => assert.fail('told though answered at once')),
    undefined,
  );
});

test('clusters that several destinations name are one, and stay for as long as one of them does', async () => {
  const { host, destinations, find, forgotten } = setUp();
  find('a:80');
  find('b:80');
  destinations.applyDestination(destination('a:80', ['shared', 'own']));
  destinations.applyDestination(destination('b:80', ['shared']));
  for (const key of ['shared', 'own']) destinations.applyEndpoints(endpoints(1, key));
  assert.deepEqual(names(destinations.clusters), ['own', 'shared']);
  const [shared] = [...destinations.clusters].filter(cluster => cluster.config.name === 'shared');
  await host.clock.advance(40_000);
  find('b:80');
  await host.clock.advance(40_000);
  destinations.expire();
  assert.deepEqual(forgotten, ['a:80']);
  assert.deepEqual([...destinations.clusters], [shared]);
  assert.equal(shared!.size, 1);
});

test('a resource that names what it does not have is refused, and the last good one stays', () => {
  const { destinations, find } = setUp();
  find('a:80');
  destinations.applyDestination(destination('a:80', ['one']));
  destinations.applyEndpoints(endpoints(2, 'one'));
  const good = find('a:80');
  const bad = {
    ...destination('a:80', ['one', 'two', 'three']),
    clusters: [config({}, 'one'), config({}, 'two')],
  };
  assert.match(
    destinations.applyDestination(bad)!,
    /names the cluster three, which the destination does not have/,
  );
  assert.equal(find('a:80'), good);
  // Discovery tells the endpoints of the refused one too, and only once.
  assert.deepEqual(names(destinations.clusters), ['one', 'two']);
  assert.equal([...destinations.clusters][0]!.size, 2);
  destinations.applyEndpoints(endpoints(3, 'two'));
  assert.equal(destinations.applyDestination(destination('a:80', ['two'])), undefined);
  assert.deepEqual(names(destinations.clusters), ['two']);
  assert.equal([...destinations.clusters][0]!.size, 3);
});

/** Routes of two rules, of which the first edits a header. */
function withEdit(
  value: string,
  matches?: DestinationResource['routes'][number]['matches'],
): DestinationResource {
  const good = destination('a:80', ['one']);
  const from = {
    apiVersion: 'networking.istio.io/v1',
    kind: 'VirtualService',
    namespace: 'shop',
    name: 'vs',
  };
  const [route] = good.routes;
  const edited = {
    ...route!,
    name: 'edited',
    from,
    matches: matches ?? [{ path: { kind: 'prefix', value: '/a' } }],
    requestHeaders: { set: [['x-a', value] as const] },
  };
  return { ...good, routes: [edited, route!] };
}

test('the first resource of a destination that cannot be used gives a refusal with its reason at once, and never a pass-through', () => {
  const { destinations, answers, find } = setUp();
  find('a:80');
  const bad = withEdit('b', [{ path: { kind: 'regex', value: '(' } }]);
  const reason = destinations.applyDestination(bad);
  assert.match(reason!, /^VirtualService vs\.shop, route edited: .*not valid RE2/);
  const [answer] = answers;
  assert.ok(answer !== undefined && answer !== 'timeout');
  assert.equal(answer.resource.found, 'service');
  assert.deepEqual(
    answer.routes.map(each => each.unusable),
    [reason],
  );
  assert.equal(answer.tcp.pick(), undefined);
  // Its endpoints come meanwhile, once and for all.
  destinations.applyEndpoints(endpoints(2, 'one'));
  assert.equal(destinations.applyDestination(withEdit('b')), undefined);
  assert.equal(find('a:80')?.routes.length, 2);
  assert.equal([...destinations.clusters][0]!.size, 2);
});

test('a route that cannot be used holds up no other: it is what it was before, or refuses its own requests', () => {
  const { destinations, find } = setUp();
  find('a:80');
  destinations.applyEndpoints(endpoints(1, 'one'));
  const reason = /^VirtualService vs\.shop, route edited: the header 'x-a' cannot be edited/;
  assert.match(destinations.applyDestination(withEdit('b\nc'))!, reason);
  const unusable = (): (boolean | undefined)[] =>
    find('a:80')!.routes.map(each => each.unusable !== undefined);
  assert.deepEqual(unusable(), [true, false]);
  assert.equal(destinations.applyDestination(withEdit('good')), undefined);
  assert.deepEqual(unusable(), [false, false]);
  assert.match(destinations.applyDestination(withEdit('b\nc'))!, reason);
  assert.deepEqual(unusable(), [false, false], 'the last good one did not stay');
  const [stayed] = find('a:80')!.routes;
  assert.deepEqual(stayed!.route.requestHeaders, { set: [['x-a', 'good']] });
  // Other requests are meant now: what it said to the ones before is not for them.
  assert.match(
    destinations.applyDestination(withEdit('b\nc', [{ path: { kind: 'prefix', value: '/b' } }]))!,
    reason,
  );
  assert.deepEqual(unusable(), [true, false]);
});

test('what is told about a destination that nobody wants is not kept', () => {
  const { destinations } = setUp();
  assert.equal(destinations.applyDestination(destination('a:80', ['one'])), undefined);
  assert.deepEqual([...destinations.keys], []);
  assert.deepEqual([...destinations.clusters], []);
});

test('a change of settings reaches the running cluster with its connections', () => {
  const { host, destinations, find } = setUp();
  find('a:80');
  destinations.applyDestination(destination('a:80', ['one']));
  destinations.applyEndpoints(endpoints(1, 'one'));
  const [cluster] = [...destinations.clusters];
  const limits = { ...config().settings.limits, maxRequests: 7 };
  destinations.applyDestination(destination('a:80', ['one'], { clusters: [config({ limits }, 'one')] }));
  assert.equal([...destinations.clusters][0], cluster);
  assert.equal(cluster!.occupancy.limits.maxRequests, 7);
  assert.equal(host.dials.length, 0);
});

test('what is used, or under way, is not forgotten; the rest is, and comes back when it is wanted again', async () => {
  const { host, destinations, wanted, forgotten, find } = setUp();
  for (const key of ['idle:80', 'busy:80', 'used:80']) {
    find(key);
    destinations.applyDestination(destination(key, [key]));
    destinations.applyEndpoints(endpoints(1, key));
  }
  const busy = [...destinations.clusters].find(cluster => cluster.config.name === 'busy:80')!;
  busy.occupancy.requests++;
  await host.clock.advance(61_000);
  assert.notEqual(destinations.current('used:80'), undefined);
  destinations.expire();
  assert.deepEqual(forgotten, ['idle:80']);
  assert.equal(destinations.current('idle:80'), undefined);
  assert.equal(find('idle:80'), undefined);
  assert.deepEqual(wanted, ['idle:80', 'busy:80', 'used:80', 'idle:80']);
  destinations.applyDestination(destination('idle:80', ['idle:80']));
  destinations.applyEndpoints(endpoints([endpoint(9)], 'idle:80'));
  assert.deepEqual(
    [...[...destinations.clusters].find(cluster => cluster.config.name === 'idle:80')!.endpoints].map(
      each => each.key,
    ),
    ['10.0.0.9:80'],
  );
});

test('a port scan does not fill the memory: the destinations that were used longest ago make room, many at a time', async () => {
  const { host, destinations, forgotten, find } = setUp();
  for (let i = 0; i < MAX_DESTINATIONS; i++) find(`10.0.0.1:${i}`);
  await host.clock.advance(2_100);
  for (const key of ['10.0.0.1:0', '10.0.0.1:2']) destinations.current(key);
  await host.clock.advance(1);
  for (let i = 0; i < 300; i++) find(`new:${i}`);
  assert.equal([...destinations.keys].length, MAX_DESTINATIONS - 200);
  const oldest = Array.from({ length: 502 }, (_, i) => `10.0.0.1:${i}`).filter(key => !/:[02]$/.test(key));
  assert.deepEqual(forgotten, oldest);
});

test('while somebody waits for each of too many destinations, more are answered without being asked for', async () => {
  const { host, wanted, destinations, answers, find } = setUp();
  for (let i = 0; i < MAX_DESTINATIONS; i++) find(`10.0.0.1:${i}`);
  assert.equal(find('one more:80'), undefined);
  await new Promise(resolve => setImmediate(resolve));
  assert.deepEqual(answers, ['timeout']);
  assert.equal(wanted.length, MAX_DESTINATIONS);
  await host.clock.advance(2_100);
  find('one more:80');
  assert.equal(wanted.at(-1), 'one more:80');
  assert.ok([...destinations.keys].length < MAX_DESTINATIONS);
});

test('weights are kept to, exactly: 90 to 10 over 10,000 picks within one percent', () => {
  const make = (weights: readonly number[], seed = 7): Record<string, number> => {
    const { destinations, find } = setUp();
    find('w:80');
    const weighted = weights.map((weight, i) => ({ cluster: `c${i}`, weight }));
    destinations.applyDestination(
      destination(
        'w:80',
        weights.map((_, i) => `c${i}`),
      ),
    );
    const clusters = new Map([...destinations.clusters].map(cluster => [cluster.config.name, cluster]));
    const choice = new WeightedChoice(weighted, name => clusters.get(name)!, seeded(seed));
    const counts: Record<string, number> = {};
    for (let i = 0; i < 10_000; i++) {
      const name = choice.pick()?.config.name ?? 'none';
      counts[name] = (counts[name] ?? 0) + 1;
    }
    return counts;
  };
  assert.ok(Math.abs(make([90, 10]).c1! - 1_000) <= 100);
  assert.ok(Math.abs(make([1, 1, 1, 1]).c3! - 2_500) <= 130);
  assert.equal(make([100, 0]).c1, undefined);
  assert.equal(make([0, 100]).c0, undefined);
  assert.ok(make([0, 0]).c0! > 4_800, 'weights of 0 alone share alike');
  assert.deepEqual(make([5]), { c0: 10_000 });
  assert.deepEqual(make([]), { none: 10_000 });
});

test('a route that says the same goes on as it is; one that does not, or whose cluster is another, is compiled', () => {
  const { destinations, find } = setUp();
  find('a:80');
  const [base] = destination('a:80', ['one']).routes;
  const route = (name: string, timeoutMs: number) => ({ ...base!, name, timeoutMs });
  const told = (timeoutMs: number, clusters = ['one']) =>
    destination('a:80', clusters, { routes: [route('same', 1), route('other', timeoutMs)] });
  const running = () => destinations.current('a:80')!.routes;
  destinations.applyDestination(told(1));
  const before = running();
  destinations.applyDestination(told(2));
  assert.equal(running()[0], before[0]);
  assert.notEqual(running()[1], before[1]);
  assert.equal(running()[1]!.route.timeoutMs, 2);
  // The cluster is dropped and made again in between.
  destinations.applyDestination(destination('a:80', ['two']));
  destinations.applyDestination(told(1));
  assert.notEqual(running()[0], before[0]);
  assert.equal(running()[0]!.clusters.all[0]?.config.name, 'one');
});
