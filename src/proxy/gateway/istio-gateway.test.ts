// Istio's Gateways and VirtualServices at a gateway, by real sockets.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type IncomingMessage, type OutgoingHttpHeaders, request } from 'node:http';
import { type AddressInfo, connect as connectTcp, createServer as createTcp } from 'node:net';
import { type TestContext, test } from 'node:test';
import { type ConnectionOptions, connect } from 'node:tls';
import { TestIssuer } from '../../authentication/testing/issuer.ts';
import { httpServer } from '../testing/clients.ts';
import { authority, certificateFor, GatewayRig, secret, service } from './testing/gateway-rig.ts';

/** Selected by the rig's gateway, which is called edge. */
function istioGateway(servers: string, selector = '{ istio: edge }', namespace = 'shop'): string {
  return `---
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: { name: front, namespace: ${namespace} }
spec: { selector: ${selector}, servers: [${servers}] }
`;
}

function virtualService(name: string, hosts: string, rest: string, namespace = 'shop'): string {
  return `---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: ${name}, namespace: ${namespace} }
spec: { hosts: [${hosts}], gateways: [shop/front], ${rest} }
`;
}

const to = (host: string): string => `route: [{ destination: { host: ${host}.shop.svc.cluster.local } }]`;

async function app(t: TestContext, name: string): Promise<number> {
  const { port, close } = await httpServer(({ url }, response) => void response.end(`${name} ${url}`));
  t.after(close);
  return port;
}

async function rig(t: TestContext, yaml: string): Promise<GatewayRig> {
  const made = new GatewayRig(yaml);
  t.after(() => made.close());
  while (made.plane.gateway!.notReady() !== undefined) await new Promise(resolve => setImmediate(resolve));
  return made;
}

async function ask(port: number, host: string, path = '/', more: OutgoingHttpHeaders = {}): Promise<string> {
  const sent = request({ host: '127.0.0.1', port, path, headers: { host, ...more }, agent: false });
  sent.end();
  const [response] = (await once(sent, 'response')) as [IncomingMessage];
  let text = '';
  for await (const piece of response) text += String(piece);
  if (response.statusCode === 200) return text;
  return [String(response.statusCode), response.headers.location].filter(Boolean).join(' ');
}

async function askTls(port: number, options: ConnectionOptions): Promise<string> {
  const socket = connect({ port, host: '127.0.0.1', rejectUnauthorized: false, ...options });
  socket.on('error', () => {});
  let text = '';
  socket.on('data', piece => {
    text += String(piece);
  });
  socket.write(`GET / HTTP/1.1\r\nHost: ${options.servername}\r\nConnection: close\r\n\r\n`);
  await once(socket, 'close');
  return text.slice(0, 12);
}

test('requests go by VirtualServices of the hosts that a server takes; matches for the mesh or other gateways do not hold', async t => {
  const [a, b] = [await app(t, 'a'), await app(t, 'b')];
  const made = await rig(
    t,
    istioGateway(
      '{ port: { number: 80, name: http, protocol: HTTP }, hosts: ["*.example.com", "./own.test"] }, { port: { number: 81, name: redirect, protocol: HTTP }, hosts: ["*"], tls: { httpsRedirect: true } }',
    ) +
      service('a', a) +
      service('b', b) +
      virtualService(
        'web',
        'www.example.com, own.test',
        `http: [{ match: [{ gateways: [mesh], uri: { prefix: / } }], ${to('b')} }, { match: [{ gateways: [shop/front], uri: { prefix: /b } }], ${to('b')} }, { ${to('a')} }]`,
      ) +
      virtualService('foreign', 'own.test, blog.example.com', `http: [{ ${to('b')} }]`, 'blog'),
  );
  assert.equal(await ask(made.port(80), 'www.example.com'), 'a /');
  assert.equal(await ask(made.port(80), 'www.example.com', '/b'), 'b /b');
  assert.equal(await ask(made.port(80), 'own.test'), 'a /', 'only of its own namespace');
  assert.equal(await ask(made.port(80), 'blog.example.com'), 'b /');
  assert.equal(await ask(made.port(80), 'other.example.com'), '404');
  assert.equal(await ask(made.port(81), 'www.example.com', '/x?y'), '301 https://www.example.com/x?y');
});

test('TLS ends with the Secret of the proxies’ namespace; MUTUAL takes authorities from it or from -cacert; TLS is passed on by name', async t => {
  const trusted = authority();
  const own = certificateFor(['a.test']);
  const bytes = createTcp(socket => {
    socket.on('error', () => {});
    socket.end('passed on');
  }).listen(0, '127.0.0.1');
  await once(bytes, 'listening');
  t.after(() => bytes.close());
  const text = Buffer.from(trusted.pem).toString('base64');
  const made = await rig(
    t,
    `${istioGateway(
      '{ port: { number: 443, name: a, protocol: HTTPS }, hosts: [a.test], tls: { mode: SIMPLE, credentialName: own } }, { port: { number: 444, name: b, protocol: HTTPS }, hosts: [a.test], tls: { mode: MUTUAL, credentialName: own } }, { port: { number: 445, name: c, protocol: TLS }, hosts: [db.test], tls: { mode: PASSTHROUGH } }, { port: { number: 9000, name: d, protocol: TCP }, hosts: ["*"] }',
      '{ istio: edge }',
      'elsewhere',
    ).replaceAll('shop/front', 'elsewhere/front')}${secret('own', own)}---
apiVersion: v1
kind: Secret
metadata: { name: own-cacert, namespace: shop }
data: { cacert: ${text} }
${service('a', await app(t, 'a'))}${service('bytes', (bytes.address() as AddressInfo).port)}${virtualService('a', 'a.test', `http: [{ ${to('a')} }]`).replace('shop/front', 'elsewhere/front')}${virtualService('db', 'db.test', `tls: [{ match: [{ sniHosts: [db.test] }], ${to('bytes')} }], tcp: [{ match: [{ port: 9000 }], ${to('bytes')} }]`).replace('shop/front', 'elsewhere/front')}`,
  );
  const client = certificateFor(['client'], trusted);
  assert.equal(await askTls(made.port(443), { servername: 'a.test' }), 'HTTP/1.1 200');
  assert.equal(await askTls(made.port(444), { servername: 'a.test' }), '');
  assert.equal(
    await askTls(made.port(444), { servername: 'a.test', cert: client.pem, key: client.keyPem }),
    'HTTP/1.1 200',
  );
  const socket = connectTcp(made.port(9000), '127.0.0.1');
  const [said] = (await once(socket, 'data')) as [Buffer];
  assert.equal(String(said), 'passed on');
  socket.destroy();
});

test('a Gateway that selects others is not served', async t => {
  const server = (port: number): string =>
    `{ port: { number: ${port}, name: http, protocol: HTTP }, hosts: ["*"] }`;
  const made = await rig(
    t,
    istioGateway(server(80)) +
      istioGateway(server(81), '{ istio: other }').replace('name: front', 'name: other'),
  );
  assert.equal(await ask(made.port(80), 'x.test'), '404');
  assert.equal(made.port(81), 0);
});

test('a VirtualService goes by claims of tokens that a RequestAuthentication of the gateway has verified', async t => {
  const [a, b] = [await app(t, 'a'), await app(t, 'b')];
  const issuer = new TestIssuer();
  const made = await rig(
    t,
    istioGateway('{ port: { number: 80, name: http, protocol: HTTP }, hosts: ["*"] }') +
      service('a', a) +
      service('b', b) +
      virtualService(
        'web',
        'www.example.com',
        `http: [{ match: [{ headers: { "@request.auth.claims[realm][roles]": { exact: staff } } }], ${to('b')} }, { match: [{ withoutHeaders: { "@request.auth.claims.sub": { exact: mallory } } }], ${to('a')} }]`,
      ) +
      `---
apiVersion: security.istio.io/v1
kind: RequestAuthentication
metadata: { name: users, namespace: shop }
spec: { selector: { matchLabels: { istio: edge } }, jwtRules: [{ issuer: "${issuer.issuer}", jwks: '${issuer.jwks}' }] }
`,
  );
  const asked = (claims: Readonly<Record<string, unknown>>): Promise<string> =>
    ask(made.port(80), 'www.example.com', '/', { authorization: `Bearer ${issuer.token(claims)}` });
  assert.equal(await asked({ realm: { roles: ['guest', 'staff'] } }), 'b /');
  assert.equal(await asked({ realm: { roles: ['guest'] } }), 'a /');
  assert.equal(await asked({ sub: 'mallory' }), '404');
  assert.equal(await ask(made.port(80), 'www.example.com'), 'a /');
  assert.equal(
    await ask(made.port(80), 'www.example.com', '/', { authorization: 'Bearer nonsense' }),
    '401',
    'what is no token never comes to a route',
  );
});
