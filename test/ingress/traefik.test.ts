// A gateway whose class speaks Traefik's words, asked over HTTP and TLS: what rules are for, and what each Middleware does.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import { request as requestTls } from 'node:https';
import { after, before, test } from 'node:test';
import { certificateFor, GatewayRig, secret, service } from '../../src/proxy/gateway/testing/gateway-rig.ts';
import { httpServer } from '../../src/proxy/testing/clients.ts';

const prefix = 'traefik.ingress.kubernetes.io/';
const users = 'alice:$apr1$7yXrLmwK$PDJAsmOVYrMzCib.J.NGl/\n';

/** A Middleware of namespace shop. */
function middleware(name: string, spec: object, group = 'traefik.io'): string {
  const head = { apiVersion: `${group}/v1alpha1`, kind: 'Middleware', metadata: { name, namespace: 'shop' } };
  return `---\n${JSON.stringify({ ...head, spec })}\n`;
}

type Path = readonly [path: string, type: string, service?: string];

/** An Ingress of NAME.example with these Middlewares, and other annotations. */
function ingress(
  name: string,
  middlewares: readonly string[],
  paths: readonly Path[] = [['/', 'Prefix']],
  more: Readonly<Record<string, string>> = {},
  host = name,
): string {
  const named = middlewares.map(each => `shop-${each}@kubernetescrd`).join(', ');
  const annotations = Object.fromEntries(
    Object.entries({ ...more, ...(named !== '' && { 'router.middlewares': named }) }).map(([key, value]) => [
      prefix + key,
      value,
    ]),
  );
  return `---\n${JSON.stringify({
    apiVersion: 'networking.k8s.io/v1',
    kind: 'Ingress',
    metadata: { name, namespace: 'shop', annotations },
    spec: {
      ingressClassName: 'traefik',
      tls: [{ hosts: [`${host}.example`], secretName: 'tls' }],
      rules: [
        {
          host: `${host}.example`,
          http: {
            paths: paths.map(([path, pathType, to = 'app']) => ({
              path,
              pathType,
              backend: { service: { name: to, port: { number: 80 } } },
            })),
          },
        },
      ],
    },
  })}\n`;
}

const ingressClass = `apiVersion: networking.k8s.io/v1
kind: IngressClass
metadata: { name: traefik, annotations: { weft.dev/dialect: traefik } }
spec:
  controller: weft.dev/ingress-controller
  parameters: { apiGroup: gateway.networking.k8s.io, kind: Gateway, namespace: shop, name: edge, scope: Namespace }
`;

const objects: readonly string[] = [
  ingress('plain', [], [['/', 'Prefix']], { 'router.entrypoints': 'web' }),
  ingress('secure', [], [['/', 'Prefix']], { 'router.entrypoints': 'websecure' }),
  ingress('both', [], [['/', 'Prefix']]),
  ingress(
    'paths',
    [],
    [
      ['/a', 'Prefix'],
      ['/ab', 'Exact', 'other'],
      ['/v[0-9]+/', 'ImplementationSpecific', 'other'],
    ],
    { 'router.pathmatcher': 'PathRegexp' },
  ),
  ingress('ranked', [], [['/longer/path', 'Prefix']]),
  ingress('ranked-high', [], [['/', 'Prefix', 'other']], { 'router.priority': '1000' }, 'ranked'),
  middleware('https', { redirectScheme: { scheme: 'https', permanent: true } }),
  ingress('redirect', ['https']),
  middleware('elsewhere', {
    redirectRegex: {
      ...{ regex: '^(https?)://elsewhere\\.example/(?P<where>old/)(.*)', permanent: true },
      replacement: '$1://new.example/$where$3$$',
    },
  }),
  ingress('elsewhere', ['elsewhere']),
  middleware('strip', { stripPrefix: { prefixes: ['/api'] } }),
  ingress('strip', ['strip'], [['/api', 'Prefix']]),
  middleware('strip-more', { stripPrefix: { prefixes: ['/v1/', '/v2'] } }),
  middleware('strip-pattern', { stripPrefixRegex: { regex: ['^/[a-z]+/[0-9]+/'] } }),
  ingress('strip-pattern', ['strip-pattern']),
  middleware('add', { addPrefix: { prefix: '/shop' } }),
  middleware('steps', { chain: { middlewares: [{ name: 'strip-more' }, { name: 'add' }] } }),
  ingress('steps', ['steps']),
  middleware('replace', { replacePath: { path: '/index.html' } }, 'traefik.containo.us'),
  ingress('replace', ['replace']),
  middleware('pattern', { replacePathRegex: { regex: '^/old/(.*)$', replacement: '/new/$1' } }),
  ingress('pattern', ['pattern']),
  middleware('headers', {
    headers: {
      customRequestHeaders: { 'X-Set': '100%', 'X-Gone': '', Host: 'inner.example' },
      ...{ customResponseHeaders: { 'X-App-Version': '' }, frameDeny: true, stsSeconds: 60 },
      ...{ accessControlAllowOriginList: ['https://a.example'], accessControlAllowMethods: ['GET'] },
    },
  }),
  ingress('headers', ['headers']),
  middleware('login', { basicAuth: { secret: 'users', removeHeader: true } }),
  ingress('login', ['login']),
  middleware('asked', {
    forwardAuth: { address: 'http://auth.shop.svc.cluster.local/verify', authResponseHeaders: ['X-User'] },
  }),
  ingress('asked', ['asked']),
  middleware('asked-less', {
    forwardAuth: { address: 'http://auth.shop.svc.cluster.local/', authRequestHeaders: ['X-Auth'] },
  }),
  ingress('asked-less', ['asked-less']),
  middleware('limit', { rateLimit: { average: 1, period: '1h', burst: 3 } }),
  ingress('limit', ['limit']),
  middleware('addresses', { ipAllowList: { sourceRange: ['10.0.0.0/8'] } }),
  ingress('addresses', ['addresses']),
  middleware('size', { buffering: { maxRequestBodyBytes: 10 } }),
  ingress('size', ['size']),
  middleware('pages', {
    errors: { status: ['500-599'], service: { name: 'pages' }, query: '/{status}.html?u={url}' },
  }),
  ingress('pages', ['pages']),
  middleware('small', { compress: { minResponseBodyBytes: 10 } }),
  ingress('small', ['small']),
  ingress('missing', ['nothing']),
  middleware('other-addresses', { ipAllowList: { sourceRange: ['127.0.0.1'] } }),
  ingress('twice', ['addresses', 'other-addresses']),
  middleware('refused', { plugin: { demo: {} } }),
  ingress('refused', ['refused']),
  middleware('circle', { chain: { middlewares: [{ name: 'circle' }] } }),
  ingress('circle', ['circle']),
  ingress('own', [], [['/', 'Prefix', 'own']]),
];

let rig: GatewayRig;
let fixed = '';
const closing: (() => void)[] = [];

before(async () => {
  const ports = {
    app: await app('app'),
    other: await app('other'),
    own: await app('own'),
    auth: await server((asked, response) => {
      const status = Number(asked.headers['x-auth'] ?? 200);
      const fields = {
        'x-user': 'alice',
        ...(status === 302 && { location: 'https://login.example/', 'set-cookie': 'a=1' }),
      };
      response.setHeader('x-question', JSON.stringify([asked.method, asked.url, asked.headers]));
      response.writeHead(status, fields).end(status === 200 ? '' : 'words of the authorizer');
    }),
    pages: await server((asked, response) => void response.end(`page ${asked.url}`)),
  };
  const services = Object.entries(ports).map(([name, port]) => {
    const yaml = service(name, port);
    if (name !== 'own') return yaml;
    const sticky = {
      [`${prefix}service.sticky.cookie.name`]: 'route',
      [`${prefix}service.passhostheader`]: 'false',
    };
    return yaml.replace(
      'kind: Service\nmetadata: {',
      `kind: Service\nmetadata: { annotations: ${JSON.stringify(sticky)},`,
    );
  });
  const login = `---\n${JSON.stringify({ apiVersion: 'v1', kind: 'Secret', metadata: { name: 'users', namespace: 'shop' }, stringData: { users } })}\n`;
  fixed = [ingressClass, secret('tls', certificateFor(['*.example'])), login, ...services].join('');
  rig = new GatewayRig(fixed + objects.join(''));
  closing.push(() => rig.close());
  while (rig.plane.gateway!.notReady() !== undefined || rig.port(80) === 0 || rig.port(443) === 0)
    await new Promise(setImmediate);
});

after(() => {
  for (const close of closing) close();
});

interface Asked {
  readonly path?: string;
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly tls?: boolean;
}

interface Got {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
  /** What the app has seen; undefined where it was not asked. */
  readonly seen:
    | { readonly name: string; readonly url: string; readonly headers: IncomingMessage['headers'] }
    | undefined;
}

async function ask(
  name: string,
  { path = '/', method = 'GET', headers = {}, body, tls = false }: Asked = {},
): Promise<Got> {
  const host = `${name}.example`;
  const options = { host: '127.0.0.1', path, method, headers: { host, ...headers }, agent: false };
  const sent = tls
    ? requestTls({ ...options, port: rig.port(443), servername: host, rejectUnauthorized: false })
    : request({ ...options, port: rig.port(80) });
  sent.on('error', () => undefined);
  sent.end(body);
  const [response] = (await once(sent, 'response')) as [IncomingMessage];
  const pieces: Buffer[] = [];
  response.on('error', () => undefined);
  for await (const piece of response) pieces.push(piece as Buffer);
  const told = response.headers['x-app'] as string | undefined;
  return {
    status: response.statusCode ?? 0,
    headers: response.headers,
    body: Buffer.concat(pieces).toString(),
    seen: told === undefined ? undefined : JSON.parse(told),
  };
}

async function app(name: string): Promise<number> {
  return server((asked, response) => {
    const status = Number(/^\/status\/(\d+)/.exec(asked.url ?? '')?.[1] ?? 200);
    asked.resume().on('end', () => {
      response.setHeader('x-app', JSON.stringify({ name, url: asked.url, headers: asked.headers }));
      response.setHeader('x-app-version', '7').setHeader('content-type', 'text/plain');
      response.writeHead(status).end('x'.repeat(100));
    });
  });
}

async function server(listener: Parameters<typeof httpServer>[0]): Promise<number> {
  const { port, close } = await httpServer(listener);
  closing.push(close);
  return port;
}

test('entry points: plain HTTP, TLS, or both', async () => {
  const statuses = async (name: string) => [
    (await ask(name)).status,
    (await ask(name, { tls: true })).status,
  ];
  assert.deepEqual(await statuses('plain'), [200, 404]);
  assert.deepEqual(await statuses('secure'), [404, 200]);
  assert.deepEqual(await statuses('both'), [200, 200]);
});

test('prefixes are text, exact paths whole, and ImplementationSpecific what router.pathmatcher says', async () => {
  const who = async (path: string) => (await ask('paths', { path })).seen?.name;
  assert.deepEqual(await Promise.all(['/a', '/a/b', '/abc', '/x/v12/y', '/v/', '/b'].map(who)), [
    'app',
    'app',
    'app',
    'other',
    undefined,
    undefined,
  ]);
  // The rule of the prefix is the longer text: PathPrefix(`/a`) against Path(`/ab`).
  assert.equal(await who('/ab'), 'app');
});

test('the highest priority goes first, else the longest rule', async () => {
  assert.equal((await ask('ranked', { path: '/longer/path' })).seen?.name, 'other');
});

test('redirectScheme: GET by 301, what has a body by 308', async () => {
  const got = await ask('redirect', { path: '/a?b=c' });
  assert.deepEqual([got.status, got.headers.location], [301, 'https://redirect.example/a?b=c']);
  assert.equal((await ask('redirect', { method: 'POST', body: 'x' })).status, 308);
  assert.equal((await ask('redirect', { tls: true })).status, 200);
});

test('redirectRegex: what it changes of the whole URL, GET by 301 and others by 308; all else is served', async () => {
  const moved = await ask('elsewhere', { path: '/old/x?y' });
  assert.deepEqual([moved.status, moved.headers.location], [301, 'http://new.example/old/x?y$']);
  assert.equal((await ask('elsewhere', { path: '/old/', method: 'POST', body: 'x', tls: true })).status, 308);
  assert.equal((await ask('elsewhere', { path: '/new' })).seen?.url, '/new');
});

test('paths: stripped, added, replaced, one after the other', async () => {
  const url = async (name: string, path: string) => (await ask(name, { path })).seen?.url;
  const stripped = await ask('strip', { path: '/api/users?id=1' });
  assert.deepEqual(
    [stripped.seen?.url, stripped.seen?.headers['x-forwarded-prefix']],
    ['/users?id=1', '/api'],
  );
  assert.equal(await url('strip', '/api'), '/');
  assert.equal(await url('strip-pattern', '/a/12/b'), '/b');
  assert.equal(await url('steps', '/v1/a?b'), '/shop/a?b');
  assert.equal(await url('steps', '/a'), '/shop/a');
  assert.equal(await url('replace', '/a/b'), '/index.html');
  assert.equal(await url('pattern', '/old/a?b=c'), '/new/a?b=c');
  assert.equal(await url('pattern', '/other'), '/other');
});

test('headers: set, taken away, for safety, and for pages of other origins', async () => {
  const headers = { 'x-gone': '1', origin: 'https://a.example' };
  const { seen, headers: got } = await ask('headers', { headers });
  assert.deepEqual(
    [seen?.headers['x-set'], seen?.headers['x-gone'], seen?.headers.host],
    ['100%', undefined, 'inner.example'],
  );
  assert.deepEqual(
    [got['x-app-version'], got['x-frame-options'], got['strict-transport-security']],
    [undefined, 'DENY', undefined],
  );
  assert.equal(got['access-control-allow-origin'], 'https://a.example');
  assert.equal((await ask('headers', { tls: true })).headers['strict-transport-security'], 'max-age=60');
});

test('basicAuth: users of the key `users`, and the login is taken away', async () => {
  const authorization = `Basic ${Buffer.from('alice:secret').toString('base64')}`;
  assert.equal((await ask('login')).headers['www-authenticate'], 'Basic realm="traefik"');
  const { status, seen } = await ask('login', { headers: { authorization } });
  assert.deepEqual([status, seen?.headers.authorization], [200, undefined]);
});

test('forwardAuth: 2xx lets the request pass, anything else is what the client is answered', async () => {
  const passed = await ask('asked', { path: '/a?b', headers: { 'x-auth': '200', 'x-user': 'root' } });
  assert.deepEqual([passed.status, passed.seen?.headers['x-user']], [200, 'alice']);
  const sent = await ask('asked', { headers: { 'x-auth': '302' } });
  assert.deepEqual(
    [sent.status, sent.headers.location, sent.headers['set-cookie']],
    [302, 'https://login.example/', ['a=1']],
  );
  const refused = await ask('asked', {
    method: 'PUT',
    path: '/a?b',
    headers: { 'x-auth': '418', 'x-forwarded-method': 'GET' },
  });
  assert.deepEqual([refused.status, refused.body, refused.seen], [418, 'words of the authorizer', undefined]);
  const [method, url, asked] = JSON.parse(String(refused.headers['x-question']));
  assert.deepEqual([method, url], ['GET', '/verify']);
  assert.deepEqual(
    ['method', 'proto', 'host', 'uri', 'for'].map(each => asked[`x-forwarded-${each}`]),
    ['PUT', 'http', 'asked.example', '/a?b', '127.0.0.1'],
  );
});

test('forwardAuth: with authRequestHeaders the question has those alone of the fields of the request', async () => {
  const refused = await ask('asked-less', { headers: { 'x-auth': '401', cookie: 'a=1' } });
  const [, , asked] = JSON.parse(String(refused.headers['x-question']));
  assert.deepEqual([asked['x-auth'], asked.cookie, asked['x-forwarded-uri']], ['401', undefined, '/']);
});

test('rateLimit, ipAllowList and buffering refuse by 429, 403 and 413', async () => {
  const statuses: number[] = [];
  for (let i = 0; i < 5; i++) statuses.push((await ask('limit')).status);
  assert.deepEqual(statuses, [200, 200, 200, 429, 429]);
  assert.equal((await ask('addresses')).status, 403);
  assert.equal((await ask('size', { method: 'POST', body: 'x'.repeat(10) })).status, 200);
  assert.equal((await ask('size', { method: 'POST', body: 'x'.repeat(11) })).status, 413);
});

test('errors: the page is asked for by status and URL, and the status stays', async () => {
  const { status, body } = await ask('pages', { path: '/status/503?a=b' });
  assert.deepEqual([status, body], [503, 'page /503.html?u=%2Fstatus%2F503%3Fa%3Db']);
  assert.equal((await ask('pages', { path: '/status/404' })).body.length, 100);
});

test('compress: for who accepts it', async () => {
  const { headers } = await ask('small', { headers: { 'accept-encoding': 'gzip' } });
  assert.equal(headers['content-encoding'], 'gzip');
  assert.equal((await ask('small')).headers['content-encoding'], undefined);
});

test('Services: sticky sessions, and a Host of their own', async () => {
  const { headers, seen } = await ask('own');
  assert.match(String(headers['set-cookie']), /^route=/);
  assert.equal(seen?.headers.host, 'own.shop.svc.cluster.local');
});

test('a Middleware that is missing, refused, in a circle, or two that contradict: nobody gets past it', async () => {
  for (const name of ['missing', 'refused', 'circle', 'twice'])
    assert.equal((await ask(name)).status, 503, name);
});

test('a Middleware that comes, changes and goes is in force at once, and one with an error stays what it was', async t => {
  const tell = (...more: readonly string[]): void => rig.tell(fixed + objects.join('') + more.join(''));
  t.after(() => tell());
  const settled = async (status: number): Promise<void> => {
    while ((await ask('missing')).status !== status) await new Promise(setImmediate);
  };
  tell(middleware('nothing', { ipAllowList: { sourceRange: ['127.0.0.1'] } }));
  await settled(200);
  tell(middleware('nothing', { ipAllowList: { sourceRange: ['10.0.0.0/8'] } }));
  await settled(403);
  tell(middleware('nothing', { ipAllowList: { sourceRange: ['nonsense'] } }));
  assert.equal((await ask('missing')).status, 403);
  tell();
  await settled(503);
});
