import assert from 'node:assert/strict';
import { test } from 'node:test';
import { meshOfObjects } from '../../analyze/index.ts';
import { kindOf, refOf } from '../../registry/index.ts';
import { parseFile } from '../../source/index.ts';
import { objectStatuses, policyKinds } from '../../translate/index.ts';
import { type Known, type KnownFinding, proxyOf, viewOf } from './view.ts';

const yaml = `
apiVersion: v1
kind: Namespace
metadata: { name: shop, labels: { weft.dev/inject: enabled } }
---
apiVersion: v1
kind: Service
metadata: { name: reviews, namespace: shop }
spec: { selector: { app: reviews }, ports: [{ name: http, port: 80 }] }
---
apiVersion: v1
kind: Service
metadata: { name: nobody, namespace: shop }
spec: { selector: { app: nobody }, ports: [{ port: 80 }] }
---
apiVersion: apps/v1
kind: Deployment
metadata: { name: reviews-v1, namespace: shop }
spec:
  replicas: 2
  selector: { matchLabels: { app: reviews, version: v1 } }
  template:
    metadata: { labels: { app: reviews, version: v1 } }
    spec: { serviceAccountName: reviews, containers: [{ name: app, image: x }] }
---
apiVersion: apps/v1
kind: Deployment
metadata: { name: reviews-v2, namespace: shop }
spec:
  selector: { matchLabels: { app: reviews, version: v2 } }
  template:
    metadata: { labels: { app: reviews, version: v2 } }
    spec: { containers: [{ name: app, image: x }] }
---
apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata: { name: default, namespace: shop }
spec: { mtls: { mode: STRICT } }
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: { name: reviews, namespace: shop }
spec:
  host: reviews
  subsets: [{ name: v1, labels: { version: v1 } }, { name: v2, labels: { version: v2 } }]
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: reviews, namespace: shop }
spec:
  hosts: [reviews]
  http:
    - match: [{ uri: { prefix: /beta }, headers: { end-user: { exact: jason } } }]
      route: [{ destination: { host: reviews, subset: v2 } }]
      timeout: 2s
    - route:
        - { destination: { host: reviews, subset: v1 }, weight: 90 }
        - { destination: { host: reviews, subset: v2 }, weight: 10 }
    - route: [{ destination: { host: reviews, subset: v9 } }]
`;

function view(findings: readonly KnownFinding[] = [], others?: Known['others']) {
  const { objects, problems: unread } = parseFile(yaml, 'shop.yaml');
  assert.deepEqual(unread, []);
  const stored = objects.map(({ object, line }) => ({ object, ref: refOf(object, `shop.yaml:${line}`) }));
  const { mesh, problems } = meshOfObjects(stored, {
    expectPods: true,
    trustDomain: 'cluster.local',
    clusterDomain: 'cluster.local',
  });
  const policies = stored.filter(({ object }) =>
    policyKinds.includes(kindOf(object.apiVersion, object.kind)),
  );
  return viewOf({
    place: { kind: 'sandbox', name: 'shop', weft: '0.1.0' },
    mesh,
    statuses: objectStatuses({ objects: policies, problems, mesh }),
    problems,
    findings,
    proxies: [
      proxyOf({
        pod: 'shop/reviews-v1-0',
        principal: 'spiffe://cluster.local/ns/shop/sa/reviews',
        proxyVersion: '0.1.0',
        address: '10.0.0.1',
        connectedAtMs: 1,
        destinations: 2,
        outstanding: 0,
        resources: [
          { kind: 'destination', key: 'a:80', version: 1, state: 'acked' },
          { kind: 'destination', key: 'b:80', version: 2, state: 'nacked', reason: 'no such word' },
        ],
      }),
    ],
    ...(others && { others }),
    certificates: [],
    objects: { Pod: 3 },
  });
}

test('pods are told by what they belong to, with their Services and what they take in', () => {
  const { workloads, namespaces } = view();
  assert.deepEqual(
    workloads.map(({ key, kind, versions, serviceAccount, services, mtls, pods }) => ({
      ...{ key, kind, versions, serviceAccount, services, mtls },
      pods: pods.map(each => [each.meshed, each.ready]),
    })),
    [
      {
        ...{ key: 'shop/reviews-v1', kind: 'Deployment', versions: ['v1'], serviceAccount: 'reviews' },
        ...{ services: ['shop/reviews'], mtls: 'strict', pods: workloads[0]!.pods.map(() => [true, true]) },
      },
      {
        ...{ key: 'shop/reviews-v2', kind: 'Deployment', versions: ['v2'], serviceAccount: 'default' },
        ...{ services: ['shop/reviews'], mtls: 'strict', pods: [[true, true]] },
      },
    ],
  );
  assert.deepEqual([namespaces[0]!.name, namespaces[0]!.workloads], ['shop', 2]);
  assert.equal(namespaces[0]!.pods, namespaces[0]!.meshedPods);
});

test('Services have their endpoints and their rules in words, each target with the pods it leads to', () => {
  const { services } = view();
  const [nobody, reviews] = services;
  assert.deepEqual([nobody!.endpoints, nobody!.routes], [{ ready: 0, all: 0 }, []]);
  assert.deepEqual(reviews!.workloads, ['shop/reviews-v1', 'shop/reviews-v2']);
  const [beta, rest, wrong] = reviews!.routes;
  assert.deepEqual([beta!.matches, beta!.settings], [['/beta* header end-user=jason'], ['timeout 2 s']]);
  assert.deepEqual(
    [beta!.from.kind, beta!.from.name, beta!.path],
    ['VirtualService', 'reviews', 'spec.http[0]'],
  );
  assert.match(beta!.from.origin!, /^shop\.yaml:\d+$/);
  assert.deepEqual(
    rest!.targets.map(({ subset, share, workloads }) => [subset, share, workloads]),
    [
      ['v1', 0.9, [{ key: 'shop/reviews-v1', version: 'v1' }]],
      ['v2', 0.1, [{ key: 'shop/reviews-v2', version: 'v2' }]],
    ],
  );
  assert.deepEqual(wrong!.targets[0]!.workloads, []);
});

test('policies have what became of them, with the place and the remedy', () => {
  const { policies, controlPlane } = view();
  assert.deepEqual(
    policies.map(({ kind, standing }) => [kind, standing]),
    [
      ['PeerAuthentication', 'ok'],
      ['DestinationRule', 'ok'],
      ['VirtualService', policies[2]!.standing],
    ],
  );
  const { standing, problems, origin } = policies[2]!;
  assert.notEqual(standing, 'ok');
  assert.match(String(origin), /^shop\.yaml:\d+$/);
  assert.ok(problems.some(({ message, path }) => message.includes('v9') && path?.includes('http[2]')));
  assert.deepEqual(controlPlane.proxies[0]!.refused, ['b:80: no such word']);
});

test('what the analyzer found about a policy stands with it; what its translation said already is not said twice', () => {
  const object = {
    apiVersion: 'security.istio.io/v1',
    kind: 'PeerAuthentication',
    namespace: 'shop',
    name: 'default',
  };
  const rule = { ...object, apiVersion: 'networking.istio.io/v1', kind: 'VirtualService', name: 'reviews' };
  const before = view().policies.find(({ kind }) => kind === 'VirtualService')!;
  const [own] = before.problems;
  const { policies } = view([
    {
      code: 'strict-outsiders',
      severity: 'warning',
      object,
      path: 'spec.mtls',
      message: 'who is outside fails; bring it in',
    },
    { code: own!.code, severity: 'error', object: rule, path: own!.path!, message: 'the same again' },
    { code: 'worth-knowing', severity: 'info', object: rule, message: 'nothing is wrong' },
    { code: 'elsewhere', severity: 'error', object: { ...rule, name: 'gone' }, message: 'of nobody here' },
  ]);
  const of = (wanted: string) => policies.find(({ kind }) => kind === wanted)!;
  assert.deepEqual(
    [of('PeerAuthentication').standing, of('PeerAuthentication').problems],
    [
      'warning',
      [
        {
          code: 'strict-outsiders',
          severity: 'warning',
          path: 'spec.mtls',
          message: 'who is outside fails; bring it in',
        },
      ],
    ],
  );
  assert.deepEqual(
    of('VirtualService').problems.map(({ code }) => code),
    [...before.problems.map(({ code }) => code), 'worth-knowing'],
  );
  assert.equal(of('VirtualService').standing, before.standing);
  assert.equal(of('DestinationRule').standing, 'ok');
});

test('what the analyzer found about a Service stands with it', () => {
  const object = { apiVersion: 'v1', kind: 'Service', namespace: 'shop', name: 'nobody' };
  const said = {
    code: 'service-selects-nothing',
    severity: 'warning',
    message: 'no pod has its labels',
  } as const;
  const { services, policies } = view([{ ...said, object }]);
  assert.deepEqual(
    services.map(({ name, problems }) => [name, problems]),
    [
      ['nobody', [said]],
      ['reviews', []],
    ],
  );
  assert.ok(policies.every(({ problems }) => problems.every(({ code }) => code !== said.code)));
});

test('proxies of other replicas stand beside those of this one, and are counted where they are not told', () => {
  const [own] = view().controlPlane.proxies;
  const other = { ...own!, pod: 'shop/reviews-v2-0', replica: 'weft-injector-2' };
  const { proxies, proxyCount } = view([], { proxies: [other], count: 7 }).controlPlane;
  assert.deepEqual(
    proxies.map(({ pod, replica }) => [pod, replica]),
    [
      ['shop/reviews-v1-0', undefined],
      ['shop/reviews-v2-0', 'weft-injector-2'],
    ],
  );
  assert.equal(proxyCount, 8);
});
