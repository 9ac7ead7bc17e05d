// UDP through a gateway: real sockets, from YAML.
import assert from 'node:assert/strict';
import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { type TestContext, test } from 'node:test';
import { FakeClock } from '../../time/index.ts';
import { DatagramPort } from './datagram-port.ts';
import { UNPROVEN_BYTES } from './datagram-session.ts';
import { GatewayRig, gateway } from './testing/gateway-rig.ts';

const udp = '{ name: dns, port: 53, protocol: UDP }';

/** A Service of UDP whose endpoints are these ports of loopback. */
function datagramService(name: string, ...ports: number[]): string {
  const slices = ports.map(
    (port, index) => `---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: { name: ${name}-${index}, namespace: shop, labels: { kubernetes.io/service-name: ${name} } }
addressType: IPv4
ports: [{ port: ${port}, protocol: UDP }]
endpoints: [{ addresses: [127.0.0.1], conditions: { ready: true } }]
`,
  );
  return `---
apiVersion: v1
kind: Service
metadata: { name: ${name}, namespace: shop }
spec: { clusterIP: 10.96.0.7, ports: [{ port: 53, protocol: UDP }] }
${slices.join('')}`;
}

function udpRoute(name: string, backends: string): string {
  return `---
apiVersion: gateway.networking.k8s.io/v1
kind: UDPRoute
metadata: { name: ${name}, namespace: shop }
spec: { parentRefs: [{ name: edge }], rules: [{ backendRefs: [${backends}] }] }
`;
}

async function socketOf(t: TestContext): Promise<Socket> {
  const socket = createSocket('udp4');
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  t.after(() => new Promise<void>(resolve => socket.close(() => resolve())));
  return socket;
}

/** An app that answers each datagram with its own name, or as told. */
async function app(
  t: TestContext,
  name: string,
  answers: (message: Buffer) => readonly (Buffer | string)[] = () => [name],
): Promise<{ readonly port: number; readonly heard: string[] }> {
  const socket = await socketOf(t);
  const heard: string[] = [];
  socket.on('message', (message, from) => {
    heard.push(String(message));
    for (const each of answers(message)) socket.send(each, from.port, from.address);
  });
  return { port: socket.address().port, heard };
}

async function rig(t: TestContext, yaml: string, clock?: FakeClock, options = {}): Promise<GatewayRig> {
  const made = new GatewayRig(yaml, clock, 'any', options);
  t.after(() => made.close());
  await until(() => made.port(53) !== 0);
  return made;
}

async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await holds())) await new Promise(resolve => setImmediate(resolve));
}

/** Asks until an answer comes: datagrams may get lost. */
async function ask(client: Socket, made: GatewayRig, text = 'q'): Promise<string> {
  const answer = once(client, 'message') as Promise<[Buffer, RemoteInfo]>;
  client.send(text, made.port(53), '127.0.0.1');
  const [message, from] = await answer;
  assert.equal(from.port, made.port(53), 'the answer comes from where the question went');
  return String(message);
}

function dropped(made: GatewayRig): Record<string, number> {
  const { counters } = made.plane.services;
  return Object.fromEntries(
    [...counters.datagramsDropped.entries()].map(([labels, count]) => [
      /reason="(.*)"/.exec(labels)![1]!,
      count,
    ]),
  );
}

test('datagrams of a client go to one endpoint, others to others, and answers come back; they are counted', async t => {
  const [one, two] = [await app(t, 'one'), await app(t, 'two')];
  const clock = new FakeClock();
  const made = await rig(
    t,
    gateway(udp) + datagramService('dns', one.port, two.port) + udpRoute('dns', '{ name: dns, port: 53 }'),
    clock,
  );
  const names = new Set<string>();
  for (let i = 0; i < 16; i++) {
    const client = await socketOf(t);
    const first = await ask(client, made);
    for (let n = 0; n < 3; n++) assert.equal(await ask(client, made), first);
    names.add(first);
  }
  assert.deepEqual([...names].sort(), ['one', 'two']);
  assert.equal(made.plane.gateway!.ports.find(each => each.protocol === 'udp')!.open, 16);
  await clock.advance(1_000);
  const { datagrams, datagramBytes } = made.plane.services.counters;
  const label = 'listener="shop/edge/dns"';
  assert.deepEqual(Object.fromEntries(datagrams.entries()), {
    [`${label},direction="received"`]: 64,
    [`${label},direction="sent"`]: 64,
  });
  assert.equal(Object.fromEntries(datagramBytes.entries())[`${label},direction="sent"`], 192);
});

test('shares go by weight, and the share of a backend that does not exist is dropped', async t => {
  const [one, two] = [await app(t, 'one'), await app(t, 'two')];
  const clock = new FakeClock();
  const made = await rig(
    t,
    gateway(udp) +
      datagramService('one', one.port) +
      datagramService('two', two.port) +
      udpRoute(
        'dns',
        '{ name: one, port: 53, weight: 3 }, { name: two, port: 53, weight: 1 }, { name: none, port: 53, weight: 4 }',
      ),
    clock,
  );
  const silent: Socket[] = [];
  for (let i = 0; i < 32; i++) {
    const client = await socketOf(t);
    silent.push(client);
    client.send('x', made.port(53), '127.0.0.1');
  }
  // 32 clients: four decks of eight cards each.
  await until(() => one.heard.length + two.heard.length === 16);
  await clock.advance(1_000);
  assert.deepEqual([one.heard.length, two.heard.length, dropped(made)], [12, 4, { 'no-endpoint': 16 }]);
});

test('a client whose endpoint goes is sent to another one, as it is when nobody listens there', async t => {
  const [one, two] = [await app(t, 'one'), await app(t, 'two')];
  const yaml = (...ports: number[]): string =>
    gateway(udp) + datagramService('dns', ...ports) + udpRoute('dns', '{ name: dns, port: 53 }');
  const made = await rig(t, yaml(one.port));
  const client = await socketOf(t);
  assert.equal(await ask(client, made), 'one');
  made.tell(yaml(two.port));
  assert.equal(await ask(client, made), 'two');
  // A port that nobody has: the kernel says so, and the session begins anew.
  const free = createSocket('udp4');
  free.bind(0, '127.0.0.1');
  await once(free, 'listening');
  const nobody = free.address().port;
  await new Promise<void>(resolve => free.close(() => resolve()));
  made.tell(yaml(nobody));
  const other = await socketOf(t);
  other.send('lost', made.port(53), '127.0.0.1');
  await until(() => made.plane.gateway!.ports[0]!.open === 1);
  made.tell(yaml(two.port));
  assert.equal(await ask(other, made), 'two');
});

test('sessions end when nothing is said, and with their listener', async t => {
  const one = await app(t, 'one');
  const clock = new FakeClock();
  const rest = datagramService('dns', one.port) + udpRoute('dns', '{ name: dns, port: 53 }');
  const made = await rig(t, gateway(udp) + rest, clock);
  const client = await socketOf(t);
  await ask(client, made);
  const open = (): number | undefined => made.plane.gateway!.ports[0]?.open;
  await clock.advance(59_000);
  assert.equal(open(), 1);
  await clock.advance(2_000);
  assert.equal(open(), 0);
  assert.equal(await ask(client, made), 'one');
  made.tell(gateway('{ name: http, port: 80, protocol: HTTP }') + rest);
  await until(() => made.port(53) === 0);
});

test('made-up clients are bounded, and do not keep those out who have shown that they hear the answers', async t => {
  const one = await app(t, 'one');
  const clock = new FakeClock();
  const made = await rig(
    t,
    gateway(udp) + datagramService('dns', one.port) + udpRoute('dns', '{ name: dns, port: 53 }'),
    clock,
    { maxConnections: 4 },
  );
  const honest = await socketOf(t);
  await ask(honest, made, 'honest');
  await ask(honest, made, 'honest');
  for (let i = 0; i < 20; i++) {
    const client = await socketOf(t);
    client.send('flood', made.port(53), '127.0.0.1');
  }
  await until(() => one.heard.filter(each => each === 'flood').length >= 3);
  assert.equal(await ask(honest, made, 'honest'), 'one');
  const port = made.plane.gateway!.ports[0]!;
  assert.ok(port.open <= 4, `${port.open} sessions`);
  // Where all have, newcomers are dropped.
  const talking: Socket[] = [];
  for (let i = 0; i < 3; i++) {
    const client = await socketOf(t);
    talking.push(client);
    await ask(client, made);
    await ask(client, made);
  }
  (await socketOf(t)).send('late', made.port(53), '127.0.0.1');
  await until(async () => {
    await clock.advance(1_000);
    return dropped(made).sessions === 1;
  });
});

test('who has not shown that it hears the answers is sent a bounded number of bytes, so that nobody is flooded by way of the gateway', async t => {
  const piece = Buffer.alloc(8_192, 'x');
  const socket = await socketOf(t);
  // One after the other, so that the kernel loses none.
  socket.on('message', (message, { port, address }) => {
    const send = (left: number): void => {
      if (left > 0) socket.send(piece, port, address, () => void setImmediate(() => send(left - 1)));
    };
    if (String(message) === 'big') send(16);
    else socket.send('ok', port, address);
  });
  const clock = new FakeClock();
  const made = await rig(
    t,
    gateway(udp) + datagramService('dns', socket.address().port) + udpRoute('dns', '{ name: dns, port: 53 }'),
    clock,
  );
  const victim = await socketOf(t);
  let bytes = 0;
  victim.on('message', message => {
    bytes += message.length;
  });
  victim.send('big', made.port(53), '127.0.0.1');
  await until(async () => {
    await clock.advance(1_000);
    return (dropped(made)['unproven-client'] ?? 0) > 0;
  });
  assert.ok(bytes <= UNPROVEN_BYTES, `${bytes} bytes`);
  victim.send('hello', made.port(53), '127.0.0.1');
  await until(() => bytes % 8_192 === 2);
});

test('datagrams as large as they can be go both ways', async t => {
  const one = await app(t, 'one', message => [message]);
  const made = await rig(
    t,
    gateway(udp) + datagramService('dns', one.port) + udpRoute('dns', '{ name: dns, port: 53 }'),
  );
  const client = await socketOf(t);
  assert.equal((await ask(client, made, 'x'.repeat(65_000))).length, 65_000);
});

test('a port beyond all ports is named, and every other listener is opened', async t => {
  const listeners =
    '{ name: beyond, port: 65000, protocol: UDP }, { name: last, port: 64000, protocol: UDP }, { name: bytes, port: 65000, protocol: TCP }, { name: web, port: 64001, protocol: HTTP }';
  const made = new GatewayRig(gateway(listeners), undefined, 1_000);
  t.after(() => made.close());
  await until(() => made.plane.gateway!.ports.length > 0);
  const { ports } = made.plane.gateway!;
  const named = ports.map(
    ({ listeners: [name], trouble }) => `${name}: ${/66000/.exec(trouble ?? '')?.[0] ?? ''}`,
  );
  assert.deepEqual(named.sort(), [
    'shop/edge/beyond: 66000',
    'shop/edge/bytes: 66000',
    'shop/edge/last: ',
    'shop/edge/web: ',
  ]);
});

test('opened on all addresses, a listener takes datagrams of both families', async t => {
  const one = await app(t, 'one');
  const yaml = gateway(udp) + datagramService('dns', one.port) + udpRoute('dns', '{ name: dns, port: 53 }');
  const made = new GatewayRig(yaml, undefined, 'any', {}, resource =>
    resource.kind === 'gateway'
      ? { ...resource, listeners: resource.listeners.map(each => ({ ...each, addresses: ['::'] })) }
      : resource,
  );
  t.after(() => made.close());
  await until(() => made.port(53) !== 0);
  assert.equal(await ask(await socketOf(t), made), 'one');
});

test('a client whose endpoint is ejected is sent to another one, as what is new is', async t => {
  const [one, two] = [await app(t, 'one'), await app(t, 'two')];
  const yaml =
    gateway(udp) + datagramService('dns', one.port, two.port) + udpRoute('dns', '{ name: dns, port: 53 }');
  const made = await rig(t, yaml, new FakeClock());
  const client = await socketOf(t);
  const first = await ask(client, made);
  const [cluster] = [...made.plane.destinations.clusters];
  const { port } = first === 'one' ? one : two;
  const bad = [...cluster!.endpoints].find(each => each.config.port === port)!;
  for (let i = 0; i < 5; i++) cluster!.record(bad, 'connect-failure');
  assert.equal(cluster!.healthy, 1);
  assert.equal(await ask(client, made), first === 'one' ? 'two' : 'one');
});

/** Sockets of UDP that this process has open. */
const openSockets = (): number => process.getActiveResourcesInfo().filter(each => /^udp/i.test(each)).length;

test('a port that is closed while it is being opened leaves no socket behind', async t => {
  const before = openSockets();
  const made = new GatewayRig(gateway(udp));
  // Before the kernel has bound it.
  made.close();
  const other = await socketOf(t);
  assert.equal(openSockets(), before + 1, 'its own, and no other');
  other.unref();
});

test('an address that cannot be listened on keeps no other from it, and is tried again by itself', async t => {
  const taken = createSocket('udp4');
  taken.bind(0, '127.0.0.1');
  await once(taken, 'listening');
  const { port } = taken.address();
  const made = await rig(t, gateway(udp));
  const { services, destinations } = made.plane;
  const bound = { name: 'dns', port, protocol: 'udp', hosts: [] } as const;
  const place = { hosts: ['127.0.0.1', '127.0.0.2'], port, shared: false };
  const opened = new DatagramPort(services, destinations, bound, place);
  t.after(() => opened.close());
  opened.open();
  await until(() => opened.trouble !== undefined && opened.port === port);
  assert.match(opened.trouble!, /EADDRINUSE/);
  await new Promise<void>(resolve => taken.close(() => resolve()));
  opened.tryAgain();
  await until(() => opened.trouble === undefined);
});
