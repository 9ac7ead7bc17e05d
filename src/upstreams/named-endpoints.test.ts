import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ClusterEndpoint, EndpointsResource } from '../model/index.ts';
import { FakeClock } from '../time/index.ts';
import type { DnsReply } from './dns-client.ts';
import { NamedEndpoints } from './named-endpoints.ts';
import { NameLookup } from './names.ts';

const peer = { workload: '', namespace: '', app: '', version: '', principal: '', pod: '' };
const endpoint = (address: string, more: Partial<ClusterEndpoint> = {}): ClusterEndpoint => ({
  ...{ address, port: 443, tls: 'plaintext', peer, allAddresses: true },
  ...more,
});
const told = (...endpoints: readonly ClusterEndpoint[]): EndpointsResource => ({
  ...{ kind: 'endpoints', key: 'api.example:443', endpoints, total: endpoints.length },
});
const of = (resource: EndpointsResource | undefined): readonly string[] =>
  resource?.endpoints.map(each => each.address) ?? ['later'];
/** What was asked has been answered. */
const answered = async (): Promise<void> => {
  for (let n = 0; n < 10; n++) await new Promise(setImmediate);
};

function place() {
  const clock = new FakeClock();
  const zone = new Map<string, readonly string[] | 'down'>();
  const asked: string[] = [];
  const lookup = new NameLookup(
    async (name, type): Promise<DnsReply> => {
      if (type === 'A') asked.push(name);
      const found = zone.get(name);
      if (found === 'down') return { kind: 'failed', why: 'no answer' };
      if (type !== 'A' || found === undefined) return { kind: 'none', ttlMs: 5_000 };
      return { kind: 'records', ttlMs: 5_000, records: found.map(address => ({ type: 'A', address })) };
    },
    { servers: [], search: [], ndots: 1, timeoutMs: 1, hosts: new Map() },
  );
  const applied: EndpointsResource[] = [];
  const failures: string[] = [];
  const used = { yes: true };
  const names = new NamedEndpoints({
    ...{ clock, lookup, apply: resource => applied.push(resource), isUsed: () => used.yes },
    failed: (name, why) => failures.push(`${name}: ${why}`),
  });
  return { clock, zone, asked, applied, failures, used, names };
}

test('a name becomes its addresses, and follows them by their TTL', async () => {
  const { clock, zone, applied, names } = place();
  zone.set('api.example', ['10.0.0.2', '10.0.0.1']);
  const first = names.take(told(endpoint('api.example', { weight: 3 }), endpoint('10.9.9.9')));
  assert.deepEqual(of(first), ['later']);
  await answered();
  assert.deepEqual(of(applied[0]), ['10.0.0.1', '10.0.0.2', '10.9.9.9']);
  assert.deepEqual(
    applied[0]!.endpoints.slice(0, 2).map(each => [each.weight, each.allAddresses]),
    [
      [3, undefined],
      [3, undefined],
    ],
  );
  zone.set('api.example', ['10.0.0.3']);
  await clock.advance(5_000);
  await answered();
  assert.deepEqual(of(applied[1]), ['10.0.0.3', '10.9.9.9']);
  await clock.advance(5_000);
  await answered();
  assert.equal(applied.length, 2, 'the same again is no change');
});

test('while nobody answers the addresses stay', async () => {
  const { clock, zone, applied, failures, names } = place();
  zone.set('api.example', ['10.0.0.1']);
  names.take(told(endpoint('api.example')));
  await answered();
  zone.set('api.example', 'down');
  await clock.advance(5_000);
  await answered();
  assert.equal(applied.length, 1);
  assert.match(failures[0]!, /^api.example: .*no answer/);
  zone.set('api.example', ['10.0.0.2']);
  await clock.advance(60_000);
  await answered();
  assert.deepEqual(of(applied.at(-1)), ['10.0.0.2']);
});

test('told again, what is known of the names is used at once; other names are other lookups', async () => {
  const { clock, zone, asked, applied, names } = place();
  zone.set('api.example', ['10.0.0.1']);
  zone.set('b.example', ['10.0.0.7']);
  names.take(told(endpoint('api.example')));
  await answered();
  assert.deepEqual(of(names.take(told(endpoint('api.example', { weight: 9 })))), ['10.0.0.1']);
  assert.deepEqual(of(names.take(told(endpoint('api.example'), endpoint('b.example')))), ['later']);
  await answered();
  assert.deepEqual(of(applied.at(-1)), ['10.0.0.1', '10.0.0.7']);
  assert.deepEqual(of(names.take(told(endpoint('10.1.1.1')))), ['10.1.1.1']);
  assert.equal(names.size, 0);
  const before = asked.length;
  await clock.advance(60_000);
  await answered();
  assert.equal(asked.length, before, 'nobody asks for it any more');
});

test('a cluster that is gone is not looked up any more', async () => {
  const { clock, zone, applied, used, names } = place();
  used.yes = false;
  zone.set('api.example', ['10.0.0.1']);
  names.take(told(endpoint('api.example')));
  await answered();
  assert.equal(applied.length, 1, 'it may come a moment after its endpoints');
  for (let n = 0; n < 3; n++) {
    await clock.advance(5_000);
    await answered();
  }
  assert.equal(names.size, 0);
});

test('one address of a name, as DNS_ROUND_ROBIN wants it, is for who connects', () => {
  const { names } = place();
  const { allAddresses: _, ...one } = endpoint('api.example');
  assert.deepEqual(of(names.take(told(one))), ['api.example']);
  assert.equal(names.size, 0);
});

test('a name that nobody says anything of is for who connects, after a second at most', async () => {
  const { clock, zone, applied, names } = place();
  zone.set('b.example', 'down');
  names.take(told(endpoint('b.example')));
  await answered();
  assert.deepEqual(of(applied[0]), ['b.example'], 'a failure is an answer');
  const slow: EndpointsResource[] = [];
  const silent = new NamedEndpoints({
    ...{
      clock,
      lookup: new NameLookup(() => new Promise(() => {}), {
        servers: [],
        search: [],
        ndots: 1,
        timeoutMs: 1,
        hosts: new Map(),
      }),
    },
    ...{ apply: resource => slow.push(resource), isUsed: () => true, failed: () => {} },
  });
  assert.equal(silent.take(told(endpoint('c.example'))), undefined);
  await clock.advance(1_000);
  assert.deepEqual(of(slow[0]), ['c.example']);
});
