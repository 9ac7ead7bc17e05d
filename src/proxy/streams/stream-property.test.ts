// For any order of writes, stalls, ends and resets, an app's connection that goes through a stream is as one through a wire:
// the same bytes, and the same kind of end. Everything between the two apps is in one process and without a kernel.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { SessionPool } from '../../cluster/index.ts';
import { below, oneOf, seeded } from '../../cluster/testing/random.ts';
import { MemoryPeer } from '../../http1/testing/memory-wire.ts';
import { ClientConnection, SESSION_LIMITS } from '../../http2/index.ts';
import { bareOptions } from '../../http2/testing/bare-server.ts';
import type { TcpSeries } from '../../telemetry/index.ts';
import { FakeClock } from '../../time/index.ts';
import type { ByteStream } from '../../wire/index.ts';
import { Tunnel } from '../tcp/tunnel.ts';
import { connectHead } from './session-status.ts';
import { StreamCarrier } from './stream-carrier.ts';
import { UpstreamStream } from './upstream-stream.ts';

/** Two apps, and a proxy beside each. */
interface Pair {
  readonly client: MemoryPeer;
  readonly app: MemoryPeer;
  /** How the tunnels of both proxies have ended. */
  readonly ends: string[];
}

function tunnel(down: ByteStream, up: ByteStream, ends: string[], opened?: () => void): void {
  const series: TcpSeries = {
    labels: '',
    opened: 1,
    closed: 0,
    sentBytes: 0,
    receivedBytes: 0,
    touchedMs: 0,
  };
  const made = new Tunnel(down, up, (_side, error) => ends.push(error));
  made.countIn(series);
  made.start(undefined, undefined, opened);
}

/** What one side of the connection between the proxies has sent arrives at the other. */
function pass(from: MemoryPeer, to: MemoryPeer): boolean {
  const bytes = from.take();
  if (bytes.length === 0) return false;
  to.send(bytes);
  return true;
}

/** A connection between two proxies that pairs of apps share. */
class Carrier {
  readonly near = new MemoryPeer();
  readonly far = new MemoryPeer();
  readonly client: ClientConnection;
  readonly #pairs: Pair[] = [];
  readonly #waiting: Pair[] = [];

  constructor() {
    const options = bareOptions({ clock: new FakeClock(), limits: SESSION_LIMITS });
    const carrier = new StreamCarrier(this.far.wire, options, {
      onStream: (_head, bytes) => {
        const { app, ends } = this.#waiting.shift()!;
        tunnel(bytes, app.wire, ends, () => bytes.open());
      },
      onMalformed: fault => assert.fail(fault.words),
      onClosed() {},
    });
    carrier.start(undefined);
    const host = { onRoom() {}, onDraining() {}, onGone() {} };
    this.client = new ClientConnection(
      this.near.wire,
      { ...options, secure: false, peerIsProxy: false },
      host,
    );
  }

  open(): Pair {
    const pair: Pair = { client: new MemoryPeer(), app: new MemoryPeer(), ends: [] };
    this.#pairs.push(pair);
    this.#waiting.push(pair);
    const pool = {
      acquire: (waiter: UpstreamStream) => waiter.onStream(this.client.open(waiter), this.client),
      cancel() {},
    } as unknown as SessionPool;
    const { timers } = this.client.options;
    const stream = new UpstreamStream(
      { pool, timers, timeoutMs: 1000, head: connectHead('10.0.0.1:1'), where: 'there' },
      {
        onBytes: bytes => tunnel(pair.client.wire, bytes, pair.ends),
        onFailed: (_failure, _flag, detail) => assert.fail(detail),
        onAlone: () => assert.fail('alone'),
        onFault: () => assert.fail('a fault'),
      },
    );
    stream.start();
    return pair;
  }

  async settle(): Promise<void> {
    for (let quiet = 0; quiet < 3; ) {
      await new Promise(resolve => setImmediate(resolve));
      for (const { client, app } of this.#pairs) {
        client.pump();
        app.pump();
      }
      const passed = [pass(this.near, this.far), pass(this.far, this.near)].includes(true);
      quiet = passed ? 0 : quiet + 1;
    }
  }
}

/** The same without a stream. */
function direct(): Pair {
  const pair: Pair = { client: new MemoryPeer(), app: new MemoryPeer(), ends: [] };
  tunnel(pair.client.wire, pair.app.wire, pair.ends);
  return pair;
}

/** How an app sees its connection in the end. */
function fate({ ended, wasReset, closed }: MemoryPeer): string {
  if (wasReset) return 'reset';
  return `${ended ? 'ended' : 'open'}${closed ? ', closed' : ''}`;
}

const sides = ['client', 'app'] as const;

test('streams and wires carry the same bytes to the same kind of end', async () => {
  for (let seed = 1; seed <= 80; seed++) {
    const random = seeded(seed);
    const carrier = new Carrier();
    const carried = [carrier.open(), carrier.open(), carrier.open()];
    const plain = carried.map(direct);
    const sent = carried.map(() => ({ client: '', app: '' }));
    const over = new Set<string>();
    await carrier.settle();
    const settle = async (): Promise<void> => {
      await carrier.settle();
      for (const { client, app } of plain)
        for (let n = 0; n < 3; n++) {
          client.pump();
          app.pump();
          await new Promise(resolve => setImmediate(resolve));
        }
    };
    const both = (at: number, side: (typeof sides)[number], act: (peer: MemoryPeer) => void): void => {
      act(carried[at]![side]);
      act(plain[at]![side]);
    };
    for (let step = 0; step < 60; step++) {
      const at = below(random, carried.length);
      const side = oneOf(random, sides);
      const name = `${at} ${side}`;
      const choice = below(random, 20);
      if (choice < 10 && !over.has(name)) {
        const piece = `<${step}${'x'.repeat(below(random, choice === 0 ? 200_000 : 20_000))}>`;
        sent[at]![side] += piece;
        both(at, side, peer => peer.send(piece));
      } else if (choice < 12) both(at, side, peer => (peer.stalled = true));
      else if (choice < 16) both(at, side, peer => peer.release());
      else if (choice < 18 && !over.has(name)) {
        over.add(name);
        both(at, side, peer => peer.end());
      } else if (choice === 19 && random() < 0.15) {
        // What was under way at that moment may be lost, so nothing is.
        for (const each of sides) both(at, each, peer => peer.release());
        for (let n = 0; n < 20; n++) {
          await settle();
          for (const each of sides) both(at, each, peer => peer.release());
        }
        for (const each of sides) over.add(`${at} ${each}`);
        both(at, side, peer => peer.breakOff());
      }
      if (random() < 0.3) await settle();
    }
    for (let n = 0; n < 80; n++) {
      for (const at of carried.keys()) for (const side of sides) both(at, side, peer => peer.release());
      await settle();
    }
    for (const [at, pair] of carried.entries())
      for (const side of sides) {
        const what = `seed ${seed}, session ${at}, ${side}`;
        const other = side === 'client' ? 'app' : 'client';
        assert.equal(fate(pair[side]), fate(plain[at]![side]), what);
        assert.ok(pair[side].text === plain[at]![side].text, `${what}: other bytes`);
        if (fate(pair[side]) !== 'reset')
          assert.ok(sent[at]![other].startsWith(pair[side].text), `${what}: bytes that were not sent`);
        if (over.has(`${at} ${other}`) && fate(pair[side]).startsWith('ended'))
          assert.equal(pair[side].text.length, sent[at]![other].length, `${what}: bytes are missing`);
      }
    assert.equal(carrier.near.closed || carrier.far.closed, false, `seed ${seed}: the connection is gone`);
    const left = carried.filter(({ ends }) => ends.length < 2).length;
    assert.equal(carrier.client.active, left, `seed ${seed}: streams are left`);
  }
});

test('a receiver that does not read stops its sender, in either direction, and nobody else', async () => {
  for (const first of sides) {
    const carrier = new Carrier();
    const [pair, other] = [carrier.open(), carrier.open()];
    await carrier.settle();
    const [sender, receiver] = first === 'client' ? [pair.client, pair.app] : [pair.app, pair.client];
    receiver.stalled = true;
    for (let n = 0; n < 200; n++) {
      sender.send(Buffer.alloc(16_384, n));
      await carrier.settle();
    }
    assert.ok(receiver.wire.pendingBytes < 300_000, `${receiver.wire.pendingBytes} bytes are held`);
    assert.ok(sender.unread > 2_000_000, `only ${sender.unread} bytes wait at their sender`);
    other.client.send('hello');
    other.app.send('220 ready');
    await carrier.settle();
    assert.deepEqual([other.app.text, other.client.text], ['hello', '220 ready']);
    while (receiver.received.length < 200 * 16_384) {
      receiver.release();
      await carrier.settle();
    }
    sender.end();
    receiver.end();
    await carrier.settle();
    assert.deepEqual(pair.ends, ['', '']);
    assert.equal(carrier.client.active, 1);
  }
});
