// Logins that belong to the connection (RFC 4559 section 6): between client and app there is one chain of connections, for nobody
// else.
import assert from 'node:assert/strict';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { test } from 'node:test';
import { closeAll, httpServer, type RawConnection, rawConnection } from '../testing/clients.ts';
import { ExchangeRig, OK } from '../testing/exchange-rig.ts';
import { eventually } from '../testing/redirected.ts';
import { forward, RouteRig } from '../testing/route-rig.ts';
import { StaticMesh } from '../testing/static-mesh.ts';

/** A server that remembers in the connection how far its login is. */
class LoginServer {
  readonly connections = new Map<Socket, string>();
  readonly handle: (request: IncomingMessage, response: ServerResponse) => void;

  constructor(challenge: string | string[], field = 'authorization') {
    const offer = field === 'authorization' ? 'WWW-Authenticate' : 'Proxy-Authenticate';
    this.handle = (request, response) => {
      const { socket } = request;
      const state = this.connections.get(socket) ?? 'new';
      const said = request.headers[field]?.toString().split(/\s+/)[1] ?? '';
      const next =
        state === 'in'
          ? 'in'
          : said === 'one'
            ? 'challenged'
            : said === 'three' && state === 'challenged'
              ? 'in'
              : 'new';
      this.connections.set(socket, next);
      socket.once('close', () => this.connections.delete(socket));
      if (next === 'in') {
        response.end('welcome');
        return;
      }
      response.statusCode = field === 'authorization' ? 401 : 407;
      response.setHeader(offer, challenge);
      response.end();
    };
  }
}

/** Sends a request on a client's connection and gives the status of its answer. */
async function status(client: RawConnection, headers = '', path = '/'): Promise<string> {
  client.text = '';
  client.write(`GET http://app:80${path} HTTP/1.1\r\nHost: app:80\r\n${headers}\r\n`);
  await client.until(({ text, closed }) => closed || /\r\n\r\n(welcome|)$/.test(text));
  return client.text.slice(9, 12);
}

const cases: readonly { name: string; challenge: string | string[]; scheme: string; field?: string }[] = [
  { name: 'NTLM', challenge: 'NTLM', scheme: 'NTLM' },
  { name: 'Negotiate', challenge: 'Negotiate', scheme: 'Negotiate' },
  { name: 'a mixed case', challenge: 'nTlM', scheme: 'ntLM' },
  { name: 'a list in one line', challenge: 'Basic realm="a, b", Negotiate, NTLM', scheme: 'NTLM' },
  { name: 'several lines', challenge: ['Basic realm="x"', 'Negotiate', 'NTLM'], scheme: 'Negotiate' },
  { name: 'Kerberos', challenge: 'Kerberos', scheme: 'Kerberos' },
  { name: 'Nego2', challenge: 'Nego2', scheme: 'Nego2' },
  { name: 'a proxy of the app', challenge: 'NTLM', scheme: 'NTLM', field: 'proxy-authorization' },
  { name: 'a client that begins unasked', challenge: 'Basic realm="x"', scheme: 'Negotiate' },
];

for (const { name, challenge, scheme, field = 'authorization' } of cases) {
  test(`${name}: a login serves its client alone, through both proxies, and ends with it`, async t => {
    const mesh = new StaticMesh();
    const logins = new LoginServer(challenge, field);
    const app = await httpServer(logins.handle);
    const client = mesh.proxy('client');
    const server = mesh.proxy('server');
    t.after(() => closeAll(mesh, app));
    mesh.set({ key: 'app:80', endpoints: [mesh.meshed(server, app.port)] });
    const { outboundPort } = client.plane;
    const users = await Promise.all(Array.from({ length: 5 }, () => rawConnection(outboundPort)));
    const stranger = await rawConnection(outboundPort);
    // All mixed, so that pooled connections would be taken by others.
    for (const user of users) if (challenge !== 'Basic realm="x"') await status(user);
    const asked = field === 'authorization' ? '401' : '407';
    for (const user of users) assert.equal(await status(user, `${field}: ${scheme} one\r\n`), asked);
    assert.equal(await status(stranger), asked);
    for (const user of users) assert.equal(await status(user, `${field}: ${scheme} three\r\n`), '200');
    for (const user of users) assert.equal(await status(user), '200', 'the login lasts');
    assert.equal(await status(stranger), asked, 'a stranger is nobody');
    const newcomer = await rawConnection(outboundPort);
    assert.equal(await status(newcomer), asked, 'so is who comes later');
    for (const user of users) user.socket.destroy();
    await eventually(() => ![...logins.connections.values()].includes('in'));
    assert.equal(await status(stranger), asked);
    assert.equal(await status(newcomer), asked);
  });
}

test('where the app ends a connection that somebody is logged in on, the client sees its own end', async t => {
  const mesh = new StaticMesh();
  const logins = new LoginServer('NTLM');
  const app = await httpServer(logins.handle);
  const client = mesh.proxy('client');
  const server = mesh.proxy('server');
  t.after(() => closeAll(mesh, app));
  mesh.set({ key: 'app:80', endpoints: [mesh.meshed(server, app.port)] });
  const user = await rawConnection(client.plane.outboundPort);
  await status(user, 'authorization: NTLM one\r\n');
  assert.equal(await status(user, 'authorization: NTLM three\r\n'), '200');
  for (const socket of logins.connections.keys()) socket.destroy();
  await user.until(({ ended, closed }) => ended || closed);
});

test('a request of a login is not tried again elsewhere, and one without is', async () => {
  for (const [header, tries] of [
    ['authorization: Negotiate abc\r\n', 1],
    ['authorization: Basic abc\r\n', 2],
  ] as const) {
    const rig = new ExchangeRig({ endpoints: 2, retry: { on: ['reset', 'gateway-error'], attempts: 1 } });
    const client = rig.client();
    client.peer.send(`GET /a HTTP/1.1\r\nhost: a\r\n${header}\r\n`);
    await rig.settle();
    const upstream = await rig.upstream();
    upstream.send('HTTP/1.1 503 No\r\ncontent-length: 0\r\n\r\n');
    await rig.settle();
    await rig.advance(100);
    assert.equal(rig.cluster.retries + 1, tries, header);
  }
});

test('pipelined requests behind a login wait for its connection', async () => {
  const rig = new ExchangeRig();
  const client = rig.client();
  const get = 'GET /a HTTP/1.1\r\nhost: a\r\nauthorization: NTLM abc\r\n\r\n';
  client.peer.send(get + get + get);
  await rig.settle();
  const upstream = await rig.upstream();
  for (let i = 0; i < 3; i++) {
    upstream.send('HTTP/1.1 204 No Content\r\n\r\n');
    await rig.settle();
  }
  assert.deepEqual(rig.outcomes(client), ['204', '204', '204']);
  assert.equal(rig.host.dials.length, 0, 'no second connection was opened');
  const other = rig.client();
  other.peer.send('GET /b HTTP/1.1\r\nhost: a\r\n\r\n');
  await rig.settle();
  const fresh = await rig.upstream();
  fresh.send(OK);
  await rig.settle();
  assert.deepEqual(rig.outcomes(other), ['200']);
});

test('an endpoint that is removed ends the logins on it', async () => {
  const rig = new ExchangeRig();
  const client = rig.client();
  client.peer.send('GET /a HTTP/1.1\r\nhost: a\r\nauthorization: NTLM abc\r\n\r\n');
  await rig.settle();
  const upstream = await rig.upstream();
  upstream.send(OK);
  await rig.settle();
  rig.cluster.setEndpoints({ kind: 'endpoints', key: 'a:80', endpoints: [], total: 0 });
  await rig.settle();
  assert.equal(upstream.closed, true);
});

const ofLogin = 'GET /a HTTP/1.1\r\nhost: a\r\nauthorization: NTLM abc\r\n\r\n';

test('a login stays on its side of a weighted split, and is never copied to a mirror', async () => {
  const rolls = [0, 0.9, 0.9, 0.9];
  const rig = new RouteRig(
    [{ action: forward(['a:80', 'b:80']), mirrors: [{ cluster: 'c:80', percent: 100 }] }],
    { random: () => rolls.shift() ?? 0.9 },
  );
  const client = rig.client();
  const got = await rig.send(ofLogin, client);
  const [side] = Object.keys(got);
  assert.equal(Object.keys(got).length, 1, 'no copy was sent');
  for (let i = 0; i < 3; i++) {
    got[Number(side)]!.send(OK);
    await rig.settle();
    assert.deepEqual(await rig.send(ofLogin, client), {}, 'nothing else was dialled');
  }
  assert.equal(rig.clusters.get('c:80')!.mirrored.sent, 0);
});

test('a mirror that offers a login is not used again', async () => {
  const rig = new RouteRig([{ mirrors: [{ cluster: 'b:80', percent: 100 }] }]);
  const got = await rig.send('GET /a HTTP/1.1\r\nhost: a\r\n\r\n');
  got[2]!.send('HTTP/1.1 401 No\r\nwww-authenticate: Negotiate\r\ncontent-length: 5\r\n\r\n');
  await rig.settle();
  assert.equal(got[2]!.closed, true);
});

test('a login is not hedged: it would be half done at two places', async () => {
  const rig = new ExchangeRig({ endpoints: 2, retry: { hedgeAfterMs: 50 } });
  const client = rig.client();
  client.peer.send(ofLogin);
  await rig.settle();
  await rig.upstream();
  await rig.advance(1_000);
  assert.equal(rig.host.dials.length, 0);
});
