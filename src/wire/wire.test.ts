import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readdirSync, readlinkSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { test } from 'node:test';
import { WeftError } from '../errors/index.ts';
import { type Dialer, dial, Listener, type Wire, type WireHandler } from './index.ts';
import { acknowledgedBytes, formatIpv6, keepAlive, keepAliveOf } from './socket-options.ts';
import { CLOSED_PORT } from './testing/ports.ts';

class Recorder implements WireHandler {
  readonly chunks: Buffer[] = [];
  ended = false;
  drains = 0;
  closed: string | undefined;
  #wake: () => void = () => {};
  onData(bytes: Buffer, start: number, end: number): void {
    this.chunks.push(Buffer.from(bytes.subarray(start, end)));
    this.#wake();
  }
  onEnd(): void {
    this.ended = true;
    this.#wake();
  }
  onDrain(): void {
    this.drains++;
    this.#wake();
  }
  onClose(error: string): void {
    this.closed = error;
    this.#wake();
  }
  get text(): string {
    return Buffer.concat(this.chunks).toString('latin1');
  }
  async until(condition: () => boolean): Promise<void> {
    while (!condition()) await new Promise<void>(resolve => (this.#wake = resolve));
  }
}

async function accepted(): Promise<{ wire: Wire; peer: Socket; seen: Recorder; close: () => void }> {
  const seen = new Recorder();
  let onWire: (wire: Wire) => void;
  const arrived = new Promise<Wire>(resolve => (onWire = resolve));
  const listener = new Listener({ host: '127.0.0.1', port: 0, purpose: 'test' }, wire => {
    wire.handler = seen;
    wire.resume();
    onWire(wire);
  });
  const peer = connect({ port: listener.port, host: '127.0.0.1', allowHalfOpen: true });
  peer.on('error', () => {});
  const wire = await arrived;
  const close = (): void => {
    listener.close();
    peer.destroy();
    wire.destroy();
  };
  return { wire, peer, seen, close };
}

test('bytes arrive both ways and addresses are known', async () => {
  const { wire, peer, seen, close } = await accepted();
  peer.write('hello');
  await seen.until(() => seen.text === 'hello');
  assert.equal(wire.remoteAddress()?.port, peer.localPort);
  wire.write(Buffer.from('..answer..'), 2, 8);
  const [data] = (await once(peer, 'data')) as [Buffer];
  assert.equal(data.toString(), 'answer');
  close();
});

test('several writes of one event leave as one piece, in order', async () => {
  const { wire, peer, close } = await accepted();
  for (const word of ['a', 'b', 'c']) wire.write(Buffer.from(word), 0, 1);
  const [data] = (await once(peer, 'data')) as [Buffer];
  assert.equal(data.toString(), 'abc');
  close();
});

test('half-close: the peer may end and still read, and so may we', async () => {
  const { wire, peer, seen, close } = await accepted();
  peer.end('last words');
  await seen.until(() => seen.ended);
  assert.equal(seen.closed, undefined);
  wire.write(Buffer.from('still here'), 0, 10);
  wire.end();
  const chunks: Buffer[] = [];
  for await (const chunk of peer) chunks.push(chunk as Buffer);
  assert.equal(Buffer.concat(chunks).toString(), 'still here');
  await seen.until(() => seen.closed !== undefined);
  assert.equal(seen.closed, '');
  close();
});

test('a slow reader makes write return false, then drain follows, and every byte arrives in order', async () => {
  const { wire, peer, seen, close } = await accepted();
  peer.pause();
  const block = Buffer.alloc(100_000);
  let sent = 0;
  let writable = true;
  while (writable) {
    block.fill(sent % 251);
    writable = wire.write(block, 0, block.length);
    sent++;
    await new Promise(resolve => setImmediate(resolve));
    assert.ok(sent < 1000, 'back-pressure never came');
  }
  let received = 0;
  peer.on('data', (chunk: Buffer) => {
    for (const byte of [chunk[0]!, chunk[chunk.length - 1]!]) {
      assert.ok(
        [
          Math.floor(received / 100_000) % 251,
          Math.floor((received + chunk.length - 1) / 100_000) % 251,
        ].includes(byte),
      );
    }
    received += chunk.length;
  });
  peer.resume();
  await seen.until(() => seen.drains > 0);
  wire.end();
  await once(peer, 'end');
  assert.equal(received, sent * 100_000);
  close();
});

test('a reset of the peer closes with its errno name, once', async () => {
  const { peer, seen, close } = await accepted();
  peer.resetAndDestroy();
  await seen.until(() => seen.closed !== undefined);
  assert.equal(seen.closed, 'ECONNRESET');
  close();
});

test('paused wires read nothing until resumed', async () => {
  const { wire, peer, seen, close } = await accepted();
  wire.pause();
  peer.write('later');
  await new Promise(resolve => setTimeout(resolve, 20));
  assert.equal(seen.text, '');
  wire.resume();
  await seen.until(() => seen.text === 'later');
  close();
});

test('a dial connects, and tells the kernel-acknowledged bytes of what was sent', async () => {
  const server = createServer(socket => socket.resume()).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  const wire = await new Promise<Wire>((resolve, reject) => {
    const dialer: Dialer = { onConnect: resolve, onConnectError: error => reject(new Error(error)) };
    dial('127.0.0.1', port, '', dialer);
  });
  wire.write(Buffer.alloc(1234), 0, 1234);
  await new Promise(resolve => setTimeout(resolve, 20));
  assert.deepEqual(acknowledgedBytes(wire.native.fd), { bytes: 1234, closed: false });
  wire.destroy();
  server.close();
});

test('keepalive is set as asked, and what is left out stays as the machine has it', async () => {
  const { wire, close } = await accepted();
  const { fd } = wire.native;
  const before = keepAliveOf(fd)!;
  assert.equal(before.on, false);
  assert.ok(keepAlive(fd, { idleSeconds: 42, intervalSeconds: undefined, probes: 3 }));
  assert.deepEqual(keepAliveOf(fd), { ...before, on: true, idleSeconds: 42, probes: 3 });
  assert.ok(keepAlive(fd, { idleSeconds: 1e9, intervalSeconds: 7, probes: undefined }));
  assert.deepEqual(keepAliveOf(fd), { on: true, idleSeconds: 32_767, intervalSeconds: 7, probes: 3 });
  assert.equal(keepAlive(-1, { idleSeconds: 1, intervalSeconds: 1, probes: 1 }), false);
  close();
});

test('a refused dial and an impossible local address are told by name', async () => {
  const failure = (address: string, port: number, local: string): Promise<string> =>
    new Promise(resolve => {
      dial(address, port, local, { onConnect: () => resolve('connected'), onConnectError: resolve });
    });
  assert.equal(await failure('127.0.0.1', CLOSED_PORT, ''), 'ECONNREFUSED');
  assert.equal(await failure('127.0.0.1', CLOSED_PORT, '192.0.2.1'), 'EADDRNOTAVAIL');
  assert.equal(await failure('not-an-ip', 80, ''), 'EINVAL');
});

test('a port in use is refused with the remedy', () => {
  const first = new Listener({ host: '127.0.0.1', port: 0, purpose: 'test' }, () => {});
  assert.throws(
    () => new Listener({ host: '127.0.0.1', port: first.port, purpose: 'outbound' }, () => {}),
    (error: unknown) =>
      error instanceof WeftError &&
      error.code === 'port-in-use' &&
      /outbound port 127\.0\.0\.1/.test(error.message),
  );
  first.close();
});

test('IPv6 addresses are written as RFC 5952 says', () => {
  const bytes = (hex: string): Uint8Array => Buffer.from(hex, 'hex');
  assert.equal(formatIpv6(bytes('20010db8000000000000000000000001')), '2001:db8::1');
  assert.equal(formatIpv6(bytes('00000000000000000000000000000000')), '::');
  assert.equal(formatIpv6(bytes('20010db8000000010001000100010001')), '2001:db8:0:1:1:1:1:1');
  assert.equal(formatIpv6(bytes('fd000000000000010000000000000002')), 'fd00:0:0:1::2');
});

test('a reset right after an end closes the connection, file descriptor included', async () => {
  const { wire, peer, close } = await accepted();
  peer.on('error', () => {}).resume();
  const fd = wire.native.fd;
  const socket = readlinkSync(`/proc/self/fd/${fd}`);
  wire.end();
  wire.reset();
  await new Promise(resolve => peer.on('close', resolve));
  await new Promise(resolve => setImmediate(resolve));
  assert.ok(!readdirSync('/proc/self/fd').some(each => linkOf(each) === socket), 'the socket is still open');
  close();
});

function linkOf(fd: string): string {
  try {
    return readlinkSync(`/proc/self/fd/${fd}`);
  } catch {
    return '';
  }
}
