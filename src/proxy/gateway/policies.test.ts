// Policies at a gateway: who comes in, by tokens, addresses, rules and external authorizers, of requests and of bytes.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { IncomingHttpHeaders } from 'node:http';
import { connect as connectTcp, createServer as createTcp } from 'node:net';
import { type TestContext, test } from 'node:test';
import { TestIssuer } from '../../authentication/testing/issuer.ts';
import type { ClaimMatch, Resource } from '../../model/index.ts';
import { systemClock } from '../../time/index.ts';
import { type Answer, type Ask, ask, httpServer } from '../testing/clients.ts';
import { GatewayRig, gateway, route, service } from './testing/gateway-rig.ts';

const http = '{ name: http, port: 80, protocol: HTTP }';
const issuer = new TestIssuer();

interface Seen {
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
}

interface Place {
  readonly rig: GatewayRig;
  readonly port: number;
  /** What reached the app. */
  readonly seen: Seen[];
  readonly ask: (path?: string, headers?: Ask['headers']) => Promise<Answer>;
  readonly statuses: (
    ...asked: readonly (readonly [path: string, headers?: Ask['headers']])[]
  ) => Promise<number[]>;
  /** These policies from now on, and no others. */
  readonly obey: (policies: string) => void;
}

/** A gateway before one app, with these policies. */
async function place(t: TestContext, policies = '', edit?: (resource: Resource) => Resource): Promise<Place> {
  const seen: Seen[] = [];
  const app = await httpServer((request, response) => {
    seen.push({ url: request.url!, headers: request.headers });
    response.end(String(request.headers['x-route'] ?? 'fine'));
  });
  t.after(() => app.close());
  const rest = gateway(http) + service('app', app.port) + route('app', 'app');
  const rig = new GatewayRig(rest + policies, systemClock, 'any', {}, edit);
  t.after(() => rig.close());
  while (rig.plane.gateway!.notReady() !== undefined) await new Promise(resolve => setImmediate(resolve));
  const port = rig.port(80);
  const asked = (path = '/', headers: Ask['headers'] = {}): Promise<Answer> =>
    ask(port, 'www.example.com', { path, headers });
  return {
    ...{ rig, port, seen, ask: asked },
    statuses: async (...all) => {
      const got: number[] = [];
      for (const [path, headers] of all) got.push((await asked(path, headers)).status);
      return got;
    },
    obey: more => rig.tell(rest + more),
  };
}

const edge = 'targetRefs: [{ group: gateway.networking.k8s.io, kind: Gateway, name: edge }]';

function authorization(name: string, spec: string, namespace = 'shop'): string {
  return `---
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: { name: ${name}, namespace: ${namespace} }
spec: { ${spec} }
`;
}

function tokens(name: string, spec: string, namespace = 'shop'): string {
  return `---
apiVersion: security.istio.io/v1
kind: RequestAuthentication
metadata: { name: ${name}, namespace: ${namespace} }
spec: { ${spec}${spec === '' ? '' : ','} jwtRules: [{ issuer: "${issuer.issuer}", jwks: '${issuer.jwks}', outputClaimToHeaders: [{ header: x-user, claim: sub }] }] }
`;
}

const bearer = (token: string): Ask['headers'] => ({ authorization: `Bearer ${token}` });

test('a policy that names the Gateway refuses before anything goes on, and changes hold for open connections', async t => {
  const at = await place(
    t,
    authorization(
      'no-admin',
      `${edge}, action: DENY, rules: [{ to: [{ operation: { paths: ["/admin*"] } }] }]`,
    ),
  );
  assert.deepEqual(
    await at.statuses(['/'], ['/admin'], ['/x/../admin/1'], ['/%61dmin']),
    [200, 403, 403, 403],
  );
  const refused = await at.ask('/admin');
  assert.deepEqual([refused.body, refused.headers['x-weft-flag']], ['RBAC: access denied', 'UAEX']);
  assert.match(
    at.rig.access.records.at(-1)!.detail,
    /policy\[no-admin\]-rule\[0\].*AuthorizationPolicy no-admin\.shop/,
  );
  assert.equal(at.seen.length, 1);
  at.obey('');
  assert.deepEqual(await at.statuses(['/admin']), [200]);
  at.obey(authorization('nobody', edge));
  assert.deepEqual(await at.statuses(['/']), [403], 'ALLOW without rules lets nobody in');
});

test('what names another Gateway, a Service, or selects other pods, says nothing of this one', async t => {
  const other = 'targetRefs: [{ group: gateway.networking.k8s.io, kind: Gateway, name: other }]';
  const at = await place(
    t,
    authorization('other', other) +
      authorization('elsewhere', edge, 'elsewhere') +
      authorization('app', 'targetRefs: [{ group: "", kind: Service, name: app }]') +
      authorization('pods', 'selector: { matchLabels: { app: cart } }') +
      authorization('mesh-pods', 'selector: { matchLabels: { app: cart } }', 'weft-system'),
  );
  assert.deepEqual(await at.statuses(['/']), [200]);
});

const selecting: readonly (readonly [what: string, policy: string])[] = [
  ['the namespace', authorization('all', '')],
  ['the mesh', authorization('all', '', 'weft-system')],
  [
    'the pods of the Gateway',
    authorization('all', 'selector: { matchLabels: { gateway.networking.k8s.io/gateway-name: edge } }'),
  ],
  [
    'the class, from a root namespace',
    authorization(
      'all',
      'targetRefs: [{ group: gateway.networking.k8s.io, kind: GatewayClass, name: weft }]',
      'weft-system',
    ),
  ],
];
for (const [what, policy] of selecting)
  test(`a policy for ${what} holds at a gateway, too`, async t => {
    const at = await place(t, policy);
    assert.deepEqual(await at.statuses(['/']), [403]);
  });

test('intentions for all of the mesh say nothing of who is outside of it', async t => {
  const at = await place(
    t,
    `---
apiVersion: consul.hashicorp.com/v1alpha1
kind: ServiceIntentions
metadata: { name: all, namespace: shop }
spec: { destination: { name: "*" }, sources: [{ name: "*", action: deny }] }
`,
  );
  assert.deepEqual(await at.statuses(['/']), [200]);
});

test('tokens are verified at the gateway, and rules ask what they say', async t => {
  const needed = authorization(
    'users',
    `${edge}, rules: [{ from: [{ source: { requestPrincipals: ["*"] } }], when: [{ key: "request.auth.claims[groups]", values: [staff] }] }]`,
  );
  const at = await place(t, tokens('users', edge) + needed);
  const staff = issuer.token({ groups: ['staff'] });
  const forged = `${staff.slice(0, -8)}AAAAAAAA`;
  assert.deepEqual(
    await at.statuses(
      ['/', bearer(staff)],
      ['/'],
      ['/', bearer(forged)],
      ['/', bearer(issuer.token({ groups: ['guests'] }))],
      ['/', bearer(new TestIssuer().token({ groups: ['staff'] }))],
    ),
    [200, 403, 401, 403, 401],
  );
  const [{ headers }] = at.seen as [Seen];
  assert.deepEqual([headers['x-user'], headers.authorization], ['alice', undefined]);
  at.obey('');
  await at.ask('/', { ...bearer('nonsense') });
  assert.equal(at.seen.at(-1)!.headers.authorization, 'Bearer nonsense', 'nobody asks any more');
});

test('a RequestAuthentication for other pods takes no token away', async t => {
  const at = await place(t, tokens('pods', 'selector: { matchLabels: { app: cart } }'));
  assert.deepEqual(await at.statuses(['/', bearer('nonsense')]), [200]);
});

/** Sends requests to the app by the route that a claim chooses. */
const byClaim =
  (claims: readonly ClaimMatch[]) =>
  (resource: Resource): Resource => {
    if (resource.kind !== 'destination') return resource;
    const [first] = resource.routes;
    if (first === undefined) return resource;
    const marked = {
      ...first,
      name: 'staff',
      matches: [{ claims }],
      requestHeaders: { set: [['x-route', 'staff'] as const] },
    };
    return { ...resource, routes: [marked as typeof first, first] };
  };

test('a route that asks for a claim is taken by who brings a token that was verified, and by nobody else', async t => {
  const claims: readonly ClaimMatch[] = [
    { name: 'groups', claim: ['groups'], match: { kind: 'exact', value: 'staff' } },
  ];
  const at = await place(t, tokens('users', edge), byClaim(claims));
  const bodies: string[] = [];
  for (const headers of [
    bearer(issuer.token({ groups: ['staff'] })),
    bearer(issuer.token({ groups: 'guests' })),
    {},
  ])
    bodies.push((await at.ask('/', headers)).body);
  assert.deepEqual(bodies, ['staff', 'fine', 'fine']);
  // The same once more on a connection whose last request had the token.
  assert.deepEqual((await at.ask('/', { 'x-route': 'x' })).body, 'x');
  at.obey('');
  assert.equal(
    (await at.ask('/', bearer(issuer.token({ groups: ['staff'] })))).body,
    'fine',
    'nobody verifies it',
  );
});

test('who came is by its own address, and by what proxies before say that are believed', async t => {
  const remote = (block: string): string =>
    authorization('here', `${edge}, rules: [{ from: [{ source: { remoteIpBlocks: ["${block}"] } }] }]`);
  const at = await place(t, remote('127.0.0.0/8'));
  // A client's own word is none.
  assert.deepEqual(await at.statuses(['/'], ['/', { 'x-forwarded-for': '198.51.100.7' }]), [200, 200]);
  at.obey(remote('198.51.100.0/24'));
  assert.deepEqual(await at.statuses(['/'], ['/', { 'x-forwarded-for': '198.51.100.7' }]), [403, 403]);
});

function provider(name: string, port: number): string {
  return `---
apiVersion: v1
kind: ConfigMap
metadata: { name: istio, namespace: istio-system }
data:
  mesh: |
    extensionProviders:
    - name: ${name}
      envoyExtAuthzHttp: { service: authz.shop.svc.cluster.local, port: 80, includeRequestHeadersInCheck: [x-forwarded-for, x-session], headersToUpstreamOnAllow: [x-user] }
${service('authz', port)}`;
}

test('an external authorizer is asked at the gateway, hears the client’s true address, and lets in or not', async t => {
  const asked: Seen[] = [];
  const authz = await httpServer((request, response) => {
    asked.push({ url: request.url!, headers: request.headers });
    response.writeHead(request.headers['x-session'] === 'good' ? 200 : 401, { 'x-user': 'anna' }).end('who?');
  });
  t.after(() => authz.close());
  const at = await place(
    t,
    provider('authz', authz.port) +
      authorization(
        'ask',
        `${edge}, action: CUSTOM, provider: { name: authz }, rules: [{ to: [{ operation: { paths: ["/ask*"] } }] }]`,
      ),
  );
  const good = {
    'x-session': 'good',
    'x-user': 'root',
    'X_Forwarded-For': '9.9.9.9',
    'x-forwarded-for': '9.9.9.9',
  };
  assert.deepEqual(
    await at.statuses(['/ask', good], ['/ask', { 'x-session': 'bad' }], ['/']),
    [200, 401, 200],
  );
  assert.deepEqual(
    asked.map(({ url, headers }) => [url, headers['x-forwarded-for']]),
    [
      ['/ask', '127.0.0.1'],
      ['/ask', '127.0.0.1'],
    ],
  );
  assert.deepEqual(
    at.seen.map(({ url, headers }) => [url, headers['x-user']]),
    [
      ['/ask', 'anna'],
      ['/', undefined],
    ],
  );
  at.obey(authorization('ask', `${edge}, action: CUSTOM, provider: { name: nobody }, rules: [{}]`));
  assert.deepEqual(await at.statuses(['/']), [403], 'who is not known lets nobody in');
});

test('bytes are judged when they begin, and whenever policies change', async t => {
  const reached: string[] = [];
  const app = createTcp(socket => {
    socket.on('data', bytes => {
      reached.push(String(bytes));
      socket.write('heard');
    });
    socket.on('error', () => {});
  });
  app.listen(0, '127.0.0.1');
  await once(app, 'listening');
  t.after(() => app.close());
  const { port: appPort } = app.address() as { port: number };
  const rest = `${gateway('{ name: tcp, port: 5000, protocol: TCP }')}${service('bytes', appPort)}---
apiVersion: gateway.networking.k8s.io/v1alpha2
kind: TCPRoute
metadata: { name: bytes, namespace: shop }
spec: { parentRefs: [{ name: edge }], rules: [{ backendRefs: [{ name: bytes, port: 80 }] }] }
`;
  const rig = new GatewayRig(rest);
  t.after(() => rig.close());
  while (rig.plane.gateway!.notReady() !== undefined) await new Promise(resolve => setImmediate(resolve));
  const speak = async (): Promise<[string, import('node:net').Socket]> => {
    const socket = connectTcp(rig.port(5000), '127.0.0.1');
    const outcome = new Promise<string>(resolve => {
      socket.once('data', bytes => resolve(String(bytes)));
      socket.once('error', () => resolve('reset'));
      socket.once('close', () => resolve('closed'));
    });
    socket.write('hello');
    return [await outcome, socket];
  };
  const [heard, open] = await speak();
  assert.equal(heard, 'heard');
  open.on('error', () => {});
  const gone = new Promise(resolve => open.once('close', resolve));
  rig.tell(
    rest +
      authorization(
        'nobody',
        `${edge}, action: DENY, rules: [{ from: [{ source: { ipBlocks: ["127.0.0.1"] } }] }]`,
      ),
  );
  await gone;
  const [refused] = await speak();
  assert.match(refused, /reset|closed/);
  assert.deepEqual(reached, ['hello']);
  assert.match(rig.access.records.at(-1)!.detail, /policy\[nobody\]/);
  // A rule of ALLOW that asks for what only requests have is none for bytes.
  rig.tell(rest + authorization('get', `${edge}, rules: [{ to: [{ operation: { methods: [GET] } }] }]`));
  assert.match((await speak())[0], /reset|closed/);
  rig.tell(rest + authorization('port', `${edge}, rules: [{ to: [{ operation: { ports: ["5000"] } }] }]`));
  const [again, last] = await speak();
  last.destroy();
  assert.equal(again, 'heard');
});
