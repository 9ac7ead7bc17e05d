// The proof that an upstream took no byte of a request (StreamFailure.unread), against real kernels: whether a POST may be
// sent again hangs on it.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { after, before, test } from 'node:test';
import type { Fields } from '../http/index.ts';
import { systemClock, TimerWheel } from '../time/index.ts';
import { dial, type Wire } from '../wire/index.ts';
import { ClientConnection, DEFAULT_LIMITS } from './index.ts';
import { requestHead } from './testing/heads.ts';
import { RecordedExchange } from './testing/recording-client.ts';

const timers = new TimerWheel(systemClock);
const get = requestHead('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
const post = requestHead('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n');
const answer = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';
let server: Server;
let onRequest: (socket: Socket, chunk: Buffer) => void = () => {};

before(async () => {
  server = createServer({ allowHalfOpen: true, noDelay: true }, socket => {
    socket.on('error', () => {});
    socket.on('data', chunk => onRequest(socket, chunk));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
});
after(() => server.close());

/** An exchange that can be waited for. */
class Exchange extends RecordedExchange {
  #done: () => void = () => {};
  readonly done = new Promise<void>(resolve => (this.#done = resolve));
  override onResponseEnd(trailers: Fields | undefined): void {
    super.onResponseEnd(trailers);
    this.#done();
  }
  override onResponseAbort(failure: Parameters<RecordedExchange['onResponseAbort']>[0]): void {
    super.onResponseAbort(failure);
    this.#done();
  }
}

/** A connection that has carried `used` requests, so that both kernels are at ease and delay their acknowledgements. */
async function connection(used: number): Promise<{ client: ClientConnection; socket: Socket }> {
  const accepted = once(server, 'connection');
  const wire = await new Promise<Wire>((resolve, reject) => {
    const { port } = server.address() as AddressInfo;
    dial('127.0.0.1', port, '', { onConnect: resolve, onConnectError: error => reject(new Error(error)) });
  });
  const [socket] = (await accepted) as [Socket];
  const client = new ClientConnection(wire, DEFAULT_LIMITS, timers, {
    onRoom() {},
    onDraining() {},
    onGone() {},
  });
  onRequest = peer => peer.write(answer);
  for (let i = 0; i < used; i++) {
    const exchange = new Exchange();
    client.open(exchange).request(get, true);
    await exchange.done;
  }
  return { client, socket };
}

test('an idle connection that the upstream closed as the request left: certainly unread', async () => {
  const { client, socket } = await connection(5);
  let got = 0;
  onRequest = () => got++;
  // Both in one turn: the end is in our kernel and not yet seen when the request goes out.
  socket.destroy();
  assert.equal(client.room, 1);
  const exchange = new Exchange();
  const stream = client.open(exchange);
  stream.request(post, false);
  stream.data(Buffer.from('0123456789'), 0, 10);
  stream.end(undefined);
  await exchange.done;
  assert.equal(got, 0);
  assert.equal(exchange.failure?.reused, true);
  assert.equal(exchange.failure?.unread, true);
});

test('the same, when the body still follows and its write fails first', async () => {
  const { client, socket } = await connection(5);
  onRequest = () => {};
  socket.destroy();
  const exchange = new Exchange();
  const stream = client.open(exchange);
  stream.request(post, false);
  // The head leaves at the end of this microtask and is answered with a reset before the body is written.
  await Promise.resolve();
  await Promise.resolve();
  stream.data(Buffer.from('0123456789'), 0, 10);
  await exchange.done;
  assert.equal(exchange.failure?.unread, true);
});

test('an upstream that reads and then closes: not unread', async () => {
  const { client } = await connection(5);
  onRequest = peer => peer.destroy();
  const exchange = new Exchange();
  client.open(exchange).request(get, true);
  await exchange.done;
  assert.equal(exchange.failure?.flag, 'UC');
  assert.equal(exchange.failure?.unread, false);
});

test('an upstream that reads and then resets, its acknowledgement still delayed: not unread', async () => {
  const { client } = await connection(5);
  let got = '';
  onRequest = (peer, chunk) => {
    got += chunk.toString();
    peer.resetAndDestroy();
  };
  const exchange = new Exchange();
  const stream = client.open(exchange);
  stream.request(post, false);
  stream.data(Buffer.from('0123456789'), 0, 10);
  stream.end(undefined);
  await exchange.done;
  assert.match(got, /^POST /, 'the application had the request');
  assert.equal(exchange.failure?.flag, 'UR');
  assert.equal(exchange.failure?.unread, false, 'this POST would be sent a second time');
});

test('an upstream that reads, ends and resets: not unread', async () => {
  const { client } = await connection(5);
  onRequest = peer => {
    peer.end();
    setImmediate(() => peer.resetAndDestroy());
  };
  const exchange = new Exchange();
  client.open(exchange).request(get, true);
  await exchange.done;
  assert.equal(exchange.failure?.unread, false);
});

test('an upstream that ended its side and still reads: not unread, and told in good time', async () => {
  const { client, socket } = await connection(5);
  onRequest = () => {};
  socket.end();
  const exchange = new Exchange();
  client.open(exchange).request(get, true);
  await exchange.done;
  assert.equal(exchange.failure?.flag, 'UC');
  assert.equal(exchange.failure?.unread, false);
  socket.destroy();
});

test('a first request that is reset is not taken for the idle race', async () => {
  const { client } = await connection(0);
  onRequest = peer => peer.resetAndDestroy();
  const exchange = new Exchange();
  client.open(exchange).request(get, true);
  await exchange.done;
  assert.equal(exchange.failure?.reused, false);
  assert.equal(exchange.failure?.unread, false);
});
