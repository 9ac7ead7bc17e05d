import assert from 'node:assert/strict';
import { Resolver } from 'node:dns/promises';
import { connect } from 'node:net';
import { test } from 'node:test';
import { type Answer, decode, encode, type Packet, type RecordType } from 'dns-packet';
import { endpointSlices } from '../controllers/endpoints.ts';
import { pod, service, terminating } from '../testing/objects.ts';
import { answer } from './answer.ts';
import { DnsServer } from './server.ts';
import { buildZone } from './zone.ts';

const services = [
  service('web', { clusterIP: '10.96.0.20' }),
  service('webs', { clusterIP: 'None' }),
  service('ext', { type: 'ExternalName', externalName: 'web.shop.svc.cluster.local' }),
  service('far', { type: 'ExternalName', externalName: 'example.org' }),
];
const pods = [
  pod('web-0', { address: '10.244.0.2', spec: { hostname: 'web-0', subdomain: 'webs' } }),
  pod('web-1', { address: '10.244.0.3', spec: { hostname: 'web-1', subdomain: 'webs' } }),
  pod('plain', { address: '10.244.0.4' }),
  pod('sick', { address: '10.244.0.5', ready: false }),
  terminating(pod('leaving', { address: '10.244.0.6' })),
];
const zone = buildZone(
  services,
  services.flatMap(one => endpointSlices(one, pods)),
);

function ask(
  name: string,
  type: RecordType = 'A',
): { rcode: number; answers: string[]; authorities: number } {
  const query: Packet = { type: 'query', id: 7, flags: 0x0100, questions: [{ type, name, class: 'IN' }] };
  const decoded = decode(encode(answer(decode(encode(query)), zone, items => items)));
  assert.equal(decoded.id, 7);
  return {
    rcode: (decoded.flags ?? 0) & 15,
    answers: (decoded.answers ?? []).map(shown),
    authorities: decoded.authorities?.length ?? 0,
  };
}

function shown(record: Answer): string {
  if (record.type === 'SRV') return `SRV ${record.data.target}:${record.data.port}`;
  return `${record.type} ${'data' in record ? String(record.data) : ''}`;
}

test('a Service is its virtual address', () => {
  assert.deepEqual(ask('web.shop.svc.cluster.local').answers, ['A 10.96.0.20']);
  assert.deepEqual(ask('WEB.Shop.svc.cluster.local').answers, ['A 10.96.0.20']);
});

test('a headless Service is its ready pods, and each has a name of its own', () => {
  assert.deepEqual(ask('webs.shop.svc.cluster.local').answers, [
    'A 10.244.0.2',
    'A 10.244.0.3',
    'A 10.244.0.4',
  ]);
  assert.deepEqual(ask('web-1.webs.shop.svc.cluster.local').answers, ['A 10.244.0.3']);
  assert.deepEqual(ask('10-244-0-4.webs.shop.svc.cluster.local').answers, ['A 10.244.0.4']);
});

test('an ExternalName is an alias, followed as far as the cluster goes', () => {
  assert.deepEqual(ask('ext.shop.svc.cluster.local').answers, [
    'CNAME web.shop.svc.cluster.local',
    'A 10.96.0.20',
  ]);
  assert.deepEqual(ask('far.shop.svc.cluster.local').answers, ['CNAME example.org']);
});

test('named ports have SRV records', () => {
  assert.deepEqual(ask('_http._tcp.web.shop.svc.cluster.local', 'SRV').answers, [
    'SRV web.shop.svc.cluster.local:80',
  ]);
  const headless = ask('_http._tcp.webs.shop.svc.cluster.local', 'SRV').answers;
  assert.deepEqual(headless[0], 'SRV web-0.webs.shop.svc.cluster.local:8080');
});

test('addresses have names', () => {
  assert.deepEqual(ask('20.0.96.10.in-addr.arpa', 'PTR').answers, ['PTR web.shop.svc.cluster.local']);
  assert.deepEqual(ask('3.0.244.10.in-addr.arpa', 'PTR').answers, ['PTR web-1.webs.shop.svc.cluster.local']);
});

test('a name without such a record is told apart from a name that does not exist, so that search paths work', () => {
  assert.deepEqual(ask('web.shop.svc.cluster.local', 'AAAA'), { rcode: 0, answers: [], authorities: 1 });
  assert.deepEqual(ask('shop.svc.cluster.local'), { rcode: 0, answers: [], authorities: 1 });
  assert.deepEqual(ask('nobody.shop.svc.cluster.local'), { rcode: 3, answers: [], authorities: 1 });
  assert.deepEqual(ask('example.com'), { rcode: 3, answers: [], authorities: 1 });
});

test('a pod has a name made of its address', () => {
  assert.deepEqual(ask('10-244-0-9.shop.pod.cluster.local').answers, ['A 10.244.0.9']);
});

test('answers over UDP and TCP, and to what is no query not at all', async context => {
  const server = new DnsServer(() => zone);
  const port = await server.listen('127.0.0.1', 0);
  context.after(() => server.close());
  const resolver = new Resolver({ timeout: 2000, tries: 1 });
  resolver.setServers([`127.0.0.1:${port}`]);
  assert.deepEqual(await resolver.resolve4('web.shop.svc.cluster.local'), ['10.96.0.20']);
  await assert.rejects(resolver.resolve4('example.com'), { code: 'ENOTFOUND' });
  await assert.rejects(resolver.resolve6('web.shop.svc.cluster.local'), { code: 'ENODATA' });

  const query = encode({
    type: 'query',
    id: 9,
    questions: [{ type: 'A', name: 'web.shop.svc.cluster.local' }],
  });
  const frame = Buffer.concat([Buffer.from([0, query.length]), query]);
  const socket = connect(port, '127.0.0.1');
  context.after(() => socket.destroy());
  // Garbage first, and the query in two pieces.
  socket.write(Buffer.from([0, 3, 1, 2, 3]));
  socket.write(frame.subarray(0, 5));
  socket.write(frame.subarray(5));
  const reply = await new Promise<Buffer>(resolve => socket.once('data', resolve));
  assert.equal(decode(reply.subarray(2)).id, 9);
});

test('an answer that does not fit into a datagram is cut and says so', async context => {
  const many = Array.from({ length: 60 }, (_, index) => pod(`p${index}`, { address: `10.244.1.${index}` }));
  const [headless] = services.filter(one => one.metadata.name === 'webs');
  const server = new DnsServer(() => buildZone([headless!], endpointSlices(headless!, many)));
  const port = await server.listen('127.0.0.1', 0);
  context.after(() => server.close());
  const resolver = new Resolver({ timeout: 2000, tries: 1 });
  resolver.setServers([`127.0.0.1:${port}`]);
  // The resolver sees the mark and asks again over TCP.
  assert.equal((await resolver.resolve4('webs.shop.svc.cluster.local')).length, 60);
});
