// What makes a short connection cheap: its last bytes leave with its end, and it is not stopped only to be read on.
import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { type TestContext, test } from 'node:test';
import { libcFunction } from '../libc/index.ts';
import { Listener, type Wire, type WireHandler } from './index.ts';
import type { NativeStream } from './native.ts';
import { enterEvent, leaveEvent } from './scratch.ts';
import { Wire as RealWire } from './wire.ts';

const getsockopt = libcFunction<
  (fd: number, level: number, name: number, value: Buffer, length: Int32Array) => number
>('int getsockopt(int fd, int level, int name, _Inout_ void *value, _Inout_ int *length)');
const SOL_TCP = 6;
const TCP_NODELAY = 1;
const TCP_INFO = 11;
/** Of struct tcp_info: segments sent, the end and acknowledgements among them. */
const SEGMENTS_OUT = 136;

const quiet: WireHandler = { onData() {}, onEnd() {}, onDrain() {}, onClose() {} };

/** A wire that a listener has accepted, and what its peer gets of it. `reads`: whether the peer reads from the beginning. */
async function accepted(t: TestContext, reads = true) {
  let arrive: (wire: Wire) => void;
  const arrived = new Promise<Wire>(resolve => (arrive = resolve));
  const listener = new Listener({ host: '127.0.0.1', port: 0, purpose: 'test' }, wire => arrive(wire));
  const peer = connect({ port: listener.port, host: '127.0.0.1', allowHalfOpen: true });
  const wire = await arrived;
  wire.handler = quiet;
  t.after(() => {
    listener.close();
    peer.destroy();
    wire.destroy();
  });
  const chunks: Buffer[] = [];
  const listen = (): void => void peer.on('data', chunk => chunks.push(chunk));
  if (reads) listen();
  const ended = new Promise<Buffer>(resolve => peer.on('end', () => resolve(Buffer.concat(chunks))));
  return { wire, peer, ended, listen };
}

function option(fd: number, name: number): Buffer {
  const value = Buffer.alloc(256);
  assert.equal(getsockopt(fd, SOL_TCP, name, value, new Int32Array([value.length])), 0);
  return value;
}

test('an answer and the end of the connection leave in one packet', async t => {
  const { wire, ended } = await accepted(t);
  const before = option(wire.native.fd, TCP_INFO).readUInt32LE(SEGMENTS_OUT);
  enterEvent();
  wire.write(Buffer.from('the answer'), 0, 10);
  wire.end();
  leaveEvent();
  assert.equal((await ended).toString(), 'the answer');
  assert.equal(wire.bytesWritten, 10);
  assert.equal(option(wire.native.fd, TCP_INFO).readUInt32LE(SEGMENTS_OUT) - before, 1);
});

test('however much the kernel has room for at the end, all of it arrives, and then the end', async t => {
  const last = Buffer.alloc(120_000, 'z');
  for (let before = 0; before <= 6_000_000; before += 400_000) {
    const { wire, ended, listen } = await accepted(t, false);
    const first = Buffer.alloc(before, 'a');
    wire.write(first, 0, first.length);
    enterEvent();
    wire.write(last, 0, last.length);
    wire.end();
    leaveEvent();
    assert.equal(wire.ending, true);
    listen();
    assert.ok((await ended).equals(Buffer.concat([first, last])), `${before} bytes before`);
  }
});

test('nothing is sent after the end, and the other direction goes on', async t => {
  const { wire, peer, ended } = await accepted(t);
  const came: string[] = [];
  const closed = new Promise<string>(resolve => {
    wire.handler = {
      ...quiet,
      onData: (bytes, start, end) => void came.push(bytes.toString('latin1', start, end)),
      onClose: resolve,
    };
  });
  wire.resume();
  wire.end();
  wire.write(Buffer.from('late'), 0, 4);
  assert.equal((await ended).length, 0);
  peer.end('still here');
  assert.equal(await closed, '');
  assert.deepEqual(came, ['still here']);
});

test('what a listener accepts sends at once (TCP_NODELAY), without a call for it', async t => {
  const { wire } = await accepted(t);
  assert.equal(option(wire.native.fd, TCP_NODELAY).readInt32LE(0), 1);
});

test('the kernel is told of reading only what is so at the end of an event', () => {
  const calls: string[] = [];
  const native = {
    readStart: () => calls.push('start') - calls.length,
    readStop: () => calls.push('stop') - calls.length,
    useUserBuffer() {},
  } as unknown as NativeStream;
  const wire = new RealWire(native, { close() {}, reset() {} }, false);
  wire.resume();
  enterEvent();
  wire.pause();
  wire.resume();
  wire.pause();
  wire.resume();
  leaveEvent();
  assert.deepEqual(calls, ['start']);
  enterEvent();
  wire.pause();
  leaveEvent();
  assert.deepEqual(calls, ['start', 'stop']);
  wire.resume();
  wire.pause();
  assert.deepEqual(calls, ['start', 'stop', 'start', 'stop'], 'outside of events at once');
  wire.resume();
  enterEvent();
  wire.pause();
  wire.destroy();
  leaveEvent();
  assert.deepEqual(calls.slice(4), ['start'], 'a closed handle is not touched');
});
