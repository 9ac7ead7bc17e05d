// affinity-canary-behavior: whether clients of a canary have a session.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { StickySession } from '../../model/index.ts';
import { meshFromYaml } from '../testing/from-yaml.ts';

function ingress(name: string, annotations: Readonly<Record<string, string>>): string {
  const own = Object.entries(annotations).map(([key, value]) => [
    `nginx.ingress.kubernetes.io/${key}`,
    value,
  ]);
  const backend = { service: { name, port: { number: 80 } } };
  return JSON.stringify({
    apiVersion: 'networking.k8s.io/v1',
    kind: 'Ingress',
    metadata: { name, namespace: 'shop', annotations: Object.fromEntries(own) },
    spec: {
      ingressClassName: 'nginx',
      rules: [{ host: 'a.test', http: { paths: [{ path: '/', pathType: 'Prefix', backend }] } }],
    },
  });
}

const ingressClass = JSON.stringify({
  apiVersion: 'networking.k8s.io/v1',
  kind: 'IngressClass',
  metadata: { name: 'nginx' },
  spec: { controller: 'weft.dev/ingress-controller' },
});

/** Of each rule: the Services that it sends to, and how many of them know its session; undefined for no session, 0 for all. */
function rules(...canaries: readonly Readonly<Record<string, string>>[]): unknown {
  const own = canaries.map((each, index) => ingress(`canary${index}`, { canary: 'true', ...each }));
  const text = [ingressClass, ingress('main', { affinity: 'cookie' }), ...own].join('\n---\n');
  const { mesh, problems } = meshFromYaml(text);
  assert.deepEqual(
    problems.filter(each => each.object?.kind === 'Ingress').map(each => each.message),
    [],
  );
  const knowing = (session: StickySession | undefined): number | undefined =>
    session && (session.targets ?? 0);
  return [...mesh.routeTables.values()]
    .flat()
    .flatMap(table => table.http)
    .map(({ action, session }) => [
      action.kind === 'forward' ? action.targets.map(each => each.host.split('.')[0]) : [],
      knowing(session),
    ]);
}

test('clients of a canary stay with it, unless it says legacy: then they have no session', () => {
  const share = { 'canary-weight': '10', 'canary-by-header': 'x-next' };
  assert.deepEqual(rules(share), [
    [['canary0'], 0],
    [['main'], 0],
    [['main', 'canary0'], 0],
  ]);
  assert.deepEqual(rules({ ...share, 'affinity-canary-behavior': 'legacy' }), [
    [['canary0'], undefined],
    [['main'], 0],
    [['main', 'canary0'], 1],
  ]);
});

test('of several canaries those with a session come first', () => {
  assert.deepEqual(
    rules({ 'canary-weight': '10', 'affinity-canary-behavior': 'legacy' }, { 'canary-weight': '5' }),
    [[['main', 'canary1', 'canary0'], 2]],
  );
});
