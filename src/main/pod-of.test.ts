import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Registry } from '../registry/index.ts';
import { FakeClock } from '../time/index.ts';
import { podOf } from './pod-of.ts';

test('a pod is found by its uid, with its account; one that was replaced under its name is not', () => {
  const registry = new Registry({ clock: new FakeClock() });
  const entries = registry.of({ name: 'test' });
  const pod = (uid: string, serviceAccountName?: string) => ({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'db-0', namespace: 'shop', uid },
    spec: { ...(serviceAccountName && { serviceAccountName }) },
  });
  entries.put(pod('first', 'db'));
  registry.flush();
  assert.deepEqual(podOf(registry, 'first'), { namespace: 'shop', serviceAccount: 'db' });
  entries.put(pod('second'));
  registry.flush();
  assert.equal(podOf(registry, 'first'), undefined);
  assert.deepEqual(podOf(registry, 'second'), { namespace: 'shop', serviceAccount: 'default' });
});
