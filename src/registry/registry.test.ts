import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatRef } from '../model/index.ts';
import { FakeClock } from '../time/index.ts';
import { type Batch, type Entries, type KubeObject, Registry } from './index.ts';

function service(name: string, extra: Record<string, unknown> = {}): KubeObject {
  return { apiVersion: 'v1', kind: 'Service', metadata: { name, namespace: 'shop' }, ...extra };
}

function setUp(): { clock: FakeClock; registry: Registry; entries: Entries; batches: Batch[] } {
  const clock = new FakeClock();
  const registry = new Registry({ clock });
  const batches: Batch[] = [];
  registry.subscribe(batch => batches.push(batch));
  return { clock, registry, entries: registry.of({ name: 'one' }), batches };
}

test('a burst arrives as one batch with the last state of each object', async () => {
  const { clock, entries, batches } = setUp();
  const startMs = clock.now();
  entries.put(service('cart', { spec: 1 }));
  await clock.advance(10);
  entries.put(service('cart', { spec: 2 }));
  entries.put(service('reviews'));
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
  const { clock, entries, batches } = setUp();
  for (let step = 0; step < 25; step++) {
    entries.put(service('cart', { spec: step }));
    await clock.advance(10);
  }
  assert.equal(batches.length, 5, 'a batch for each 50 ms of changes every 10 ms');
});

test('putting the same again is no change, a new origin is', () => {
  const { registry, entries, batches } = setUp();
  entries.put(service('cart'), 'a.yaml:1');
  registry.flush();
  entries.put(service('cart'), 'a.yaml:1');
  registry.flush();
  assert.equal(batches.length, 1);
  entries.put(service('cart'), 'a.yaml:9');
  registry.flush();
  assert.equal(batches.length, 2);
});

test('deleting what is known is told once, deleting the unknown not at all', () => {
  const { registry, entries, batches } = setUp();
  entries.put(service('cart'));
  registry.flush();
  entries.delete('Service', 'shop/cart');
  entries.delete('Service', 'shop/cart');
  entries.delete('Service', 'shop/other');
  registry.flush();
  assert.deepEqual(batches[1]!.changes, [{ type: 'delete', kind: 'Service', key: 'shop/cart' }]);
  assert.equal(registry.get('Service', 'shop/cart'), undefined);
});

test('a late subscriber hears first of what is known', () => {
  const { registry, entries } = setUp();
  entries.put(service('cart'));
  const late: Batch[] = [];
  const stop = registry.subscribe(batch => late.push(batch));
  assert.deepEqual(
    late.map(batch => batch.changes.length),
    [1],
  );
  stop();
  entries.put(service('reviews'));
  registry.flush();
  assert.equal(late.length, 1);
});

test('kinds of different API groups do not mix', () => {
  const { registry, entries } = setUp();
  entries.put(service('cart'));
  entries.put({ ...service('cart'), apiVersion: 'serving.knative.dev/v1' });
  assert.deepEqual(registry.counts(), { Service: 1, 'Service.serving.knative.dev': 1 });
});

test('of two sources with the same object the first counts, whoever puts it last', () => {
  const { registry, batches } = setUp();
  const [first, second] = [{ name: 'files:a' }, { name: 'kubernetes:b' }].map(owner => registry.of(owner));
  second!.put(service('cart', { spec: 2 }));
  registry.flush();
  first!.put(service('cart', { spec: 1 }), 'a.yaml:1');
  second!.put(service('cart', { spec: 3 }));
  registry.flush();
  assert.equal(registry.get('Service', 'shop/cart')!.object.spec, 1);
  assert.deepEqual(registry.counts(), { Service: 1 });
  const puts = batches.flatMap(({ changes }) =>
    changes.map(change => change.type === 'put' && change.stored.object.spec),
  );
  assert.deepEqual(puts, [2, 1], 'what does not count is no change');
  assert.deepEqual(
    registry.problems().map(({ code, object, message }) => [code, object!.name, message]),
    [
      [
        'object-duplicate',
        'cart',
        'is known from files:a too, and that one counts; remove that of kubernetes:b, or the other',
      ],
    ],
  );
});

test('a source deletes what it put itself; what another has of the same name stays, or comes back', () => {
  const { registry, batches } = setUp();
  const [first, second, third] = ['a', 'b', 'c'].map(name => registry.of({ name }));
  first!.put(service('cart', { spec: 1 }));
  second!.put(service('cart', { spec: 2 }));
  registry.flush();
  batches.length = 0;
  third!.delete('Service', 'shop/cart');
  second!.delete('Service', 'shop/cart');
  registry.flush();
  assert.equal(registry.get('Service', 'shop/cart')!.object.spec, 1);
  assert.deepEqual([batches, registry.problems()], [[], []]);
  second!.put(service('cart', { spec: 4 }));
  first!.delete('Service', 'shop/cart');
  registry.flush();
  assert.equal(registry.get('Service', 'shop/cart')!.object.spec, 4);
  second!.delete('Service', 'shop/cart');
  registry.flush();
  assert.deepEqual(
    batches.flatMap(({ changes }) => changes.map(({ type }) => type)),
    ['put', 'delete'],
  );
});

test('a source that reads everything anew drops what it had and no longer has, and nothing of others', () => {
  const { registry } = setUp();
  const [first, second] = ['a', 'b'].map(name => registry.of({ name }));
  const names = (): string[] =>
    [...registry.list('Service')].map(({ object }) => object.metadata.name).sort();
  second!.put(service('reviews', { spec: 'b' }));
  second!.put(service('cart', { spec: 'b' }));
  first!.replaceAll([{ object: service('cart', { spec: 'a' }) }, { object: service('stock') }]);
  assert.deepEqual(names(), ['cart', 'reviews', 'stock']);
  first!.replaceAll([{ object: service('stock') }]);
  assert.deepEqual(names(), ['cart', 'reviews', 'stock']);
  assert.equal(registry.get('Service', 'shop/cart')!.object.spec, 'b');
  first!.replaceAll([]);
  second!.replaceAll([{ object: service('cart', { spec: 'b' }) }]);
  assert.deepEqual(names(), ['cart']);
  assert.deepEqual(registry.problems(), []);
});

test('the same object of another cluster is another object, and its name says where it is', () => {
  const { registry } = setUp();
  const near = registry.of({ name: 'near' });
  const far = registry.of({ name: 'far', site: { cluster: 'east', network: 'east' } });
  near.put(service('cart', { spec: 'near' }));
  far.put(service('cart', { spec: 'far' }));
  assert.equal(registry.get('Service', 'shop/cart')!.object.spec, 'near');
  assert.equal(registry.get('Service', 'east/shop/cart')!.object.spec, 'far');
  assert.equal([...registry.list('Service')].length, 1);
  assert.deepEqual(
    [...registry.list('Service', { cluster: 'east' })].map(({ ref }) => formatRef(ref)),
    ['Service cart.shop (cluster east)'],
  );
  assert.deepEqual(registry.problems(), []);
  far.delete('Service', 'shop/cart');
  assert.equal(registry.get('Service', 'east/shop/cart'), undefined);
  assert.ok(registry.get('Service', 'shop/cart'));
});
