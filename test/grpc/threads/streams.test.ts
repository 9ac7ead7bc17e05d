// Threads about long streams: istio 26765 and 44144 (counted only at their end), envoy 6727 and 23221 (windows that eat memory),
// istio 45910, 55138 and 34855, linkerd2 12964, 4262 and 3089 (what becomes of streams when a pod goes).
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { status } from '@grpc/grpc-js';
import { expositionText } from '../../../src/telemetry/index.ts';
import { MeshPath } from '../mesh-path.ts';
import { answer, Caller, echo, next, statusOf, TextServer } from './calls.ts';
import { onePath } from './one-path.ts';

test('a slow consumer stops the producer: what lies in between is bounded', async t => {
  let sent = 0;
  const piece = 'x'.repeat(64 * 1024);
  const most = 64 * 1024 * 1024;
  const { caller } = await onePath(t, {
    Flood: call => {
      const more = (): void => {
        while (sent < most) {
          sent += piece.length;
          if (!call.write(piece)) {
            call.once('drain', more);
            return;
          }
        }
        call.end();
      };
      call.resume();
      more();
    },
  });
  const call = caller.stream('Flood');
  call.end();
  await next(call);
  call.pause();
  let last = -1;
  while (last !== sent) {
    last = sent;
    await new Promise(resolve => setTimeout(resolve, 300));
  }
  assert.ok(sent < 24 * 1024 * 1024, `${sent} bytes were sent to a client that reads nothing`);
  let got = 0;
  call.on('data', (text: string) => {
    got += text.length;
  });
  const ended = statusOf(call);
  call.resume();
  assert.equal((await ended).code, status.OK);
  assert.ok(got > sent - 2 * piece.length);
});

test('unary calls lose nothing when a pod goes: its proxy drains, its app ends', async t => {
  const servers = await Promise.all(['a', 'b'].map(name => TextServer.start({ Ask: answer(name) })));
  const [going, staying] = servers as [TextServer, TextServer];
  const path = new MeshPath('mutual TLS');
  path.serve(going.port, staying.port);
  const caller = new Caller(path.port);
  t.after(() => {
    for (const each of [caller, path, ...servers]) each.close();
  });
  let asking = true;
  let answered = 0;
  const callers = Array.from({ length: 4 }, async () => {
    while (asking) {
      await caller.unary('Ask');
      answered++;
    }
  });
  while (answered < 40) await new Promise(resolve => setTimeout(resolve, 2));
  const drained = path.servers[0]!.plane.drain();
  path.serve(staying.port);
  await new Promise<void>(resolve => going.grpc.tryShutdown(() => resolve()));
  await drained;
  const before = answered;
  while (answered < before + 40) await new Promise(resolve => setTimeout(resolve, 2));
  asking = false;
  await Promise.all(callers);
});

test('messages of a stream are counted while it is open, on both sides, and so is the stream', async t => {
  const { path, caller } = await onePath(t, { Talk: echo });
  const call = caller.stream('Talk');
  const ended = statusOf(call);
  for (const word of ['one', 'two', 'three']) {
    call.write(word);
    assert.equal(await next(call), word);
  }
  const counted = (): Record<string, number>[] =>
    [path.client, path.servers[0]!].map(({ plane }) => {
      const text = expositionText(out => plane.services.requests.calls.render(out, undefined));
      const value = (name: string): number =>
        Number(new RegExp(`^${name}\\{.*\\} (\\d+)$`, 'm').exec(text)?.[1] ?? 0);
      return {
        sent: value('istio_request_messages_total'),
        answered: value('istio_response_messages_total'),
        open: value('weft_grpc_open_calls'),
      };
    });
  assert.deepEqual(counted(), Array(2).fill({ sent: 3, answered: 3, open: 1 }));
  call.end();
  assert.equal((await ended).code, status.OK);
  assert.deepEqual(counted(), Array(2).fill({ sent: 3, answered: 3, open: 0 }));
});

test('a stream that is under way when its pod is told to go may end by itself', async t => {
  const { server, path, caller } = await onePath(t, { Talk: echo });
  const call = caller.stream('Talk');
  const ended = statusOf(call);
  call.write('before');
  assert.equal(await next(call), 'before');
  path.servers[0]!.plane.drain();
  server.grpc.tryShutdown(() => {});
  for (const word of ['after', 'later']) {
    call.write(word);
    assert.equal(await next(call), word);
  }
  call.end();
  assert.equal((await ended).code, status.OK);
});

test('an app that breaks off in the middle of a stream is UNAVAILABLE or what it said, never OK', async t => {
  const { server, caller } = await onePath(t, { Talk: echo });
  const call = caller.stream('Talk');
  const ended = statusOf(call);
  call.write('before');
  assert.equal(await next(call), 'before');
  server.grpc.forceShutdown();
  const { code, details } = await ended;
  assert.notEqual(code, status.OK);
  assert.notEqual(code, status.INTERNAL, details);
});
