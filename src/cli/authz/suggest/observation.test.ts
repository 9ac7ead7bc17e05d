import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TapItem } from '../../../live/tap/index.ts';
import type { RequestRecord, SessionRecord } from '../../../model/index.ts';
import { addCounts } from './gather.ts';
import { observationOfRecord, observationOfTap } from './observation.ts';
import { Observed } from './observed.ts';
import { rulesOf } from './rules.ts';

const web = 'spiffe://cluster.local/ns/shop/sa/web';
const self = { workload: 'cart', namespace: 'shop', app: 'cart', version: '', principal: '', pod: 'cart-1' };

test('records count as live requests do, and only those of the side that was called', () => {
  const base = { direction: 'inbound', principal: web, downstream: '[fd00::9]:4000', flag: '', status: 200 };
  const request = { ...base, kind: 'request', method: 'GET', path: '/a?b', destination: { port: 8080 } };
  assert.deepEqual(observationOfRecord(request as unknown as RequestRecord, self), {
    ...{ callee: 'shop/cart', pod: 'shop/cart-1', caller: web, address: 'fd00::9', port: 8080 },
    ...{ protocol: 'http', method: 'GET', path: '/a', outcome: 'served' },
  });
  const session = {
    ...base,
    kind: 'session',
    status: 0,
    endpoint: '',
    cluster: { name: 'inbound/10.0.0.1:5432' },
  };
  const { port, protocol } = observationOfRecord(session as unknown as SessionRecord, self)!;
  assert.deepEqual([port, protocol], [5432, 'tcp']);
  const sent = { ...request, direction: 'outbound' };
  assert.equal(observationOfRecord(sent as unknown as RequestRecord, self), undefined);
});

test('what was cut ends in the operator for any rest; refusals and copies are no use', () => {
  const item = {
    direction: 'inbound',
    protocol: 'http',
    source: {},
    destination: {},
    flag: '',
    method: 'GET',
  };
  const long = observationOfTap({ ...item, path: `/a/${'b'.repeat(400)}` } as unknown as TapItem);
  assert.equal(long?.path, '/a/{**}');
  assert.equal(observationOfTap({ ...item, what: 'refusal' } as unknown as TapItem)?.outcome, 'refused');
  assert.equal(observationOfTap({ ...item, what: 'mirror' } as unknown as TapItem), undefined);
});

test('whom only metrics know is allowed by name, without detail, and what policies refused is not counted', () => {
  const labels = {
    ...{ reporter: 'destination', destination_workload: 'cart', destination_workload_namespace: 'shop' },
    ...{ source_principal: web, response_flags: '-' },
  };
  const sample = (more: object, value = 30) => ({
    name: 'istio_requests_total',
    labels: { ...labels, ...more },
    value,
  });
  const observed = new Observed();
  const samples = [
    sample({}),
    sample({ source_principal: 'unknown' }, 7),
    sample({ response_flags: 'UAEX', source_principal: `${web}2` }),
    sample({ reporter: 'source', source_principal: `${web}3` }),
  ];
  const pods = addCounts(
    new Map([
      ['shop/cart-1', { atMs: 0, samples }],
      ['shop/x', { trouble: 'gone' }],
    ]),
    observed,
  );
  assert.equal(pods, 1);
  const { rules, leftOut } = rulesOf(observed.callees.get('shop/cart')!, 'paths', false);
  assert.deepEqual(
    rules.map(({ caller, operations }) => [caller, operations]),
    [[web, []]],
  );
  assert.match(
    rules[0]!.note,
    /^shop\/web: 30 requests or connections in metrics, none of them while it was watched/,
  );
  assert.match(leftOut[0]!, /^7 came in plaintext: /);
});
