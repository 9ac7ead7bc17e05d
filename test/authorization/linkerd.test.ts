// Linkerd's Servers, authorizations and routes at a real server: who is let in, as Linkerd's reference has it.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { AuthorizationRig, pod, policy, type Sent } from './rig.ts';

let rig: AuthorizationRig;
before(async () => {
  rig = await AuthorizationRig.start();
});
after(() => rig.close());

const GROUP = 'policy.linkerd.io';

function object(kind: string, name: string, spec: object, namespace = 'shop', labels = {}): string {
  const version =
    { Server: 'v1beta3', HTTPRoute: 'v1beta3', ServerAuthorization: 'v1beta1' }[kind] ?? 'v1alpha1';
  const metadata = { name, namespace, labels };
  return `${JSON.stringify({ apiVersion: `${GROUP}/${version}`, kind, metadata, spec })
    .replaceAll('"PORT"', 'PORT')
    .replaceAll('"TCPPORT"', 'TCPPORT')}\n---\n`;
}

const cart = { matchLabels: { app: 'cart' } };
const server = (more: object = {}, name = 'cart', labels = {}): string =>
  object('Server', name, { podSelector: cart, port: 'PORT', ...more }, 'shop', labels);
const bytes = (more: object = {}): string =>
  object('Server', 'cart-bytes', { podSelector: cart, port: 'TCPPORT', proxyProtocol: 'opaque', ...more });

const toServer = { group: GROUP, kind: 'Server', name: 'cart' };
function authorize(requires: readonly object[], targetRef: object = toServer, name = 'may'): string {
  return object('AuthorizationPolicy', name, { targetRef, requiredAuthenticationRefs: requires });
}
const account = (name: string, namespace?: string) => ({
  kind: 'ServiceAccount',
  name,
  ...(namespace && { namespace }),
});
const meshTls = (name: string, namespace?: string) => ({
  group: GROUP,
  kind: 'MeshTLSAuthentication',
  name,
  ...(namespace && { namespace }),
});
const network = (name: string) => ({ group: GROUP, kind: 'NetworkAuthentication', name });

function identities(names: readonly string[], namespace = 'shop'): string {
  return object('MeshTLSAuthentication', 'ids', { identities: names }, namespace);
}
function references(identityRefs: readonly object[]): string {
  return object('MeshTLSAuthentication', 'ids', { identityRefs });
}
function networks(...list: readonly object[]): string {
  return object('NetworkAuthentication', 'nets', { networks: list });
}
function old(client: object, of: object = { name: 'cart' }): string {
  return object('ServerAuthorization', 'old', { server: of, client });
}
const linkerd = 'serviceaccount.identity.linkerd.cluster.local';

const everybody: Readonly<Record<string, Sent>> = {
  web: { by: 'shop/web' },
  batch: { by: 'shop/batch' },
  ops: { by: 'ops/web' },
  plain: {},
};
const ALL = Object.keys(everybody);
const MESH = ['web', 'batch', 'ops'];

/** Who of everybody gets which status. */
async function answers(
  yaml: string,
  more: Omit<Sent, 'by'> = {},
  ofPod = pod,
): Promise<Record<string, number>> {
  rig.obey(rig.policies(yaml, undefined, ofPod));
  const found: Record<string, number> = {};
  for (const [name, sent] of Object.entries(everybody))
    found[name] = (await rig.send({ ...sent, ...more })).status;
  return found;
}

/** Who of everybody is let in; the others are refused with 403. */
async function letIn(yaml: string, more: Omit<Sent, 'by'> = {}, ofPod = pod): Promise<readonly string[]> {
  const found = await answers(yaml, more, ofPod);
  for (const status of Object.values(found)) assert.ok(status === 200 || status === 403, String(status));
  return Object.keys(found).filter(name => found[name] === 200);
}

/** A pod that says whom it lets in. */
const saying = (access: string, more = ''): string =>
  pod
    .replace(
      'labels:',
      `annotations: {weft.dev/status: '{}', config.linkerd.io/default-inbound-policy: ${access}}, labels:`,
    )
    .replace('image: x', `image: x${more}`);
const namespaceSaying = (access: string): string =>
  `${JSON.stringify({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'shop', annotations: { 'config.linkerd.io/default-inbound-policy': access } } })}\n---\n`;

const rows: readonly (readonly [name: string, yaml: string, lets: readonly string[], ofPod?: string])[] = [
  ['no Server', authorize([account('web')]), ALL],
  ['a Server alone closes its port', server(), []],
  [
    'a Server of other pods',
    object('Server', 'x', { podSelector: { matchLabels: { app: 'x' } }, port: 'PORT' }),
    ALL,
  ],
  ['a Server of all pods', object('Server', 'x', { podSelector: {}, port: 'PORT' }), []],
  ['a Server of another port', bytes(), ALL],
  ['a Server of another namespace', object('Server', 'x', { podSelector: {}, port: 'PORT' }, 'ops'), ALL],
  [
    'a port by its name',
    object('Server', 'x', { podSelector: {}, port: 'http' }),
    [],
    pod.replace('image: x', 'image: x, ports: [{name: http, containerPort: PORT}]'),
  ],
  [
    'a name that no port has',
    object('Server', 'x', { podSelector: {}, port: 'grpc' }),
    ALL,
    pod.replace('image: x', 'image: x, ports: [{name: http, containerPort: PORT}]'),
  ],
  [
    'expressions',
    object('Server', 'x', {
      podSelector: { matchExpressions: [{ key: 'app', operator: 'In', values: ['cart', 'x'] }] },
      port: 'PORT',
    }),
    [],
  ],
  [
    'expressions that do not hold',
    object('Server', 'x', {
      podSelector: { matchExpressions: [{ key: 'app', operator: 'NotIn', values: ['cart'] }] },
      port: 'PORT',
    }),
    ALL,
  ],
  ['accessPolicy all-unauthenticated', server({ accessPolicy: 'all-unauthenticated' }), ALL],
  ['accessPolicy all-authenticated', server({ accessPolicy: 'all-authenticated' }), MESH],
  [
    'accessPolicy cluster-unauthenticated, from outside',
    server({ accessPolicy: 'cluster-unauthenticated' }),
    [],
  ],
  ['accessPolicy cluster-authenticated, from outside', server({ accessPolicy: 'cluster-authenticated' }), []],
  ['accessPolicy audit', server({ accessPolicy: 'audit' }), ALL],
  [
    'accessPolicy beside an authorization',
    server({ accessPolicy: 'all-authenticated' }) +
      authorize([network('nets')]) +
      networks({ cidr: '127.0.0.0/8' }),
    ALL,
  ],
  ['a ServiceAccount', server() + authorize([account('web')]), ['web']],
  ['a ServiceAccount of another namespace', server() + authorize([account('web', 'ops')]), ['ops']],
  ['nothing required', server() + authorize([]), ALL],
  ['another Server', server() + authorize([account('web')], { ...toServer, name: 'x' }), []],
  ['the namespace', server() + authorize([account('batch')], { kind: 'Namespace', name: 'shop' }), ['batch']],
  [
    'two policies',
    server() + authorize([account('web')]) + authorize([account('batch')], toServer, 'too'),
    ['web', 'batch'],
  ],
  ['any identity', server() + identities(['*']) + authorize([meshTls('ids')]), MESH],
  ['one identity', server() + identities([`web.shop.${linkerd}`]) + authorize([meshTls('ids')]), ['web']],
  [
    'two identities',
    server() + identities([`web.shop.${linkerd}`, `web.ops.${linkerd}`]) + authorize([meshTls('ids')]),
    ['web', 'ops'],
  ],
  [
    'identities of a namespace',
    server() + identities([`*.ops.${linkerd}`]) + authorize([meshTls('ids')]),
    ['ops'],
  ],
  ['identities of the mesh', server() + identities([`*.${linkerd}`]) + authorize([meshTls('ids')]), MESH],
  [
    'identities of another trust domain',
    server() +
      identities(['web.shop.serviceaccount.identity.linkerd.other.example']) +
      authorize([meshTls('ids')]),
    [],
  ],
  [
    'a SPIFFE id',
    server() + identities(['spiffe://cluster.local/ns/shop/sa/batch']) + authorize([meshTls('ids')]),
    ['batch'],
  ],
  [
    'identityRefs',
    server() +
      references([
        { kind: 'ServiceAccount', name: 'batch' },
        { kind: 'Namespace', name: 'ops' },
      ]) +
      authorize([meshTls('ids')]),
    ['batch', 'ops'],
  ],
  [
    'an authentication of another namespace',
    server() + identities([`*.shop.${linkerd}`], 'ops') + authorize([meshTls('ids', 'ops')]),
    ['web', 'batch'],
  ],
  [
    'an authentication of the wrong namespace',
    server() + identities(['*'], 'ops') + old({ meshTLS: { serviceAccounts: [{ name: 'batch' }] } }),
    ['batch'],
  ],
  ['a network', server() + networks({ cidr: '127.0.0.1' }) + authorize([network('nets')]), ALL],
  [
    'another network',
    server() + networks({ cidr: '10.0.0.0/8' }, { cidr: '::/0' }) + authorize([network('nets')]),
    [],
  ],
  [
    'a network but for a part',
    server() + networks({ cidr: '127.0.0.0/8', except: ['127.0.0.0/16'] }) + authorize([network('nets')]),
    [],
  ],
  [
    'a network but for another part',
    server() +
      networks({ cidr: '127.0.0.0/8', except: ['127.1.0.0/16', '127.2.0.1'] }) +
      authorize([network('nets')]),
    ALL,
  ],
  [
    'identity and network',
    server() +
      identities([`*.shop.${linkerd}`]) +
      networks({ cidr: '127.0.0.0/8' }) +
      authorize([meshTls('ids'), network('nets')]),
    ['web', 'batch'],
  ],
  [
    'identity and another network',
    server() +
      identities(['*']) +
      networks({ cidr: '10.0.0.0/8' }) +
      authorize([meshTls('ids'), network('nets')]),
    [],
  ],
  [
    'ServerAuthorization: accounts',
    server() + old({ meshTLS: { serviceAccounts: [{ name: 'web' }, { name: 'web', namespace: 'ops' }] } }),
    ['web', 'ops'],
  ],
  ['ServerAuthorization: identities', server() + old({ meshTLS: { identities: ['*'] } }), MESH],
  ['ServerAuthorization: any TLS', server() + old({ meshTLS: { unauthenticatedTLS: true } }), MESH],
  ['ServerAuthorization: everybody', server() + old({ unauthenticated: true }), ALL],
  [
    'ServerAuthorization: everybody of a network',
    server() + old({ unauthenticated: true, networks: [{ cidr: '10.0.0.0/8' }] }),
    [],
  ],
  [
    'ServerAuthorization: identities of a network',
    server() + old({ networks: [{ cidr: '127.0.0.0/8' }], meshTLS: { identities: [`*.ops.${linkerd}`] } }),
    ['ops'],
  ],
  [
    'ServerAuthorization: by labels',
    server({}, 'cart', { team: 'a' }) +
      old({ unauthenticated: true }, { selector: { matchLabels: { team: 'a' } } }),
    ALL,
  ],
  [
    'ServerAuthorization: by other labels',
    server({}, 'cart', { team: 'b' }) +
      old({ unauthenticated: true }, { selector: { matchLabels: { team: 'a' } } }),
    [],
  ],
  ['default of the pod: deny', '', [], saying('deny')],
  ['default of the pod: all-authenticated', '', MESH, saying('all-authenticated')],
  ['default of the pod: all-unauthenticated', '', ALL, saying('all-unauthenticated')],
  ['default of the pod: cluster-authenticated, from outside', '', [], saying('cluster-authenticated')],
  ['default of the pod: audit', '', ALL, saying('audit')],
  ['default of the namespace', namespaceSaying('all-authenticated'), MESH],
  [
    'default of the pod over that of the namespace',
    namespaceSaying('deny'),
    MESH,
    saying('all-authenticated'),
  ],
  ['a Server over the default', server() + authorize([account('web')]), ['web'], saying('all-authenticated')],
  ['an open Server over a default that is closed', server({ accessPolicy: 'audit' }), ALL, saying('deny')],
  [
    'authorizations of the namespace say nothing of ports without a Server',
    authorize([account('web')], { kind: 'Namespace', name: 'shop' }),
    [],
    saying('deny'),
  ],
];

test('who is let in, row by row', async t => {
  for (const [name, yaml, lets, ofPod] of rows)
    await t.test(name, async () => {
      assert.deepEqual(await letIn(yaml, {}, ofPod), lets);
    });
});

test('the older of two Servers for one port counts', async () => {
  const at = (yaml: string, when: string): string =>
    yaml.replace('"metadata":{', `"metadata":{"creationTimestamp":"${when}",`);
  const open = at(server({ accessPolicy: 'all-unauthenticated' }, 'open'), '2024-01-02T00:00:00Z');
  const shut = { younger: '2024-01-03T00:00:00Z', older: '2024-01-01T00:00:00Z' };
  const other = { podSelector: {}, port: 'PORT' };
  assert.deepEqual(await letIn(open + at(object('Server', 'shut', other), shut.younger)), ALL);
  assert.deepEqual(await letIn(open + at(object('Server', 'shut', other), shut.older)), []);
});

const toRoute = (name: string) => ({ group: GROUP, kind: 'HTTPRoute', name });
function route(name: string, matches: readonly object[], more: object = {}): string {
  const parentRefs = [{ group: GROUP, kind: 'Server', name: 'cart' }];
  return object('HTTPRoute', name, { parentRefs, rules: [{ matches }], ...more });
}
const items = route('items', [{ path: { value: '/items' }, method: 'GET' }]);
const admin = route('admin', [{ path: { value: '/items/admin' } }]);
const routed =
  server() +
  items +
  admin +
  authorize([account('web')], toRoute('items')) +
  authorize([account('web', 'ops')], toRoute('admin'), 'ops');

test('each route is authorized apart, and what none of them matches is not found', async () => {
  const none = { web: 404, batch: 404, ops: 404, plain: 404 };
  const mayWeb = { web: 200, batch: 403, ops: 403, plain: 403 };
  const mayOps = { web: 403, batch: 403, ops: 200, plain: 403 };
  for (const path of ['/items', '/items/1', '/items/administrators'])
    assert.deepEqual(await answers(routed, { path }), mayWeb, path);
  for (const path of ['/items/admin', '/items/admin/x', '/items/./admin', '/items/%61dmin'])
    assert.deepEqual(await answers(routed, { path }), mayOps, path);
  for (const path of ['/', '/itemsx', '/other'])
    assert.deepEqual(await answers(routed, { path }), none, path);
  assert.deepEqual(await answers(routed, { path: '/items', method: 'POST' }), none);
  const { body, headers } = await rig.send({ by: 'shop/web', path: '/other' });
  assert.deepEqual([body, headers['x-weft-flag']], ['no route of Server cart matches this request', 'UAEX']);
});

test('an authorization of the Server, or of the namespace, is one of all of its routes and of nothing else', async () => {
  const whole = routed + authorize([account('batch')], toServer, 'whole');
  assert.deepEqual(await answers(whole, { path: '/items' }), { web: 200, batch: 200, ops: 403, plain: 403 });
  assert.deepEqual(await answers(whole, { path: '/items/admin' }), {
    web: 403,
    batch: 200,
    ops: 200,
    plain: 403,
  });
  assert.deepEqual(await answers(whole, { path: '/other' }), { web: 404, batch: 404, ops: 404, plain: 404 });
});

test('routes are told apart by host, header and pattern, and one without matches takes everything', async () => {
  const byHost = route('by-host', [{}], { hostnames: ['*.example.com'] });
  const byHeader = route('by-header', [{ headers: [{ name: 'x-team', value: 'a' }] }]);
  const yaml =
    server() +
    byHost +
    byHeader +
    authorize([account('web')], toRoute('by-host')) +
    authorize([account('batch')], toRoute('by-header'), 'b');
  const none = { web: 404, batch: 404, ops: 404, plain: 404 };
  const mayWeb = { web: 200, batch: 403, ops: 403, plain: 403 };
  const team = { headers: [['x-team', 'a']] } as const;
  assert.deepEqual(await answers(yaml), none);
  assert.deepEqual(await answers(yaml, { host: 'a.example.com' }), mayWeb);
  assert.deepEqual(await answers(yaml, team), { web: 403, batch: 200, ops: 403, plain: 403 });
  // The name goes before all else.
  assert.deepEqual(await answers(yaml, { host: 'a.example.com', ...team }), mayWeb);
  const pattern =
    server() +
    route('p', [{ path: { type: 'RegularExpression', value: '/v[0-9]+/.*' } }]) +
    authorize([account('web')], toRoute('p'));
  assert.deepEqual(await answers(pattern, { path: '/v12/x' }), mayWeb);
  assert.deepEqual(await answers(pattern, { path: '/vx/x' }), none);
  const all = object('HTTPRoute', 'all', {
    parentRefs: [{ group: GROUP, kind: 'Server', name: 'cart' }],
    rules: [{}],
  });
  assert.deepEqual(
    await answers(server() + all + authorize([account('web')], toRoute('all')), { path: '/x' }),
    mayWeb,
  );
});

test("methods of gRPC are authorized by Gateway API's GRPCRoute", async () => {
  const metadata = { name: 'calls', namespace: 'shop' };
  const parentRefs = [{ group: GROUP, kind: 'Server', name: 'cart' }];
  const spec = { parentRefs, rules: [{ matches: [{ method: { service: 'shop.Carts', method: 'Get' } }] }] };
  const calls = `${JSON.stringify({ apiVersion: 'gateway.networking.k8s.io/v1', kind: 'GRPCRoute', metadata, spec })}\n---\n`;
  const target = { group: 'gateway.networking.k8s.io', kind: 'GRPCRoute', name: 'calls' };
  rig.obey(rig.policies(server({ proxyProtocol: 'gRPC' }) + calls + authorize([account('web')], target)));
  const call = async (by: string, path: string): Promise<string | undefined> =>
    (await rig.send({ by, path, method: 'POST', grpc: true })).headers['grpc-status'] as string | undefined;
  assert.equal(await call('shop/web', '/shop.Carts/Get'), '0');
  // PERMISSION_DENIED, and UNIMPLEMENTED.
  assert.equal(await call('shop/batch', '/shop.Carts/Get'), '7');
  assert.equal(await call('shop/web', '/shop.Carts/Empty'), '12');
});

test('filters of a route hold for its requests, once they may pass', async () => {
  const parentRefs = [{ group: GROUP, kind: 'Server', name: 'cart' }];
  const requestHeaderModifier = { remove: ['x-debug'], add: [{ name: 'x-added', value: 'yes' }] };
  const rules = [
    {
      matches: [{ path: { value: '/items' } }],
      filters: [{ type: 'RequestHeaderModifier', requestHeaderModifier }],
    },
    {
      matches: [{ path: { value: '/old' } }],
      filters: [
        {
          type: 'RequestRedirect',
          requestRedirect: {
            path: { type: 'ReplacePrefixMatch', replacePrefixMatch: '/new' },
            statusCode: 301,
          },
        },
      ],
    },
    { matches: [{ path: { type: 'Exact', value: '/items/plain' } }] },
  ];
  const routes = object('HTTPRoute', 'r', { parentRefs, hostnames: ['cart', '*.cart.example'], rules });
  rig.obey(rig.policies(server() + routes + authorize([account('web')], toRoute('r'))));
  const ask = (path: string, more: Sent = {}) =>
    rig.send({ by: 'shop/web', path, headers: [['x-debug', '1']], ...more });
  const seen = async (path: string, more?: Sent): Promise<unknown> =>
    (await ask(path, more)).headers['x-seen'];
  assert.equal(await seen('/items/1'), 'undefined yes');
  assert.equal(await seen('/items/1', { host: 'a.cart.example:8080' }), 'undefined yes');
  assert.equal(await seen('/items/plain'), '1 undefined');
  const redirected = await ask('/old/a?b=1');
  assert.deepEqual([redirected.status, redirected.headers.location], [301, 'http://cart/new/a?b=1']);
  assert.equal(
    (await ask('/old/a', { by: 'shop/batch' })).status,
    403,
    'who may not call hears of no redirect',
  );
  assert.equal((await ask('/items/1', { host: 'other' })).status, 404);
  rig.obey(rig.policies(''));
  assert.equal(await seen('/items/1'), '1 undefined');
});

test('bytes are let in by who calls; what is for a route is not for them', async () => {
  const toBytes = { ...toServer, name: 'cart-bytes' };
  rig.obey(rig.policies(bytes() + authorize([account('web')], toBytes)));
  assert.deepEqual(
    [await rig.speak('shop/web'), await rig.speak('shop/batch'), await rig.speak(undefined)],
    [true, false, false],
  );
  const onRoute = object('HTTPRoute', 'r', {
    parentRefs: [{ group: GROUP, kind: 'Server', name: 'cart-bytes' }],
    rules: [{ matches: [{ path: { value: '/' } }] }],
  });
  rig.obey(rig.policies(bytes() + onRoute + authorize([account('web')], toRoute('r'))));
  assert.equal(await rig.speak('shop/web'), false);
  rig.obey(rig.policies(bytes() + onRoute + authorize([account('web')], toBytes)));
  assert.equal(await rig.speak('shop/web'), true);
});

test('whom an audit lets in without an authorization is noted, with the Server', async () => {
  rig.obey(rig.policies(server({ accessPolicy: 'audit' }) + authorize([account('web')])));
  const noted = (): number =>
    rig.server.log.lines.filter(({ message }) => message.includes('no rule of Server cart.shop allows it'))
      .length;
  const before = noted();
  assert.equal((await rig.send({ by: 'shop/web' })).status, 200);
  assert.equal(noted(), before);
  assert.equal((await rig.send({ by: 'shop/late' })).status, 200);
  assert.equal(noted(), before + 1);
});

test('a probe that is made at the app is let in as long as no route says who may', async () => {
  const probe = ', readinessProbe: {httpGet: {path: /ready, port: PORT}}';
  const closed = saying('deny', probe);
  assert.deepEqual(await letIn('', { path: '/ready' }, closed), ALL);
  assert.deepEqual(await letIn('', { path: '/ready', method: 'POST' }, closed), []);
  assert.deepEqual(await letIn('', { path: '/ready/x' }, closed), []);
  assert.deepEqual(await letIn(server(), { path: '/ready' }, closed), ALL);
  const all = server() + route('all', [{ path: { value: '/' } }]);
  assert.deepEqual(await letIn(all, { path: '/ready' }, closed), []);
  // Probes that the proxy makes open nothing.
  assert.deepEqual(
    await letIn(
      '',
      { path: '/ready' },
      saying('deny', ', readinessProbe: {httpGet: {path: /ready, port: 15020}}'),
    ),
    [],
  );
});

test("what Istio's policies deny stays denied, and what they allow is allowed beside", async () => {
  const open = server() + authorize([account('web')]);
  const from = (name: string) => [{ from: [{ source: { serviceAccounts: [name] } }] }];
  assert.deepEqual(await letIn(open + policy({ action: 'DENY', rules: from('shop/web') })), []);
  assert.deepEqual(await letIn(open + policy({ rules: from('ops/web') })), ['web', 'ops']);
  assert.deepEqual(await letIn(policy({ rules: from('ops/web') }), {}, saying('deny')), ['ops']);
  // A port that only Istio's policies speak of is closed by them alone.
  assert.deepEqual(await letIn(bytes() + policy({ rules: from('ops/web') })), ['ops']);
  // What no route takes is not found, whoever allows the caller.
  assert.equal(
    (await answers(routed + policy({ rules: from('shop/batch') }), { path: '/other' })).batch,
    404,
  );
  assert.equal(
    (await answers(routed + policy({ rules: from('shop/batch') }), { path: '/items' })).batch,
    200,
  );
});

test("what Consul's intentions deny stays denied, and what they allow is allowed beside", async () => {
  const service = `apiVersion: v1
kind: Service
metadata: {name: cart, namespace: shop}
spec: {selector: {app: cart}, ports: [{name: http, port: 80, targetPort: PORT}]}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: cart-1, namespace: shop, labels: {kubernetes.io/service-name: cart}}
addressType: IPv4
ports: [{name: http, port: PORT}]
endpoints: [{addresses: [10.0.0.9], conditions: {ready: true}, targetRef: {kind: Pod, name: cart-0, namespace: shop}}]
---
`;
  const intention = (action: string): string => `apiVersion: consul.hashicorp.com/v1alpha1
kind: ServiceIntentions
metadata: {name: cart, namespace: shop}
spec: {destination: {name: cart}, sources: [{name: batch, action: ${action}}]}
---
`;
  const open =
    service + server() + authorize([account('web')]) + authorize([account('batch')], toServer, 'too');
  assert.deepEqual(await letIn(open + intention('deny')), ['web']);
  assert.deepEqual(await letIn(service + server() + authorize([account('web')]) + intention('allow')), [
    'web',
    'batch',
  ]);
});

test('what cannot be read opens nothing', async () => {
  const wrong: readonly string[] = [
    server() + authorize([meshTls('nobody')]),
    server() + identities(['*.local']) + authorize([meshTls('ids')]),
    server() + networks({ cidr: '127.0.0.0/40' }) + authorize([network('nets')]),
    server() + authorize([{ kind: 'User', name: 'x' }]),
    server({ accessPolicy: 'everybody' }),
    server({ port: 70_000 }),
    server({ podSelector: { matchLabels: [] } }),
    namespaceSaying('everybody'),
  ];
  for (const yaml of wrong) {
    rig.obey(rig.policies(yaml, undefined, pod, true));
    for (const sent of Object.values(everybody)) assert.equal((await rig.send(sent)).status, 403, yaml);
  }
  const noRoute = route('r', [{ queryParams: [{ name: 'a', value: 'b' }] }]);
  rig.obey(rig.policies(server() + noRoute + authorize([]), undefined, pod, true));
  assert.equal((await rig.send({ by: 'shop/web' })).status, 404);
});
