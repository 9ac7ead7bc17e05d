import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { test } from 'node:test';
import { FakeClock } from '../time/index.ts';
import { HandshakeGate } from './handshake-gate.ts';

/** As much of a socket as a gate looks at. */
class FakeSocket {
  readonly remoteAddress: string;
  readonly remotePort: number;
  destroyed = false;
  constructor(address: string, port: number) {
    this.remoteAddress = address;
    this.remotePort = port;
  }
  on(): this {
    return this;
  }
  destroy(): this {
    this.destroyed = true;
    return this;
  }
}

function rig(atOnce = 2) {
  const clock = new FakeClock();
  const crowded: string[] = [];
  const begun: FakeSocket[] = [];
  const gate = new HandshakeGate({
    ...{ atOnce, longestWaitMs: 5_000, clock },
    crowded: address => void crowded.push(address),
  });
  let port = 0;
  const come = (address: string): FakeSocket => {
    const socket = new FakeSocket(address, ++port);
    gate.enter(socket as unknown as Socket, () => void begun.push(socket));
    return socket;
  };
  return { clock, crowded, begun, gate, come };
}

test('a few handshakes are made at once, the others in the order in which they came', () => {
  const { begun, gate, come } = rig();
  const all = ['a', 'b', 'c', 'd'].map(come);
  assert.deepEqual(begun, all.slice(0, 2));
  gate.over(all[1]!);
  // A second word of the same end gives nobody a turn.
  gate.over(all[1]!);
  assert.deepEqual(begun, all.slice(0, 3));
  gate.over(all[0]!);
  assert.deepEqual(begun, all);
  assert.equal(gate.waiting, 0);
});

test('a silent peer gives its turn back after a second, and addresses take turns', () => {
  const { clock, begun, come } = rig(1);
  come('hoarder');
  const [second] = [come('hoarder'), come('hoarder')];
  const other = come('other');
  clock.advance(1_000);
  assert.equal(begun.at(-1), second);
  clock.advance(1_000);
  assert.equal(begun.at(-1), other, 'not the third of the same address');
});

test('who could not be served in time is closed at once, whoever has most first', () => {
  const { crowded, gate, come } = rig(1);
  // 100 a second for five seconds, and the one that is being made.
  const hoarded = Array.from({ length: 501 }, () => come('hoarder'));
  assert.equal(gate.waiting, 500);
  const last = come('hoarder');
  assert.ok(last.destroyed, 'it has most itself');
  const other = come('other');
  assert.ok(!other.destroyed && hoarded.at(-1)!.destroyed, 'one of the hoarder’s makes room');
  assert.deepEqual(crowded, ['hoarder', 'hoarder']);
  assert.equal(gate.waiting, 500);
});

test('where many are served many may wait, and whose turn comes too late is not served', () => {
  const { clock, crowded, begun, gate, come } = rig(1);
  for (let index = 0; index < 1_000; index++) gate.over(come(`a-${index}`));
  come('held');
  // 500 a second were served.
  const all = Array.from({ length: 2_501 }, (_, index) => come(`b-${index}`));
  assert.equal(gate.waiting, 2_500);
  assert.deepEqual(crowded, ['b-2500']);
  all[0]!.destroy();
  gate.over(begun.at(-1)!);
  assert.equal(begun.at(-1), all[1], 'one that has gone meanwhile has no turn');
  for (let second = 0; second < 5; second++) clock.advance(1_000);
  assert.ok(all[2_000]!.destroyed === false && all[7]!.destroyed === false);
  clock.advance(1_000);
  assert.ok(all[2_000]!.destroyed, 'it came six seconds ago');
  assert.equal(gate.waiting, 0);
});

test('a starved process keeps a short queue, as soon as it has been seen to be starved', () => {
  const { clock, crowded, gate, come, begun } = rig(1);
  for (let index = 0; index < 301; index++) come(`a-${index}`);
  assert.deepEqual([gate.waiting, crowded], [300, []]);
  // Thirty a second are made.
  for (let made = 0; made < 60; made++) {
    clock.advance(1000 / 30);
    gate.over(begun.at(-1)!);
  }
  assert.equal(gate.waiting, 240);
  come('late');
  assert.equal(crowded.length, 1, '240 wait, and 150 can be served within five seconds');
  // When it has made up for that it is as open as at the start.
  while (gate.waiting > 0) gate.over(begun.at(-1)!);
  clock.advance(10_000);
  for (let index = 0; index < 400; index++) come(`b-${index}`);
  assert.equal(crowded.length, 1);
});

test('a real connection whose peer has gone while it waited gets no handshake, whatever it had said', async context => {
  const { gate, begun, come } = rig(1);
  const held = come('held');
  const arrived: Socket[] = [];
  const server = createServer(socket => {
    arrived.push(socket);
    gate.enter(socket, () => void begun.push(socket as never));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  context.after(() => server.close());
  const { port } = server.address() as AddressInfo;
  const dial = async (): Promise<Socket> => {
    const socket = connect(port, '127.0.0.1');
    await Promise.all([once(socket, 'connect'), once(server, 'connection')]);
    socket.write('a ClientHello');
    return socket;
  };
  const [leaves, stays] = [await dial(), await dial()];
  context.after(() => stays.destroy());
  leaves.end();
  const [gone, waits] = arrived as [Socket, Socket];
  while (gone.readableLength === 0 || !ended(gone)) await new Promise(resolve => setImmediate(resolve));
  gate.over(held);
  assert.deepEqual(begun.slice(1), [waits]);
  assert.ok(gone.destroyed);
});

function ended(socket: Socket): boolean {
  return (socket as unknown as { _readableState: { ended: boolean } })._readableState.ended;
}
