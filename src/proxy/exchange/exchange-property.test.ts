import assert from 'node:assert/strict';
import { test } from 'node:test';
import { below, oneOf, seeded } from '../../cluster/testing/random.ts';
import type { MemoryPeer } from '../../http1/testing/memory-wire.ts';
import { DEFAULT_TRAFFIC } from '../../model/index.ts';
import { ExchangeRig, type RigClient } from '../testing/exchange-rig.ts';

/** The far end of one upstream connection: reads requests and answers as it is told. */
class Upstream {
  readonly peer: MemoryPeer;
  /** What is left of an answer that has begun. */
  rest = '';
  constructor(peer: MemoryPeer) {
    this.peer = peer;
  }

  /** The path of the request that arrived whole, which is then taken. */
  takeRequest(): string | undefined {
    const { text } = this.peer;
    const head = text.indexOf('\r\n\r\n');
    if (head < 0) return undefined;
    const length = Number(/content-length: (\d+)/.exec(text.slice(0, head + 2))?.[1] ?? 0);
    const whole = /transfer-encoding: chunked/.test(text.slice(0, head))
      ? text.endsWith('0\r\n\r\n')
      : text.length >= head + 4 + length;
    if (!whole) return undefined;
    this.peer.take();
    return /^[A-Z]+ (\S+)/.exec(text)![1]!;
  }
}

interface Client extends RigClient {
  /** What is still to be sent. */
  toSend: string;
  requests: number;
  broken: boolean;
}

function requestText(path: string, random: () => number): string {
  const body = 'b'.repeat(below(random, oneOf(random, [10, 1_000, 90_000])));
  switch (below(random, 5)) {
    case 0:
      return `POST ${path} HTTP/1.1\r\nhost: a\r\ncontent-length: ${body.length}\r\n\r\n${body}`;
    case 1:
      return `PUT ${path} HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n${body === '' ? '' : `${body.length.toString(16)}\r\n${body}\r\n`}0\r\n\r\n`;
    case 2:
      return `DELETE ${path} HTTP/1.1\r\nhost: a\r\n\r\n`;
    default:
      return `GET ${path} HTTP/1.1\r\nhost: a\r\n\r\n`;
  }
}

function answerText(path: string, random: () => number): string {
  const body = 'a'.repeat(below(random, 3_000));
  switch (below(random, 8)) {
    case 0:
      return `HTTP/1.1 503 Busy\r\nx-path: ${path}\r\ncontent-length: ${body.length}\r\n\r\n${body}`;
    case 1:
      return `HTTP/1.1 204 No Content\r\nx-path: ${path}\r\n\r\n`;
    case 2:
      return `HTTP/1.1 500 Bad\r\nx-path: ${path}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n`;
    case 3:
      return `HTTP/1.1 200 OK\r\nx-path: ${path}\r\ntransfer-encoding: chunked\r\n\r\n${body === '' ? '' : `${body.length.toString(16)}\r\n${body}\r\n`}0\r\n\r\n`;
    default:
      return `HTTP/1.1 200 OK\r\nx-path: ${path}\r\ncontent-length: ${body.length}\r\n\r\n${body}`;
  }
}

/** One life of a proxy in random events. */
class Life {
  readonly #seed: number;
  readonly #random: () => number;
  readonly #rig: ExchangeRig;
  readonly #clients: Client[] = [];
  readonly #upstreams: Upstream[] = [];

  constructor(seed: number) {
    this.#seed = seed;
    this.#random = seeded(seed);
    const random = this.#random;
    this.#rig = new ExchangeRig({
      random,
      endpoints: 1 + below(random, 3),
      settings: {
        limits: {
          maxConnections: 1 + below(random, 6),
          maxPendingRequests: 1 + below(random, 6),
          maxRequests: 2 + below(random, 8),
          maxRequestsPerConnection: oneOf(random, [0, 0, 2]),
        },
        outlier: { ...DEFAULT_TRAFFIC.outlier, baseEjectionTimeMs: 1_000 },
        idleTimeoutMs: 3_000,
      },
      retry: {
        attempts: below(random, 3),
        on: ['connect-failure', 'reset', 'gateway-error', '5xx'],
        perTryTimeoutMs: oneOf(random, [0, 0, 400]),
      },
      route: { timeoutMs: oneOf(random, [0, 1_000]), idleTimeoutMs: oneOf(random, [0, 700]) },
    });
    this.#rig.targets = random() < 0.3 ? 'late' : 'known';
  }

  async run(steps: number): Promise<void> {
    for (let step = 0; step < steps; step++) {
      this.#event();
      if (this.#random() < 0.7) await this.#settle();
      if (this.#random() < 0.1) await this.#rig.advance(below(this.#random, 600));
    }
    // Some exchanges end by themselves, the others with their clients.
    for (let round = 0; round < 6; round++) {
      while (this.#rig.waiting.length > 0) this.#tell();
      await this.#rig.advance(300);
      await this.#settle();
    }
    this.#checkClients();
    for (const client of this.#clients) client.peer.breakOff();
    await this.#settle();
    // A client whose body is held back is not read from, so that its end shows only when somebody wants the body again.
    for (let round = 0; round < 100 && (round < 12 || this.#rig.open.exchanges > 0); round++) {
      while (this.#rig.waiting.length > 0) this.#tell();
      while (this.#rig.host.dials.length > 0) this.#rig.host.dials[0]!.fail();
      for (const { peer } of this.#upstreams) peer.breakOff();
      await this.#rig.advance(500);
      await this.#settle();
    }
    this.#checkBooks();
  }

  #event(): void {
    const random = this.#random;
    const live = this.#clients.filter(client => !client.broken && !client.peer.closed);
    const client = live.length > 0 ? oneOf(random, live) : undefined;
    const upstream = this.#upstreams.length > 0 ? oneOf(random, this.#upstreams) : undefined;
    const choice = below(random, 20);
    if (choice < 3 && live.length < 6) this.#newClient();
    else if (choice < 7) this.#send(client);
    else if (choice < 10) this.#dial();
    else if (choice < 15) this.#answer(upstream);
    else if (choice === 15) this.#breakClient(client);
    else if (choice === 16) this.#breakUpstream(upstream);
    else if (choice === 17 && client !== undefined) client.peer.stalled = random() < 0.5;
    else if (this.#rig.waiting.length > 0) this.#tell();
  }

  #newClient(): void {
    this.#clients.push(Object.assign(this.#rig.client(), { toSend: '', requests: 0, broken: false }));
  }

  #send(client: Client | undefined): void {
    if (client === undefined) return;
    if (client.toSend === '') {
      const path = `/${client.id}-${client.requests++}`;
      client.toSend = requestText(path, this.#random);
      if (this.#random() < 0.3)
        client.toSend += requestText(`/${client.id}-${client.requests++}`, this.#random);
    }
    const length =
      this.#random() < 0.6 ? client.toSend.length : below(this.#random, client.toSend.length + 1);
    client.peer.send(client.toSend.slice(0, length));
    client.toSend = client.toSend.slice(length);
  }

  #dial(): void {
    if (this.#rig.host.dials.length === 0) return;
    const dial = oneOf(this.#random, this.#rig.host.dials);
    if (this.#random() < 0.2) dial.fail('UF', 'refused');
    else this.#upstreams.push(new Upstream(dial.open()));
  }

  #answer(upstream: Upstream | undefined): void {
    if (upstream === undefined || upstream.peer.closed) return;
    if (upstream.rest === '') {
      const path = upstream.takeRequest();
      if (path === undefined) return;
      upstream.rest = answerText(path, this.#random);
    }
    const length =
      this.#random() < 0.6 ? upstream.rest.length : below(this.#random, upstream.rest.length + 1);
    upstream.peer.send(upstream.rest.slice(0, length));
    upstream.rest = upstream.rest.slice(length);
  }

  #breakClient(client: Client | undefined): void {
    if (client === undefined || this.#random() < 0.5) return;
    client.broken = true;
    if (this.#random() < 0.5) client.peer.breakOff();
    else client.peer.end();
  }

  #breakUpstream(upstream: Upstream | undefined): void {
    if (upstream === undefined) return;
    const how = below(this.#random, 3);
    if (how === 0) upstream.peer.breakOff();
    else if (how === 1) upstream.peer.end();
    else if (upstream.rest === '') upstream.peer.send('garbage\r\n\r\n');
  }

  #tell(): void {
    const waiter = this.#rig.waiting.shift()!;
    if (this.#random() < 0.1) waiter.onTarget(undefined, 'DF', 'nowhere');
    else waiter.onTarget(this.#rig.destination, 'NR', '');
  }

  async #settle(): Promise<void> {
    await this.#rig.settle();
    for (const { peer } of [...this.#clients, ...this.#upstreams]) if (!peer.stalled) peer.release();
  }

  /** What each client heard is what was recorded for it, in its order, and each answer is the one to its own request. */
  #checkClients(): void {
    for (const client of this.#clients) {
      client.peer.release();
      const where = `seed ${this.#seed}, ${client.id}`;
      const heard = [...client.peer.text.matchAll(/HTTP\/1\.1 (\d+) [^\r]*\r\n((?:[^\r]+\r\n)*)\r\n/g)];
      const records = this.#rig.records(client).filter(record => record.status !== 0);
      const begun = heard.slice(0, records.length);
      assert.deepEqual(
        begun.map(each => Number(each[1])),
        records.slice(0, begun.length).map(record => record.status),
        `${where}: other statuses were recorded than heard`,
      );
      assert.ok(heard.length <= records.length + 1, `${where}: more answers than records`);
      if (!client.broken && !client.peer.closed)
        assert.ok(heard.length >= records.length, `${where}: an answer was recorded that nobody heard`);
      for (const [i, each] of begun.entries()) {
        const path = /x-path: (\S+)/.exec(each[2]!)?.[1];
        if (path !== undefined)
          assert.equal(path, records[i]!.path, `${where}: the answer to another request`);
      }
    }
  }

  /** Nothing is under way any more, and every request was counted and logged once. */
  #checkBooks(): void {
    const where = `seed ${this.#seed}`;
    const rig = this.#rig;
    assert.deepEqual(rig.open, { exchanges: 0, tunnels: 0, requests: 0, waiting: 0, active: 0 }, where);
    // Heads that never became whole are recorded without having been requests.
    const requests = rig.records().filter(record => record.path !== undefined);
    assert.equal(requests.length, rig.asked, `${where}: requests and records differ`);
    const recorded: Record<string, number> = {};
    for (const outcome of rig.outcomes()) recorded[outcome] = (recorded[outcome] ?? 0) + 1;
    assert.deepEqual(rig.counted(), recorded, `${where}: metrics and log differ`);
    const open = this.#upstreams.filter(({ peer }) => !peer.closed).length + rig.host.dials.length;
    assert.equal(rig.cluster.occupancy.connections, open, `${where}: places for connections`);
    assert.ok(rig.cluster.retries <= rig.cluster.budget.requests * 2, where);
  }
}

test('for random lives: nothing is left over, everything is counted once, no answer goes to another request', async () => {
  for (let seed = 1; seed <= 60; seed++) await new Life(seed).run(250);
});
