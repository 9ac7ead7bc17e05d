import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { test } from 'node:test';
import { descriptorUse, Listener, limitDescriptors, type Wire, watchDescriptors } from './index.ts';

/** A listener that counts, and clients that say when they are connected. */
function listening(): {
  listener: Listener;
  wires: Wire[];
  client: () => Promise<Socket>;
  until: (count: number) => Promise<void>;
} {
  const wires: Wire[] = [];
  let wake = (): void => {};
  const listener = new Listener({ host: '127.0.0.1', port: 0, purpose: 'test' }, wire => {
    wires.push(wire);
    wake();
  });
  return {
    listener,
    wires,
    async client() {
      const socket = connect(listener.port, '127.0.0.1');
      socket.on('error', () => {});
      await once(socket, 'connect');
      return socket;
    },
    async until(count) {
      while (wires.length < count) await new Promise<void>(resolve => (wake = resolve));
    },
  };
}

test('while it pauses connections wait in the kernel, and then they are accepted, again and again', async () => {
  const { listener, wires, client, until } = listening();
  const sockets: Socket[] = [await client()];
  await until(1);
  for (let round = 1; round <= 3; round++) {
    listener.pause();
    listener.pause();
    sockets.push(await client(), await client());
    // Another listener would have heard of its client by now: connections of one machine arrive in order.
    const other = listening();
    sockets.push(await other.client());
    await other.until(1);
    assert.equal(wires.length, 2 * round - 1, 'nothing is accepted');
    listener.resume();
    listener.resume();
    await until(2 * round + 1);
    other.listener.close();
    for (const wire of other.wires) wire.destroy();
  }
  listener.close();
  for (const wire of wires) wire.destroy();
  for (const socket of sockets) socket.destroy();
});

test('it may pause from within what accepts: the next waits', async () => {
  const wires: Wire[] = [];
  const listener: Listener = new Listener({ host: '127.0.0.1', port: 0, purpose: 'test' }, wire => {
    wires.push(wire);
    listener.pause();
  });
  const first = connect(listener.port, '127.0.0.1');
  const second = connect(listener.port, '127.0.0.1');
  await Promise.all([once(first, 'connect'), once(second, 'connect')]);
  while (wires.length < 1) await new Promise(resolve => setImmediate(resolve));
  for (let i = 0; i < 10; i++) await new Promise(resolve => setImmediate(resolve));
  assert.equal(wires.length, 1);
  listener.resume();
  while (wires.length < 2) await new Promise(resolve => setImmediate(resolve));
  listener.close();
  for (const each of [...wires, first, second]) each.destroy();
});

test('closed while it pauses, its port is free', async () => {
  const { listener } = listening();
  listener.pause();
  listener.close();
  listener.resume();
  const socket = connect(listener.port, '127.0.0.1');
  const [error] = (await once(socket, 'error')) as [NodeJS.ErrnoException];
  assert.equal(error.code, 'ECONNREFUSED');
});

test('with half of the descriptors in use connections are reset, told and counted, and taken again when there are some', async t => {
  const { listener, wires, client, until } = listening();
  const sockets = [await client()];
  await until(1);
  const before = descriptorUse().refused;
  let told = 0;
  watchDescriptors(() => told++);
  t.after(() => watchDescriptors(() => {}));
  // No connection has a number below 2.
  const suffice = limitDescriptors(4);
  for (let i = 0; i < 3; i++) {
    const refused = connect(listener.port, '127.0.0.1');
    await assert.rejects(once(refused, 'close'), { code: 'ECONNRESET' });
  }
  assert.equal(wires.length, 1);
  assert.equal(descriptorUse().refused - before, 3);
  assert.equal(told, 3);
  suffice();
  sockets.push(await client());
  await until(2);
  listener.close();
  for (const wire of wires) wire.destroy();
  for (const socket of sockets) socket.destroy();
});
