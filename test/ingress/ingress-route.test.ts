// IngressRoutes of Traefik at a gateway, asked over HTTP and TLS.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import { type RequestOptions, request as requestTls } from 'node:https';
import type { AddressInfo } from 'node:net';
import { after, before, test } from 'node:test';
import { createServer as createTlsServer } from 'node:tls';
import { certify } from '../../src/ca/testing/odd-certificates.ts';
import {
  authority,
  certificateFor,
  GatewayRig,
  secret,
  service,
} from '../../src/proxy/gateway/testing/gateway-rig.ts';
import { httpServer } from '../../src/proxy/testing/clients.ts';

type Spec = Readonly<Record<string, unknown>>;

function object(kind: string, name: string, spec: Spec, group = 'traefik.io', createdAt = ''): string {
  const metadata = { name, namespace: 'shop', ...(createdAt !== '' && { creationTimestamp: createdAt }) };
  return `---\n${JSON.stringify({ apiVersion: `${group}/v1alpha1`, kind, metadata, spec })}\n`;
}

const rule = (match: string, service: string, more: Spec = {}): Spec => ({
  ...{ kind: 'Rule', match, services: [{ name: service, port: 80 }] },
  ...more,
});

const plain = (name: string, ...routes: readonly Spec[]): string =>
  object('IngressRoute', name, { entryPoints: ['web'], routes });

const ingressClass = `apiVersion: networking.k8s.io/v1
kind: IngressClass
metadata: { name: traefik, annotations: { weft.dev/dialect: traefik } }
spec:
  controller: weft.dev/ingress-controller
  parameters: { apiGroup: gateway.networking.k8s.io, kind: Gateway, namespace: shop, name: edge, scope: Namespace }
`;

const clients = authority();
const known = certify({
  ...{ name: 'alice', purposes: [], issuer: clients },
  ...{ notBeforeMs: Date.now() - 1000, notAfterMs: Date.now() + 86_400_000 },
});

const objects: readonly string[] = [
  plain(
    'rules',
    rule('Host(`rules.example`)', 'app'),
    rule('Host(`rules.example`) && PathPrefix(`/api`) && (Method(`POST`) || Query(`to`, `b`))', 'b'),
    rule('Host(`rules.example`) && Path(`/c`) && !Header(`X-Off`, `1`)', 'c'),
    rule('Host(`other.example`) || Host(`third.example`)', 'b'),
    rule('HostRegexp(`^[a-z]+\\.many\\.example$`)', 'c'),
  ),
  // Whatever host: its priority goes before the rules of hosts.
  plain(
    'every',
    rule('PathPrefix(`/health`)', 'health', { priority: 1000 }),
    rule('PathPrefix(`/`)', 'rest', { priority: 1 }),
  ),
  plain(
    'ranked',
    rule('Host(`ranked.example`) && PathPrefix(`/longer/path`)', 'app'),
    rule('Host(`ranked.example`)', 'b', { priority: 500 }),
  ),
  plain('old', rule('Host(`v2.example`, `v2b.example`) && Path(`/{id:[0-9]+}`)', 'b', { syntax: 'v2' })),
  object('Middleware', 'strip', { stripPrefix: { prefixes: ['/api'] } }),
  object('Middleware', 'mark', { headers: { customRequestHeaders: { 'X-Mark': 'yes' } } }),
  plain(
    'changed',
    rule('Host(`changed.example`)', 'app', { middlewares: [{ name: 'strip' }, { name: 'mark' }] }),
  ),
  plain('weighted', {
    ...rule('Host(`weighted.example`)', 'app'),
    services: [
      { name: 'app', port: 80, weight: 1 },
      { name: 'three', kind: 'TraefikService', weight: 3 },
    ],
  }),
  object('TraefikService', 'three', {
    weighted: {
      services: [
        { name: 'b', port: 80, weight: 2 },
        { name: 'c', port: 80, weight: 1 },
      ],
    },
  }),
  plain('copied', {
    ...rule('Host(`copied.example`)', 'app'),
    services: [{ name: 'copied', kind: 'TraefikService' }],
  }),
  object('TraefikService', 'copied', {
    mirroring: { name: 'app', port: 80, mirrors: [{ name: 'shadow', port: 80, percent: 100 }] },
  }),
  plain('sticky', {
    ...rule('Host(`sticky.example`)', 'app'),
    services: [
      { name: 'app', port: 80, passHostHeader: false, sticky: { cookie: { name: 'stay', httpOnly: true } } },
    ],
  }),
  plain('missing', {
    ...rule('Host(`missing.example`)', 'app'),
    services: [{ name: 'nobody', kind: 'TraefikService' }],
  }),
  plain('guarded', rule('Host(`guarded.example`)', 'app', { middlewares: [{ name: 'nobody' }] })),
  plain('far', {
    ...rule('Host(`far.example`)', 'app'),
    services: [{ name: 'app', namespace: 'other', port: 80 }],
  }),
  object('IngressRoute', 'secure', {
    tls: { secretName: 'tls' },
    routes: [rule('Host(`secure.example`)', 'app')],
  }),
  object('IngressRoute', 'mutual', {
    entryPoints: ['websecure'],
    tls: { secretName: 'tls', options: { name: 'mutual' } },
    routes: [rule('Host(`mutual.example`)', 'app')],
  }),
  object('TLSOption', 'mutual', {
    minVersion: 'VersionTLS13',
    clientAuth: { secretNames: ['clients'], clientAuthType: 'RequireAndVerifyClientCert' },
  }),
  object(
    'IngressRoute',
    'former',
    { entryPoints: ['web'], routes: [rule('Host(`former.example`)', 'c')] },
    'traefik.containo.us',
  ),
  object('IngressRouteTCP', 'passed', {
    entryPoints: ['websecure'],
    tls: { passthrough: true },
    routes: [{ match: 'HostSNI(`passed.example`)', services: [{ name: 'tls', port: 80 }] }],
  }),
];

let rig: GatewayRig;
let copies = 0;
let fixed = '';
const closing: (() => void)[] = [];

before(async () => {
  const services = await Promise.all(
    ['app', 'b', 'c', 'health', 'rest'].map(async name => service(name, await app(name))),
  );
  const shadow = await httpServer((_asked, response) => {
    copies++;
    response.end();
  });
  const own = certificateFor(['passed.example']);
  const passed = createTlsServer({ cert: own.pem, key: own.keyPem }, socket => {
    socket.on('error', () => undefined);
    socket.end('HTTP/1.1 200 OK\r\nx-app: {"name":"tls"}\r\nconnection: close\r\n\r\n');
  }).listen(0, '127.0.0.1');
  await once(passed, 'listening');
  closing.push(shadow.close, () => passed.close());
  services.push(service('shadow', shadow.port), service('tls', (passed.address() as AddressInfo).port));
  const authorities = {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: 'clients', namespace: 'shop' },
    stringData: { 'tls.ca': clients.pem },
  };
  fixed = [
    ingressClass,
    secret('tls', certificateFor(['*.example'])),
    `---\n${JSON.stringify(authorities)}\n`,
    ...services,
  ].join('');
  rig = new GatewayRig(fixed + objects.join(''));
  closing.push(() => rig.close());
  while (rig.plane.gateway!.notReady() !== undefined || rig.port(80) === 0 || rig.port(443) === 0)
    await new Promise(setImmediate);
});

after(() => {
  for (const close of closing) close();
});

async function app(name: string): Promise<number> {
  const { port, close } = await httpServer((asked, response) => {
    response.setHeader('x-app', JSON.stringify({ name, url: asked.url, headers: asked.headers }));
    response.end('ok');
  });
  closing.push(close);
  return port;
}

interface Asked extends Pick<RequestOptions, 'path' | 'method' | 'cert' | 'key' | 'maxVersion'> {
  readonly headers?: Readonly<Record<string, string>>;
  readonly tls?: boolean;
}

interface Got {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly seen:
    | { readonly name: string; readonly url: string; readonly headers: IncomingMessage['headers'] }
    | undefined;
}

async function ask(name: string, { tls = false, headers = {}, ...more }: Asked = {}): Promise<Got> {
  const host = `${name}.example`;
  const options = { host: '127.0.0.1', headers: { host, ...headers }, agent: false, ...more };
  const sent = tls
    ? requestTls({ ...options, port: rig.port(443), servername: host, rejectUnauthorized: false })
    : request({ ...options, port: rig.port(80) });
  sent.end();
  const [response] = (await once(sent, 'response')) as [IncomingMessage];
  for await (const _ of response);
  const told = response.headers['x-app'] as string | undefined;
  return {
    status: response.statusCode ?? 0,
    headers: response.headers,
    seen: told === undefined ? undefined : JSON.parse(told),
  };
}

const who = async (name: string, asked: Asked = {}): Promise<string | number> => {
  const { seen, status } = await ask(name, asked);
  return seen?.name ?? status;
};

test('rules: hosts, paths, methods, queries, headers, not and or', async () => {
  assert.equal(await who('rules'), 'app');
  assert.equal(await who('rules', { path: '/api/x' }), 'app');
  assert.equal(await who('rules', { path: '/api/x', method: 'POST' }), 'b');
  assert.equal(await who('rules', { path: '/api/x?to=b' }), 'b');
  assert.equal(await who('rules', { path: '/c' }), 'c');
  assert.equal(await who('rules', { path: '/c', headers: { 'x-off': '1' } }), 'app');
  assert.deepEqual([await who('other'), await who('third')], ['b', 'b']);
  assert.equal(await who('x.many'), 'c');
  assert.equal(await who('v2', { path: '/12' }), 'b');
  assert.equal(await who('v2b', { path: '/x' }), 'rest');
});

test('the highest priority goes first, whatever host its rule names; else the longest rule', async () => {
  assert.equal(await who('rules', { path: '/health' }), 'health');
  assert.equal(await who('nobody', { path: '/health' }), 'health');
  assert.equal(await who('nobody'), 'rest');
  assert.equal(await who('ranked', { path: '/longer/path' }), 'b');
});

test('Middlewares of a route, and of another namespace or none: nobody gets past them', async () => {
  const { seen } = await ask('changed', { path: '/api/users' });
  assert.deepEqual([seen?.url, seen?.headers['x-mark']], ['/users', 'yes']);
  assert.equal(await who('guarded'), 503);
  assert.equal(await who('far'), 503);
});

test('TraefikServices: weights of weights, copies, and one that is missing', async () => {
  const counts = new Map<string | number, number>();
  for (let index = 0; index < 300; index++) {
    const name = await who('weighted');
    counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  // A quarter, a half and a quarter; by chance, so that four standard deviations are let.
  const near = (name: string, share: number): boolean => {
    const deviation = Math.sqrt(300 * share * (1 - share));
    return Math.abs((counts.get(name) ?? 0) - 300 * share) < 5 * deviation;
  };
  assert.ok(near('app', 0.25) && near('b', 0.5) && near('c', 0.25), JSON.stringify([...counts]));
  assert.equal(await who('copied'), 'app');
  while (copies === 0) await new Promise(setImmediate);
  assert.equal(await who('missing'), 503);
});

test('sticky cookies, and a Host of the backend', async () => {
  const { headers, seen } = await ask('sticky');
  assert.match(String(headers['set-cookie']), /^stay=.*HttpOnly/i);
  assert.equal(seen?.headers.host, 'app.shop.svc.cluster.local');
});

test('tls: by TLS alone, and TLSOptions say which', async () => {
  assert.equal(await who('secure', { tls: true }), 'app');
  assert.equal(await who('secure'), 'rest', 'plain requests are for the rule of every host');
  const shown = { tls: true, cert: known.pem, key: known.keyPem };
  assert.equal(await who('mutual', shown), 'app');
  await assert.rejects(ask('mutual', { tls: true }), 'without a certificate no connection');
  await assert.rejects(ask('mutual', { ...shown, maxVersion: 'TLSv1.2' }), 'not by TLS 1.2');
});

test('IngressRouteTCP: TLS is passed on unread', async () => {
  assert.equal(await who('passed', { tls: true }), 'tls');
});

test('the group that Traefik had before', async () => {
  assert.equal(await who('former'), 'c');
});

test('a TraefikService and a route that come, change and go are in force at once, and one with an error stays what it was', async t => {
  t.after(() => rig.tell(fixed + objects.join('')));
  const service = (to: string): string =>
    object('TraefikService', 'nobody', { weighted: { services: [{ name: to, port: 80 }] } });
  for (const to of ['b', 'c']) {
    rig.tell(fixed + objects.join('') + service(to));
    assert.equal(await who('missing'), to);
  }
  rig.tell(fixed + objects.join('') + object('TraefikService', 'nobody', { weighted: { services: [] } }));
  assert.equal(await who('missing'), 'c');
  const wrong = objects.map(each => each.replace('Host(`ranked.example`)"', 'Host(`ranked.example`"'));
  rig.tell(fixed + wrong.join(''));
  assert.equal(await who('ranked'), 'b');
});
