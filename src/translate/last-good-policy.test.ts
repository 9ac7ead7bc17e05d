// An AuthorizationPolicy that becomes unreadable: what it said before goes on, and nothing opens in between.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AuthorizationPolicy } from '../model/index.ts';
import { objectStatuses } from './index.ts';
import { changesOf } from './testing/from-yaml.ts';
import { Translator } from './translator.ts';

const version = (spec: string): string => `
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: {name: cart, namespace: shop}
spec: ${spec}
`;
const good = version(
  '{selector: {matchLabels: {app: cart}}, rules: [{from: [{source: {namespaces: [shop]}}]}]}',
);
const bad = version(
  '{selector: {matchLabels: {app: cart}}, rules: [{from: [{source: {namespaces: [7]}}]}, {}]}',
);

/** A control plane that reads one version after the other. */
class Reader {
  readonly #translator = new Translator();
  /** What others hear has changed. */
  read(yaml: string): readonly string[] {
    return [...this.#translator.apply(changesOf(yaml)).touched];
  }
  delete(): void {
    const key = 'shop/cart';
    this.#translator.apply([{ type: 'delete', kind: 'AuthorizationPolicy.security.istio.io', key }]);
  }
  get policies(): readonly AuthorizationPolicy[] {
    return [...this.#translator.mesh.authorizationPolicies.values()].flat();
  }
  get codes(): readonly string[] {
    return this.#translator.problems().map(({ code }) => code);
  }
  status(yaml: string): string {
    const objects = changesOf(yaml).flatMap(change => (change.type === 'put' ? [change.stored] : []));
    const { mesh } = this.#translator;
    const [status] = objectStatuses({ objects, problems: this.#translator.problems(), mesh });
    const content = status!.content!;
    assert.equal(content.shape, 'conditions');
    return content.shape === 'conditions' ? content.conditions[0]!.message : '';
  }
}

test('a bad version keeps the last good one, unchanged for proxies, and its status says what is wrong', () => {
  const reader = new Reader();
  reader.read(good);
  const before = reader.policies;
  assert.equal(before.length, 1);
  assert.deepEqual(reader.read(bad), [], 'nothing that proxies go by has changed');
  assert.deepEqual(reader.policies, before);
  assert.deepEqual([...new Set(reader.codes)], ['field-invalid'], 'it is not closed: it holds as before');
  assert.match(reader.status(bad), /^has no effect: .*spec\.rules\[0\]\.from\[0\]\.source\.namespaces/);
});

test('one bad version after another changes nothing, and a good one ends it', () => {
  const reader = new Reader();
  reader.read(good);
  const before = reader.policies;
  reader.read(bad);
  assert.deepEqual(reader.read(version('{action: SOMETHING}')), []);
  assert.deepEqual(reader.policies, before);
  reader.read(version('{action: DENY, rules: [{}]}'));
  assert.deepEqual(
    reader.policies.map(({ action, selector }) => [action, selector]),
    [['deny', undefined]],
  );
  assert.deepEqual(reader.codes, []);
});

test('a bad version of which nothing held before is closed, and one that is deleted in between holds no more', () => {
  const reader = new Reader();
  reader.read(bad);
  assert.deepEqual(
    reader.policies.map(({ action, rules }) => [action, rules]),
    [['allow', []]],
  );
  assert.ok(reader.codes.includes('policy-closed'));
  reader.read(good);
  reader.delete();
  assert.deepEqual(reader.policies, []);
  reader.read(bad);
  assert.deepEqual(
    reader.policies.map(({ action, rules }) => [action, rules]),
    [['allow', []]],
    'what held before it was deleted came back',
  );
});
