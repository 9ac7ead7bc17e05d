// Threads about where calls go: istio 18758, 7117 and 27621 (one connection, one pod), 49391 (endpoints that are gone), linkerd2
// 8934 (no more than 100 streams).
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Between, MeshPath } from '../mesh-path.ts';
import { answer, Caller, TextServer } from './calls.ts';

for (const between of ['plaintext', 'mutual TLS'] satisfies Between[]) {
  test(`calls on one connection go to all pods, though nothing says that the port takes gRPC (${between})`, async t => {
    const servers = await Promise.all(['a', 'b', 'c'].map(name => TextServer.start({ Who: answer(name) })));
    const path = new MeshPath(between);
    path.serve(...servers.map(({ port }) => port));
    const caller = new Caller(path.port);
    t.after(() => {
      for (const each of [caller, path, ...servers]) each.close();
    });
    const counts: Record<string, number> = {};
    for (let i = 0; i < 60; i++) {
      const who = await Promise.all([caller.unary('Who'), caller.unary('Who'), caller.unary('Who')]);
      for (const name of who) counts[name] = (counts[name] ?? 0) + 1;
    }
    assert.deepEqual(Object.keys(counts).sort(), ['a', 'b', 'c']);
    for (const [name, count] of Object.entries(counts)) assert.ok(count >= 20, `${name} had ${count} of 180`);
  });
}

test('a pod that is no endpoint any more gets no further call, and new ones get theirs, on the same connection', async t => {
  const servers = await Promise.all(
    ['old', 'kept', 'new'].map(name => TextServer.start({ Who: answer(name) })),
  );
  const [old, kept, fresh] = servers as [TextServer, TextServer, TextServer];
  const path = new MeshPath('mutual TLS');
  path.serve(old.port, kept.port);
  const caller = new Caller(path.port);
  t.after(() => {
    for (const each of [caller, path, ...servers]) each.close();
  });
  for (let i = 0; i < 20; i++) await caller.unary('Who');
  assert.ok(old.calls.length > 0);
  path.serve(kept.port, fresh.port);
  const before = old.calls.length;
  for (let i = 0; i < 40; i++) assert.notEqual(await caller.unary('Who'), 'old');
  assert.equal(old.calls.length, before);
  assert.ok(fresh.calls.length > 0);
});

test('more calls at once than the server takes streams on a connection: all are answered', async t => {
  const waiting: (() => void)[] = [];
  const most = 10;
  const server = await TextServer.start(
    {
      Wait: call => {
        call.resume();
        waiting.push(() => {
          call.write('done');
          call.end();
        });
      },
    },
    { 'grpc.max_concurrent_streams': most },
  );
  const path = new MeshPath('mutual TLS');
  path.serve(server.port);
  const caller = new Caller(path.port);
  t.after(() => {
    for (const each of [caller, path, server]) each.close();
  });
  const calls = Array.from({ length: 5 * most }, () => caller.unary('Wait'));
  // None waits for another to end: each is with the server at the same time.
  while (waiting.length < calls.length) await new Promise(resolve => setTimeout(resolve, 2));
  for (const end of waiting) end();
  assert.deepEqual(new Set(await Promise.all(calls)), new Set(['done']));
});
