// Whatever comes, changes and goes, in whatever order: the mesh is the one that the same objects make from the beginning.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { equal, type Mesh, type Problem } from '../../model/index.ts';
import type { Change } from '../../registry/index.ts';
import { changesOf } from '../testing/from-yaml.ts';
import { Translator } from '../translator.ts';

/** Numerical Recipes' linear congruential generator: the same numbers on every machine. */
function numbers(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return below => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

const hosts = ['a.test', 'www.a.test', 'b.test', 'c.test', '*.test', ''];

function randomIngress(any: (below: number) => number): object {
  const one = <T>(all: readonly T[]): T => all[any(all.length)]!;
  const host = one(hosts);
  const service = (): object => ({
    service: { name: one(['s', 't', 'u']), port: { number: one([80, 81]) } },
  });
  const annotations: Record<string, string> = {};
  const say = (name: string, value: string): void => {
    if (any(4) === 0) annotations[`nginx.ingress.kubernetes.io/${name}`] = value;
  };
  say('server-alias', one(['c.test', 'd.test', 'd.test,e.test']));
  say('from-to-www-redirect', 'true');
  say('canary', 'true');
  say('canary-weight', '10');
  say('ssl-passthrough', 'true');
  say('proxy-connect-timeout', one(['3', '4']));
  say('use-regex', 'true');
  if (any(3) === 0) annotations['haproxy.org/set-host'] = one(['d.test', 'e.test']);
  if (any(9) === 0) annotations['haproxy.org/allow-list'] = '10.0.0.0/8';
  if (any(3) === 0)
    annotations['traefik.ingress.kubernetes.io/router.middlewares'] = one([
      'n-one@kubernetescrd',
      'm-two@kubernetescrd',
    ]);
  if (any(4) === 0)
    annotations['traefik.ingress.kubernetes.io/router.entrypoints'] = one(['web', 'websecure']);
  const rules = [host, ...(any(3) === 0 ? [one(hosts)] : [])].map(each => ({
    ...(each !== '' && { host: each }),
    http: { paths: [{ path: one(['/', '/x', '/y']), pathType: 'Prefix', backend: service() }] },
  }));
  return {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'Ingress',
    metadata: {
      ...{ name: `i${any(8)}`, namespace: one(['n', 'm']), annotations },
      creationTimestamp: one(['2026-01-01T00:00:00Z', '2026-01-02T00:00:00Z']),
    },
    spec: {
      ...(any(4) > 0 && { ingressClassName: one(['ours', 'ours', 'second', 'theirs']) }),
      ...(any(2) === 0 && host !== '' && { tls: [{ hosts: [host], secretName: 'tls' }] }),
      ...(any(4) === 0 && { defaultBackend: service() }),
      ...(any(6) > 0 && { rules }),
    },
  };
}

function randomClass(any: (below: number) => number): object {
  const name = ['ours', 'second', 'theirs'][any(3)]!;
  const fallback = { 'ingressclass.kubernetes.io/is-default-class': any(2) === 0 ? 'true' : 'false' };
  const controller = name === 'theirs' ? 'example.com/other' : 'weft.dev/ingress-controller';
  const dialect = { 'weft.dev/dialect': ['ingress-nginx', 'haproxy', 'traefik'][any(3)]! };
  const metadata = { name, annotations: { ...fallback, ...dialect } };
  return { apiVersion: 'networking.k8s.io/v1', kind: 'IngressClass', metadata, spec: { controller } };
}

/** A Service, or the ConfigMap, that says something of backends in HAProxy's words. */
function randomWords(any: (below: number) => number): object {
  const one = <T>(all: readonly T[]): T => all[any(all.length)]!;
  const balance = { 'load-balance': one(['source', 'leastconn']) };
  const time = { 'timeout-server': one(['5s', '7s']) };
  const values = { ...(any(2) === 0 && balance), ...(any(2) === 0 && time) };
  if (any(3) === 0)
    return {
      ...{ apiVersion: 'traefik.io/v1alpha1', kind: 'Middleware' },
      metadata: one([
        { name: 'one', namespace: 'n' },
        { name: 'two', namespace: 'm' },
      ]),
      spec: one([
        { addPrefix: { prefix: '/a' } },
        { ipAllowList: { sourceRange: ['10.0.0.0/8'] } },
        { chain: { middlewares: [{ name: 'one', namespace: 'n' }] } },
      ]),
    };
  if (any(2) === 0) return randomRoutes(any);
  if (any(4) === 0)
    return {
      ...{ apiVersion: 'v1', kind: 'ConfigMap', data: values },
      metadata: { name: 'haproxy-kubernetes-ingress', namespace: one(['n', 'm']) },
    };
  const annotations = Object.fromEntries(
    Object.entries(values).map(([key, value]) => [`haproxy.org/${key}`, value]),
  );
  return {
    ...{ apiVersion: 'v1', kind: 'Service', spec: { ports: [{ port: 80 }] } },
    metadata: { name: one(['s', 't', 'u']), namespace: one(['n', 'm']), annotations },
  };
}

/** An IngressRoute, or what one names. */
function randomRoutes(any: (below: number) => number): object {
  const one = <T>(all: readonly T[]): T => all[any(all.length)]!;
  const group = { apiVersion: 'traefik.io/v1alpha1' };
  const service = (): object =>
    one([
      { name: one(['s', 't', 'u']), port: one([80, 81]), scheme: one(['http', 'h2c']) },
      { name: one(['w', 'x']), kind: 'TraefikService', weight: one([1, 3]) },
    ]);
  const metadata = { name: one(['w', 'x']), namespace: 'n' };
  if (any(3) === 0)
    return { ...group, kind: 'TraefikService', metadata, spec: { weighted: { services: [service()] } } };
  const matches = [
    'Host(`a.test`)',
    'PathPrefix(`/x`)',
    'Host(`b.test`) || Host(`www.a.test`)',
    'HostRegexp(`c`)',
  ];
  const routes = Array.from({ length: 1 + any(2) }, () => ({
    ...{ kind: 'Rule', match: one(matches), priority: one([0, 50]), services: [service(), service()] },
    ...(any(3) === 0 && { middlewares: [{ name: 'one' }] }),
  }));
  const entryPoints = one([['web'], ['websecure'], []]);
  const annotations = any(3) === 0 ? { 'kubernetes.io/ingress.class': one(['ours', 'second']) } : {};
  return {
    ...group,
    kind: 'IngressRoute',
    metadata: { ...metadata, annotations },
    spec: { entryPoints, routes },
  };
}

function putOf(object: object): Change {
  const [change] = changesOf(JSON.stringify(object));
  return change!;
}

/** What of a mesh follows from Ingresses, and what is wrong between them. What one object says of one thing has no order. */
function outcome({
  mesh,
  problems,
}: {
  readonly mesh: Mesh;
  readonly problems: readonly Problem[];
}): unknown {
  const { gateways, gatewayHosts, routeTables, trafficPolicies, servedIngresses } = mesh;
  const maps = { gateways, gatewayHosts, routeTables, trafficPolicies, servedIngresses };
  const texts = (all: readonly unknown[]): readonly string[] => all.map(each => JSON.stringify(each)).sort();
  const parts = Object.entries(maps).map(([name, map]) => {
    const groups: ReadonlyMap<string, readonly unknown[]> = map;
    return [name, new Map([...groups].map(([group, values]) => [group, texts(values)]))];
  });
  return { parts, problems: texts(problems) };
}

test('changes of Ingresses and classes one after the other come to what all of them together come to', () => {
  for (let seed = 1; seed <= 12; seed++) {
    const any = numbers(seed);
    const translator = new Translator();
    const alive = new Map<string, Change>();
    for (let step = 0; step < 40; step++) {
      const changes = Array.from({ length: 1 + any(3) }, (): Change => {
        const make = any(8) === 0 || step === 0 ? randomClass : any(4) === 0 ? randomWords : randomIngress;
        const put = putOf(make(any));
        const { kind, key } = put;
        if (any(4) === 0 && alive.delete(`${kind} ${key}`)) return { type: 'delete', kind, key };
        alive.set(`${kind} ${key}`, put);
        return put;
      });
      translator.apply(changes);
      const anew = new Translator();
      anew.apply([...alive.values()]);
      const [now, whole] = [translator, anew].map(each =>
        outcome({ mesh: each.mesh, problems: each.problems() }),
      );
      if (!equal(now, whole)) assert.deepEqual(now, whole, `seed ${seed}, step ${step}`);
    }
  }
});
