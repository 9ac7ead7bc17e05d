import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Resource } from '../model/index.ts';
import { resolveDestination, resolveEndpoints } from '../resolve/index.ts';
import { endpointsChange } from './endpoints-change.ts';
import { Received } from './received.ts';
import { RecordingSink } from './testing/recording-sink.ts';
import { reviews, reviewsSlice, shopYaml, TestMesh } from './testing/stream-suite.ts';

const caller = { namespace: 'shop', labels: {} };
const many = Array.from({ length: 5 }, (_, index) => `10.1.0.${index}`);
const test1 = new TestMesh(`${shopYaml}\n---${reviewsSlice(...many).replace('reviews-1', 'reviews-2')}`);
const destination = resolveDestination(test1.hub.mesh, caller, '10.96.0.5:80').resource;
const before = resolveEndpoints(test1.hub.mesh, caller, reviews).resource;
test1.put(reviewsSlice('10.244.0.7'));
const after = resolveEndpoints(test1.hub.mesh, caller, reviews).resource;
const change = { type: 'endpoints-change', version: 9, ...endpointsChange(before, after)! } as const;

function whole(resource: Resource, version = 1) {
  return { type: 'resource', version, resource } as const;
}

function setUp() {
  const sink = new RecordingSink();
  const received = new Received(sink);
  received.begin();
  received.want('10.96.0.5:80');
  return { sink, received };
}

test('a change builds on what this connection sent, and the sink gets the whole set', () => {
  const { sink, received } = setUp();
  received.apply(whole(destination));
  received.apply(whole(before));
  assert.deepEqual(received.apply(change), { type: 'ack', version: 9 });
  assert.deepEqual(sink.get('endpoints', reviews), after);
});

test('a change that builds on another connection, or on nothing, cannot be used', () => {
  const { received } = setUp();
  received.apply(whole(destination));
  assert.equal(received.apply(change), undefined);
  received.apply(whole(before));
  received.begin();
  received.apply(whole(destination));
  assert.equal(received.apply(change), undefined);
});

test('a refused set is refused again without asking, and the next change builds on it all the same', () => {
  const { sink, received } = setUp();
  sink.refuse = ({ kind }) => (kind === 'endpoints' ? 'no' : undefined);
  received.apply(whole(destination));
  const nack = received.apply(whole(before, 4));
  assert.deepEqual(nack, { type: 'nack', version: 4, kind: 'endpoints', key: reviews, reason: 'no' });
  const asked = sink.applied.length;
  assert.equal(received.apply(whole(before, 5))!.type, 'nack');
  assert.equal(sink.applied.length, asked);
  sink.refuse = () => undefined;
  assert.equal(received.apply(change)!.type, 'ack');
  assert.deepEqual(sink.get('endpoints', reviews), after);
});

test('what crosses a forget on its way is acknowledged and not applied', () => {
  const { sink, received } = setUp();
  received.apply(whole(destination));
  received.apply(whole(before));
  received.forget('10.96.0.5:80');
  const applied = sink.applied.length;
  assert.deepEqual(received.apply(change), { type: 'ack', version: 9 });
  assert.deepEqual(received.apply(whole(destination, 10)), { type: 'ack', version: 10 });
  assert.deepEqual(received.apply(whole(before, 11)), { type: 'ack', version: 11 });
  assert.equal(sink.applied.length, applied);
});

test('what is known already does not trouble the sink again, over a new connection too', () => {
  const { sink, received } = setUp();
  received.apply(whole(destination));
  received.apply(whole(before));
  received.begin();
  const applied = sink.applied.length;
  assert.equal(received.apply(whole(structuredClone(destination)))!.type, 'ack');
  assert.equal(received.apply(whole(structuredClone(before)))!.type, 'ack');
  assert.equal(sink.applied.length, applied);
});

test('a resource of a kind that this proxy does not know is refused and not remembered, and one without a name is too', () => {
  const { sink, received } = setUp();
  const later = { kind: 'authorization', key: 'shop', rules: [] } as unknown as Resource;
  const nack = received.apply(whole(later, 3));
  assert.deepEqual(nack, {
    type: 'nack',
    version: 3,
    kind: 'authorization',
    key: 'shop',
    reason:
      "this proxy knows no resources of kind 'authorization'; restart its pod, so that it gets a proxy of the control plane's version",
  });
  for (const odd of [null, {}, { kind: 7, key: 'x' }, { kind: 'toString', key: 'x' }]) {
    assert.equal(received.apply(whole(odd as unknown as Resource, 4))!.type, 'nack');
  }
  assert.deepEqual(sink.applied, []);
  assert.equal(received.apply(whole(destination, 5))!.type, 'ack', 'the stream goes on');
});
