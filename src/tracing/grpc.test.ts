import assert from 'node:assert/strict';
import { test } from 'node:test';
import { attributesOf, errorOf } from './attributes.ts';
import { tracedRequest } from './testing/requests.ts';

const options = { maxLength: 256, customTags: [], environment: {} };
const call = { target: '/shop.Cart/Add', method: 'POST' };

test('the span of a gRPC call has its status under the names of OpenTelemetry and Envoy, and its method', () => {
  const attributes = attributesOf(tracedRequest('inbound', { ...call, grpcStatus: 0 }), options);
  const told = ['rpc.system', 'rpc.service', 'rpc.method', 'rpc.grpc.status_code', 'grpc.status_code'].map(
    name => attributes[name],
  );
  assert.deepEqual(told, ['grpc', 'shop.Cart', 'Add', 0, '0']);
  const other = attributesOf(tracedRequest('inbound'), options);
  assert.equal(other['rpc.system'], undefined);
});

test('a status that is a failure of the server marks the span; what the client did wrong does not', () => {
  const errors = [0, 1, 2, 4, 5, 7, 12, 13, 14, 15].map(grpcStatus => [
    grpcStatus,
    errorOf(tracedRequest('outbound', { ...call, grpcStatus })) !== '',
  ]);
  assert.deepEqual(
    errors.filter(([, failed]) => failed).map(([status]) => status),
    [2, 4, 12, 13, 14, 15],
  );
  const unavailable = tracedRequest('outbound', { ...call, grpcStatus: 14 });
  assert.equal(errorOf(unavailable), 'the answer is UNAVAILABLE');
  assert.equal(attributesOf(unavailable, options)['error.type'], 'UNAVAILABLE');
});
