// Versions apart: fields and messages of a later version, in both directions, at every place where there can be one.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type TestContext, test } from 'node:test';
import { createServer, type TLSSocket } from 'node:tls';
import { WeftError } from '../errors/index.ts';
import { createKeyAndCsr } from '../identity/index.ts';
import { resolveDestination, resolveEndpoints } from '../resolve/index.ts';
import { endpointsChange } from './endpoints-change.ts';
import { LineReader } from './line-reader.ts';
import { DISCOVERY_ALPN, MAX_LINE_BYTES, type ProxyMessage, type ServerMessage } from './protocol.ts';
import { readProxyMessage } from './proxy-message.ts';
import { later } from './testing/later-version.ts';
import { RawProxy } from './testing/raw-proxy.ts';
import { RecordingSink } from './testing/recording-sink.ts';
import { controlPlaneId, frontId, SecureMesh } from './testing/secure-mesh.ts';
import { reviews, reviewsSlice, shopYaml, TestMesh } from './testing/stream-suite.ts';

/** One of each: a type that is added to the protocol is added here, or this does not compile. */
const said: { readonly [T in ProxyMessage['type']]: Extract<ProxyMessage, { type: T }> } = {
  sign: { type: 'sign', csr: 'x', token: 'y', nowMs: 1 },
  hello: {
    ...{ type: 'hello', proxyVersion: '9', namespace: 'shop', pod: 'front-0', answers: ['tap'] },
    machine: { group: 'billing', address: '192.0.2.1', tunnelPort: 15_006 },
  },
  subscribe: { type: 'subscribe', keys: ['10.96.0.5:80'] },
  unsubscribe: { type: 'unsubscribe', keys: ['10.96.0.5:80'] },
  ack: { type: 'ack', version: 1 },
  nack: { type: 'nack', version: 1, kind: 'inbound', key: 'shop/front-0', reason: 'no' },
  pong: { type: 'pong' },
  said: { type: 'said', id: 1, items: [{ path: '/' }], left: 2 },
  done: { type: 'done', id: 1, error: 'no', left: 2 },
  fetch: { type: 'fetch', digest: 'ab' },
};

test('a control plane reads messages of a later proxy, each with fields that it does not know', () => {
  for (const [type, message] of Object.entries(said)) {
    const read = readProxyMessage(JSON.stringify(later(message)));
    assert.ok(read !== undefined && !(read instanceof WeftError), `${type}: ${String(read)}`);
    assert.deepEqual(read, later(message), type);
  }
});

test('a proxy of a later version is certified, told what it asked for, heard, and served on', async context => {
  const mesh = new TestMesh(shopYaml);
  const secure = await SecureMesh.start(context, mesh);
  const write = (proxy: RawProxy, message: ProxyMessage): void =>
    proxy.write(`${JSON.stringify(later(message))}\n{"type":"a-later-message","of":[{"any":"shape"}]}\n`);
  const newcomer = await RawProxy.connect(context, secure);
  const token = await secure.tokens.issue({ namespace: 'shop', serviceAccount: 'front' });
  write(newcomer, { type: 'sign', csr: createKeyAndCsr().csrPem, token, nowMs: secure.clock.now() });
  assert.match((await newcomer.next('signed')).chain, /BEGIN CERTIFICATE/);
  const proxy = await RawProxy.connect(context, secure, secure.issue(frontId));
  const { machine: _, ...hello } = said.hello;
  write(proxy, hello);
  write(proxy, said.subscribe);
  const { resource } = await proxy.resource('destination');
  assert.equal(resource.key, '10.96.0.5:80');
  write(proxy, { ...said.nack, version: 1 });
  write(proxy, said.pong);
  write(proxy, said.unsubscribe);
  write(proxy, { type: 'subscribe', keys: ['front-0:1'] });
  for (;;) if ((await proxy.resource('destination')).resource.key === 'front-0:1') break;
});

/** A control plane that a test speaks for; resolves with what the proxy said, as it comes. */
async function laterControlPlane(context: TestContext, secure: SecureMesh) {
  const { keyPem, chainPem } = secure.issue(controlPlaneId);
  const heard: ProxyMessage[] = [];
  let arrived = (): void => {};
  let socket: TLSSocket | undefined;
  const server = createServer({ key: keyPem, cert: chainPem, ALPNProtocols: [DISCOVERY_ALPN] }, accepted => {
    socket = accepted;
    const reader = new LineReader(MAX_LINE_BYTES);
    accepted.on('error', () => {});
    accepted.on('data', chunk => {
      reader.push(chunk, line => heard.push(JSON.parse(line) as ProxyMessage) > 0);
      arrived();
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  context.after(() => {
    socket?.destroy();
    server.close();
  });
  return {
    address: { host: '127.0.0.1', port: (server.address() as { port: number }).port },
    say: (message: ServerMessage) =>
      void socket!.write(
        `{"type":"a-later-message","of":{"any":"shape"}}\n${JSON.stringify(later(message))}\n`,
      ),
    async hears(what: (message: ProxyMessage) => boolean): Promise<ProxyMessage> {
      for (;;) {
        const found = heard.find(what);
        if (found) return found;
        await new Promise<void>(resolve => {
          arrived = resolve;
        });
      }
    },
  };
}

test('a proxy takes what a control plane of a later version says, and answers it', async context => {
  const many = Array.from({ length: 5 }, (_, index) => `10.1.0.${index}`);
  const mesh = new TestMesh(`${shopYaml}\n---${reviewsSlice(...many).replace('reviews-1', 'reviews-2')}`);
  const secure = await SecureMesh.start(context, mesh);
  const plane = await laterControlPlane(context, secure);
  const sink = new RecordingSink();
  const client = secure.client(context, sink, undefined, { address: plane.address });
  client.want('10.96.0.5:80');
  await plane.hears(({ type }) => type === 'subscribe');
  const caller = { namespace: 'shop', labels: {} };
  const destination = resolveDestination(mesh.hub.mesh, caller, '10.96.0.5:80').resource;
  const before = resolveEndpoints(mesh.hub.mesh, caller, reviews).resource;
  mesh.put(reviewsSlice('10.244.0.7'));
  const after = resolveEndpoints(mesh.hub.mesh, caller, reviews).resource;
  const acked = (version: number) =>
    plane.hears(
      message => (message.type === 'ack' || message.type === 'nack') && message.version === version,
    );
  plane.say({ type: 'beat', everyMs: 60_000 });
  plane.say({ type: 'resource', version: 1, resource: destination });
  plane.say({ type: 'resource', version: 2, resource: before });
  for (const version of [1, 2]) assert.equal((await acked(version)).type, 'ack');
  const change = endpointsChange(before, after);
  assert.ok(change);
  plane.say({ type: 'endpoints-change', version: 3, ...change });
  assert.equal((await acked(3)).type, 'ack');
  assert.deepEqual(sink.addresses(reviews), [...many, '10.244.0.7']);
  plane.say({ type: 'ping' });
  await plane.hears(({ type }) => type === 'pong');
  plane.say({ type: 'ask', id: 7, question: { kind: 'a-later-question' } });
  await plane.hears(message => message.type === 'done' && message.id === 7);
  plane.say({ type: 'unask', id: 7 });
  plane.say({ type: 'program', digest: 'ab', error: 'no' });
  plane.say({ type: 'signed', chain: '', roots: [], nowMs: 0 });
  plane.say({ type: 'resource', version: 4, resource: destination });
  assert.equal((await acked(4)).type, 'ack');
  assert.ok(sink.connections.at(-1)!.up, 'the stream goes on');
});
