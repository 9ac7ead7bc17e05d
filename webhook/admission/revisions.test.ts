// Every combination of labels on a namespace and a pod, and who of several control planes is asked about the pod.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Labels } from '../../src/model/index.ts';
import { type AcceptedMesh, chosenRevision, decide, injectOptions } from '../inject/index.ts';
import { webhookConfiguration } from './configuration.ts';
import { type Expression, webhookEntries } from './entries.ts';

/** What each label may be; '' stands for none. */
const values = {
  'weft.dev/inject': ['', 'enabled', 'disabled', 'typo'],
  'weft.dev/rev': ['', 'default', 'canary', 'prod', 'gone'],
  'istio.io/rev': ['', 'default', 'canary', 'gone'],
};
const ofNamespaces = { ...values, 'istio-injection': ['', 'enabled', 'disabled'] };
const ofPods = { ...values, 'sidecar.istio.io/inject': ['', 'true', 'false'] };

function* combinations(from: Readonly<Record<string, readonly string[]>>): Generator<Labels> {
  const [first, ...rest] = Object.entries(from);
  if (first === undefined) return yield {};
  const [key, choices] = first;
  for (const others of combinations(Object.fromEntries(rest)))
    for (const value of choices) yield value === '' ? others : { ...others, [key]: value };
}

/** As labels.Selector of apimachinery decides. */
function holds(labels: Labels, { key, operator, values: list = [] }: Expression): boolean {
  const value = labels[key];
  if (operator === 'In') return value !== undefined && list.includes(value);
  if (operator === 'NotIn') return value === undefined || !list.includes(value);
  return (operator === 'Exists') === (value !== undefined);
}

/** The control planes: the default, a canary, and a tag of the canary's. */
const answering = { default: 'default', canary: 'canary', prod: 'canary' };

for (const accept of [[], ['istio'], ['istio', 'linkerd']] as readonly (readonly AcceptedMesh[])[]) {
  test(`with ${accept.join(', ') || 'no other mesh'} accepted, one control plane at most is asked, and always who would inject`, () => {
    const around = {
      ...{ systemNamespace: 'weft-system', ignoredNamespaces: ['kube-system'], accept },
      failurePolicy: 'Fail' as const,
    };
    const all = Object.keys(answering).map(answersTo => ({
      answersTo,
      entries: webhookEntries({ ...around, answersTo }),
    }));
    const istio = accept.includes('istio');
    const options = injectOptions({ acceptOtherMeshes: accept.length > 0, acceptedMeshes: accept });
    const seen = new Map<string, number>();
    const pods = [...combinations(ofPods)];
    for (const labels of combinations(ofNamespaces)) {
      const namespace = { ...labels, 'kubernetes.io/metadata.name': 'shop' };
      const near = all.map(({ answersTo, entries }) => ({
        answersTo,
        entries: entries.filter(entry => entry.namespaces.every(each => holds(namespace, each))),
      }));
      for (const pod of pods) {
        const asked = near.flatMap(({ answersTo, entries }) =>
          entries.filter(entry => entry.pods.every(each => holds(pod, each))).map(() => answersTo),
        );
        const words = JSON.stringify({ namespace: labels, pod });
        assert.ok(asked.length <= 1, `${words}: asked are ${asked.join(', ')}`);
        const { name } = chosenRevision(pod, labels, istio);
        if (asked[0] !== undefined) assert.equal(asked[0], name, words);
        const template = { metadata: { labels: pod }, spec: { containers: [{ name: 'app', image: 'app' }] } };
        const decision = decide(template, { namespace: 'shop', namespaceLabels: labels }, options);
        const mustAsk = decision.kind === 'inject' && name in answering;
        if (mustAsk) assert.deepEqual(asked, [name], words);
        const outcome = asked[0] ?? 'nobody';
        seen.set(outcome, (seen.get(outcome) ?? 0) + 1);
      }
    }
    assert.deepEqual([...seen.keys()].sort(), ['canary', 'default', 'nobody', 'prod']);
  });
}

test('a configuration is named after its revision or its tag, and calls the Service of its revision', () => {
  const around = {
    ...{ systemNamespace: 'mesh', ignoredNamespaces: [], accept: [] },
    failurePolicy: 'Fail' as const,
  };
  const told = (choice: { revision?: string; answersTo?: string }) => {
    const { metadata, webhooks } = webhookConfiguration({ ...around, ...choice }, {}) as {
      metadata: { name: string; labels: object };
      webhooks: { clientConfig: { service: { name: string; namespace: string } } }[];
    };
    const [{ clientConfig }] = webhooks as [(typeof webhooks)[number]];
    return [metadata.name, metadata.labels, clientConfig.service.name];
  };
  assert.deepEqual(told({}), ['weft-injector', { 'weft.dev/rev': 'default' }, 'weft-injector']);
  assert.deepEqual(told({ revision: 'canary' }), [
    'weft-injector-canary',
    { 'weft.dev/rev': 'canary' },
    'weft-injector-canary',
  ]);
  assert.deepEqual(told({ revision: 'canary', answersTo: 'prod' }), [
    'weft-tag-prod',
    { 'weft.dev/rev': 'canary', 'weft.dev/tag': 'prod' },
    'weft-injector-canary',
  ]);
  assert.deepEqual(told({ revision: 'canary', answersTo: 'default' }), [
    'weft-injector',
    { 'weft.dev/rev': 'canary', 'weft.dev/tag': 'default' },
    'weft-injector-canary',
  ]);
});
