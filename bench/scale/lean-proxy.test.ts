// The simulation is worth nothing if its proxies say something else than those of the product.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { createSecureContext, createServer, type TLSSocket } from 'node:tls';
import { CertificateAuthority } from '../../src/ca/index.ts';
import { type CredentialSource, DiscoveryClient } from '../../src/discovery/index.ts';
import { DISCOVERY_ALPN } from '../../src/discovery/protocol.ts';
import { WeftError } from '../../src/errors/index.ts';
import { type Credentials, createKeyAndCsr, readCredentials } from '../../src/identity/index.ts';
import { parseSpiffe } from '../../src/model/index.ts';
import { silentLog } from '../../src/telemetry/index.ts';
import { systemClock } from '../../src/time/index.ts';
import { LeanProxy } from './lean-proxy.ts';

const identity = 'spiffe://cluster.local/ns/weft-system/sa/weft-injector';
const authority = CertificateAuthority.createRoot({ trustDomain: 'cluster.local', clock: systemClock });

function issue(principal: string): Credentials {
  const { keyPem, csrPem } = createKeyAndCsr();
  const signed = authority.sign(csrPem, parseSpiffe(principal)!);
  if (signed instanceof WeftError) throw signed;
  const read = readCredentials({ keyPem, chainPem: signed.chainPem, roots: authority.roots }, Date.now());
  if (read instanceof WeftError) throw read;
  return read;
}

const keys = ['10.96.0.1:80', '10.96.0.2:80'];
const endpoints = (key: string, address: string) => ({
  kind: 'endpoints',
  key,
  endpoints: [{ address, port: 8080, tls: 'mesh', peer: { kind: 'unknown' } }],
  total: 1,
});
const destination = (key: string) => ({ kind: 'destination', key, clusters: [{ name: `cluster ${key}` }] });
const lines = (...messages: readonly object[]): string =>
  messages.map(each => `${JSON.stringify(each)}\n`).join('');

/** What a control plane says, in pieces as TCP may deliver them; each waits until the piece before was answered. */
const script: readonly { readonly text: string; readonly answers: number }[] = [
  {
    text: lines(
      {
        version: 1,
        type: 'resource',
        resource: { kind: 'trust', key: 'cluster.local', roots: [], serviceRanges: [] },
      },
      { version: 2, type: 'resource', resource: { kind: 'inbound', key: 'shop/front-0' } },
      { version: 3, type: 'resource', resource: destination(keys[0]!) },
      { version: 4, type: 'resource', resource: destination(keys[1]!) },
    ),
    answers: 4,
  },
  {
    text: lines(
      { version: 5, type: 'resource', resource: endpoints(`cluster ${keys[0]}`, '10.0.0.1') },
      { version: 6, type: 'resource', resource: endpoints(`cluster ${keys[1]}`, '10.0.0.2') },
    ),
    answers: 2,
  },
  { text: lines({ type: 'ping' }), answers: 1 },
  { text: lines({ type: 'beat', everyMs: 500 }, { type: 'ping' }), answers: 1 },
  { text: lines({ type: 'of a later version' }, { type: 'ping' }), answers: 1 },
  {
    text: lines(
      {
        version: 7,
        changedAtMs: 1_790_000_000_000,
        type: 'endpoints-change',
        key: `cluster ${keys[0]}`,
        put: [{ address: '10.0.0.3', port: 8080, tls: 'mesh', peer: { kind: 'unknown' } }],
        remove: ['10.0.0.1:8080'],
        total: 1,
      },
      { version: 8, changedAtMs: 1_790_000_000_000, type: 'resource', resource: destination(keys[1]!) },
    ),
    answers: 2,
  },
];

/** Plays the script to one proxy over two connections, and gives the lines that it said on each. */
async function heardOf(start: (port: number) => { close(): void }): Promise<readonly string[]> {
  const own = issue(identity);
  const heard: string[] = [];
  const server = createServer({
    ...{ key: own.keyPem, cert: own.chainPem, ca: [...authority.roots], requestCert: true },
    ALPNProtocols: [DISCOVERY_ALPN],
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  const proxy = start(port);
  try {
    for (let connection = 0; connection < 2; connection++) {
      const [socket] = (await once(server, 'secureConnection')) as [TLSSocket];
      socket.on('error', () => {});
      assert.ok(socket.authorized, String(socket.authorizationError));
      let text = '';
      let arrived = (): void => {};
      socket.setEncoding('utf8').on('data', piece => {
        text += piece;
        arrived();
      });
      const until = async (count: number): Promise<void> => {
        while (text.split('\n').length - 1 < count)
          await new Promise<void>(resolve => {
            arrived = resolve;
          });
      };
      let due = 2;
      await until(due);
      for (const { text: piece, answers } of script) {
        const half = Math.floor(piece.length / 2);
        socket.write(piece.slice(0, half));
        await new Promise(resolve => setImmediate(resolve));
        socket.write(piece.slice(half));
        due += answers;
        await until(due);
      }
      heard.push(text);
      socket.destroy();
    }
  } finally {
    proxy.close();
    server.close();
  }
  return heard;
}

test('a lean proxy says what the client of a sidecar says, over a first and a second connection', async () => {
  const principal = 'spiffe://cluster.local/ns/shop/sa/front';
  const credentials = issue(principal);
  const source: CredentialSource = {
    credentials,
    subscribe(listener) {
      listener(credentials, 'certificate');
      return () => {};
    },
  };
  const who = { namespace: 'shop', pod: 'front-0', proxyVersion: '1.2.3' };
  const ofClient = await heardOf(port => {
    const client = new DiscoveryClient({
      controlPlane: { address: { host: '127.0.0.1', port }, identity, bootstrapRoots: () => [] },
      credentials: source,
      ...who,
      sink: { apply: () => undefined, connection() {} },
      clock: systemClock,
      log: silentLog,
      random: () => 0.999,
    });
    for (const key of keys) client.want(key);
    client.start();
    return client;
  });
  let synced = 0;
  const changes: string[] = [];
  const ofLean = await heardOf(port => {
    const proxy = new LeanProxy({
      controlPlane: () => ({ address: { host: '127.0.0.1', port }, identity }),
      secureContext: createSecureContext({
        ...{ key: credentials.keyPem, cert: credentials.chainPem, ca: [...authority.roots] },
      }),
      ...who,
      keys,
      hears: {
        changed: line => void changes.push((JSON.parse(line) as { type: string }).type),
        synced: () => void synced++,
        lost() {},
      },
      random: () => 0.999,
    });
    proxy.start();
    return proxy;
  });
  assert.deepEqual(ofLean, ofClient);
  assert.equal(synced, 2, 'everything came over each connection');
  assert.deepEqual(changes, ['endpoints-change', 'resource', 'endpoints-change', 'resource']);
});
