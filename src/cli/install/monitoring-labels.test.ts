import assert from 'node:assert/strict';
import { test } from 'node:test';
import { labelsOf } from './monitoring-labels.ts';

test('labels as people write them, and as Kubernetes takes them', () => {
  assert.deepEqual(labelsOf('release=kube-prometheus-stack'), { release: 'kube-prometheus-stack' });
  assert.deepEqual(labelsOf('a.example/b=,c=D_1.2'), { 'a.example/b': '', c: 'D_1.2' });
});

for (const text of ['release', '=x', 'a b=c', 'a=b c', `a=${'x'.repeat(64)}`, 'a=-', '-a=b', 'a=b=c']) {
  test(`'${text}' is refused, with what to write`, () => {
    assert.throws(() => labelsOf(text), /is no label; write NAME=VALUE, such as release=prometheus/);
  });
}
