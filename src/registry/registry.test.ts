import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FakeClock } from '../time/index.ts';
import { type Batch, type KubeObject, Registry } from './index.ts';

function service(name: string, extra: Record<string, unknown> = {}): KubeObject {
  return { apiVersion: 'v1', kind: 'Service', metadata: { name, namespace: 'shop' }, ...extra };
}

function setUp(): { clock: FakeClock; registry: Registry; batches: Batch[] } {
  const clock = new FakeClock();
  const registry = new Registry({ clock });
  const batches: Batch[] = [];
  registry.subscribe(batch => batches.push(batch));
  return { clock, registry, batches };
}

test('a burst arrives as one batch with the last state of each object', async () => {
  const { clock, registry, batches } = setUp();
  const startMs = clock.now();
  registry.put(service('cart', { spec: 1 }));
  await clock.advance(10);
  registry.put(service('cart', { spec: 2 }));
  registry.put(service('reviews'));
  await clock.advance(19);
  assert.equal(batches.length, 0);
  await clock.advance(1);
  assert.equal(batches.length, 1);
  assert.deepEqual(
    batches[0]!.changes.map(change => [change.type, change.key]),
    [
      ['put', 'shop/cart'],
      ['put', 'shop/reviews'],
    ],
  );
  const [first] = batches[0]!.changes;
  assert.equal(first!.type === 'put' && first!.stored.object.spec, 2);
  assert.equal(batches[0]!.changedAtMs, startMs);
});

test('a stream of changes without a pause still goes out in time', async () => {
  const { clock, registry, batches } = setUp();
  for (let step = 0; step < 25; step++) {
    registry.put(service('cart', { spec: step }));
    await clock.advance(10);
  }
  assert.equal(batches.length, 1, 'one batch within 250 ms of changes every 10 ms');
});

test('putting the same again is no change, a new origin is', () => {
  const { registry, batches } = setUp();
  registry.put(service('cart'), 'a.yaml:1');
  registry.flush();
  registry.put(service('cart'), 'a.yaml:1');
  registry.flush();
  assert.equal(batches.length, 1);
  registry.put(service('cart'), 'a.yaml:9');
  registry.flush();
  assert.equal(batches.length, 2);
});

test('deleting what is known is told once, deleting the unknown not at all', () => {
  const { registry, batches } = setUp();
  registry.put(service('cart'));
  registry.flush();
  registry.delete('Service', 'shop/cart');
  registry.delete('Service', 'shop/cart');
  registry.delete('Service', 'shop/other');
  registry.flush();
  assert.deepEqual(batches[1]!.changes, [{ type: 'delete', kind: 'Service', key: 'shop/cart' }]);
  assert.equal(registry.get('Service', 'shop/cart'), undefined);
});

test('a late subscriber hears first of what is known', () => {
  const { registry } = setUp();
  registry.put(service('cart'));
  const late: Batch[] = [];
  const stop = registry.subscribe(batch => late.push(batch));
  assert.deepEqual(
    late.map(batch => batch.changes.length),
    [1],
  );
  stop();
  registry.put(service('reviews'));
  registry.flush();
  assert.equal(late.length, 1);
});

test('kinds of different API groups do not mix', () => {
  const { registry } = setUp();
  registry.put(service('cart'));
  registry.put({ ...service('cart'), apiVersion: 'serving.knative.dev/v1' });
  assert.deepEqual(registry.counts(), { Service: 1, 'Service.serving.knative.dev': 1 });
});
