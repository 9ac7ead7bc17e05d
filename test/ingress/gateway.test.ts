// Ingresses at a gateway by real sockets: what no nginx of Debian's can be asked beside it.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import { createServer as createTlsServer, request as requestTls } from 'node:https';
import type { AddressInfo } from 'node:net';
import { type TestContext, test } from 'node:test';
import { certificateFor, GatewayRig, secret, service } from '../../src/proxy/gateway/testing/gateway-rig.ts';
import { httpServer } from '../../src/proxy/testing/clients.ts';

const ingressClass = `apiVersion: networking.k8s.io/v1
kind: IngressClass
metadata: { name: nginx, annotations: { ingressclass.kubernetes.io/is-default-class: 'true' } }
spec:
  controller: weft.dev/ingress-controller
  parameters: { apiGroup: gateway.networking.k8s.io, kind: Gateway, namespace: shop, name: edge, scope: Namespace }
`;

/** An Ingress of one host whose paths go to Services. */
function ingress(
  name: string,
  host: string,
  paths: Readonly<Record<string, string>>,
  annotations: Readonly<Record<string, string>> = {},
  more: object = {},
): string {
  const named = Object.entries(annotations).map(([key, value]) => [
    `nginx.ingress.kubernetes.io/${key}`,
    value,
  ]);
  return `---\n${JSON.stringify({
    apiVersion: 'networking.k8s.io/v1',
    kind: 'Ingress',
    metadata: {
      name,
      namespace: 'shop',
      annotations: Object.fromEntries(named),
      creationTimestamp: `2026-01-01T00:00:00Z`,
    },
    spec: {
      rules: [
        {
          ...(host !== '' && { host }),
          http: {
            paths: Object.entries(paths).map(([path, to]) => ({
              path,
              pathType: 'Prefix',
              backend: { service: { name: to, port: { number: 80 } } },
            })),
          },
        },
      ],
      ...more,
    },
  })}\n`;
}

interface Place {
  readonly rig: GatewayRig;
  readonly services: string;
  readonly ask: (host: string, path?: string, headers?: Record<string, string>) => Promise<Seen>;
}

interface Seen {
  readonly status: number;
  readonly text: string;
  readonly headers: IncomingMessage['headers'];
}

/** Services v1 and v2 that answer their names. */
async function place(t: TestContext, yaml: string): Promise<Place> {
  const apps = await Promise.all(
    ['v1', 'v2'].map(async name => {
      const { port, close } = await httpServer((_, response) => void response.end(name));
      t.after(close);
      return service(name, port);
    }),
  );
  const services = `${ingressClass}${apps.join('')}`;
  const rig = new GatewayRig(`${services}${yaml}`);
  t.after(() => rig.close());
  while (rig.plane.gateway!.notReady() !== undefined || rig.port(80) === 0) await new Promise(setImmediate);
  return {
    rig,
    services,
    ask: (host, path = '/', headers = {}) =>
      read(
        request({ host: '127.0.0.1', port: rig.port(80), path, headers: { host, ...headers }, agent: false }),
      ),
  };
}

async function read(sent: ReturnType<typeof request>): Promise<Seen> {
  sent.end();
  const [response] = (await once(sent, 'response')) as [IncomingMessage];
  let text = '';
  for await (const piece of response.setEncoding('utf8')) text += piece;
  return { status: response.statusCode ?? 0, text, headers: response.headers };
}

test('canaries: the header decides, then the cookie, then the weight', async t => {
  const { ask } = await place(
    t,
    ingress('main', 'a.example', { '/': 'v1' }) +
      ingress(
        'canary',
        'a.example',
        { '/': 'v2' },
        {
          canary: 'true',
          'canary-weight': '20',
          'canary-by-header': 'X-Canary',
          'canary-by-cookie': 'canary',
        },
      ),
  );
  const by = async (headers: Record<string, string>): Promise<string> =>
    (await ask('a.example', '/', headers)).text;
  assert.equal(await by({ 'x-canary': 'always' }), 'v2');
  assert.equal(await by({ 'x-canary': 'never', cookie: 'canary=always' }), 'v1');
  assert.equal(await by({ cookie: 'a=b; canary=always; c=d' }), 'v2');
  assert.equal(await by({ cookie: 'canary=never' }), 'v1');
  assert.equal(await by({ cookie: 'canary=alwaysnot', 'x-canary': 'never' }), 'v1');
  const shares = await Promise.all(Array.from({ length: 100 }, () => by({ 'x-canary': 'perhaps' })));
  assert.equal(shares.filter(each => each === 'v2').length, 20);
});

test('hosts: one label for a star, aliases, www, a default backend, and 404 for the rest', async t => {
  const { ask } = await place(
    t,
    ingress('star', '*.example.com', { '/': 'v1' }) +
      ingress(
        'main',
        'shop.example',
        { '/': 'v2' },
        {
          'server-alias': 'alias.example',
          'from-to-www-redirect': 'true',
        },
      ),
  );
  assert.equal((await ask('a.example.com')).text, 'v1');
  assert.equal((await ask('A.Example.Com:80')).text, 'v1');
  assert.equal((await ask('a.b.example.com')).status, 404);
  assert.equal((await ask('example.com')).status, 404);
  assert.equal((await ask('alias.example')).text, 'v2');
  const www = await ask('www.shop.example', '/a?b=c');
  assert.deepEqual([www.status, www.headers.location], [308, 'http://shop.example/a?b=c']);
});

test('TLS: plain requests are redirected where a host has it, and its clients learn that they always should', async t => {
  const certificate = certificateFor(['tls.example']);
  const tls = [{ hosts: ['tls.example'], secretName: 'tls' }];
  const { ask, rig } = await place(
    t,
    secret('tls', certificate) +
      ingress(
        'secured',
        'tls.example',
        { '/': 'v1' },
        { affinity: 'cookie', 'session-cookie-samesite': 'Lax' },
        { tls },
      ) +
      ingress(
        'either',
        'either.example',
        { '/': 'v1' },
        { 'ssl-redirect': 'false' },
        { tls: [{ hosts: ['either.example'], secretName: 'tls' }] },
      ) +
      ingress('plain', 'plain.example', { '/': 'v1' }),
  );
  const redirected = await ask('tls.example', '/a?b');
  assert.deepEqual([redirected.status, redirected.headers.location], [308, 'https://tls.example/a?b']);
  assert.equal((await ask('either.example')).text, 'v1');
  assert.equal((await ask('plain.example')).text, 'v1');
  const secured = await read(
    requestTls({
      host: '127.0.0.1',
      port: rig.port(443),
      servername: 'tls.example',
      ca: certificate.pem,
      headers: { host: 'tls.example' },
      agent: false,
    }),
  );
  assert.deepEqual(
    [secured.text, secured.headers['strict-transport-security']],
    ['v1', 'max-age=31536000; includeSubDomains'],
  );
  assert.match(
    secured.headers['set-cookie']![0]!,
    /^INGRESSCOOKIE=.*; Path=\/; HttpOnly; Secure; SameSite=Lax$/,
  );
});

test('an Ingress that was never good answers 503 on its own paths, rather than that a wider one takes them', async t => {
  const open = ingress('open', 'a.example', { '/': 'v1' });
  const wrong = ingress('wrong', 'a.example', { '/admin': 'v2' }, { 'limit-rps': 'ten' });
  const { ask, rig, services } = await place(t, open + wrong);
  assert.equal((await ask('a.example')).text, 'v1');
  assert.deepEqual((await ask('a.example', '/admin/x')).status, 503);
  rig.tell(services + open + wrong.replace('"ten"', '"10"'));
  while ((await ask('a.example', '/admin')).text !== 'v2');
  rig.tell(services + open + wrong);
  for (let i = 0; i < 5; i++)
    assert.equal((await ask('a.example', '/admin')).text, 'v2', 'its last good version holds on');
});

test('without the Secret of its users nobody gets in, and with it they do', async t => {
  const guarded = ingress(
    'guarded',
    'a.example',
    { '/': 'v1' },
    { 'auth-type': 'basic', 'auth-secret': 'users' },
  );
  const { ask, rig, services } = await place(t, guarded);
  const headers = { authorization: `Basic ${Buffer.from('bob:secret').toString('base64')}` };
  assert.equal((await ask('a.example', '/', headers)).status, 503);
  const users = `---
apiVersion: v1
kind: Secret
metadata: { name: users, namespace: shop }
stringData: { auth: 'bob:{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=' }
`;
  rig.tell(services + guarded + users);
  while ((await ask('a.example', '/', headers)).status !== 200);
  assert.equal((await ask('a.example')).status, 401);
});

test('auth-map: each key of the Secret is a user, and follows it', async t => {
  const guarded = ingress(
    'guarded',
    'a.example',
    { '/': 'v1' },
    { 'auth-type': 'basic', 'auth-secret': 'users', 'auth-secret-type': 'auth-map' },
  );
  const secret = (users: Readonly<Record<string, string>>, field = 'stringData'): string => `---
apiVersion: v1
kind: Secret
metadata: { name: users, namespace: shop }
${field}: ${JSON.stringify(users)}
`;
  const hash = '{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=';
  const { ask, rig, services } = await place(
    t,
    guarded + secret({ bob: `${hash}\n`, auth: hash, empty: '' }),
  );
  const statusOf = async (login: string): Promise<number> => {
    const headers = { authorization: `Basic ${Buffer.from(login).toString('base64')}` };
    return (await ask('a.example', '/', headers)).status;
  };
  assert.equal(await statusOf('bob:secret'), 200, 'the end of a line is no part of the hash');
  assert.equal(await statusOf('auth:secret'), 200, 'auth is a user like others');
  for (const login of ['bob:Secret', 'mallory:secret', 'empty:', 'constructor:secret', '{SHA}:secret'])
    assert.equal(await statusOf(login), 401, login);
  rig.tell(services + guarded + secret({ alice: Buffer.from(hash).toString('base64') }, 'data'));
  while ((await statusOf('alice:secret')) !== 200);
  assert.equal(await statusOf('bob:secret'), 401);
});

test('spec.defaultBackend answers what no other rule takes', async t => {
  const fallback = `---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: { name: fallback, namespace: shop }
spec: { defaultBackend: { service: { name: v2, port: { number: 80 } } } }
`;
  const { ask } = await place(t, ingress('main', 'a.example', { '/a': 'v1' }) + fallback);
  assert.equal((await ask('a.example', '/a')).text, 'v1');
  assert.equal((await ask('nobody.example')).text, 'v2');
});

test('ssl-passthrough: TLS of the host goes to the backend of / unread, beside hosts whose TLS ends here', async t => {
  const [theirs, own] = [certificateFor(['passed.example']), certificateFor(['ended.example'])];
  const backend = createTlsServer({ key: theirs.keyPem, cert: theirs.pem }, (_, response) =>
    response.end('backend'),
  ).listen(0, '127.0.0.1');
  await once(backend, 'listening');
  t.after(() => backend.close());
  const { port } = backend.address() as AddressInfo;
  const { rig } = await place(
    t,
    secret('own', own) +
      service('secured', port) +
      ingress('passed', 'passed.example', { '/': 'secured' }, { 'ssl-passthrough': 'true' }) +
      ingress(
        'ended',
        'ended.example',
        { '/': 'v1' },
        {},
        { tls: [{ hosts: ['ended.example'], secretName: 'own' }] },
      ),
  );
  const over = async (host: string, ca: string): Promise<string> =>
    (
      await read(
        requestTls({
          ...{ host: '127.0.0.1', port: rig.port(443), servername: host, ca, agent: false },
          headers: { host },
        }),
      )
    ).text;
  assert.equal(await over('passed.example', theirs.pem), 'backend');
  assert.equal(await over('ended.example', own.pem), 'v1');
});

test('global-auth-url is asked about every Ingress but those that say otherwise, and not where domains are checked', async t => {
  const authorizer = await httpServer(({ headers }, response) =>
    response.writeHead(headers['x-pass'] === 'yes' ? 200 : 401).end(),
  );
  t.after(authorizer.close);
  const configMap = `---
apiVersion: v1
kind: ConfigMap
metadata: { name: ingress-nginx-controller, namespace: ingress-nginx }
data: { global-auth-url: "http://auth.shop.svc.cluster.local/", global-auth-signin: "https://login.example/" }
`;
  const { ask } = await place(
    t,
    configMap +
      service('auth', authorizer.port) +
      ingress('guarded', 'guarded.example', { '/': 'v1', '/.well-known/acme-challenge/token': 'v2' }) +
      ingress('open', 'open.example', { '/': 'v1' }, { 'enable-global-auth': 'false' }),
  );
  assert.equal((await ask('guarded.example', '/', { 'x-pass': 'yes' })).text, 'v1');
  const refused = await ask('guarded.example');
  assert.equal(refused.status, 302);
  assert.match(refused.headers.location ?? '', /^https:\/\/login\.example\/\?rd=/);
  assert.equal((await ask('guarded.example', '/.well-known/acme-challenge/token')).text, 'v2');
  assert.equal((await ask('open.example')).text, 'v1');
});
