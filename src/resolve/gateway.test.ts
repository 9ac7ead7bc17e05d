import assert from 'node:assert/strict';
import { test } from 'node:test';
import { meshFromYaml } from '../translate/testing/from-yaml.ts';
import { resolveCertificate, resolveDestination, resolveGateway } from './index.ts';

const objects = `
apiVersion: v1
kind: Namespace
metadata: { name: blog, labels: { team: web } }
---
apiVersion: v1
kind: Secret
metadata: { name: tls, namespace: shop }
type: kubernetes.io/tls
stringData: { tls.crt: chain, tls.key: key }
---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: { name: edge, namespace: shop }
spec:
  gatewayClassName: weft
  listeners:
    - { name: http, port: 80, protocol: HTTP, allowedRoutes: { namespaces: { from: All } } }
    - { name: narrow, port: 80, protocol: HTTP, hostname: www.example.com }
    - { name: https, port: 443, protocol: HTTPS, hostname: "*.example.com", tls: { certificateRefs: [{ name: tls }] },
        allowedRoutes: { namespaces: { from: Selector, selector: { matchLabels: { team: web } } } } }
    - { name: tls, port: 8443, protocol: TLS, tls: { mode: Passthrough } }
    - { name: tcp, port: 9000, protocol: TCP }
---
apiVersion: v1
kind: Service
metadata: { name: web, namespace: shop }
spec: { clusterIP: 10.96.0.1, ports: [{ port: 80 }, { port: 81 }] }
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: { name: all, namespace: shop }
spec:
  parentRefs: [{ name: edge }]
  rules:
    - { matches: [{ path: { value: /deep/er } }], backendRefs: [{ name: web, port: 81 }] }
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: { name: exact, namespace: shop }
spec:
  parentRefs: [{ name: edge }]
  hostnames: [www.example.com]
  rules: [{ matches: [{ path: { value: /x } }], backendRefs: [{ name: web, port: 80 }] }]
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: { name: blog, namespace: blog }
spec:
  parentRefs: [{ name: edge, namespace: shop, sectionName: https }]
  hostnames: [blog.example.com, other.test]
  rules: [{ backendRefs: [{ name: web, namespace: shop, port: 80 }] }]
---
apiVersion: gateway.networking.k8s.io/v1
kind: GRPCRoute
metadata: { name: calls, namespace: shop }
spec:
  parentRefs: [{ name: edge, sectionName: http }]
  hostnames: [www.example.com]
  rules: [{ matches: [{ method: { service: a.B, method: C } }], backendRefs: [{ name: web, port: 81 }] }]
---
apiVersion: gateway.networking.k8s.io/v1
kind: TLSRoute
metadata: { name: tls, namespace: shop }
spec:
  parentRefs: [{ name: edge }]
  hostnames: [db.example.com, "*.example.com"]
  rules: [{ backendRefs: [{ name: web, port: 80 }] }]
---
apiVersion: gateway.networking.k8s.io/v1
kind: TCPRoute
metadata: { name: tcp, namespace: shop }
spec:
  parentRefs: [{ name: edge }]
  rules: [{ backendRefs: [{ name: web, port: 81 }] }]
`;

const { mesh } = meshFromYaml(objects);
const own = { namespace: 'shop', labels: {} };
const paths = (key: string): readonly string[] =>
  resolveDestination(mesh, own, key).resource.routes.map(
    ({ name, matches = [] }) => `${name} ${matches.map(each => each.path?.value ?? '').join(' ')}`,
  );

test('a gateway is told its listeners, each with the hosts of the routes that it takes, the most specific first', () => {
  const { resource, facts } = resolveGateway(mesh, own, 'gateway/shop/edge');
  assert.deepEqual(
    resource.listeners.map(
      each => `${each.name} ${each.port}: ${each.hosts.map(({ host }) => host).join(' ')}`,
    ),
    [
      'shop/edge/http 80: www.example.com *',
      'shop/edge/narrow 80: www.example.com',
      'shop/edge/https 443: blog.example.com',
      'shop/edge/tls 8443: ',
      'shop/edge/tcp 9000: ',
    ],
  );
  assert.deepEqual(resource.listeners[2]!.tls?.certificates, ['certificate/shop/edge/shop/tls']);
  assert.ok(
    [...facts].some(each => /^joined shop\/edge .* all$/.test(each)) && facts.has('gateway-hosts shop/edge'),
  );
});

test('who runs elsewhere is told of no gateway, and of no key', () => {
  const other = { namespace: 'blog', labels: {} };
  const { resource } = resolveGateway(mesh, other, 'gateway/shop/edge');
  assert.deepEqual(resource.listeners, []);
  assert.match(resource.why!, /no gateway shop\/edge that a proxy of namespace blog serves/);
  const certificate = resolveCertificate(mesh, other, 'certificate/shop/edge/shop/tls').resource;
  assert.deepEqual([certificate.privateKey, certificate.chain], ['', '']);
  const host = resolveDestination(mesh, other, 'virtual-host/shop/edge/80/*/*').resource;
  assert.match(host.refused!, /no listener/);
});

test('a certificate is told to the gateway that names it, and one that it does not name is not', () => {
  const told = resolveCertificate(mesh, own, 'certificate/shop/edge/shop/tls').resource;
  assert.deepEqual([told.chain, told.privateKey], ['chain', 'key']);
  const other = resolveCertificate(mesh, own, 'certificate/shop/edge/shop/password').resource;
  assert.match(other.why!, /gateway shop\/edge.* does not name/);
});

test('the rules of a host: the route for the very host first, calls of gRPC beside requests, 404 at the end', () => {
  assert.deepEqual(paths('virtual-host/shop/edge/80/www.example.com/www.example.com'), [
    'exact-0 /x',
    'all-0 /deep/er',
    'no-route ',
  ]);
  assert.deepEqual(paths('virtual-host/shop/edge/80/*/www.example.com'), [
    'calls-0 /a.B/C',
    'exact-0 /x',
    'no-route ',
  ]);
  assert.deepEqual(paths('virtual-host/shop/edge/80/*/*'), ['all-0 /deep/er', 'no-route ']);
  assert.deepEqual(paths('virtual-host/shop/edge/80/*/gone.example'), ['no-route ']);
});

test('a share that may not be sent to another namespace without its consent is answered 500', () => {
  const { routes } = resolveDestination(
    mesh,
    own,
    'virtual-host/shop/edge/443/*.example.com/blog.example.com',
  ).resource;
  assert.equal(JSON.stringify(routes[0]!.action).includes('500'), true, JSON.stringify(routes[0]!.action));
});

test('connections go by the server name that they ask for, or all to one place', () => {
  const byName = resolveDestination(mesh, own, 'virtual-host/shop/edge/8443/*/*').resource;
  assert.deepEqual(
    byName.tls?.map(each => each.serverNames),
    [['db.example.com'], ['*.example.com']],
  );
  assert.deepEqual([byName.protocol, byName.tcp], ['tls', []]);
  const all = resolveDestination(mesh, own, 'virtual-host/shop/edge/9000/*/*').resource;
  assert.deepEqual(
    all.tcp.map(each => each.cluster),
    ['web.shop.svc.cluster.local:81'],
  );
});

test('a redirect stays with the scheme of the listener, and its port is the one of what it names, else the listener’s', () => {
  const listener = (name: string, port: number, protocol: string): string =>
    `{ name: ${name}, port: ${port}, protocol: ${protocol}${protocol === 'HTTPS' ? ', tls: { certificateRefs: [{ name: tls }] }' : ''} }`;
  const redirects = [
    'hostname: a.test',
    'scheme: https',
    'scheme: http',
    'port: 8444',
    'scheme: https, port: 8445',
  ];
  const mesh = meshFromYaml(`
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: { name: moved, namespace: shop }
spec:
  gatewayClassName: weft
  listeners: [${listener('a', 80, 'HTTP')}, ${listener('b', 8080, 'HTTP')}, ${listener('c', 443, 'HTTPS')}, ${listener('d', 8443, 'HTTPS')}]
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: { name: moved, namespace: shop }
spec:
  parentRefs: [{ name: moved }]
  rules:
${redirects.map((each, index) => `  - { matches: [{ path: { value: /${index} } }], filters: [{ type: RequestRedirect, requestRedirect: { ${each} } }] }`).join('\n')}
`).mesh;
  const caller = { namespace: 'shop', labels: {} };
  const at = resolveGateway(mesh, caller, 'gateway/shop/moved').resource.listeners.map(({ port, hosts }) => {
    const { routes } = resolveDestination(mesh, caller, hosts[0]!.destination).resource;
    const actions = routes.flatMap(({ action }) => (action.kind === 'redirect' ? [action] : []));
    return `${port}: ${actions.map(({ scheme = '', port: to = '' }) => `${scheme}:${to}`).join(' ')}`;
  });
  assert.deepEqual(at, [
    '80: :80 https:443 http:80 :8444 https:8445',
    '8080: :8080 https:443 http:80 :8444 https:8445',
    '443: https:443 https:443 http:80 https:8444 https:8445',
    '8443: https:8443 https:443 http:80 https:8444 https:8445',
  ]);
});

test('a gateway without a listener that can be is there all the same; one of another namespace is not', () => {
  const { mesh } = meshFromYaml(`
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: { name: edge, namespace: shop }
spec: { gatewayClassName: weft, listeners: [{ name: a, port: 80, protocol: example.com/spoken }] }
`);
  const whyFor = (namespace: string): string | undefined =>
    resolveGateway(mesh, { namespace, labels: {} }, 'gateway/shop/edge').resource.why;
  assert.equal(whyFor('shop'), undefined);
  assert.match(whyFor('blog') ?? '', /^there is no gateway shop\/edge that a proxy of namespace blog serves/);
});
