import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import type { Answer } from 'dns-packet';
import { FakeClock } from '../time/index.ts';
import { type AskDns, askServers, type DnsReply } from './dns-client.ts';
import { discoverName, discoverService } from './dns-discovery.ts';
import { candidates, type DnsSettings, readDnsSettings } from './dns-settings.ts';
import type { FoundEndpoint } from './found.ts';
import { NameLookup } from './names.ts';
import { type FakeAnswer, fakeDns } from './testing/dns-server.ts';

const settings: DnsSettings = { servers: [], search: [], ndots: 1, timeoutMs: 2_000, hosts: new Map() };

async function server(context: TestContext, answer: (name: string, type: string) => FakeAnswer) {
  const dns = await fakeDns(answer);
  context.after(() => dns.close());
  return dns;
}

const a = (name: string, data: string, ttl = 30): Answer => ({ type: 'A', name, data, ttl });

test('addresses and services are asked for with the time that they hold, the shortest of all records', async context => {
  const srv: Answer = {
    type: 'SRV',
    name: 's.test',
    ttl: 60,
    data: { target: 'b.test', port: 8080, weight: 3, priority: 1 },
  };
  const dns = await server(context, (name, type) => {
    if (type === 'A')
      return [
        { type: 'CNAME', name, data: 'b.test', ttl: 5 },
        a('b.test', '10.0.0.1'),
        a('b.test', '10.0.0.2'),
      ];
    return type === 'SRV' ? [srv] : [];
  });
  const ask = askServers({ ...settings, servers: [dns.server] });
  const records = ['10.0.0.1', '10.0.0.2'].map(address => ({ type: 'A', address }));
  assert.deepEqual(await ask('a.test', 'A'), { kind: 'records', records, ttlMs: 5_000 });
  assert.deepEqual(await ask('a.test', 'AAAA'), { kind: 'none', ttlMs: 5_000 });
  assert.deepEqual(await ask('s.test', 'SRV'), {
    kind: 'records',
    records: [{ type: 'SRV', target: 'b.test', port: 8080, weight: 3, priority: 1 }],
    ttlMs: 60_000,
  });
});

test('an answer that does not fit into a datagram comes over TCP', async context => {
  const many = Array.from({ length: 60 }, (_, index) => a('a.test', `10.0.0.${index + 1}`));
  const dns = await server(context, () => many);
  const reply = await askServers({ ...settings, servers: [dns.server] })('a.test', 'A');
  assert.equal(reply.kind === 'records' && reply.records.length, 60);
  assert.deepEqual(dns.asked, ['udp A a.test', 'tcp A a.test']);
});

test('a name that does not exist is none; a server that fails is asked no more, and the next one answers', async context => {
  const failing = await server(context, () => 2);
  const good = await server(context, name => (name === 'gone.test' ? 3 : [a(name, '10.0.0.9')]));
  const both = askServers({ ...settings, servers: [failing.server, good.server] });
  assert.equal((await both('a.test', 'A')).kind, 'records');
  assert.equal((await both('gone.test', 'A')).kind, 'none');
  const alone = await askServers({ ...settings, servers: [failing.server] })('a.test', 'A');
  assert.deepEqual(alone, { kind: 'failed', why: '127.0.0.1: answered with error 2 (RFC 1035)' });
});

test('a server that says nothing is given up', async context => {
  const silent = await server(context, () => undefined);
  const reply = await askServers({ ...settings, timeoutMs: 20, servers: [silent.server] })('a.test', 'A');
  assert.deepEqual(reply, { kind: 'failed', why: '127.0.0.1: no answer within 20 ms' });
});

test('the machine’s settings are read: servers, domains, dots, hosts', context => {
  const folder = mkdtempSync(join(tmpdir(), 'weft-dns-'));
  context.after(() => rmSync(folder, { recursive: true, force: true }));
  const [resolv, hosts] = [join(folder, 'resolv.conf'), join(folder, 'hosts')];
  writeFileSync(
    resolv,
    '# a comment\nnameserver 10.96.0.10\nnameserver fd00::10\nsearch x.svc svc\noptions ndots:5 timeout:1\n',
  );
  writeFileSync(hosts, '127.0.0.1 localhost me # here\n::1 localhost\nnot-an-address x\n');
  const read = readDnsSettings(undefined, resolv, hosts);
  assert.deepEqual(
    read.servers.map(each => each.host),
    ['10.96.0.10', 'fd00::10'],
  );
  assert.deepEqual([read.search, read.ndots], [['x.svc', 'svc'], 5]);
  assert.deepEqual(
    [...read.hosts],
    [
      ['localhost', ['127.0.0.1', '::1']],
      ['me', ['127.0.0.1']],
    ],
  );
  assert.deepEqual(candidates('api.default', read), ['api.default.x.svc', 'api.default.svc', 'api.default']);
  assert.deepEqual(candidates('a.b.c.d.e.f', read), ['a.b.c.d.e.f', 'a.b.c.d.e.f.x.svc', 'a.b.c.d.e.f.svc']);
  assert.deepEqual(candidates('api.default.', read), ['api.default']);
  assert.deepEqual(readDnsSettings(undefined, '/no/such', '/no/such').servers, [
    { host: '127.0.0.1', port: 53 },
  ]);
});

/** Answers by hand, a clock by hand, and what a discovery told. */
function rig(make: (lookup: NameLookup, clock: FakeClock) => ReturnType<typeof discoverName>) {
  const clock = new FakeClock();
  const answers = new Map<string, DnsReply>();
  const asked: string[] = [];
  const ask: AskDns = async (name, type) => {
    asked.push(`${type} ${name}`);
    return answers.get(`${type} ${name}`) ?? { kind: 'none', ttlMs: 5_000 };
  };
  const told: (readonly string[] | string)[] = [];
  const stop = new AbortController();
  const shown = ({ address, port, weight }: FoundEndpoint) => `${address}:${port}*${weight}`;
  const start = async () => {
    make(new NameLookup(ask, settings), clock)(
      { found: endpoints => told.push(endpoints.map(shown)), failed: why => told.push(why) },
      stop.signal,
    );
    await clock.advance(0);
  };
  return { clock, answers, asked, told, start, stop };
}

const addresses = (ttlMs: number, ...all: string[]): DnsReply => ({
  kind: 'records',
  ttlMs,
  records: all.map(address => ({ type: address.includes(':') ? 'AAAA' : 'A', address })),
});

test('a name is asked for again when its TTL is over, and at the latest after the refresh interval', async () => {
  const { clock, answers, asked, told, start, stop } = rig((lookup, time) =>
    discoverName(lookup, time, { hostname: 'a.test', port: 80, refreshMs: 30_000 }),
  );
  answers.set('A a.test', addresses(10_000, '10.0.0.1'));
  answers.set('AAAA a.test', addresses(20_000, 'fd00::1'));
  await start();
  assert.deepEqual(told, [['10.0.0.1:80*1', 'fd00::1:80*1']]);
  await clock.advance(9_999);
  assert.equal(asked.length, 2);
  answers.set('A a.test', addresses(3_600_000, '10.0.0.2'));
  answers.delete('AAAA a.test');
  await clock.advance(1);
  assert.deepEqual(told[1], ['10.0.0.2:80*1']);
  await clock.advance(29_999);
  assert.equal(asked.length, 4);
  await clock.advance(1);
  assert.equal(asked.length, 6);
  stop.abort();
  await clock.advance(60_000);
  assert.equal(asked.length, 6);
});

test('what was found stays while nobody answers, and an empty answer counts only when it is given twice', async () => {
  const { clock, answers, told, start } = rig((lookup, time) =>
    discoverName(lookup, time, { hostname: 'a.test', port: 80, refreshMs: 5_000 }),
  );
  answers.set('A a.test', addresses(5_000, '10.0.0.1'));
  await start();
  answers.set('A a.test', { kind: 'failed', why: 'down' });
  await clock.advance(5_000);
  assert.deepEqual(told.slice(1), ['a.test cannot be looked up: down']);
  answers.set('A a.test', addresses(5_000, '10.0.0.1'));
  await clock.advance(5_000);
  assert.deepEqual(told.at(-1), ['10.0.0.1:80*1']);
  answers.set('A a.test', { kind: 'none', ttlMs: 1_000 });
  told.length = 0;
  await clock.advance(5_000);
  assert.deepEqual(told.slice(0, 2), ['a.test has no addresses', []]);
});

test('a service is every address of the targets of its best priority, with their ports and weights', async () => {
  const { answers, told, start } = rig((lookup, time) =>
    discoverService(lookup, time, { service: '_http._tcp.a.test', refreshMs: 30_000 }),
  );
  const srv = (target: string, port: number, weight: number, priority: number) =>
    ({ type: 'SRV', target, port, weight, priority }) as const;
  answers.set('SRV _http._tcp.a.test', {
    kind: 'records',
    ttlMs: 60_000,
    records: [srv('b.test', 8080, 5, 1), srv('c.test', 8081, 0, 1), srv('spare.test', 8082, 1, 2)],
  });
  answers.set('A b.test', addresses(60_000, '10.0.0.1', '10.0.0.2'));
  answers.set('A c.test', addresses(60_000, '10.0.0.3'));
  await start();
  assert.deepEqual(told, [['10.0.0.1:8080*5', '10.0.0.2:8080*5', '10.0.0.3:8081*1']]);
});

test('half of a service is not taken for all of it', async () => {
  const { answers, told, start } = rig((lookup, time) =>
    discoverService(lookup, time, { service: 's.test', refreshMs: 30_000 }),
  );
  answers.set('SRV s.test', {
    kind: 'records',
    ttlMs: 60_000,
    records: ['b.test', 'c.test'].map(target => ({ type: 'SRV', target, port: 1, weight: 1, priority: 1 })),
  });
  answers.set('A b.test', addresses(60_000, '10.0.0.1'));
  for (const type of ['A', 'AAAA']) answers.set(`${type} c.test`, { kind: 'failed', why: 'down' });
  await start();
  assert.deepEqual(told, ['s.test cannot be looked up: down']);
});

test('names in a domain with servers of its own are asked of those, as they are, and others as ever', async context => {
  const [consul, everybody] = [
    await fakeDns(name => [{ type: 'A', name, data: '10.7.0.1', ttl: 60 }]),
    await fakeDns(name => [{ type: 'A', name, data: '10.8.0.1', ttl: 60 }]),
  ];
  context.after(() => [consul, everybody].forEach(each => void each.close()));
  const down = { host: '127.0.0.1', port: 1 };
  const settings: DnsSettings = {
    ...{ servers: [everybody.server], search: ['shop.svc.cluster.local'], ndots: 5 },
    ...{ timeoutMs: 2_000, hosts: new Map() },
    forwards: new Map([
      ['consul', [down, consul.server]],
      ['dc2.consul', [down]],
    ]),
  };
  const addresses = async (name: string): Promise<string> => {
    const looked = await new NameLookup(askServers(settings), settings).addresses(name);
    return looked.kind === 'found' ? looked.addresses.join() : looked.kind;
  };
  assert.equal(
    await addresses('api.service.Consul'),
    '10.7.0.1',
    'the second server, since the first is away',
  );
  assert.equal(await addresses('api.service.dc2.consul'), 'failed', 'the longest domain counts');
  assert.equal(await addresses('notconsul'), '10.8.0.1');
  assert.deepEqual(
    consul.asked.toSorted(),
    ['udp A api.service.Consul', 'udp AAAA api.service.Consul'],
    'no domain is searched for them',
  );
});
