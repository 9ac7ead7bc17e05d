import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { WorkloadAuthorization } from '../../model/index.ts';
import { FakeClock } from '../../time/index.ts';
import { ask, closeAll, httpServer, rawConnection, tcpServer } from '../testing/clients.ts';
import { eventually, redirectedInbound } from '../testing/redirected.ts';
import { StaticMesh, type TestProxy } from '../testing/static-mesh.ts';
import { HOLD_MS } from './held.ts';

const get = 'GET / HTTP/1.1\r\nhost: app\r\nconnection: close\r\n\r\n';
const nobody: WorkloadAuthorization = {
  action: 'allow',
  rules: [],
  from: {
    apiVersion: 'security.istio.io/v1',
    kind: 'AuthorizationPolicy',
    namespace: 'default',
    name: 'nobody',
  },
};

/** The first configuration comes. */
function configure({ plane, peer }: TestProxy, authorization?: readonly WorkloadAuthorization[]): void {
  const key = `${peer.namespace}/${peer.pod}`;
  const refused = plane.apply({
    ...{ kind: 'inbound', key, self: peer, ports: [], defaultMtls: 'permissive' },
    ...(authorization && { authorization }),
  });
  assert.equal(refused, undefined);
}

/** A workload whose proxy has been told nothing yet, and its app. */
async function unconfigured() {
  const mesh = new StaticMesh();
  const clock = new FakeClock();
  let asked = 0;
  const app = await httpServer((_, response) => {
    asked++;
    response.end('app');
  });
  const server = mesh.proxy('server', { mtls: 'permissive', clock, unconfigured: true });
  const inbound = redirectedInbound(server.plane, app.port, true);
  const close = (): void => closeAll(inbound, mesh, app);
  /** A plaintext client that has sent this and is held. */
  const held = async (bytes: string) => {
    const before = inbound.wires.length;
    const raw = await rawConnection(inbound.port);
    raw.write(bytes);
    await eventually(() => inbound.wires.length > before);
    return raw;
  };
  return { mesh, clock, app, server, inbound, close, held, asked: () => asked };
}

test('before the first configuration requests wait, and are then judged by its policies', async t => {
  const { close, held, server, asked } = await unconfigured();
  t.after(close);
  const raw = await held(get);
  configure(server, [nobody]);
  await raw.until(({ ended, closed }) => ended || closed);
  assert.match(raw.text, /^HTTP\/1\.1 403 [\s\S]*RBAC: access denied/);
  assert.equal(asked(), 0, 'the app was reached before it was known who may call it');
});

test('none of them is lost where the configuration lets them in', async t => {
  const { close, held, server, inbound } = await unconfigured();
  t.after(close);
  const all = [await held(get), await held(get), await held(get)];
  assert.deepEqual(
    inbound.wires.map(({ bytesRead }) => bytesRead),
    [0, 0, 0],
    'nothing is read while they wait',
  );
  configure(server);
  for (const raw of all) {
    await raw.until(({ ended, closed }) => ended || closed);
    assert.match(raw.text, /^HTTP\/1\.1 200 [\s\S]*app$/);
  }
});

test('without a configuration they are refused after a while, in words, each in its protocol', async t => {
  const { close, held, clock, app, server, inbound, asked } = await unconfigured();
  t.after(close);
  const request = await held(get);
  const preface = await held('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
  const bytes = await held('\x00\x01\x02 no request');
  const silent = await held('');
  await clock.advance(HOLD_MS + 100);
  await request.until(({ text }) => text.includes('weft check'));
  assert.match(request.text, /^HTTP\/1\.1 503 /);
  assert.match(request.text, /x-weft-flag: NFCF\r\n/);
  assert.match(request.text, /the proxy of this workload has not been told yet who may call it/);
  await preface.until(({ text }) => text.includes('weft check'));
  await bytes.until(({ closed }) => closed);
  assert.deepEqual([bytes.text, bytes.error], ['', 'ECONNRESET']);
  await clock.advance(1_100);
  await silent.until(({ closed }) => closed);
  assert.equal(silent.text, '');
  await eventually(() => inbound.closed() === 4);
  assert.equal(asked(), 0);
  assert.deepEqual(
    [...server.plane.services.counters.refused.entries()],
    [[`port="${app.port}",reason="not-configured"`, 4]],
  );
});

test('a peer is shown no certificate before, and goes on where it may', async t => {
  const { mesh, close, server, app } = await unconfigured();
  t.after(close);
  const client = mesh.proxy('client');
  mesh.set({ key: 'app:80', endpoints: [mesh.meshed(server, app.port)] });
  const answer = ask(client.plane.outboundPort, 'app:80');
  await eventually(() => server.plane.underWay.inbound === 1);
  configure(server);
  assert.equal((await answer).body, 'app');
});

test('a peer that waits in vain hears that the workload cannot be reached, and the app nothing', async t => {
  const { mesh, close, clock, server, app, asked } = await unconfigured();
  t.after(close);
  const client = mesh.proxy('client');
  mesh.set({ key: 'app:80', endpoints: [mesh.meshed(server, app.port)], retry: { attempts: 0 } });
  const answer = ask(client.plane.outboundPort, 'app:80', { method: 'POST' });
  await eventually(() => server.plane.underWay.inbound === 1);
  await clock.advance(HOLD_MS + 100);
  const { status, headers } = await answer;
  assert.deepEqual([status, headers['x-weft-flag'], asked()], [503, 'UF', 0]);
});

test('a client that goes while it waits leaves nothing behind, and so does the end of the proxy', async t => {
  const { close, held, server, inbound } = await unconfigured();
  t.after(close);
  await held('');
  const other = await held(get);
  assert.equal(server.plane.inboundPorts.watchers.size, 2);
  inbound.close();
  await other.until(({ closed }) => closed);
  assert.equal(server.plane.inboundPorts.watchers.size, 0);
  assert.equal(inbound.closed(), 2);
});

test('where nobody will ever say who may call, nobody waits', async t => {
  const mesh = new StaticMesh();
  const app = await tcpServer(socket => socket.on('data', data => socket.write(data)));
  const server = mesh.proxy('server', { mtls: 'permissive', unconfigured: true });
  const inbound = redirectedInbound(server.plane, app.port);
  t.after(() => closeAll(inbound, mesh, app));
  const raw = await rawConnection(inbound.port);
  raw.write('\x00 bytes');
  await raw.until(({ text }) => text.endsWith('bytes'));
});
