import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer as createHttps, request } from 'node:https';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { connect as tlsConnect } from 'node:tls';
import { type Certified, certify } from '../../ca/testing/odd-certificates.ts';
import type { AuthorizationAttribute, WorkloadAuthorization } from '../../model/index.ts';
import { ask, closeAll, httpServer, tcpServer } from '../testing/clients.ts';
import { redirectedInbound } from '../testing/redirected.ts';
import { StaticMesh, type TestProxy } from '../testing/static-mesh.ts';

const hourMs = 3_600_000;
const times = { notBeforeMs: Date.now() - hourMs, notAfterMs: Date.now() + hourMs };
const rootOf = (name: string): Certified => certify({ name, ca: true, ...times });
const partner = rootOf('partner');
const other = rootOf('other');
const BILLING = 'spiffe://partner.example/region/eu/billing';

/** Whom proxies are told to trust. */
function trust(mesh: StaticMesh, proxy: TestProxy, partnerRoots: readonly string[] = [partner.pem]): void {
  const federated = [
    { trustDomain: 'partner.example', roots: partnerRoots },
    { trustDomain: 'other.example', roots: [other.pem] },
  ];
  const refused = proxy.plane.apply({ kind: 'trust', key: 'cluster.local', roots: mesh.ca.roots, federated });
  assert.equal(refused, undefined);
}

/** What a workload of another domain gets as an answer, or the code of its error. */
async function call(
  mesh: StaticMesh,
  port: number,
  uri: string,
  issuer: Certified = partner,
  headers: Record<string, string> = {},
): Promise<string> {
  const mine = certify({ issuer, uris: [uri], ...times });
  const sent = request({
    ...{ host: '127.0.0.1', port, path: '/', agent: false, headers },
    ...{ key: mine.keyPem, cert: mine.pem, ca: [...mesh.ca.roots], checkServerIdentity: () => undefined },
  });
  sent.end();
  try {
    const [response] = await once(sent, 'response');
    let text = '';
    for await (const chunk of response) text += String(chunk);
    return `${response.statusCode} ${text}`;
  } catch (thrown) {
    return String((thrown as { code?: string }).code);
  }
}

const who = (): Promise<Awaited<ReturnType<typeof httpServer>>> =>
  httpServer((incoming, response) => {
    response.end(String(incoming.headers['x-forwarded-client-cert'] ?? 'nobody'));
  });

test('a workload of another trust domain is let in under its own name, and by nobody else’s word', async t => {
  const mesh = new StaticMesh();
  const app = await who();
  const server = mesh.proxy('server', { mtls: 'strict' });
  const inbound = redirectedInbound(server.plane, app.port);
  t.after(() => closeAll(inbound, mesh, app));
  // Before anybody federates, as it always was.
  assert.equal(await call(mesh, inbound.port, BILLING), 'ECONNRESET');
  trust(mesh, server);
  const forged = { 'x-forwarded-client-cert': `By=me;URI=${server.principal}` };
  assert.equal(
    await call(mesh, inbound.port, BILLING, partner, forged),
    `200 By=${server.principal};URI=${BILLING}`,
  );
  // The partner's authority certifies our names, another partner's, and those of somebody unknown.
  const refusals = (): string => server.log.lines.map(each => each.message).join('\n');
  for (const [uri, issuer, words] of [
    [
      'spiffe://cluster.local/ns/default/sa/admin',
      partner,
      /not vouched for by its own trust domain cluster/,
    ],
    [BILLING, other, /not vouched for by its own trust domain partner\.example/],
    ['spiffe://nobody.example/x', partner, /no identity of the form|is of the trust domain nobody\.example/],
    [
      'spiffe://nobody.example/ns/a/sa/b',
      partner,
      /is of the trust domain nobody\.example, which is neither/,
    ],
    [BILLING, rootOf('partner'), /another root/],
  ] as const) {
    assert.notEqual((await call(mesh, inbound.port, uri, issuer)).slice(0, 3), '200', uri);
    assert.match(refusals(), words);
  }
  // Our own authority does not vouch for the partner.
  const ours = mesh.ca.parts;
  const own: Certified = { keyPem: ours.keyPem, pem: ours.chainPem, der: Buffer.alloc(0), name: 'unused' };
  assert.notEqual((await call(mesh, inbound.port, BILLING, own)).slice(0, 3), '200');
});

test('roots that nobody knows now stay as they were, and others that cannot be read change nothing', async t => {
  const mesh = new StaticMesh();
  const app = await who();
  const server = mesh.proxy('server', { mtls: 'strict' });
  const inbound = redirectedInbound(server.plane, app.port);
  t.after(() => closeAll(inbound, mesh, app));
  trust(mesh, server, []);
  assert.notEqual((await call(mesh, inbound.port, BILLING)).slice(0, 3), '200');
  trust(mesh, server);
  trust(mesh, server, []);
  assert.match(await call(mesh, inbound.port, BILLING), /^200 /);
  const broken = [{ trustDomain: 'partner.example', roots: ['no certificate'] }];
  const common = { kind: 'trust', key: 'cluster.local', roots: mesh.ca.roots } as const;
  assert.match(server.plane.apply({ ...common, federated: broken })!, /trust domain partner\.example cannot/);
  assert.match(await call(mesh, inbound.port, BILLING), /^200 /);
  // Who is named no more is let in no more.
  server.plane.apply(common);
  assert.equal(await call(mesh, inbound.port, BILLING), 'ECONNRESET');
});

test('an open connection of a trust domain that is let in no more is broken off', async t => {
  const mesh = new StaticMesh();
  const app = await who();
  const server = mesh.proxy('server', { mtls: 'strict' });
  const inbound = redirectedInbound(server.plane, app.port);
  t.after(() => closeAll(inbound, mesh, app));
  trust(mesh, server);
  const mine = certify({ issuer: partner, uris: [BILLING], ...times });
  const socket = tlsConnect({
    ...{ host: '127.0.0.1', port: inbound.port, key: mine.keyPem, cert: mine.pem, ca: [...mesh.ca.roots] },
    checkServerIdentity: () => undefined,
  });
  socket.on('error', () => {});
  socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
  await once(socket, 'data');
  const gone = new Promise(resolve => socket.once('close', resolve));
  server.plane.apply({ kind: 'trust', key: 'cluster.local', roots: mesh.ca.roots });
  await gone;
});

test('policies name who comes from elsewhere; its namespaces are not ours', async t => {
  const mesh = new StaticMesh();
  const app = await who();
  const rule = (of: AuthorizationAttribute, value: string): WorkloadAuthorization => ({
    action: 'allow',
    rules: [{ name: '0', clauses: [[[{ of, values: [{ kind: 'exact', value }] }]]] }],
    from: {
      ...{ apiVersion: 'security.istio.io/v1', kind: 'AuthorizationPolicy' },
      ...{ namespace: 'default', name: 'p' },
    },
  });
  const cart = 'spiffe://partner.example/ns/shop/sa/cart';
  const calls: [WorkloadAuthorization, string, string][] = [
    [rule('principal', BILLING), BILLING, '200'],
    [rule('principal', 'spiffe://partner.example/region/eu/other'), BILLING, '403'],
    [rule('trust-domain', 'partner.example'), cart, '200'],
    [rule('principal', cart), cart, '200'],
    [rule('namespace', 'shop'), cart, '403'],
    [rule('service-account', 'shop/cart'), cart, '403'],
  ];
  for (const [policy, uri, status] of calls) {
    const server = mesh.proxy('server', { mtls: 'strict', inbound: { authorization: [policy] } });
    const inbound = redirectedInbound(server.plane, app.port);
    trust(mesh, server);
    const answer = await call(mesh, inbound.port, uri);
    inbound.close();
    assert.equal(answer.slice(0, 3), status, `${uri} by ${JSON.stringify(policy.rules)}: ${answer}`);
  }
  t.after(() => closeAll(mesh, app));
});

test('a port that may speak TLS of its own gets it as it is', async t => {
  const mesh = new StaticMesh();
  const app = await tcpServer(socket => socket.on('data', data => socket.end(data)));
  const server = mesh.proxy('server', { mtls: 'permissive' });
  const inbound = redirectedInbound(server.plane, app.port);
  t.after(() => closeAll(inbound, mesh, app));
  trust(mesh, server);
  assert.notEqual((await call(mesh, inbound.port, BILLING)).slice(0, 3), '200');
  assert.match(await call(mesh, inbound.port, BILLING), /WRONG_VERSION|PROTO|ECONNRESET|SSL/);
});

test('a workload calls one of another trust domain with its own certificate, and nobody but that one', async t => {
  const mesh = new StaticMesh();
  const theirs = certify({ issuer: partner, uris: [BILLING], ...times });
  const seen: string[] = [];
  const upstream = createHttps(
    {
      ...{ key: theirs.keyPem, cert: theirs.pem, ca: [...mesh.ca.roots] },
      ...{ requestCert: true, rejectUnauthorized: true },
    },
    (incoming, response) => {
      const peer = (incoming.socket as import('node:tls').TLSSocket).getPeerCertificate();
      seen.push(String(peer.subjectaltname));
      response.end('billed');
    },
  );
  upstream.listen(0, '127.0.0.1');
  await once(upstream, 'listening');
  const client = mesh.proxy('client');
  t.after(() => closeAll(mesh, upstream));
  trust(mesh, client);
  const { port } = upstream.address() as AddressInfo;
  const towards = (key: string, subjectAltNames: readonly string[]): void =>
    mesh.set({
      key,
      endpoints: [mesh.plain(port)],
      settings: { tls: { mode: 'mesh', subjectAltNames } },
      retry: { attempts: 0 },
    });
  towards('billing.partner:80', [BILLING]);
  const good = await ask(client.plane.outboundPort, 'billing.partner:80');
  assert.deepEqual([good.status, good.body], [200, 'billed']);
  assert.deepEqual(seen, ['URI:spiffe://cluster.local/ns/default/sa/client']);
  towards('wrong.partner:80', ['spiffe://partner.example/somebody/else']);
  const wrong = await ask(client.plane.outboundPort, 'wrong.partner:80');
  assert.equal(wrong.status, 503);
  assert.match(wrong.body, /the upstream is spiffe:\/\/partner\.example\/region\/eu\/billing, expected/);
  // Where the partner's domain is under another root, its certificate is nobody's.
  trust(mesh, client, [other.pem]);
  towards('later.partner:80', [BILLING]);
  assert.equal((await ask(client.plane.outboundPort, 'later.partner:80')).status, 503);
});
