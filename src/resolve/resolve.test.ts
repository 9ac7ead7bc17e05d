import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DEFAULT_RETRY, DEFAULT_TRAFFIC } from '../model/index.ts';
import { meshFromYaml } from '../translate/testing/from-yaml.ts';
import { type Caller, resolveDestination, resolveEndpoints, resolveInbound } from './index.ts';

const shop = `
apiVersion: v1
kind: Service
metadata: {name: reviews, namespace: shop}
spec: {clusterIP: 10.96.0.5, clusterIPs: [10.96.0.5, "fd00:96::5"], ports: [{name: http, port: 80, targetPort: 8080}, {name: tcp, port: 90}]}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: reviews-1, namespace: shop, labels: {kubernetes.io/service-name: reviews}}
addressType: IPv4
ports: [{name: http, port: 8080}, {name: tcp, port: 9000}]
endpoints:
- {addresses: [10.244.0.7], targetRef: {kind: Pod, name: reviews-a}, zone: z1}
- {addresses: [10.244.0.8], conditions: {ready: false}, targetRef: {kind: Pod, name: reviews-b}}
---
apiVersion: v1
kind: Pod
metadata:
  name: reviews-a
  namespace: shop
  labels: {app: reviews, version: v1}
  annotations: {weft.dev/status: '{}', weft.dev/skip-inbound-ports: '9000'}
spec: {serviceAccountName: reviews, containers: [{name: c, ports: [{containerPort: 8080, name: web}, {containerPort: 7000, name: http-x}]}]}
status: {podIP: 10.244.0.7}
---
apiVersion: v1
kind: Pod
metadata: {name: reviews-b, namespace: shop}
status: {podIP: 10.244.0.8}
---
apiVersion: v1
kind: Service
metadata: {name: web, namespace: shop}
spec: {clusterIP: None, ports: [{port: 80}]}
---
apiVersion: v1
kind: Service
metadata: {name: web-vip, namespace: shop}
spec: {clusterIP: 10.96.0.6, ports: [{port: 80}]}
---
apiVersion: v1
kind: Endpoints
metadata: {name: web, namespace: shop}
subsets: [{addresses: [{ip: 10.244.0.9, hostname: web-0, targetRef: {kind: Pod, name: web-0}}], ports: [{port: 8000}]}]
---
apiVersion: v1
kind: Endpoints
metadata: {name: web-vip, namespace: shop}
subsets: [{addresses: [{ip: 10.244.0.9, targetRef: {kind: Pod, name: web-0}}], ports: [{port: 8000}]}]
---
apiVersion: v1
kind: Pod
metadata: {name: web-0, namespace: shop}
status: {podIP: 10.244.0.9}
---
apiVersion: v1
kind: Service
metadata: {name: db, namespace: shop}
spec: {type: ExternalName, externalName: db.example.com}
---
apiVersion: v1
kind: Service
metadata: {name: alias, namespace: shop}
spec: {type: ExternalName, externalName: reviews.shop.svc.cluster.local}
---
apiVersion: v1
kind: Service
metadata: {name: circle, namespace: shop}
spec: {type: ExternalName, externalName: circle.shop.svc.cluster.local}
---
apiVersion: v1
kind: Service
metadata: {name: empty, namespace: other}
spec: {clusterIP: 10.96.0.9, ports: [{port: 80}]}
`;
const { mesh } = meshFromYaml(shop);
const caller: Caller = { namespace: 'shop', labels: {} };

function asked(key: string, who = caller, of = mesh): string {
  const { found, host, port, clusters } = resolveDestination(of, who, key).resource;
  return [found, `${host}:${port}`, ...clusters.map(each => each.name)].join(' ');
}

function given(cluster: string, of = mesh, who = caller): string[] {
  const { endpoints, total } = resolveEndpoints(of, who, cluster).resource;
  return [...endpoints.map(each => `${each.address}:${each.port} ${each.tls}`), `of ${total}`];
}

const reviews = 'service reviews.shop.svc.cluster.local:80 reviews.shop.svc.cluster.local:80';
const pod = 'workload web.shop.svc.cluster.local:80 web.shop.svc.cluster.local:80/10.244.0.9:8000';

const destinations: [string, string][] = [
  ['10.96.0.5:80', reviews],
  ['[fd00:96::5]:80', reviews],
  ['[FD00:96:0::0:5]:80', reviews],
  ['[::ffff:10.96.0.5]:80', reviews],
  ['reviews:80', reviews],
  ['Reviews.shop:80', reviews],
  ['reviews.shop.svc:80', reviews],
  ['reviews.shop.svc.cluster.local:80', reviews],
  ['reviews.shop.svc.cluster.local.:80', 'unknown reviews.shop.svc.cluster.local.:80:80'],
  ['alias:80', reviews],
  ['10.96.0.5:81', 'unknown 10.96.0.5:81:81'],
  [
    '10.244.0.7:8080',
    'workload reviews.shop.svc.cluster.local:80 reviews.shop.svc.cluster.local:80/10.244.0.7:8080',
  ],
  ['10.244.0.7:7000', 'workload 10.244.0.7:7000 10.244.0.7:7000'],
  ['10.244.0.9:8000', pod],
  ['web-0.web:8000', pod],
  ['web-0.web.shop.svc.cluster.local:8000', pod],
  ['web-1.web:8000', 'unknown web-1.web:8000:8000'],
  ['web:80', 'service web.shop.svc.cluster.local:80 web.shop.svc.cluster.local:80'],
  ['web:8000', 'service web.shop.svc.cluster.local:80 web.shop.svc.cluster.local:80'],
  ['db:5432', 'service db.shop.svc.cluster.local:5432 db.shop.svc.cluster.local:5432'],
  ['circle:80', 'service circle.shop.svc.cluster.local:80 circle.shop.svc.cluster.local:80'],
  ['empty:80', 'unknown empty:80:80'],
  ['empty.other:80', 'service empty.other.svc.cluster.local:80 empty.other.svc.cluster.local:80'],
  ['example.com:443', 'unknown example.com:443:443'],
  ['192.0.2.1:443', 'unknown 192.0.2.1:443:443'],
  ['nonsense', 'unknown nonsense:0'],
];
for (const [key, expected] of destinations.filter(([key]) => !key.includes('local.:'))) {
  test(`${key} is ${expected.split(' ')[0]}`, () => assert.equal(asked(key), expected));
}

test('a name with a dot at its end is looked up as it stands', () => {
  assert.equal(asked('reviews.shop.svc.cluster.local.:80'), reviews);
  assert.match(asked('reviews.:80'), /^unknown/);
});

test('short names mean services of the caller’s namespace, or of none outside of all', () => {
  assert.match(asked('empty:80', { namespace: 'other', labels: {} }), /^service empty\.other/);
  assert.match(asked('reviews:80', { namespace: 'other', labels: {} }), /^unknown/);
  assert.match(asked('reviews:80', { namespace: '', labels: {} }), /^unknown/);
});

test('a destination nobody spoke of has one route to its cluster, and every default', () => {
  const { resource } = resolveDestination(mesh, caller, '10.96.0.5:80');
  const cluster = 'reviews.shop.svc.cluster.local:80';
  assert.equal(resource.protocol, 'http');
  assert.deepEqual(resource.tcp, [{ cluster, weight: 1 }]);
  assert.deepEqual(resource.routes, [
    {
      name: 'default',
      action: { kind: 'forward', clusters: [{ cluster, weight: 1 }] },
      timeoutMs: 0,
      idleTimeoutMs: 3_600_000,
      retry: DEFAULT_RETRY,
    },
  ]);
  const service = { host: 'reviews.shop.svc.cluster.local', name: 'reviews', namespace: 'shop' };
  assert.deepEqual(resource.clusters, [
    { name: cluster, service, protocol: 'http', settings: DEFAULT_TRAFFIC },
  ]);
});

test('only ready endpoints are given out, and the total counts all', () => {
  assert.deepEqual(given('reviews.shop.svc.cluster.local:80'), ['10.244.0.7:8080 mesh', 'of 2']);
});

test('ports that the proxy of the endpoint does not see are called in plaintext', () => {
  assert.deepEqual(given('reviews.shop.svc.cluster.local:90'), ['10.244.0.7:9000 plaintext', 'of 2']);
});

test('an endpoint says who it is', () => {
  const [endpoint] = resolveEndpoints(mesh, caller, 'reviews.shop.svc.cluster.local:80').resource.endpoints;
  assert.deepEqual(endpoint!.peer, {
    workload: 'reviews-a',
    namespace: 'shop',
    app: 'reviews',
    version: 'v1',
    principal: 'spiffe://cluster.local/ns/shop/sa/reviews',
    pod: 'reviews-a',
  });
  assert.equal(endpoint!.zone, 'z1');
});

test('a service without endpoints, one that is gone, and nonsense have empty sets', () => {
  assert.match(asked('10.96.0.9:80'), /^service/);
  assert.deepEqual(given('empty.other.svc.cluster.local:80'), ['of 0']);
  assert.deepEqual(given('gone.shop.svc.cluster.local:80'), ['of 0']);
  assert.deepEqual(given('no/cluster/name'), ['of 0']);
});

test('who calls an address itself gets it, ready or not', () => {
  assert.deepEqual(given('reviews.shop.svc.cluster.local:80/10.244.0.8:8080'), [
    '10.244.0.8:8080 plaintext',
    'of 1',
  ]);
  assert.deepEqual(given('10.244.0.7:7000'), ['10.244.0.7:7000 mesh', 'of 1']);
});

test('an ExternalName that is outside of the mesh has its name as the one endpoint', () => {
  assert.deepEqual(given('db.shop.svc.cluster.local:5432'), ['db.example.com:5432 plaintext', 'of 1']);
});

test('where none is ready, those that are terminating and still serve are given out', () => {
  const leaving = meshFromYaml(
    shop
      .replace(
        '{addresses: [10.244.0.7],',
        '{addresses: [10.244.0.7], conditions: {ready: false, serving: true, terminating: true},',
      )
      .replaceAll('namespace: other', 'namespace: elsewhere'),
  ).mesh;
  assert.deepEqual(given('reviews.shop.svc.cluster.local:80', leaving), ['10.244.0.7:8080 mesh', 'of 2']);
});

const peerPolicy = (name: string, namespace: string, spec: string): string => `
---
apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata: {name: ${name}, namespace: ${namespace}}
spec: {${spec}}`;

test('a port whose inbound mode is disable is called in plaintext', () => {
  const policy = 'selector: {matchLabels: {app: reviews}}, portLevelMtls: {8080: {mode: DISABLE}}';
  const { mesh: of } = meshFromYaml(shop + peerPolicy('p', 'shop', policy));
  assert.deepEqual(given('reviews.shop.svc.cluster.local:80', of), ['10.244.0.7:8080 plaintext', 'of 2']);
});

const rule = (namespace: string, policy: string, host = 'reviews.shop.svc.cluster.local'): string => `
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: r, namespace: ${namespace}}
spec: {host: '${host}', trafficPolicy: {${policy}}}`;

test('a rule that says how to protect connections goes over what endpoints offer', () => {
  const disable = meshFromYaml(shop + rule('shop', 'tls: {mode: DISABLE}')).mesh;
  assert.deepEqual(given('reviews.shop.svc.cluster.local:80', disable), [
    '10.244.0.7:8080 plaintext',
    'of 2',
  ]);
  const force = meshFromYaml(shop + rule('shop', 'tls: {mode: ISTIO_MUTUAL}')).mesh;
  assert.deepEqual(given('reviews.shop.svc.cluster.local:90', force), ['10.244.0.7:9000 mesh', 'of 2']);
});

test('of rules the caller’s namespace wins over the service’s, that over the root’s, and a port over none', () => {
  const all = [
    rule(
      'istio-system',
      'loadBalancer: {simple: RANDOM}, connectionPool: {tcp: {maxConnections: 9}}',
      '*.local',
    ),
    rule(
      'shop',
      'loadBalancer: {simple: ROUND_ROBIN}, portLevelSettings: [{port: {number: 90}, connectionPool: {tcp: {maxConnections: 3}}}]',
    ),
    rule('front', 'connectionPool: {tcp: {maxConnections: 7}}'),
  ];
  const { mesh: of } = meshFromYaml(shop + all.join(''));
  const settings = (key: string, namespace: string): [string, number] => {
    const { resource } = resolveDestination(of, { namespace, labels: {} }, key);
    return [
      resource.clusters[0]!.settings.balancer.kind,
      resource.clusters[0]!.settings.limits.maxConnections,
    ];
  };
  assert.deepEqual(settings('10.96.0.5:80', 'shop'), ['round-robin', 1024]);
  assert.deepEqual(settings('10.96.0.5:90', 'shop'), ['p2c-ewma', 3], 'ports inherit nothing');
  assert.deepEqual(settings('10.96.0.5:80', 'front'), ['p2c-ewma', 7], 'rules are not merged');
  assert.deepEqual(settings('10.96.0.9:80', 'shop'), ['random', 9]);
});

test('ports that are declared TCP may have more connections, unless somebody says how many', () => {
  const limit = (yaml: string): readonly number[] =>
    ['10.96.0.5:80', '10.96.0.5:90'].map(key => {
      const { mesh } = meshFromYaml(yaml);
      const { resource } = resolveDestination(mesh, { namespace: 'shop', labels: {} }, key);
      return resource.clusters[0]!.settings.limits.maxConnections;
    });
  assert.deepEqual(limit(shop), [1024, 4096]);
  assert.deepEqual(limit(shop + rule('shop', 'connectionPool: {tcp: {maxConnections: 7}}')), [7, 7]);
});

test('policies of several kinds are merged, and the route names who spoke of it', () => {
  const annotated = shop.replace(
    'name: reviews, namespace: shop}',
    'name: reviews, namespace: shop, annotations: {weft.dev/timeout: 1s, weft.dev/max-connections: "5", weft.dev/retries: "4"}}',
  );
  const virtual = `
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: v, namespace: shop}
spec: {hosts: [reviews], http: [{timeout: 3s, retries: {perTryTimeout: 1s}, route: [{destination: {host: reviews}}]}]}`;
  const rules = rule('shop', 'connectionPool: {http: {http1MaxPendingRequests: 6}}');
  const { resource } = resolveDestination(
    meshFromYaml(annotated + rules + virtual).mesh,
    caller,
    '10.96.0.5:80',
  );
  const [route] = resource.routes;
  assert.deepEqual(
    [route!.timeoutMs, route!.retry.attempts, route!.retry.perTryTimeoutMs, route!.from],
    [
      3000,
      4,
      1000,
      { apiVersion: 'networking.istio.io/v1', kind: 'VirtualService', namespace: 'shop', name: 'v' },
    ],
  );
  const { limits } = resource.clusters[0]!.settings;
  assert.deepEqual([limits.maxConnections, limits.maxPendingRequests, limits.maxRequests], [5, 6, 4096]);
});

test('the inbound side has declared and served ports, with their service, protocol and mode', () => {
  const policies =
    peerPolicy('mesh', 'istio-system', 'mtls: {mode: STRICT}') +
    peerPolicy(
      'w',
      'shop',
      'selector: {matchLabels: {app: reviews}}, portLevelMtls: {9100: {mode: PERMISSIVE}}',
    );
  const { resource } = resolveInbound(meshFromYaml(shop + policies).mesh, 'shop/reviews-a');
  assert.deepEqual(
    resource!.ports.map(({ number, protocol, mtls, from, service }) => [
      number,
      protocol,
      mtls,
      from?.name,
      service?.name,
    ]),
    [
      [7000, 'http', 'strict', 'mesh', undefined],
      [8080, 'http', 'strict', 'mesh', 'reviews'],
      [9000, 'tcp', 'strict', 'mesh', 'reviews'],
      [9100, 'auto', 'permissive', 'w', undefined],
    ],
  );
  assert.deepEqual([resource!.defaultMtls, resource!.defaultFrom!.name], ['strict', 'mesh']);
  assert.equal(resource!.self.principal, 'spiffe://cluster.local/ns/shop/sa/reviews');
});

test('without policies both plaintext and mesh TLS are accepted, and a pod nobody knows has no inbound side', () => {
  assert.equal(resolveInbound(mesh, 'shop/reviews-a').resource!.defaultMtls, 'permissive');
  assert.equal(resolveInbound(mesh, 'shop/nobody').resource, undefined);
});

test('the narrower scope of peer policies wins and what it leaves unset comes from the wider one', () => {
  const policies =
    peerPolicy('mesh', 'istio-system', 'mtls: {mode: DISABLE}') +
    peerPolicy('space', 'shop', 'mtls: {mode: STRICT}') +
    peerPolicy('unset', 'shop', 'selector: {matchLabels: {app: reviews}}, mtls: {mode: UNSET}');
  const of = meshFromYaml(shop + policies).mesh;
  assert.equal(resolveInbound(of, 'shop/reviews-a').resource!.defaultMtls, 'strict');
  assert.equal(resolveInbound(of, 'shop/reviews-b').resource!.defaultFrom!.name, 'space');
});

test('resources say nothing of where objects were read', () => {
  const policies =
    rule('shop', 'loadBalancer: {simple: RANDOM}') + peerPolicy('p', 'shop', 'mtls: {mode: STRICT}');
  const [one, other] = [shop + policies, `# a line more\n${shop}${policies}`].map(yaml => {
    const { mesh: of } = meshFromYaml(yaml);
    return [
      resolveDestination(of, caller, '10.96.0.5:80').resource,
      resolveEndpoints(of, caller, 'reviews.shop.svc.cluster.local:80').resource,
      resolveInbound(of, 'shop/reviews-a').resource,
    ];
  });
  assert.deepEqual(one, other);
});

test('every resource is plain JSON', () => {
  const all = [
    resolveDestination(mesh, caller, '10.96.0.5:80').resource,
    resolveDestination(mesh, caller, 'x:1').resource,
    resolveEndpoints(mesh, caller, 'reviews.shop.svc.cluster.local:80').resource,
    resolveInbound(mesh, 'shop/reviews-a').resource,
  ];
  assert.deepEqual(JSON.parse(JSON.stringify(all)), all);
});

test('how paths are normalised is told to both sides, for what is known and for what is not, and rests on its own fact', () => {
  const config = `
---
apiVersion: v1
kind: ConfigMap
metadata: {name: istio, namespace: istio-system}
data: {mesh: "pathNormalization: {normalization: MERGE_SLASHES}"}
`;
  const caller: Caller = { namespace: 'shop', labels: {} };
  const keys = ['10.96.0.5:80', '10.244.0.9:8000', '203.0.113.9:80'];
  for (const [yaml, expected] of [
    [shop, undefined],
    [shop + config, 'MERGE_SLASHES'],
  ] as const) {
    const { mesh } = meshFromYaml(yaml);
    const all = [
      ...keys.map(key => resolveDestination(mesh, caller, key)),
      resolveInbound(mesh, 'shop/reviews-a'),
    ];
    for (const { resource, facts } of all) {
      assert.equal(resource!.pathNormalization, expected);
      assert.ok(facts.has('path-normalization'));
    }
  }
});
