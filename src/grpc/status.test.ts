import assert from 'node:assert/strict';
import { test } from 'node:test';
import { requestHead, trailers } from '../http1/testing/heads.ts';
import {
  httpStatusOf,
  isGrpc,
  ownStatus,
  STATUS,
  statusName,
  statusNamed,
  statusOf,
  statusOfHttp,
} from './index.ts';

test('a status is a number of three digits at most, or none', () => {
  const statuses = ['0', '16', '', '-1', '1000', '1x'].map(text =>
    statusOf(trailers(`grpc-status: ${text}\r\n`)),
  );
  assert.deepEqual(statuses, [0, 16, -1, -1, -1, -1]);
  assert.equal(statusOf(trailers('grpc-message: ok\r\n')), -1);
  assert.equal(statusOf(trailers('Grpc-Status:\t 13 \r\n')), 13);
});

test('statuses have names, and policies may write them as they like', () => {
  assert.equal(statusName(14), 'UNAVAILABLE');
  assert.equal(statusName(99), '99');
  for (const name of ['UNAVAILABLE', 'unavailable', ' Unavailable', '14'])
    assert.equal(statusNamed(name), 14, name);
  for (const name of ['deadline-exceeded', 'DEADLINE_EXCEEDED', '4'])
    assert.equal(statusNamed(name), 4, name);
  for (const name of ['CANCELLED', 'CANCELED', 'cancelled']) assert.equal(statusNamed(name), 1, name);
  for (const name of ['', '17', '-1', 'UNAVAIL', 'constructor'])
    assert.equal(statusNamed(name), undefined, name);
});

test('an answer that is no gRPC is what clients take it for, row by row', () => {
  const rows = [400, 401, 403, 404, 429, 502, 503, 504, 500, 418, 302].map(status => statusOfHttp(status));
  assert.deepEqual(rows, [13, 16, 7, 12, 14, 14, 14, 14, 2, 2, 2]);
});

test('of its own answers Weft knows more: a limit is RESOURCE_EXHAUSTED, a time that is up DEADLINE_EXCEEDED', () => {
  const rows = [400, 401, 403, 404, 408, 429, 500, 502, 503, 504, 508].map(ownStatus);
  assert.deepEqual(rows, [13, 16, 7, 12, 4, 8, 2, 14, 14, 4, 10]);
});

test('every status has one of HTTP, as google.rpc.Code says; what gRPC does not know is a failure', () => {
  const rows = Object.values(STATUS).map(httpStatusOf);
  assert.deepEqual(
    rows,
    [200, 499, 500, 400, 504, 404, 409, 403, 429, 400, 409, 400, 501, 500, 503, 500, 401],
  );
  assert.equal(httpStatusOf(17), 500);
});

test('a gRPC call is a POST of application/grpc, alone or with + or ; behind it', () => {
  const asks = (type: string, method = 'POST'): boolean =>
    isGrpc(
      requestHead(
        `${method} /a.B/C HTTP/1.1\r\nhost: a\r\ncontent-type: ${type}\r\ncontent-length: 0\r\n\r\n`,
      ),
    );
  for (const type of [
    'application/grpc',
    'application/grpc+proto',
    'Application/gRPC;x=y',
    'application/grpc+json',
  ])
    assert.equal(asks(type), true, type);
  for (const type of [
    'application/grpc-web',
    'application/grpc-web+proto',
    'application/grpcx',
    'application/grp',
    'text/grpc',
  ])
    assert.equal(asks(type), false, type);
  assert.equal(asks('application/grpc', 'PUT'), false);
  assert.equal(isGrpc(requestHead('POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 0\r\n\r\n')), false);
});
