// limit-rate: how much of an answer its client has at which time, by real sockets and a clock that the test turns.
import assert from 'node:assert/strict';
import type { RequestListener } from 'node:http';
import { connect } from 'node:net';
import { type TestContext, test } from 'node:test';
import type { EdgePolicy } from '../../model/index.ts';
import { FakeClock } from '../../time/index.ts';
import { httpServer } from '../testing/clients.ts';
import { StaticMesh } from '../testing/static-mesh.ts';
import { edgeFilters } from './index.ts';

const kib = 1024;

/** A client of a gateway, and what it has got. */
class Client {
  readonly clock = new FakeClock();
  body = 0;
  head = '';
  isOver = false;
  #piece = 0;
  #arrived: () => void = () => {};
  #socket: ReturnType<typeof connect> | undefined;

  static async start(
    t: TestContext,
    edge: EdgePolicy,
    app: RequestListener,
    idleTimeoutMs = 0,
  ): Promise<Client> {
    const client = new Client();
    const mesh = new StaticMesh();
    const server = await httpServer(app);
    t.after(() => {
      client.#socket?.destroy();
      mesh.close();
      server.close();
    });
    const gateway = mesh.proxy('gateway', { edge: edgeFilters, clock: client.clock });
    mesh.set({ key: 'app:80', endpoints: [mesh.plain(server.port)], route: { edge, idleTimeoutMs } });
    // A tenth of a second's worth.
    client.#piece = edge.answerRate!.bytesPerSecond / 10;
    client.#begin(gateway.plane.outboundPort);
    return client;
  }

  #begin(port: number): void {
    const socket = connect(port, '127.0.0.1');
    this.#socket = socket;
    socket.write(
      'GET http://app:80/ HTTP/1.1\r\nhost: app:80\r\naccept-encoding: gzip\r\nconnection: close\r\n\r\n',
    );
    socket.on('data', bytes => {
      const split = this.head === '' ? bytes.indexOf('\r\n\r\n') + 4 : 0;
      this.head += bytes.toString('latin1', 0, split);
      this.body += bytes.length - split;
      this.#arrived();
    });
    socket
      .on('error', () => undefined)
      .on('close', () => {
        this.isOver = true;
        this.#arrived();
      });
  }

  /** Resolves when of the body so much is there, but for a piece that waits for its time; more is there never. */
  async has(bytes: number): Promise<void> {
    while (this.body < bytes - this.#piece && !this.isOver)
      await new Promise<void>(resolve => {
        this.#arrived = resolve;
      });
    assert.ok(this.body <= bytes && this.body >= bytes - this.#piece, `${this.body} of ${bytes}`);
  }

  async over(): Promise<void> {
    while (!this.isOver)
      await new Promise<void>(resolve => {
        this.#arrived = resolve;
      });
  }

  leave(): void {
    this.#socket?.destroy();
  }

  /** Time goes on, a timer at a time. */
  async pass(ms: number): Promise<void> {
    for (let passed = 0; passed < ms; passed += 50) await this.clock.advance(50);
  }
}

const answer =
  (bytes: number): RequestListener =>
  (_request, response) =>
    response.setHeader('content-length', bytes).end(Buffer.alloc(bytes, 'x'));

test("a second's worth and what is before the rate come at once, the rest as time goes by", {
  timeout: 10_000,
}, async t => {
  const edge = { answerRate: { bytesPerSecond: 100 * kib, afterBytes: 100 * kib } };
  const client = await Client.start(t, edge, answer(400 * kib));
  await client.has(200 * kib);
  await client.pass(500);
  await client.has(250 * kib);
  await client.pass(500);
  await client.has(300 * kib);
  await client.pass(1000);
  await client.pass(100);
  await client.over();
  assert.equal(client.body, 400 * kib);
  assert.match(client.head, /^HTTP\/1\.1 200 /);
});

test('what the rate holds up is no idleness, and ends whole', { timeout: 10_000 }, async t => {
  const edge = { answerRate: { bytesPerSecond: kib, afterBytes: 0 } };
  const client = await Client.start(t, edge, answer(64 * kib), 5000);
  await client.has(kib);
  for (let second = 1; second < 63; second++) {
    await client.pass(1000);
    await client.has((second + 1) * kib);
  }
  while (!client.isOver) await client.pass(50);
  assert.equal(client.body, 64 * kib);
});

test('an upstream that breaks off is not taken for one that has ended', { timeout: 10_000 }, async t => {
  const edge = { answerRate: { bytesPerSecond: kib, afterBytes: 0 } };
  let breakOff = (): void => {};
  const client = await Client.start(t, edge, (_request, response) => {
    response.setHeader('content-length', 100 * kib).write(Buffer.alloc(2 * kib));
    breakOff = () => response.destroy();
  });
  await client.has(kib);
  breakOff();
  while (!client.isOver) await client.pass(50);
  assert.ok(client.body < 100 * kib);
});

test('who leaves leaves no timer behind', { timeout: 10_000 }, async t => {
  const edge = { answerRate: { bytesPerSecond: kib, afterBytes: 0 } };
  const client = await Client.start(t, edge, answer(20 * kib));
  await client.has(kib);
  const before = client.clock.pending;
  client.leave();
  while (client.clock.pending >= before) await client.pass(50);
});

test('compressed answers are counted as their clients get them', { timeout: 10_000 }, async t => {
  const edge: EdgePolicy = {
    answerRate: { bytesPerSecond: 64 * kib, afterBytes: 0 },
    compression: { encodings: ['gzip'], minBytes: 1, types: ['text/plain'] },
  };
  const client = await Client.start(t, edge, (_request, response) =>
    response.setHeader('content-type', 'text/plain').end(Buffer.alloc(1024 * kib, 'x')),
  );
  await client.over();
  assert.match(client.head, /content-encoding: gzip/i);
  assert.ok(client.body > 0 && client.body < 64 * kib);
});
