// Beside HAProxy itself: the same requests to it and to a gateway that reads Ingresses in HAProxy's words, and the same answers.
// HAProxy's own side is written as its controller writes it (haproxytech/kubernetes-ingress, pkg/haproxy/rules), in the order of
// its rules.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import { after, before, test } from 'node:test';
import { GatewayRig, service } from '../../src/proxy/gateway/testing/gateway-rig.ts';
import { httpServer } from '../../src/proxy/testing/clients.ts';
import { findHaproxy, HaproxyServer } from './haproxy-server.ts';

const program = findHaproxy();
const skip = program === undefined && 'no haproxy on PATH or in WEFT_HAPROXY';

interface Asking {
  readonly path?: string;
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly status: number;
}

interface Case {
  readonly name: string;
  /** Of the Ingress; those of the Service are for all of its paths. */
  readonly ingress?: Readonly<Record<string, string>>;
  readonly service?: Readonly<Record<string, string>>;
  /** All requests unless told. */
  readonly paths?: readonly (readonly [path: string, type: string, service?: 'app' | 'other'])[];
  /** What stands in the frontend; `use_backend` only where it is not the app. */
  readonly haproxy: string;
  readonly backend?: string;
  readonly asking: readonly Asking[];
}

const login = (user: string, password: string): Readonly<Record<string, string>> => ({
  authorization: `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`,
});
const get = (status: number, path = '/', headers: Readonly<Record<string, string>> = {}): Asking => ({
  path,
  headers,
  status,
});
const origin = (name: string): Readonly<Record<string, string>> => ({ origin: name });
/** Of `secret`, by openssl passwd -1, -5 and -6. */
const users = {
  alice: '$1$abcdefgh$cHJi5PXp/ki/ktXzqlk6I1',
  bob: '$5$abcdefgh$gruCpC7VkOTspMQTTSAR8mtlO9Upms.fwqE5y16JVM.',
  carol: '$6$abcdefgh$ltjgWl6579NluT/Vi1nwEvcil.G5Nbc4NiXZaNGStk8PSwGfQv72N2CKPPrVACtLtip/cZ/1GM/O6IND4WQhG.',
};

const cases: readonly Case[] = [
  {
    name: 'ssl-redirect',
    ingress: { 'ssl-redirect': 'true', 'ssl-redirect-code': '301' },
    haproxy: 'http-request redirect scheme https code 301',
    asking: [get(301), get(301, '/a/b?c=d')],
  },
  {
    name: 'ssl-redirect-port',
    ingress: { 'ssl-redirect': 'true', 'ssl-redirect-port': '8443' },
    haproxy: 'http-request redirect location https://%[hdr(host),field(1,:)]:8443%[capture.req.uri] code 302',
    asking: [get(302), get(302, '/a?b=c')],
  },
  {
    name: 'request-redirect',
    ingress: { 'request-redirect': 'new.example:8080', 'request-redirect-code': '303' },
    haproxy: 'http-request redirect location http://new.example:8080%[capture.req.uri] code 303',
    asking: [get(303), get(303, '/a/b?c=d')],
  },
  {
    name: 'request-redirect to https',
    ingress: { 'request-redirect': 'https://new.example' },
    haproxy: 'http-request redirect location https://new.example%[capture.req.uri] code 302',
    asking: [get(302, '/a?b')],
  },
  {
    name: 'path-rewrite to one path',
    ingress: { 'path-rewrite': '/' },
    haproxy: 'http-request replace-path (.*) /',
    asking: [get(200), get(200, '/a/b?c=d')],
  },
  {
    name: 'path-rewrite strips',
    ingress: { 'path-rewrite': '/foo/(.*) /\\1' },
    haproxy: 'http-request replace-path /foo/(.*) /\\1',
    asking: [
      get(200, '/foo/bar?q=1'),
      get(200, '/foo'),
      get(200, '/x/foo/bar'),
      get(200, '/foo/foo/a'),
      get(200, '/FOO/a'),
    ],
  },
  {
    name: 'path-rewrite adds',
    ingress: { 'path-rewrite': '(.*) /foo\\1' },
    haproxy: 'http-request replace-path (.*) /foo\\1',
    asking: [get(200), get(200, '/bar?q=1')],
  },
  {
    name: 'path-rewrite in lines',
    ingress: { 'path-rewrite': '/foo/(.*) /\\1\n/bar/(.*) /baz/\\1' },
    haproxy: 'http-request replace-path /foo/(.*) /\\1\n  http-request replace-path /bar/(.*) /baz/\\1',
    asking: [get(200, '/foo/bar/x?y'), get(200, '/bar/x'), get(200, '/foo/x')],
  },
  {
    name: 'set-host',
    ingress: { 'set-host': 'inner.example' },
    haproxy: 'http-request set-header Host inner.example',
    asking: [get(200)],
  },
  {
    name: 'request-set-header',
    ingress: { 'request-set-header': 'X-User %[req.hdr(X-Name)]\nX-Note "a, b"' },
    haproxy: 'http-request set-header X-User "%[req.hdr(X-Name)]"\n  http-request set-header X-Note "a, b"',
    asking: [
      get(200, '/', { 'x-name': 'alice', 'x-user': 'mallory' }),
      get(200, '/', { 'x-name': 'bob', 'x-note': 'old' }),
    ],
  },
  {
    name: 'response-set-header',
    ingress: { 'response-set-header': 'X-Frame-Options "DENY"' },
    haproxy: 'http-response set-header X-Frame-Options "DENY"',
    asking: [get(200), get(404, '/status/404')],
  },
  {
    name: 'allow-list',
    ingress: { 'allow-list': '10.0.0.0/8' },
    haproxy: 'http-request deny if !{ src 10.0.0.0/8 }',
    asking: [get(403), get(403, '/', { 'x-forwarded-for': '10.0.0.1' })],
  },
  {
    name: 'allow-list of us',
    ingress: { 'allow-list': '10.0.0.0/8, 127.0.0.1' },
    haproxy: 'http-request deny if !{ src 10.0.0.0/8 127.0.0.1 }',
    asking: [get(200)],
  },
  {
    name: 'deny-list before allow-list',
    ingress: { 'deny-list': '127.0.0.0/8', 'allow-list': '127.0.0.1' },
    haproxy: 'http-request deny if { src 127.0.0.0/8 }\n  http-request deny if !{ src 127.0.0.1 }',
    asking: [get(403)],
  },
  {
    name: 'auth-type',
    ingress: { 'auth-type': 'basic-auth', 'auth-secret': 'users', 'auth-realm': 'The Shop' },
    haproxy: 'http-request auth realm The-Shop if !{ http_auth_group(users) authenticated }',
    asking: [
      get(401),
      get(200, '/', login('alice', 'secret')),
      get(200, '/', login('bob', 'secret')),
      get(200, '/', login('carol', 'secret')),
      get(401, '/', login('carol', 'Secret')),
      get(401, '/', login('mallory', 'secret')),
      get(401, '/', { authorization: 'Bearer x' }),
    ],
  },
  {
    name: 'cors for everybody',
    ingress: { 'cors-enable': 'true' },
    haproxy: `http-request set-var(txn.cors) req.hdr(origin)
  http-after-response set-header Access-Control-Allow-Origin * if { var(txn.cors) -m found }`,
    asking: [get(200), get(200, '/', origin('https://a.example'))],
  },
  {
    name: 'cors for some',
    ingress: {
      ...{ 'cors-enable': 'true', 'cors-allow-credentials': 'true' },
      'cors-allow-origin': '^https://(.+\\.)?shop\\.example$',
    },
    haproxy: `http-request set-var(txn.cors) req.hdr(origin)
  acl open var(txn.cors) -m reg ^https://(.+\\.)?shop\\.example$
  http-after-response set-header Access-Control-Allow-Origin %[var(txn.cors)] if open
  http-after-response set-header Access-Control-Allow-Credentials true if open`,
    asking: [
      get(200, '/', origin('https://shop.example')),
      get(200, '/', origin('https://a.shop.example')),
      get(200, '/', origin('https://badshop.example')),
      get(200, '/', origin('http://shop.example')),
    ],
  },
  {
    name: 'rate-limit-requests',
    ingress: {
      ...{ 'rate-limit-requests': '3', 'rate-limit-period': '1h' },
      'rate-limit-status-code': '429',
    },
    haproxy: `http-request track-sc0 src table limit
  http-request deny deny_status 429 if { sc0_http_req_rate(limit) gt 3 }`,
    asking: [200, 200, 200, 429, 429].map(status => get(status)),
  },
  {
    name: 'rate-limit-whitelist',
    ingress: { 'rate-limit-requests': '1', 'rate-limit-period': '1h', 'rate-limit-whitelist': '127.0.0.1' },
    haproxy: '',
    asking: [get(200), get(200), get(200)],
  },
  {
    name: 'timeout-server on the Service goes before the Ingress',
    ingress: { 'timeout-server': '1h' },
    service: { 'timeout-server': '500ms' },
    haproxy: '',
    backend: 'option forwardfor\n  timeout server 500ms',
    asking: [get(504, '/silent'), get(200)],
  },
  {
    name: 'forwarded-for off',
    service: { 'forwarded-for': 'false' },
    haproxy: '',
    backend: '',
    asking: [get(200)],
  },
  {
    name: 'forwarded-for',
    haproxy: '',
    asking: [get(200), get(200, '/a')],
  },
  {
    name: 'paths',
    paths: [
      ['/a', 'Prefix'],
      ['/a/exact', 'Exact', 'other'],
      ['/a/long', 'Prefix', 'other'],
      ['/loose', 'ImplementationSpecific'],
      ['/b', 'Exact', 'other'],
    ],
    haproxy: `http-request deny deny_status 404 if !{ path /a/exact /b /a /loose } !{ path -m beg /a/ /loose }
  use_backend BACKEND-other if { path /a/exact /b /a/long }
  use_backend BACKEND-other if { path -m beg /a/long/ }
  use_backend BACKEND if { path /a /loose } || { path -m beg /a/ /loose }`,
    asking: [
      get(200, '/a'),
      get(200, '/a/b'),
      get(404, '/ab'),
      get(200, '/a/exact'),
      get(200, '/a/exact/more'),
      get(200, '/a/long'),
      get(200, '/a/long/er'),
      get(200, '/a/longer'),
      get(200, '/loose'),
      get(200, '/loosely'),
      get(200, '/loose/ly'),
      get(200, '/b'),
      get(404, '/b/'),
      get(404, '/'),
      get(404, '/A'),
    ],
  },
];

interface Place {
  readonly haproxy: HaproxyServer;
  readonly rig: GatewayRig;
}

let place: Place | undefined;
const closing: (() => void)[] = [];

before(async () => {
  if (program === undefined) return;
  const apps = { app: await app('app'), other: await app('other') };
  const haproxy = await HaproxyServer.start(program, port => configuration(port, apps));
  closing.push(() => void haproxy.stop());
  // A Service for each case: what a Service says holds for all Ingresses that lead to it.
  const services = cases.flatMap((each, index) =>
    (['app', 'other'] as const).map(name =>
      withAnnotations(service(`${name}-${index}`, apps[name]), each.service ?? {}),
    ),
  );
  const rig = new GatewayRig([ingressClass, secretOfUsers, ...services, ...cases.map(ingressOf)].join(''));
  closing.push(() => rig.close());
  while (rig.plane.gateway!.notReady() !== undefined || rig.port(80) === 0) await new Promise(setImmediate);
  place = { haproxy, rig };
});

after(() => {
  for (const close of closing) close();
});

for (const [index, each] of cases.entries()) {
  test(`beside HAProxy: ${each.name}`, { skip }, async () => {
    const { haproxy, rig } = place!;
    for (const asking of each.asking) {
      const what = `${asking.method ?? 'GET'} ${asking.path ?? '/'} ${JSON.stringify(asking.headers ?? {})}`;
      const theirs = await ask(haproxy.port, hostOf(index), asking);
      const ours = await ask(rig.port(80), hostOf(index), asking);
      assert.deepEqual(ours, theirs, what);
      assert.equal(ours.status, asking.status, what);
    }
  });
}

const ingressClass = `apiVersion: networking.k8s.io/v1
kind: IngressClass
metadata: { name: haproxy, annotations: { weft.dev/dialect: haproxy } }
spec:
  controller: weft.dev/ingress-controller
  parameters: { apiGroup: gateway.networking.k8s.io, kind: Gateway, namespace: shop, name: edge, scope: Namespace }
`;

const secretOfUsers = `---
apiVersion: v1
kind: Secret
metadata: { name: users, namespace: shop }
stringData: ${JSON.stringify(users)}
`;

function hostOf(index: number): string {
  return `case-${index}.example`;
}

/** One frontend leads to a frontend of its own for each case, since rules of a frontend are for all of its hosts. */
function configuration(port: number, apps: Readonly<Record<'app' | 'other', number>>): string {
  const inner = (index: number): string => `abns@weft-${process.pid}-${port}-${index}`;
  const front = cases.map(
    (_, index) => `  use_backend to-${index} if { req.hdr(host),field(1,:) -i ${hostOf(index)} }`,
  );
  const sections = cases.map(
    ({ haproxy, backend = 'option forwardfor' }, index) => `
backend to-${index}
  timeout server 1h
  server inner ${inner(index)} send-proxy
frontend case-${index}
  bind ${inner(index)} accept-proxy
  ${haproxy.replaceAll('BACKEND', `app-${index}`)}
  default_backend app-${index}
backend app-${index}
  ${backend}
  server app 127.0.0.1:${apps.app}
backend app-${index}-other
  option forwardfor
  server app 127.0.0.1:${apps.other}`,
  );
  return `userlist users
${Object.entries(users)
  .map(([name, hash]) => `  user ${name} password ${hash}`)
  .join('\n')}
  group authenticated users ${Object.keys(users).join(',')}
backend limit
  stick-table type ipv6 size 1k expire 1h store http_req_rate(1h)
frontend all
  bind 127.0.0.1:${port}
${front.join('\n')}
${sections.join('\n')}`;
}

function withAnnotations(yaml: string, annotations: Readonly<Record<string, string>>): string {
  return yaml.replace(
    'kind: Service\nmetadata: {',
    `kind: Service\nmetadata: { annotations: ${prefixed(annotations)},`,
  );
}

function prefixed(values: Readonly<Record<string, string>>): string {
  return JSON.stringify(
    Object.fromEntries(Object.entries(values).map(([name, value]) => [`haproxy.org/${name}`, value])),
  );
}

/** JSON is YAML. */
function ingressOf({ ingress = {}, paths = [['/', 'Prefix']] }: Case, index: number): string {
  return `---\n${JSON.stringify({
    apiVersion: 'networking.k8s.io/v1',
    kind: 'Ingress',
    metadata: { name: `case-${index}`, namespace: 'shop', annotations: JSON.parse(prefixed(ingress)) },
    spec: {
      ingressClassName: 'haproxy',
      rules: [
        {
          host: hostOf(index),
          http: {
            paths: paths.map(([path, pathType, name = 'app']) => ({
              path,
              pathType,
              backend: { service: { name: `${name}-${index}`, port: { number: 80 } } },
            })),
          },
        },
      ],
    },
  })}\n`;
}

/** What of an answer must be the same. */
interface Seen {
  readonly status: number;
  readonly location: string | undefined;
  readonly challenge: string | undefined;
  readonly frame: string | undefined;
  readonly opened: readonly (string | undefined)[];
  /** What the app has seen of the request. */
  readonly seen: string | undefined;
}

async function ask(
  port: number,
  host: string,
  { path = '/', method = 'GET', headers = {} }: Asking,
): Promise<Seen> {
  const sent = request({
    host: '127.0.0.1',
    port,
    path,
    method,
    headers: { host, ...headers },
    agent: false,
  });
  sent.end();
  const [response] = (await once(sent, 'response')) as [IncomingMessage];
  response.resume();
  await once(response, 'end');
  const text = (name: string): string | undefined => response.headers[name] as string | undefined;
  const given = text('access-control-allow-origin');
  return {
    status: response.statusCode ?? 0,
    location: response.headers.location,
    challenge: response.headers['www-authenticate'],
    frame: text('x-frame-options'),
    // HAProxy says `*` where Weft names the origin that asked: to its browser that is the same.
    opened: [given === '*' ? headers.origin : given, text('access-control-allow-credentials')],
    seen: text('x-app'),
  };
}

/** An app that says in a field what it has seen. */
async function app(name: string): Promise<number> {
  const { port, close } = await httpServer((asked, response) => {
    const { method, url = '', headers } = asked;
    if (url.startsWith('/silent')) return;
    const seen = {
      ...{ name, method, url, host: headers.host, user: headers['x-user'], note: headers['x-note'] },
      ...{ login: headers.authorization, client: headers['x-forwarded-for'] },
    };
    const status = /^\/status\/(\d+)/.exec(url)?.[1];
    response.writeHead(Number(status ?? 200), { 'x-app': JSON.stringify(seen) }).end('hello');
  });
  closing.push(close);
  return port;
}
