import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import type { Server, Socket } from 'node:net';
import { test } from 'node:test';
import { FakeClock } from '../time/index.ts';
import { ByteBudget } from './byte-budget.ts';
import { type NewcomerLimits, Newcomers } from './newcomers.ts';

class FakeSocket extends EventEmitter {
  readonly remoteAddress: string | undefined;
  readonly remotePort: number;
  destroyed = false;

  constructor(remoteAddress: string | undefined, remotePort: number) {
    super();
    this.remoteAddress = remoteAddress;
    this.remotePort = remotePort;
  }

  destroy(): void {
    this.destroyed = true;
    this.emit('close');
  }
}

function setUp(limits: NewcomerLimits) {
  const clock = new FakeClock();
  const closed: string[] = [];
  const options = {
    limits,
    clock,
    closed: (why: string, address: string) => closed.push(`${why} ${address}`),
  };
  const newcomers = new Newcomers(options);
  let port = 0;
  const come = (address: string | undefined): FakeSocket => {
    const socket = new FakeSocket(address, ++port);
    newcomers.admit(socket as unknown as Socket);
    return socket;
  };
  return { clock, closed, newcomers, come };
}

test('an address that holds more than its share loses its oldest, and nobody else loses anything', async () => {
  const { clock, closed, newcomers, come } = setUp({ total: 100, perAddress: 3 });
  const other = come('10.0.0.1');
  const held = [1, 2, 3].map(() => come('10.0.0.9'));
  await clock.advance(2_000);
  come('10.0.0.9');
  assert.deepEqual(
    held.map(each => each.destroyed),
    [true, false, false],
  );
  assert.deepEqual([other.destroyed, newcomers.size, closed], [false, 4, ['too-many-from-address 10.0.0.9']]);
});

test('in a rush from one address those in the middle of their handshake are finished, and the next has to come again', async () => {
  const { clock, come } = setUp({ total: 100, perAddress: 3 });
  const first = [1, 2, 3].map(() => come('10.0.0.9'));
  await clock.advance(1_999);
  assert.equal(come('10.0.0.9').destroyed, true);
  assert.ok(first.every(each => !each.destroyed));
});

test('when all together hold too many, the address with most makes room, however young its connections are', () => {
  const { closed, newcomers, come } = setUp({ total: 10, perAddress: 6 });
  const few = [1, 2, 3, 4].map(() => come('10.0.0.1'));
  const many = [1, 2, 3, 4, 5, 6].map(() => come('10.0.0.9'));
  const late = come('10.0.0.3');
  assert.deepEqual(
    [late.destroyed, many[0]!.destroyed, few.some(each => each.destroyed)],
    [false, true, false],
  );
  assert.deepEqual([newcomers.size, closed], [10, ['too-many-connections 10.0.0.9']]);
});

test('whatever comes, from however many addresses, there are never more than allowed', async () => {
  const { clock, newcomers, come } = setUp({ total: 20, perAddress: 5, withinMs: 10_000 });
  let seed = 7;
  for (let count = 0; count < 5_000; count++) {
    seed = (seed * 1103515245 + 12345) % 2147483648;
    const socket = come(`10.0.0.${seed % 13}`);
    if (seed % 7 === 0) newcomers.leave(socket);
    if (seed % 11 === 0) socket.destroy();
    if (seed % 3 === 0) await clock.advance(seed % 900);
    assert.ok(newcomers.size <= 20);
  }
  await clock.advance(10_000);
  assert.deepEqual([newcomers.size, clock.pending], [0, 0]);
});

test('who proves nothing in time is closed, who has proven who it is stays', async () => {
  const { clock, closed, newcomers, come } = setUp({ total: 9, perAddress: 9, withinMs: 10_000 });
  const [slow, good] = [come('10.0.0.1'), come('10.0.0.1')];
  newcomers.leave({ remoteAddress: good.remoteAddress, remotePort: good.remotePort });
  await clock.advance(10_000);
  assert.deepEqual([slow.destroyed, good.destroyed, closed], [true, false, ['newcomer-too-slow 10.0.0.1']]);
});

test('a connection that has gone before it is looked at is passed over, and never reaches the server', () => {
  const { newcomers } = setUp({ total: 1, perAddress: 1 });
  const server = new EventEmitter();
  const served: unknown[] = [];
  server.on('connection', socket => served.push(socket));
  newcomers.guard(server as Server);
  const [gone, first, second] = [
    new FakeSocket(undefined, 1),
    new FakeSocket('a', 2),
    new FakeSocket('a', 3),
  ];
  for (const socket of [gone, first, second]) server.emit('connection', socket);
  assert.deepEqual([served, gone.destroyed, second.destroyed], [[first], true, true]);
});

test('a budget of bytes gives no more than there are, and again what was given back', () => {
  const budget = new ByteBudget(10);
  assert.deepEqual([budget.take(8), budget.take(3), budget.held], [true, false, 8]);
  budget.give(5);
  assert.deepEqual([budget.take(7), budget.held], [true, 10]);
});
