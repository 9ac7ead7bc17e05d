import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readObject } from './index.ts';

const good = { apiVersion: 'v1', kind: 'Service', metadata: { name: 'cart', namespace: 'shop' } };

test('an object keeps its namespace, and one without gets the default', () => {
  const kept = readObject(good);
  assert.equal(kept.kind === 'object' && kept.object.metadata.namespace, 'shop');
  const placed = readObject({ ...good, metadata: { name: 'cart' } });
  assert.equal(placed.kind === 'object' && placed.object.metadata.namespace, 'default');
});

test('cluster-scoped objects have no namespace even when one is written', () => {
  const read = readObject({
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: { name: 'shop', namespace: 'x' },
  });
  assert.equal(read.kind === 'object' && 'namespace' in read.object.metadata, false);
});

const bad: [string, unknown, string][] = [
  ['a list', [], ''],
  ['no apiVersion', { ...good, apiVersion: undefined }, 'apiVersion'],
  ['a kind that is a number', { ...good, kind: 4 }, 'kind'],
  ['no metadata', { ...good, metadata: null }, 'metadata'],
  ['no name', { ...good, metadata: {} }, 'metadata.name'],
  ['a name with a slash', { ...good, metadata: { name: 'a/b' } }, 'metadata.name'],
  ['a namespace that is a number', { ...good, metadata: { name: 'a', namespace: 5 } }, 'metadata.namespace'],
  [
    'a label that is a number',
    { ...good, metadata: { name: 'a', labels: { version: 1 } } },
    "metadata.labels['version']",
  ],
  [
    'an owner without a name',
    { ...good, metadata: { name: 'a', ownerReferences: [{}] } },
    'metadata.ownerReferences',
  ],
];
for (const [what, data, path] of bad) {
  test(`${what} is refused with its path`, () => {
    const read = readObject(data);
    assert.equal(read.kind === 'refused' && read.path, path);
  });
}
