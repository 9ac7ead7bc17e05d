import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { type TestContext, test } from 'node:test';
import { createKeyAndCsr, readCredentials } from '../identity/index.ts';
import { formatAddress } from '../model/index.ts';
import { FakeClock } from '../time/index.ts';
import { MAX_NEWCOMER_LINE_BYTES } from './protocol.ts';
import { remoteSigner } from './remote-signer.ts';
import type { DiscoveryObserver } from './server.interface.ts';
import { RawProxy } from './testing/raw-proxy.ts';
import { RecordingSink } from './testing/recording-sink.ts';
import { frontId, SecureMesh, type SecureMeshOptions } from './testing/secure-mesh.ts';
import { reviews, reviewsSlice, shopYaml, TestMesh } from './testing/stream-suite.ts';

async function setUp(context: TestContext, options: SecureMeshOptions = {}) {
  const mesh = new TestMesh(shopYaml);
  const secure = await SecureMesh.start(context, mesh, options);
  return { mesh, secure };
}

const hello = { type: 'hello', namespace: 'shop', pod: 'front-0', proxyVersion: 'raw' } as const;
const fakeClock = (): FakeClock => new FakeClock(Date.now());

test('a token gets a certificate for its identity, and with that certificate the next', async context => {
  const { secure } = await setUp(context);
  const token = await secure.tokens.issue({ namespace: 'shop', serviceAccount: 'front' });
  const { controlPlane, clock } = secure;
  const { signal } = new AbortController();
  const { keyPem, csrPem } = createKeyAndCsr();
  const first = remoteSigner({ controlPlane, token: async () => token, credentials: () => undefined });
  const signed = await first({ csr: csrPem, nowMs: clock.now() }, signal);
  const credentials = readCredentials({ keyPem, chainPem: signed.chain, roots: signed.roots }, clock.now());
  assert.ok('principal' in credentials);
  assert.equal(credentials.principal, frontId);
  const second = remoteSigner({ controlPlane, token: async () => token, credentials: () => credentials });
  const renewed = await second({ csr: createKeyAndCsr().csrPem, nowMs: clock.now() }, signal);
  assert.notEqual(renewed.chain, signed.chain);
});

test('without proof, with a bad token, or with one of somebody else, no certificate is issued', async context => {
  const { secure } = await setUp(context);
  const csr = createKeyAndCsr().csrPem;
  const sign = { type: 'sign', csr, nowMs: secure.clock.now() } as const;
  const code = async (proxy: RawProxy, token?: string): Promise<string> => {
    proxy.send({ ...sign, ...(token !== undefined && { token }) });
    return (await proxy.next('error')).code;
  };
  const anonymous = (): Promise<RawProxy> => RawProxy.connect(context, secure);
  assert.equal(await code(await anonymous()), 'token-required');
  assert.equal(await code(await anonymous(), 'nonsense'), 'token-malformed');
  const wrongAudience = await secure.tokens.issue({
    namespace: 'shop',
    serviceAccount: 'front',
    audience: 'other',
  });
  assert.equal(await code(await anonymous(), wrongAudience), 'token-wrong-audience');
  const other = await secure.tokens.issue({ namespace: 'shop', serviceAccount: 'other' });
  const certified = await RawProxy.connect(context, secure, secure.issue(frontId));
  assert.equal(await code(certified, other), 'token-other-identity');
});

test('what is no certificate request is refused by name', async context => {
  const { secure } = await setUp(context);
  const proxy = await RawProxy.connect(context, secure);
  const token = await secure.tokens.issue({ namespace: 'shop', serviceAccount: 'front' });
  proxy.send({ type: 'sign', csr: 'hello', token, nowMs: 0 });
  assert.match((await proxy.next('error')).code, /^csr-/);
});

const silentObserver: DiscoveryObserver = {
  connected: () => {},
  pushed: () => {},
  acked: () => {},
  nacked: () => {},
  signed: () => {},
  refused: () => {},
  slowed: () => {},
  keyRefused: () => {},
};

/** A turn for what comes over the wire. */
const pause = (): Promise<undefined> => new Promise(resolve => setTimeout(resolve, 5, undefined));

test('resources need a certificate', async context => {
  const { secure } = await setUp(context);
  const proxy = await RawProxy.connect(context, secure);
  proxy.send(hello);
  assert.equal((await proxy.next('error')).code, 'certificate-required');
  await proxy.ended();
});

test('a certificate of another authority is as good as none', async context => {
  const { secure } = await setUp(context);
  const foreign = await SecureMesh.start(context, new TestMesh(shopYaml));
  const proxy = await RawProxy.connect(context, secure, foreign.issue(frontId));
  proxy.send(hello);
  assert.equal((await proxy.next('error')).code, 'certificate-required');
});

test('a certificate of another workload is refused, and so is one of another trust domain', async context => {
  const { secure } = await setUp(context);
  const other = await RawProxy.connect(
    context,
    secure,
    secure.issue('spiffe://cluster.local/ns/shop/sa/other'),
  );
  other.send(hello);
  assert.equal((await other.next('error')).code, 'certificate-wrong-pod');
  const elsewhere = await RawProxy.connect(
    context,
    secure,
    secure.issue('spiffe://else.where/ns/shop/sa/front'),
  );
  elsewhere.send(hello);
  assert.equal((await elsewhere.next('error')).code, 'certificate-required');
});

test('hello waits for the pod’s object, and what was sent meanwhile is answered then', async context => {
  const { mesh, secure } = await setUp(context);
  const late = secure.issue('spiffe://cluster.local/ns/shop/sa/late');
  const proxy = await RawProxy.connect(context, secure, late);
  proxy.send({ ...hello, pod: 'late-0' });
  proxy.send({ type: 'subscribe', keys: ['10.96.0.5:80'] });
  mesh.put(
    'apiVersion: v1\nkind: Pod\nmetadata: {name: late-0, namespace: shop}\nspec: {serviceAccountName: late}\n',
  );
  const { resource } = await proxy.resource('destination');
  assert.equal(resource.key, '10.96.0.5:80');
});

test('a pod that never appears is named, with what to check', async context => {
  const clock = fakeClock();
  const { secure } = await setUp(context, { clock });
  const proxy = await RawProxy.connect(context, secure, secure.issue(frontId));
  proxy.send({ ...hello, pod: 'nobody' });
  // The answer to this proves that the hello before it has been read.
  const probe = await RawProxy.greeted(context, secure);
  await probe.resource('inbound');
  await clock.advance(15_000);
  const { code, message } = await proxy.next('error');
  assert.equal(code, 'pod-unknown');
  assert.match(message, /shop\/nobody/);
});

test('a pod that turns out to be another workload loses its stream', async context => {
  const { mesh, secure } = await setUp(context);
  const proxy = await RawProxy.greeted(context, secure);
  await proxy.resource('inbound');
  mesh.put(
    'apiVersion: v1\nkind: Pod\nmetadata: {name: front-0, namespace: shop}\nspec: {serviceAccountName: other}\n',
  );
  assert.equal((await proxy.next('error')).code, 'certificate-wrong-pod');
});

const bad: [string, string, string][] = [
  ['no json', 'GET / HTTP/1.1\n', 'message-malformed'],
  ['no object', '[]\n', 'message-malformed'],
  ['a message without its fields', '{"type":"subscribe"}\n', 'message-malformed'],
  ['a key that is no text', '{"type":"subscribe","keys":[1]}\n', 'message-malformed'],
  ['a subscription before hello', '{"type":"subscribe","keys":[]}\n', 'hello-missing'],
  ['a line without end', 'x'.repeat(MAX_NEWCOMER_LINE_BYTES + 1), 'message-too-long'],
];
for (const [what, text, code] of bad) {
  test(`${what} is answered with ${code}, and the connection ends`, async context => {
    const { secure } = await setUp(context);
    const proxy = await RawProxy.connect(context, secure);
    proxy.write(text);
    assert.equal((await proxy.next('error')).code, code);
    await proxy.ended();
  });
}

test('a message of a later version is passed over', async context => {
  const { secure } = await setUp(context);
  const proxy = await RawProxy.greeted(context, secure);
  proxy.write('{"type":"news-from-the-future","a":1}\n');
  proxy.send({ type: 'subscribe', keys: ['10.96.0.5:80'] });
  await proxy.resource('destination');
});

test('who does not offer the protocol’s name is told so', async context => {
  const { secure } = await setUp(context);
  const proxy = await RawProxy.connect(context, secure, undefined, []);
  assert.equal((await proxy.next('error')).code, 'alpn-missing');
});

test('who asks for nothing in time is sent away', async context => {
  const clock = fakeClock();
  const { secure } = await setUp(context, { clock });
  const proxy = await RawProxy.connect(context, secure);
  const probe = await RawProxy.greeted(context, secure);
  await probe.resource('inbound');
  await clock.advance(10_000);
  assert.equal((await proxy.next('error')).code, 'hello-missing');
});

/** What a proxy may ask for in vain: each is refused alone, with these words. */
const refusedKeys: [string, string, RegExp][] = [
  [
    'a key that is too long',
    `${'a'.repeat(60)}.${'b'.repeat(310)}:80`,
    /has 374 characters, and no host has more/,
  ],
  ['an empty key', '', /is empty/],
  ['a key of odd characters beyond the length', '\u{1f99c}'.repeat(200), /has 400 characters/],
];
for (const [what, key, words] of refusedKeys) {
  test(`${what} is refused alone: the others of its message are followed, and the stream goes on`, async context => {
    const { mesh, secure } = await setUp(context);
    const proxy = await RawProxy.greeted(context, secure);
    proxy.send({ type: 'subscribe', keys: ['front-0:1', key, '10.96.0.5:80'] });
    const told: Record<string, string | undefined> = {};
    while (Object.keys(told).length < 3) {
      const { resource } = await proxy.resource('destination');
      assert.ok(resource.kind === 'destination');
      told[resource.key] = resource.refused;
    }
    assert.match(told[key]!, words);
    assert.deepEqual([told['front-0:1'], told['10.96.0.5:80']], [undefined, undefined]);
    mesh.put(reviewsSlice('10.244.0.77'));
    for (;;) {
      const { resource } = await proxy.resource('endpoints');
      if (resource.kind === 'endpoints' && resource.endpoints[0]?.address === '10.244.0.77') break;
    }
    assert.equal(secure.server.status()[0]!.destinations, 2);
  });
}

test('destinations beyond the limit are refused one by one, and are to be had again once others are forgotten', async context => {
  const { secure } = await setUp(context, { limits: { subscriptions: 3 } });
  const greedy = await RawProxy.greeted(context, secure);
  greedy.send({ type: 'subscribe', keys: ['a:1', 'b:1', 'c:1', 'd:1', 'a:1'] });
  const refused: string[] = [];
  for (let count = 0; count < 4; count++) {
    const { resource } = await greedy.resource('destination');
    if (resource.kind === 'destination' && resource.refused) refused.push(resource.key);
  }
  assert.deepEqual(refused, ['d:1']);
  greedy.send({ type: 'unsubscribe', keys: ['a:1'] });
  greedy.send({ type: 'subscribe', keys: ['d:1'] });
  const { resource } = await greedy.resource('destination');
  assert.deepEqual([resource.key, 'refused' in resource], ['d:1', false]);
});

test('who sends more than the limits is read more slowly, loses nothing and is not cut off', async context => {
  const clock = fakeClock();
  const slowed: number[] = [];
  const { secure } = await setUp(context, {
    clock,
    limits: { messagesPerSecond: 1 },
    observer: { ...silentObserver, slowed: () => slowed.push(clock.monotonic()) },
  });
  const noisy = await RawProxy.greeted(context, secure);
  await noisy.resource('inbound');
  for (let count = 1; count <= 30; count++) noisy.send({ type: 'subscribe', keys: [`noisy:${count}`] });
  const told = new Set<string>();
  while (told.size < 30) {
    const next = noisy.resource('destination').then(({ resource }) => told.add(resource.key));
    // As slowly as the limit says, whatever the machine: only the clock lets it go on.
    while ((await Promise.race([next, pause()])) === undefined) await clock.advance(500);
  }
  assert.equal(told.size, 30);
  assert.ok(slowed.length >= 19, `slowed ${slowed.length} times`);
});

test('answers to what was pushed are no burden: however much changes, they slow nobody down', async context => {
  const slowed: true[] = [];
  const { mesh, secure } = await setUp(context, {
    limits: { messagesPerSecond: 0.5 },
    observer: { ...silentObserver, slowed: () => slowed.push(true) },
  });
  const sink = new RecordingSink();
  const client = secure.client(context, sink);
  client.want('10.96.0.5:80');
  for (let round = 1; round <= 30; round++) {
    mesh.put(reviewsSlice(`10.${round}.0.1`));
    await sink.until(() => sink.addresses(reviews)?.[0] === `10.${round}.0.1`);
  }
  assert.deepEqual(slowed, []);
});

test('a client that asks for hundreds of destinations at once sends few messages', async context => {
  const { secure } = await setUp(context, { limits: { messagesPerSecond: 0.5 } });
  const sink = new RecordingSink();
  const client = secure.client(context, sink);
  await sink.until(() => sink.connections.at(-1)!.up);
  for (let count = 1; count <= 700; count++) client.want(`many:${count}`);
  await sink.until(() => sink.get('destination', 'many:700') !== undefined);
  assert.equal(secure.server.status()[0]!.destinations, 700);
});

test('connections that say nothing, before TLS or after it, are bounded, and a proxy with a certificate gets in beside them', async context => {
  const refused: string[] = [];
  const { secure } = await setUp(context, {
    limits: { newcomers: 12, newcomersPerAddress: 8, helloMs: 60_000 },
    observer: { ...silentObserver, refused: code => refused.push(code) },
  });
  const silent = Array.from({ length: 40 }, (_, index) => {
    const from = `127.0.0.${2 + (index % 4)}`;
    const socket = connect({ host: '127.0.0.1', port: secure.port, localAddress: from });
    socket.on('error', () => {});
    context.after(() => socket.destroy());
    return once(socket, 'connect');
  });
  await Promise.all(silent);
  const proxy = await RawProxy.greeted(context, secure);
  await proxy.resource('inbound');
  assert.ok(secure.server.newcomers <= 12, `${secure.server.newcomers}`);
  assert.ok(refused.includes('too-many-connections'), String(refused));
});

test('who begins a handshake and never ends it is closed in time, and so is who gets a certificate and stays', async context => {
  const clock = fakeClock();
  const { secure } = await setUp(context, { clock });
  const silent = connect({ host: '127.0.0.1', port: secure.port });
  silent.on('error', () => {});
  context.after(() => silent.destroy());
  const token = await secure.tokens.issue({ namespace: 'shop', serviceAccount: 'front' });
  const proxy = await RawProxy.connect(context, secure);
  proxy.send({ type: 'sign', csr: createKeyAndCsr().csrPem, token, nowMs: clock.now() });
  await proxy.next('signed');
  assert.equal(secure.server.newcomers, 2);
  const closed = once(silent, 'close');
  await clock.advance(15_000);
  await closed;
  await proxy.ended();
  assert.equal(secure.server.newcomers, 0);
});

test('unfinished lines of those who have proven nothing are bounded one by one and together', async context => {
  const { secure } = await setUp(context, { limits: { newcomerBytes: 100_000 } });
  const long = await RawProxy.connect(context, secure);
  long.write('x'.repeat(MAX_NEWCOMER_LINE_BYTES + 1));
  assert.equal((await long.next('error')).code, 'message-too-long');
  const codes: string[] = [];
  for (let count = 0; count < 3; count++) {
    const proxy = await RawProxy.connect(context, secure);
    proxy.write('x'.repeat(MAX_NEWCOMER_LINE_BYTES));
    void proxy.next('error').then(
      ({ code }) => codes.push(code),
      () => {},
    );
  }
  while (codes.length === 0) await pause();
  assert.deepEqual(codes, ['newcomers-hold-too-much']);
  // Who has a certificate is not concerned, and who sends its request at once neither.
  const token = await secure.tokens.issue({ namespace: 'shop', serviceAccount: 'front' });
  const proxy = await RawProxy.connect(context, secure);
  proxy.send({ type: 'sign', csr: createKeyAndCsr().csrPem, token, nowMs: secure.clock.now() });
  await proxy.next('signed');
  const known = await RawProxy.greeted(context, secure);
  known.write(`{"type":"news","filler":"${'x'.repeat(200_000)}"}\n`);
  await known.resource('inbound');
});

test('whoever has proven who it is, or has gone, is no newcomer any more', async context => {
  const { secure } = await setUp(context);
  const proxy = await RawProxy.greeted(context, secure);
  await proxy.resource('inbound');
  assert.equal(secure.server.newcomers, 0);
  const stranger = await RawProxy.connect(context, secure);
  // The answer proves that the server has seen the stranger's handshake end.
  stranger.write('[]\n');
  await stranger.next('error');
  await stranger.ended();
  while (secure.server.newcomers > 0) await pause();
});

test('a change of few endpoints is sent as what changed', async context => {
  const { mesh, secure } = await setUp(context);
  const addresses = Array.from({ length: 9 }, (_, index) => `10.244.1.${index + 1}`);
  mesh.put(reviewsSlice(...addresses));
  const proxy = await RawProxy.greeted(context, secure);
  proxy.send({ type: 'subscribe', keys: ['10.96.0.5:80'] });
  await proxy.resource('endpoints');
  mesh.put(reviewsSlice(...addresses.slice(1), '10.244.1.77'), 123);
  const change = await proxy.next('endpoints-change');
  assert.deepEqual(
    [change.key, change.put.map(each => formatAddress(each.address, each.port)), change.remove, change.total],
    [reviews, ['10.244.1.77:8080'], ['10.244.1.1:8080'], 9],
  );
  assert.equal(change.changedAtMs, 123);
});

test('status tells each proxy’s versions, and why a resource was refused', async context => {
  const events: string[] = [];
  const observer = {
    connected: (by: number) => events.push(`connected ${by}`),
    pushed: () => {},
    acked: (kind: string, latencyMs?: number) => events.push(`acked ${kind} ${latencyMs === undefined}`),
    nacked: (kind: string) => events.push(`nacked ${kind}`),
    signed: () => {},
    refused: () => {},
    slowed: () => {},
    keyRefused: () => {},
  };
  const { mesh, secure } = await setUp(context, { observer });
  const sink = new RecordingSink();
  sink.refuse = ({ kind }) => (kind === 'endpoints' ? 'does not like them' : undefined);
  const client = secure.client(context, sink);
  client.want('10.96.0.5:80');
  const status = () => secure.server.status()[0]!.resources.find(each => each.kind === 'endpoints');
  await sink.until(() => sink.applied.some(each => each.kind === 'endpoints'));
  // The next answer comes after the refusal on the same connection.
  client.want('front-0:1');
  await sink.until(() => sink.get('destination', 'front-0:1') !== undefined);
  assert.deepEqual([status()!.state, status()!.reason], ['nacked', 'does not like them']);
  assert.deepEqual(secure.server.refusals(), [
    { pod: 'shop/front-0', key: reviews, reason: 'does not like them' },
  ]);
  sink.refuse = () => undefined;
  mesh.put(reviewsSlice('10.244.0.7'));
  await sink.until(() => sink.addresses(reviews)?.length === 1);
  client.want('front-0:2');
  await sink.until(() => sink.get('destination', 'front-0:2') !== undefined);
  assert.equal(status()!.state, 'acked');
  assert.deepEqual(secure.server.refusals(), []);
  const [proxy] = secure.server.status();
  assert.deepEqual([proxy!.pod, proxy!.principal, proxy!.destinations], ['shop/front-0', frontId, 3]);
  assert.deepEqual(
    events.filter(each => each.includes('endpoints') || each.startsWith('connected')),
    ['connected 1', 'nacked endpoints', 'acked endpoints false'],
  );
});

test('a proxy that does not read holds up nobody, and gets the latest once it reads again', async context => {
  const { mesh, secure } = await setUp(context);
  const slow = await RawProxy.greeted(context, secure);
  slow.send({ type: 'subscribe', keys: ['10.96.0.5:80'] });
  await slow.resource('endpoints');
  slow.socket.pause();
  const sink = new RecordingSink();
  const client = secure.client(context, sink);
  client.want('10.96.0.5:80');
  for (let round = 1; round <= 200; round++) {
    mesh.put(reviewsSlice(...Array.from({ length: 100 }, (_, index) => `10.${round}.0.${index + 1}`)));
    await sink.until(() => sink.addresses(reviews)?.[0]?.startsWith(`10.${round}.`) ?? false);
  }
  slow.socket.resume();
  const seen: string[] = [];
  for (;;) {
    const { resource } = await slow.resource('endpoints');
    assert.ok(resource.kind === 'endpoints');
    seen.push(resource.endpoints[0]!.address);
    if (seen.at(-1)!.startsWith('10.200.')) break;
  }
  assert.ok(seen.length <= 3, `${seen.length} sets for 200 changes: ${seen}`);
});

test('a proxy that is silent for too long is taken for dead, one that answers is not', async context => {
  const clock = fakeClock();
  const { secure } = await setUp(context, { clock });
  const dead = await RawProxy.greeted(context, secure);
  await dead.resource('inbound');
  const alive = await RawProxy.greeted(context, secure);
  await alive.resource('inbound');
  const answered = async (): Promise<void> => {
    while (secure.server.status().some(({ outstanding }) => outstanding > 0))
      await new Promise(resolve => setImmediate(resolve));
  };
  for (let round = 0; round < 3; round++) {
    // Who has been heard of since the last round is not asked.
    await answered();
    await clock.advance(40_000);
    await alive.next('ping');
    alive.send({ type: 'pong' });
    // The answer to this proves that the pong has been read.
    alive.send({ type: 'subscribe', keys: [`probe:${round + 1}`] });
    await alive.resource('destination');
  }
  await dead.ended();
  assert.equal(secure.server.status().length, 1);
});

test('a stream ends when its certificate has run out', async context => {
  const clock = fakeClock();
  const { secure } = await setUp(context, { clock });
  const proxy = await RawProxy.connect(context, secure, secure.issue(frontId, 20_000));
  proxy.send(hello);
  await proxy.resource('inbound');
  await clock.advance(22_000);
  assert.equal((await proxy.next('error')).code, 'certificate-expired');
});

test('a port that is in use is named with the remedy', async context => {
  const { mesh, secure } = await setUp(context);
  await assert.rejects(SecureMesh.start(context, mesh, { port: secure.port }), {
    code: 'port-in-use',
    message: /is in use on 127\.0\.0\.1; stop what listens there/,
  });
});

test('when the server stops, every stream ends and nothing is left in the hub', async context => {
  const { mesh, secure } = await setUp(context);
  const proxy = await RawProxy.greeted(context, secure);
  proxy.send({ type: 'subscribe', keys: ['10.96.0.5:80'] });
  await proxy.resource('endpoints');
  secure.stop.abort();
  await proxy.ended();
  assert.equal(mesh.hub.size, 0);
});
