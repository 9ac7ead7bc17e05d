// Threads about time: istio 1667 (streams cut by a time limit of requests), 55287, 29958 and 40320 (grpc-timeout not obeyed),
// 15088 (too_many_pings).
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, createServer, type IncomingHttpHeaders } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { status } from '@grpc/grpc-js';
import { MeshPath } from '../mesh-path.ts';
import { answer, Caller, echo, next, statusOf, TextServer } from './calls.ts';
import { onePath } from './one-path.ts';

test("a stream in both directions outlives the time limit of its route, and pings every 100 ms are nobody's concern", async t => {
  const server = await TextServer.start({ Talk: echo });
  const path = new MeshPath('mutual TLS', { timeoutMs: 500 });
  path.serve(server.port);
  const caller = new Caller(path.port, {
    'grpc.keepalive_time_ms': 100,
    'grpc.keepalive_permit_without_calls': 1,
  });
  t.after(() => {
    for (const each of [caller, path, server]) each.close();
  });
  const call = caller.stream('Talk');
  const ended = statusOf(call);
  // Some twenty pings, far more often than gRPC servers take them by themselves.
  for (let i = 0; i < 20; i++) {
    call.write(`${i}`);
    assert.equal(await next(call), `${i}`);
    await new Promise(resolve => setTimeout(resolve, 100));
  }
  call.end();
  assert.equal((await ended).code, status.OK);
});

test('grpc-timeout is obeyed where neither client nor server does: DEADLINE_EXCEEDED, and the server hears that nobody waits', async t => {
  const given = Promise.withResolvers<string>();
  const over = Promise.withResolvers<void>();
  const server = createServer();
  server.on('stream', (stream, headers) => {
    given.resolve(String(headers['grpc-timeout']));
    stream.on('error', () => {});
    stream.on('close', () => over.resolve());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const path = new MeshPath('mutual TLS');
  path.serve((server.address() as AddressInfo).port);
  const session = connect(`http://127.0.0.1:${path.port}`);
  t.after(() => {
    session.destroy();
    for (const each of [path, server]) each.close();
  });
  const stream = session.request({
    ':method': 'POST',
    ':path': '/test.Text/Hang',
    'content-type': 'application/grpc',
    te: 'trailers',
    'grpc-timeout': '300m',
  });
  stream.end(Buffer.alloc(5));
  const began = performance.now();
  const [headers] = (await once(stream, 'response')) as [IncomingHttpHeaders];
  assert.equal(headers['grpc-status'], `${status.DEADLINE_EXCEEDED}`);
  assert.ok(performance.now() - began >= 250, 'before its time');
  const [, amount = '', unit = ''] = /^(\d{1,8})([HMSmun])$/.exec(await given.promise) ?? [];
  const unitsMs: Readonly<Record<string, number>> = { S: 1_000, m: 1, u: 0.001, n: 1e-6 };
  const leftMs = Number(amount) * unitsMs[unit]!;
  assert.ok(leftMs > 0 && leftMs <= 300, `the server was told ${await given.promise}`);
  await over.promise;
});

test('a call that ends in time is not touched by its deadline', async t => {
  const { caller } = await onePath(t, { Ask: answer('in time') });
  assert.equal(await caller.unary('Ask', '', { deadline: Date.now() + 5_000 }), 'in time');
});
