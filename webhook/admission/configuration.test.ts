import assert from 'node:assert/strict';
import { test } from 'node:test';
import { injectOptions } from '../inject/index.ts';
import type { ConfigurationChoice } from './configuration.ts';
import { webhookEntries } from './entries.ts';

type Labels = Readonly<Record<string, string>>;

const choice: ConfigurationChoice = {
  systemNamespace: 'weft-system',
  ignoredNamespaces: injectOptions().ignoredNamespaces,
  failurePolicy: 'Fail',
  accept: [],
};
const both: ConfigurationChoice = { ...choice, accept: ['istio', 'linkerd'] };

/** The entries that the API server would call, as labels.Selector of apimachinery decides. */
function called(given: ConfigurationChoice, namespace: Labels, pod: Labels): string[] {
  const holds = (
    labels: Labels,
    { key, operator, values = [] }: { key: string; operator: string; values?: readonly string[] },
  ) => {
    const value = labels[key];
    if (operator === 'In') return value !== undefined && values.includes(value);
    if (operator === 'NotIn') return value === undefined || !values.includes(value);
    return operator === 'Exists' ? value !== undefined : value === undefined;
  };
  return webhookEntries(given)
    .filter(
      entry =>
        entry.namespaces.every(each => holds(namespace, each)) && entry.pods.every(each => holds(pod, each)),
    )
    .map(({ name }) => name.replace('.inject.weft.dev', ''));
}

const named = (name: string, labels: Labels = {}) => ({ 'kubernetes.io/metadata.name': name, ...labels });

test('a pod is asked about once, by the label of its namespace or its own', () => {
  const labelled = named('shop', { 'weft.dev/inject': 'enabled' });
  assert.deepEqual(called(choice, labelled, {}), ['namespace']);
  assert.deepEqual(called(choice, labelled, { 'weft.dev/inject': 'enabled' }), ['namespace']);
  assert.deepEqual(called(choice, labelled, { 'weft.dev/inject': 'disabled' }), []);
  assert.deepEqual(called(choice, named('shop'), { 'weft.dev/inject': 'enabled' }), ['pod']);
  assert.deepEqual(called(choice, named('shop'), {}), []);
});

test('system namespaces are never asked about, whatever their labels', () => {
  for (const given of [choice, both]) {
    for (const name of ['kube-system', 'kube-public', 'kube-node-lease', 'weft-system']) {
      const labels = { 'weft.dev/inject': 'enabled', 'istio-injection': 'enabled' };
      assert.deepEqual(called(given, named(name, labels), { 'weft.dev/inject': 'enabled' }), []);
      assert.deepEqual(called(given, named(name), {}), []);
    }
  }
});

test("another mesh's labels are looked at only when they are accepted, each once", () => {
  const istio = named('shop', { 'istio-injection': 'enabled' });
  assert.deepEqual(called(choice, istio, {}), []);
  assert.deepEqual(called(both, istio, {}), ['istio-namespace']);
  assert.deepEqual(called(both, istio, { 'sidecar.istio.io/inject': 'false' }), []);
  assert.deepEqual(called(both, named('shop'), { 'sidecar.istio.io/inject': 'true' }), ['istio-pod']);
  assert.deepEqual(called(both, named('shop'), {}), ['annotated']);
  assert.deepEqual(called(both, named('shop', { 'weft.dev/inject': 'disabled' }), {}), []);
});

test("a revision in Istio's words is looked at once, by whom it means, and only where these are accepted", () => {
  const revision = { 'istio.io/rev': 'canary' };
  const canary: ConfigurationChoice = { ...both, revision: 'canary', answersTo: 'canary' };
  const namespace = named('shop', revision);
  assert.deepEqual(called(choice, namespace, revision), []);
  assert.deepEqual(called(canary, namespace, {}), ['istio-revision']);
  assert.deepEqual(called(both, namespace, {}), [], 'the default is not meant');
  assert.deepEqual(called(canary, namespace, revision), ['istio-pod-revision']);
  assert.deepEqual(called(canary, namespace, { 'sidecar.istio.io/inject': 'true' }), ['istio-revision']);
  assert.deepEqual(called(canary, namespace, { 'sidecar.istio.io/inject': 'false' }), []);
  assert.deepEqual(called(canary, named('shop'), revision), ['istio-pod-revision']);
  assert.deepEqual(called(both, named('shop'), { 'istio.io/rev': 'default' }), ['istio-pod-revision']);
  const off = named('shop', { 'istio-injection': 'disabled', ...revision });
  assert.deepEqual(called({ ...canary, accept: ['istio'] }, off, {}), []);
});

test("Consul's word is an annotation: pods of every namespace are asked about", () => {
  const consul: ConfigurationChoice = { ...choice, accept: ['consul'] };
  assert.deepEqual(called(choice, named('shop'), {}), []);
  assert.deepEqual(called(consul, named('shop'), {}), ['annotated']);
});

test('the entry that sees every namespace never holds up a pod', () => {
  const policies = webhookEntries(both).map(({ name, failurePolicy }) => [name.split('.')[0], failurePolicy]);
  const { annotated, ...others } = Object.fromEntries(policies) as Record<string, string>;
  assert.equal(annotated, 'Ignore');
  assert.deepEqual([...new Set(Object.values(others))], ['Fail']);
});

test('on a server before 1.21 an unlabelled kube-system is held up by no entry that fails', () => {
  const failing = webhookEntries(both)
    .filter(({ failurePolicy }) => failurePolicy === 'Fail')
    .map(({ name }) => name);
  const asked = called(both, {}, { 'k8s-app': 'kube-dns' }).map(name => `${name}.inject.weft.dev`);
  assert.deepEqual(
    asked.filter(name => failing.includes(name)),
    [],
  );
});
