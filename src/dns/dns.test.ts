import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { decode, encode, type Packet, type RecordType } from 'dns-packet';
import { type NameResource, nameKey } from '../model/index.ts';
import { FakeClock } from '../time/index.ts';
import {
  DnsListener,
  Forwarder,
  MachineResolvers,
  MeshNames,
  overTcp,
  overUdp,
  Responder,
  type ResponderOptions,
  readVirtualRange,
  VirtualAddresses,
} from './index.ts';

const knows = (host: string, more: Partial<NameResource>): [string, NameResource] => [
  host,
  { kind: 'name', key: nameKey(host), found: true, host, addresses: [], ...more },
];
const many = Array.from({ length: 25 }, (_, n) => `10.244.1.${n + 1}`);
const mesh = new Map<string, NameResource>([
  knows('cart.shop.svc.cluster.local', { addresses: ['10.96.0.5', 'fd00::5'] }),
  knows('webs.shop.svc.cluster.local', { addresses: many, direct: true }),
  knows('other.shop.svc.cluster.local', { alias: 'cart.shop.svc.cluster.local' }),
  knows('far.shop.svc.cluster.local', { alias: 'example.org' }),
  knows('loop.shop.svc.cluster.local', { alias: 'loop.shop.svc.cluster.local' }),
  knows('ledger.example', { addresses: ['192.0.2.7'], direct: true }),
]);

/** Another server: what it says is told by its question, EDNS and all. */
function elsewhere(asked: string[], size = 1) {
  return new DnsListener((query, via, reply) => {
    const packet = decode(query);
    const { name, type } = packet.questions![0]!;
    asked.push(`${via} ${type} ${name}${packet.additionals?.length ? ' edns' : ''}`);
    if (name === 'silent.example') return;
    const answers = Array.from({ length: size }, (_, n) => ({
      ...({ type: 'A', name, ttl: 77 } as const),
      data: `203.0.113.${n + 1}`,
    }));
    const response: Packet = { type: 'response', id: packet.id!, questions: packet.questions!, answers };
    const bytes = encode(response);
    reply(via === 'tcp' || bytes.length <= 512 ? bytes : encode({ ...response, flags: 1 << 9, answers: [] }));
  }, '127.0.0.1');
}

async function responder(t: TestContext, options: Partial<ResponderOptions> = {}, size = 1) {
  const asked: string[] = [];
  const other = elsewhere(asked, size);
  const port = await other.listen('127.0.0.1', 0);
  const unknown = (host: string): NameResource => ({
    ...{ kind: 'name', key: nameKey(host), found: false, host, addresses: [] },
  });
  const made = new Responder({
    names: { ask: async host => mesh.get(host) ?? unknown(host) },
    forwarder: new Forwarder(),
    servers: () => [{ host: '127.0.0.1', port }],
    clusterDomain: 'cluster.local',
    isRouted: async () => true,
    ...options,
  });
  const listener = new DnsListener(made.answer, '127.0.0.1');
  const own = { host: '127.0.0.1', port: await listener.listen('127.0.0.1', 0) };
  t.after(() => {
    listener.close();
    other.close();
  });
  const ask = async (name: string, type: RecordType = 'A', more: Partial<Packet> = {}) => {
    const query = encode({ type: 'query', id: 7, flags: 0x0100, questions: [{ type, name }], ...more });
    const bytes = await overUdp(own, query, 10_000);
    assert.ok(typeof bytes !== 'string', String(bytes));
    const packet = decode(bytes);
    return {
      packet,
      bytes,
      rcode: (packet.flags ?? 0) & 15,
      found: (packet.answers ?? []).map(each => `${each.type} ${'data' in each ? String(each.data) : ''}`),
      soa: (packet.authorities ?? []).some(each => each.type === 'SOA'),
    };
  };
  return { ask, asked, own, counts: made.counts, port };
}

test('names of the mesh are answered, all others by the machine’s own server, as it says', async t => {
  const { ask, asked, counts } = await responder(t);
  assert.deepEqual((await ask('Cart.Shop.svc.cluster.local')).found, ['A 10.96.0.5']);
  assert.deepEqual((await ask('cart.shop.svc.cluster.local', 'AAAA')).found, ['AAAA fd00::5']);
  assert.deepEqual(asked, []);
  const other = await ask('example.com');
  assert.deepEqual(
    [other.found, other.packet.answers![0]],
    [
      ['A 203.0.113.1'],
      { type: 'A', name: 'example.com', ttl: 77, class: 'IN', flush: false, data: '203.0.113.1' },
    ],
  );
  assert.equal(other.packet.id, 7);
  await ask('localhost');
  await ask('1.0.0.127.in-addr.arpa', 'PTR');
  assert.deepEqual(asked, ['udp A example.com', 'udp A localhost', 'udp PTR 1.0.0.127.in-addr.arpa']);
  assert.deepEqual({ ...counts }, { mesh: 2, forwarded: 3, failed: 0, refused: 0 });
});

test('no such name and nothing of this type are told apart, and neither leaves the machine', async t => {
  const { ask, asked } = await responder(t);
  const told = async (name: string, type: RecordType = 'A') => {
    const { rcode, found, soa } = await ask(name, type);
    return `${rcode} ${found.length} ${soa}`;
  };
  assert.equal(await told('nobody.shop.svc.cluster.local'), '3 0 true');
  assert.equal(await told('example.com.vm.svc.cluster.local'), '3 0 true');
  assert.equal(await told('ledger.example', 'AAAA'), '0 0 true');
  assert.equal(await told('cart.shop.svc.cluster.local', 'MX'), '0 0 true');
  for (const above of ['cluster.local', 'svc.cluster.local', 'shop.svc.cluster.local'])
    assert.equal(await told(above), '0 0 true', above);
  assert.deepEqual(asked, []);
});

test('a name for a name is followed, in the mesh and out of it, and not for ever', async t => {
  const { ask } = await responder(t);
  const [own, far] = [await ask('other.shop.svc.cluster.local'), await ask('far.shop.svc.cluster.local')];
  assert.deepEqual(own.found, ['CNAME cart.shop.svc.cluster.local', 'A 10.96.0.5']);
  assert.deepEqual(far.found, ['CNAME example.org', 'A 203.0.113.1']);
  assert.equal((await ask('loop.shop.svc.cluster.local')).rcode, 2);
});

test('an answer that does not fit says so; EDNS makes room, and TCP has room for all', async t => {
  const { ask, own } = await responder(t);
  const name = 'webs.shop.svc.cluster.local';
  const plain = await ask(name);
  assert.ok(plain.bytes.length <= 512 && ((plain.packet.flags ?? 0) & 0x0200) !== 0);
  assert.deepEqual(plain.found, []);
  const opt = { type: 'OPT', name: '.', udpPayloadSize: 4096, flags: 0, options: [] } as never;
  const edns = await ask(name, 'A', { additionals: [opt] });
  assert.ok(edns.bytes.length <= 1232, `${edns.bytes.length}`);
  assert.equal(edns.found.length, 25);
  assert.equal(edns.packet.additionals?.[0]?.type, 'OPT');
  const query = encode({ type: 'query', id: 9, questions: [{ type: 'A', name }] });
  const whole = await overTcp(own, query, 10_000);
  assert.ok(typeof whole !== 'string');
  assert.equal(decode(whole).answers?.length, 25);
});

test('what is passed on keeps EDNS and truncation, and goes by TCP where it came by TCP', async t => {
  const { ask, asked, own } = await responder(t, {}, 100);
  const opt = { type: 'OPT', name: '.', udpPayloadSize: 1400, flags: 0, options: [] } as never;
  const cut = await ask('example.com', 'A', { additionals: [opt] });
  assert.ok(((cut.packet.flags ?? 0) & 0x0200) !== 0);
  const query = encode({ type: 'query', id: 9, questions: [{ type: 'A', name: 'example.com' }] });
  const whole = await overTcp(own, query, 10_000);
  assert.ok(typeof whole !== 'string');
  assert.equal(decode(whole).answers?.length, 100);
  assert.deepEqual(asked, ['udp A example.com edns', 'tcp A example.com']);
});

test('questions on one connection, in pieces and many at once, are each answered', async t => {
  const { own } = await responder(t);
  const frames = Array.from({ length: 100 }, (_, id) => {
    const name = id % 2 === 0 ? 'ledger.example' : 'example.com';
    const query = encode({ type: 'query', id, questions: [{ type: 'A', name }] });
    return Buffer.concat([Buffer.from([0, query.length]), query]);
  });
  const bytes = Buffer.concat([Buffer.from([0, 3, 1, 2, 3]), ...frames]);
  const socket = connect(own.port, own.host);
  t.after(() => socket.destroy());
  socket.write(bytes.subarray(0, 11));
  socket.write(bytes.subarray(11));
  const seen = new Set<number>();
  let pending = Buffer.alloc(0);
  for await (const chunk of socket) {
    pending = Buffer.concat([pending, chunk as Buffer]);
    while (pending.length >= 2 && pending.length >= 2 + pending.readUInt16BE(0)) {
      const end = 2 + pending.readUInt16BE(0);
      seen.add(decode(pending.subarray(2, end)).id!);
      pending = pending.subarray(end);
    }
    if (seen.size === 100) break;
  }
  assert.equal(seen.size, 100);
});

test('what is no question gets no answer or an error, and what comes next is answered', async t => {
  const { ask, own, counts } = await responder(t);
  const garbage = Buffer.from([0, 7, 1, 0, 0, 9, 0, 0, 0, 0, 0, 0, 63, 1]);
  const told = await overUdp(own, garbage, 10_000);
  assert.ok(typeof told !== 'string');
  assert.deepEqual([told.readUInt16BE(0), told[3]! & 15, told.length], [7, 1, 12]);
  const status = Buffer.from(garbage);
  status[2] = 0x11;
  const refused = await overUdp(own, status, 10_000);
  assert.ok(typeof refused !== 'string');
  assert.equal(refused[3]! & 15, 4);
  assert.deepEqual((await ask('ledger.example')).found, ['A 192.0.2.7']);
  assert.equal(counts.refused, 2);
});

test('while nobody knows: names of the cluster fail, others come from the machine’s server', async t => {
  const { ask } = await responder(t, { names: { ask: async () => undefined } });
  assert.equal((await ask('cart.shop.svc.cluster.local')).rcode, 2);
  assert.deepEqual((await ask('example.com')).found, ['A 203.0.113.1']);
  const nobody = await responder(t, { servers: () => [] });
  assert.equal((await nobody.ask('example.com')).rcode, 2);
  assert.equal(nobody.counts.failed, 1);
});

test('hosts without an address that leads anywhere get a virtual one, which has a name', async t => {
  const virtual = new VirtualAddresses(readVirtualRange('240.240.0.0/16')!, '', () => assert.fail());
  const { ask } = await responder(t, { virtual, isRouted: async address => address !== '10.96.0.5' });
  const [[cart = ''], [ledger = '']] = [
    (await ask('cart.shop.svc.cluster.local')).found,
    (await ask('ledger.example')).found,
  ];
  assert.match(cart, /^A 240\.240\./);
  assert.match(ledger, /^A 240\.240\./);
  assert.notEqual(cart, ledger);
  assert.equal(virtual.hostOf(ledger.slice(2)), 'ledger.example');
  const reversed = ledger.slice(2).split('.').toReversed().join('.');
  assert.deepEqual((await ask(`${reversed}.in-addr.arpa`, 'PTR')).found, ['PTR ledger.example']);
  // Whoever asks for pods of a headless Service wants them one by one.
  assert.match((await ask('webs.shop.svc.cluster.local', 'AAAA')).found.join(), /^$/);
});

test('virtual addresses outlive a restart, share none, and end with their range', t => {
  const folder = mkdtempSync(join(tmpdir(), 'weft-dns-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const file = join(folder, 'virtual.json');
  const open = (range: string): VirtualAddresses =>
    new VirtualAddresses(readVirtualRange(range)!, file, why => assert.fail(why));
  const first = open('240.0.0.0/28');
  const hosts = Array.from({ length: 15 }, (_, n) => `host-${n}.example`);
  const addresses = hosts.map(each => first.addressOf(each));
  // Sixteen, but for the first and the last.
  assert.equal(new Set(addresses.filter(Boolean)).size, 14);
  assert.equal(addresses.at(-1), undefined);
  const second = open('240.0.0.0/28');
  assert.deepEqual(
    hosts.slice(0, 14).map(each => second.addressOf(each)),
    addresses.slice(0, 14),
  );
  assert.match(open('241.0.0.0/24').addressOf('host-0.example') ?? '', /^241\.0\.0\./);
  for (const bad of ['240.0.0.0', '240.0.0.0/29', '240.0.0.0/7', '300.0.0.0/16', 'fd00::/64'])
    assert.equal(readVirtualRange(bad), undefined, bad);
  writeFileSync(file, '{"x": 1, "y": "nothing", "z": "999.0.0.0"');
  const told: string[] = [];
  new VirtualAddresses(readVirtualRange('240.0.0.0/28')!, file, why => told.push(why)).addressOf('a.example');
  assert.equal(told.length, 1);
});

test('a name is asked for once and followed; a change is known before anybody asks again', async () => {
  const clock = new FakeClock();
  const asked: string[] = [];
  let connected = true;
  const names = new MeshNames({
    clock,
    want: key => asked.push(`+${key}`),
    forget: key => asked.push(`-${key}`),
    isConnected: () => connected,
  });
  const told = (addresses: readonly string[]): NameResource => ({
    ...{ kind: 'name', key: nameKey('ledger.example'), found: true, host: 'ledger.example', addresses },
  });
  const [one, two] = [names.ask('ledger.example'), names.ask('ledger.example')];
  assert.equal(names.take(told(['192.0.2.1'])), true);
  assert.deepEqual(
    (await Promise.all([one, two])).map(each => each?.addresses),
    [['192.0.2.1'], ['192.0.2.1']],
  );
  names.take(told(['192.0.2.2']));
  connected = false;
  assert.deepEqual((await names.ask('ledger.example'))?.addresses, ['192.0.2.2']);
  assert.equal(await names.ask('nobody.example'), undefined, 'nobody is there to say it');
  connected = true;
  const slow = names.ask('slow.example');
  await clock.advance(1_000);
  assert.equal(await slow, undefined);
  assert.deepEqual(asked, ['+name/ledger.example', '+name/nobody.example', '+name/slow.example']);
  // A control plane of an older version takes the key for a destination.
  const old = { kind: 'destination', key: nameKey('slow.example') } as never;
  assert.equal(names.take(old), true);
  assert.equal((await names.ask('slow.example'))?.found, false);
  assert.equal(names.take({ kind: 'destination', key: 'ledger.example:80' } as never), false);
  await clock.advance(12 * 60_000);
  assert.equal(names.size, 0);
  assert.deepEqual(asked.slice(3).sort(), [
    '-name/ledger.example',
    '-name/nobody.example',
    '-name/slow.example',
  ]);
  names.close();
  assert.equal(clock.pending, 0);
});

test('names that nobody asked for in long make room for others, and a flood follows no more than the bound', async () => {
  const clock = new FakeClock();
  const wanted = new Set<string>();
  const names = new MeshNames({
    ...{ clock, isConnected: () => false },
    want: key => wanted.add(key),
    forget: key => wanted.delete(key),
  });
  for (let n = 0; n < 10_000; n++) await names.ask(`host-${n}.example`);
  assert.equal(wanted.size, 4_096);
  assert.ok(wanted.has(nameKey('host-9999.example')) && !wanted.has(nameKey('host-0.example')));
  names.close();
});

test('the machine’s own servers are read from its files, never ourselves, and again when they change', async t => {
  const folder = mkdtempSync(join(tmpdir(), 'weft-dns-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const [before, now] = [join(folder, 'before'), join(folder, 'now')];
  const clock = new FakeClock();
  const resolvers = new MachineResolvers([before, now], '127.15.0.53', clock);
  const hosts = (): string => resolvers.servers.map(each => each.host).join();
  writeFileSync(
    now,
    'nameserver 127.15.0.53\nnameserver 192.0.2.53 # ours\nnameserver fd00::53\nnameserver x\n',
  );
  assert.equal(hosts(), '192.0.2.53,fd00::53');
  writeFileSync(before, 'nameserver 127.15.0.53\n');
  writeFileSync(now, 'nameserver 192.0.2.54\n');
  assert.equal(hosts(), '192.0.2.53,fd00::53', 'not at every question');
  await clock.advance(5_000);
  assert.equal(hosts(), '192.0.2.54');
  rmSync(now);
  await clock.advance(5_000);
  assert.equal(hosts(), '192.0.2.54', 'what was known stays while there is no file');
});
