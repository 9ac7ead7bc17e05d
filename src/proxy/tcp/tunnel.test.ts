import assert from 'node:assert/strict';
import { test } from 'node:test';
import { below, oneOf, seeded } from '../../cluster/testing/random.ts';
import { MemoryPeer } from '../../http1/testing/memory-wire.ts';
import type { TcpSeries } from '../../telemetry/index.ts';
import { Tunnel } from './tunnel.ts';

/** A tunnel between two wires in memory. */
function setUp(toUpstream?: string, toDownstream?: string) {
  const down = new MemoryPeer();
  const up = new MemoryPeer();
  const ends: [string, string][] = [];
  const series: TcpSeries = {
    labels: '',
    opened: 1,
    closed: 0,
    sentBytes: 0,
    receivedBytes: 0,
    touchedMs: 0,
  };
  const tunnel = new Tunnel(down.wire, up.wire, (side, error) => ends.push([side, error]));
  tunnel.countIn(series);
  const bytes = (text?: string): Buffer | undefined => (text === undefined ? undefined : Buffer.from(text));
  /** Lets everything happen that can: writes outside of events leave in microtasks, and wires that read again find more. */
  const settle = async (): Promise<void> => {
    for (let round = 0; round < 3; round++) {
      await new Promise(resolve => setImmediate(resolve));
      down.pump();
      up.pump();
    }
  };
  return {
    settle,
    down,
    up,
    ends,
    series,
    tunnel,
    start: () => tunnel.start(bytes(toUpstream), bytes(toDownstream)),
  };
}

test('bytes that came before go first, in both directions', async () => {
  const { down, up, start, series, settle } = setUp('hello ', '220 ');
  down.send('world');
  up.send('ready');
  start();
  down.pump();
  up.pump();
  await settle();
  assert.equal(up.text, 'hello world');
  assert.equal(down.text, '220 ready');
  assert.deepEqual([series.receivedBytes, series.sentBytes], [11, 9]);
});

test('half-close goes through in either direction, and the other goes on', async () => {
  for (const first of ['client', 'server'] as const) {
    const { down, up, start, ends, settle } = setUp();
    start();
    const [early, late] = first === 'client' ? [down, up] : [up, down];
    early.send('last words');
    early.end();
    await settle();
    assert.equal(late.text, 'last words');
    assert.equal(late.ended, true, 'the end did not go through');
    assert.equal(late.closed, false);
    late.send('still here');
    await settle();
    assert.equal(early.text, 'still here');
    assert.deepEqual(ends, []);
    late.end();
    await settle();
    assert.equal(early.ended, true);
    assert.deepEqual(ends, [['both', '']]);
    assert.equal(down.closed && up.closed, true);
    assert.equal(down.wasReset || up.wasReset, false);
  }
});

test('what was sent last arrives, also when the receiver is slow and has ended its own side before', async () => {
  for (const first of ['client', 'server'] as const) {
    const { down, up, start, ends, settle } = setUp();
    start();
    const [early, late] = first === 'client' ? [down, up] : [up, down];
    early.end();
    await settle();
    early.stalled = true;
    late.send(Buffer.alloc(40_000, 'a'));
    await settle();
    late.send(Buffer.alloc(40_000, 'b'));
    late.end();
    await settle();
    assert.equal(early.closed, false, 'bytes on their way were thrown away');
    early.release();
    await settle();
    assert.equal(early.received.length, 80_000);
    assert.equal(early.ended, true);
    assert.equal(early.closed && late.closed, true);
    assert.deepEqual(ends, [['both', '']]);
  }
});

test('a reset of one side is a reset of the other, and is told once with its side', async () => {
  for (const first of ['downstream', 'upstream'] as const) {
    const { down, up, start, ends, settle } = setUp();
    start();
    const [broken, other] = first === 'downstream' ? [down, up] : [up, down];
    broken.breakOff();
    await settle();
    assert.equal(other.wasReset, true);
    assert.deepEqual(ends, [[first, 'ECONNRESET']]);
  }
});

test('a reset after a half-close is still a reset', async () => {
  const { down, up, start, ends, settle } = setUp();
  start();
  down.end();
  await settle();
  up.breakOff();
  await settle();
  assert.equal(down.wasReset, true);
  assert.deepEqual(ends, [['upstream', 'ECONNRESET']]);
});

test('a side that was over before the tunnel began ends the other', async () => {
  const { down, up, start, ends, settle } = setUp();
  down.wire.handler = { onData() {}, onEnd() {}, onDrain() {}, onClose() {} };
  down.wire.resume();
  down.end();
  start();
  await settle();
  assert.equal(up.ended, true);
  up.send('answer');
  up.end();
  await settle();
  assert.equal(down.text, 'answer');
  assert.equal(ends.length, 1);
});

test('a receiver that does not read stops the sender, in both directions', async () => {
  for (const first of ['client', 'server'] as const) {
    const { down, up, start, settle } = setUp();
    start();
    const [sender, receiver] = first === 'client' ? [down, up] : [up, down];
    receiver.stalled = true;
    for (let i = 0; i < 100; i++) {
      sender.send(Buffer.alloc(16_384, i));
      await settle();
    }
    assert.ok(receiver.wire.pendingBytes < 300_000, `${receiver.wire.pendingBytes} bytes are held`);
    assert.ok(sender.unread > 1_000_000);
    while (sender.unread > 0 || receiver.wire.pendingBytes > 0) {
      receiver.release();
      await settle();
    }
    assert.equal(receiver.received.length, 100 * 16_384);
  }
});

test('for any order of bytes, stalls and ends, everything arrives in order and both sides end', async () => {
  for (let seed = 1; seed <= 60; seed++) {
    const random = seeded(seed);
    const { down, up, start, ends, settle } = setUp();
    start();
    const sent = new Map([
      [down, ''],
      [up, ''],
    ]);
    const over = new Set<MemoryPeer>();
    for (let step = 0; step < 60; step++) {
      const peer = oneOf(random, [down, up]);
      const choice = below(random, 10);
      if (choice < 5 && !over.has(peer)) {
        const piece = `<${step}${'x'.repeat(below(random, 60_000))}>`;
        sent.set(peer, sent.get(peer)! + piece);
        peer.send(piece);
      } else if (choice === 5) peer.stalled = true;
      else if (choice < 8) peer.release();
      else if (choice === 8 && random() < 0.2 && !over.has(peer)) {
        over.add(peer);
        peer.end();
      }
      if (random() < 0.5) await settle();
    }
    for (const peer of [down, up]) if (!over.has(peer)) peer.end();
    for (let round = 0; round < 400 && !(down.closed && up.closed); round++) {
      down.release();
      up.release();
      await settle();
    }
    assert.ok(down.closed && up.closed, `seed ${seed}: it never ended`);
    assert.equal(up.text === sent.get(down), true, `seed ${seed}: the server got something else`);
    assert.equal(down.text === sent.get(up), true, `seed ${seed}: the client got something else`);
    assert.deepEqual(ends, [['both', '']], `seed ${seed}`);
  }
});
