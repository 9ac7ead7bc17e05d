import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ClusterEndpoint, DestinationResource, EndpointsResource, Resource } from '../model/index.ts';
import { asSent, deliverable } from './deliverable.ts';
import { encodeDelivery } from './encode.ts';
import { applyEndpointsChange } from './endpoints-change.ts';
import { refusedDestination } from './key.ts';
import { MAX_LINE_BYTES } from './protocol.ts';

const maxBytes = 20_000;
const peer = { workload: 'w', namespace: 'n', app: '', version: '', principal: '', pod: 'ü'.repeat(20) };
const endpoint = (index: number, more: Partial<ClusterEndpoint> = {}): ClusterEndpoint => ({
  address: `10.${index >> 16}.${(index >> 8) & 255}.${index & 255}`,
  port: 80,
  tls: 'plaintext',
  peer,
  ...more,
});
const endpoints = (count: number): EndpointsResource => ({
  kind: 'endpoints',
  key: 'a:80',
  endpoints: Array.from({ length: count }, (_, index) => endpoint(index)),
  total: count,
});

test('what fits is sent as it is, and its text is made once', () => {
  const small = endpoints(3);
  const found = deliverable(small, maxBytes);
  assert.deepEqual([found.resource, JSON.parse(found.text), found.trouble], [small, small, undefined]);
  assert.equal(deliverable(small, maxBytes), found);
});

test('a set of endpoints that is too long is cut to as many as fit, counted in bytes', () => {
  const { resource, text, trouble } = deliverable(endpoints(1_000), maxBytes);
  assert.ok(resource?.kind === 'endpoints');
  assert.ok(Buffer.byteLength(text) <= maxBytes);
  assert.ok(resource.endpoints.length > 80, `${resource.endpoints.length} of them`);
  assert.equal(resource.total, 1_000);
  assert.match(trouble!, /of 1000 endpoints are told of/);
});

test('a destination that is too long, or cannot be written at all, is refused with the reason', () => {
  const long: DestinationResource = { ...refusedDestination('a:80', ''), host: 'x'.repeat(maxBytes) };
  const { resource } = deliverable(long, maxBytes);
  assert.ok(resource?.kind === 'destination' && resource.key === 'a:80');
  assert.match(resource.refused!, /has 20\d+ bytes and a message at most 19000; make fewer rules/);
  const odd = { ...refusedDestination('b:80', ''), port: 1n } as unknown as DestinationResource;
  assert.match((deliverable(odd).resource as DestinationResource).refused!, /BigInt/);
});

test('of the others the proxy keeps what it has', () => {
  const trust: Resource = { kind: 'trust', key: 'a', roots: ['x'.repeat(maxBytes)] };
  assert.equal(deliverable(trust, maxBytes).resource, undefined);
  assert.equal(encodeDelivery(1, { resource: { ...trust, roots: ['x'.repeat(MAX_LINE_BYTES)] } }), undefined);
});

test('a change of a set that was cut builds on what was sent, not on what there is', () => {
  const count = 150_000;
  const before = endpoints(count);
  const after = {
    ...before,
    endpoints: before.endpoints.map((each, index) => (index === 5 ? endpoint(5, { weight: 3 }) : each)),
  };
  const whole = encodeDelivery(1, { resource: before })!;
  assert.ok(Buffer.byteLength(whole) <= MAX_LINE_BYTES);
  const sent = (JSON.parse(whole) as { resource: EndpointsResource }).resource;
  const line = encodeDelivery(2, { resource: after, before })!;
  assert.ok(line.length < 100_000);
  assert.deepEqual(applyEndpointsChange(sent, JSON.parse(line)), sorted(asSent(after)!));
});

function sorted(resource: EndpointsResource): EndpointsResource {
  const endpoints = [...resource.endpoints].sort((a, b) => (a.address < b.address ? -1 : 1));
  return { ...resource, endpoints };
}
