// What orders of certificates do where a server, the store of Secrets or a clock is not as it should be.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type TestContext, test } from 'node:test';
import { retryAfter } from '../../src/acme/connection.ts';
import { callDnsWebhook } from '../../src/acme/dns-webhook.ts';
import { CertificateOrders, type CertificateWish, type StoredSecret } from '../../src/acme/index.ts';
import { WeftError } from '../../src/errors/index.ts';
import { FakeClock } from '../../src/time/index.ts';
import { MemorySecrets } from './acme-rig.ts';
import { OddServer } from './odd-server.ts';

/** Secrets in a store that cannot always be written. */
class OddSecrets extends MemorySecrets {
  failures = 0;
  override async write(
    namespace: string,
    name: string,
    secret: Omit<StoredSecret, 'version'>,
    before: string | undefined,
  ): Promise<WeftError | undefined> {
    if (secret.type === 'kubernetes.io/tls' && this.failures-- > 0)
      return new WeftError('api-unreachable', 'the API server is away');
    return super.write(namespace, name, secret, before);
  }
}

class Setup {
  readonly clock = new FakeClock(Date.now());
  readonly secrets = new OddSecrets();
  readonly issued: string[] = [];
  readonly failed: string[] = [];
  readonly orders = new CertificateOrders({
    ...{ store: this.secrets, clock: this.clock, spreadMs: 0, random: () => 0 },
    heard: ({ what, wish, message }) =>
      void (what === 'issued' ? this.issued.push(wish.names[0]!) : this.failed.push(message)),
  });

  constructor(t: TestContext) {
    const stop = new AbortController();
    const led = this.orders.lead(stop.signal);
    t.after(async () => {
      stop.abort();
      await led;
    });
  }

  wish(...wanted: readonly (readonly [name: string, server: OddServer, seen?: string])[]): void {
    this.orders.wish(
      wanted.map(([name, { url }, seen = '']): CertificateWish => {
        const from = { apiVersion: 'v1', kind: 'Gateway', namespace: 'shop', name: 'edge' };
        return {
          secret: { kind: 'Secret', namespace: 'shop', name },
          names: [`${name}.example`],
          issuer: {
            ...{ namespace: 'shop', name: 'issuer', server: url, emails: [], challenge: 'http-01' },
            ...{ keyType: 'ecdsa-p256', from },
          } as unknown as CertificateWish['issuer'],
          ...{ seen, from },
        };
      }),
    );
  }

  /** Lets time go by, a little at a time, until it holds. */
  async until(holds: () => boolean, stepMs = 100): Promise<void> {
    while (!holds()) {
      await this.clock.advance(stepMs);
      await new Promise(resolve => setTimeout(resolve, 1));
    }
  }

  /** Lets so much time go by. */
  async pass(ms: number): Promise<void> {
    const end = this.clock.now() + ms;
    await this.until(() => this.clock.now() >= end, ms / 50);
  }
}

test('a server that says Retry-After: 0 is not asked without end, and one that says a minute is asked after a minute', async t => {
  for (const [said, atLeastMs] of [
    ['0', 500],
    ['60', 60_000],
  ] as const) {
    const setup = new Setup(t);
    const server = await new OddServer().start(t);
    const pollsMs: number[] = [];
    server.pendingPolls = 3;
    server.retryAfter = said;
    server.before = async path => {
      if (path.startsWith('/order/')) pollsMs.push(setup.clock.now());
    };
    setup.wish(['web', server]);
    await setup.until(() => setup.issued.length > 0, 250);
    const [first, second] = pollsMs;
    assert.ok(second! - first! >= atLeastMs, `Retry-After: ${said}: ${second! - first!} ms`);
  }
});

test('Retry-After is a week at most', () => {
  const week = 7 * 86_400_000;
  assert.equal(retryAfter('999999999', 0), week);
  assert.equal(retryAfter('9'.repeat(400), 0), week);
  assert.equal(retryAfter(new Date(10 * week).toUTCString(), 0), week);
  assert.equal(retryAfter('120', 0), 120_000);
  assert.equal(retryAfter('soon', 0), undefined);
});

test('what was obtained is put down once the store is back: it is not ordered again', async t => {
  const setup = new Setup(t);
  const server = await new OddServer().start(t);
  setup.secrets.failures = 6;
  setup.wish(['web', server]);
  await setup.until(() => setup.issued.length > 0, 500);
  assert.equal(server.orders.length, 1);
  assert.match(setup.secrets.all.get('shop/web')!.data['tls.crt']!, /BEGIN CERTIFICATE/);
  assert.deepEqual(setup.orders.problems(), []);
});

test('a server that is slow keeps nobody waiting who is wished later, of another one', async t => {
  const setup = new Setup(t);
  const [slow, quick] = [await new OddServer().start(t), await new OddServer().start(t)];
  const go = Promise.withResolvers<void>();
  slow.before = () => go.promise;
  setup.wish(['slow', slow]);
  await setup.until(() => slow.asked.length > 0);
  setup.wish(['slow', slow], ['quick', quick]);
  await setup.until(() => setup.issued.includes('quick.example'));
  // Wished away and back while it is under way: it is still one order.
  setup.wish(['quick', quick]);
  setup.wish(['slow', slow], ['quick', quick]);
  await setup.pass(1_000);
  go.resolve();
  await setup.until(() => setup.issued.includes('slow.example'));
  assert.equal(slow.orders.length, 1);
});

test('what several certificates hear of one trouble of their server makes the waits longer once', async t => {
  const setup = new Setup(t);
  const server = await new OddServer().start(t);
  let isAway = true;
  server.instead = path => (isAway && path === '/new-order' ? { status: 503 } : undefined);
  const start = setup.clock.now();
  setup.wish(...['a', 'b', 'c', 'd'].map(name => [name, server] as const));
  await setup.until(() => setup.failed.length >= 4, 10);
  isAway = false;
  await setup.until(() => setup.issued.length === 4, 1_000);
  assert.ok(setup.clock.now() - start < 60_000, `${(setup.clock.now() - start) / 1000} s`);
});

test('a certificate for another key, or one that is over, is no certificate: it is told, and ordered again as failures are', async t => {
  for (const [words, spoil] of [
    [
      /for another key than was asked for/,
      (server: OddServer) => void Object.assign(server, { otherKey: true }),
    ],
    [
      /which is over; is the clock/,
      (server: OddServer) => void Object.assign(server, { lifeMs: [-7_200_000, -3_600_000] }),
    ],
  ] as const) {
    const setup = new Setup(t);
    const server = await new OddServer().start(t);
    spoil(server);
    setup.wish(['web', server]);
    await setup.until(() => setup.failed.length > 0);
    assert.match(setup.failed[0]!, words);
    await setup.pass(240_000);
    assert.equal(server.orders.length, 1, 'five minutes are waited');
  }
});

test('a certificate that is due as soon as it is there is not ordered again and again', async t => {
  const setup = new Setup(t);
  const server = await new OddServer().start(t);
  // Most of its life is over, by a clock that is wrong.
  server.lifeMs = [-80 * 86_400_000, 10 * 86_400_000];
  setup.wish(['web', server]);
  await setup.until(() => setup.issued.length > 0);
  await setup.pass(3_600_000);
  assert.equal(server.orders.length, 1);
});

test('a key that does not belong to its certificate is replaced together with it', async t => {
  const setup = new Setup(t);
  const server = await new OddServer().start(t);
  setup.wish(['web', server]);
  await setup.until(() => setup.issued.length === 1);
  const secret = setup.secrets.all.get('shop/web')!;
  const { version, ...rest } = secret;
  const other = new Setup(t);
  other.wish(['web', server]);
  await other.until(() => other.issued.length === 1);
  const data = { ...rest.data, 'tls.key': other.secrets.all.get('shop/web')!.data['tls.key']! };
  await setup.secrets.write('shop', 'web', { ...rest, data }, version);
  setup.wish(['web', server, 'changed']);
  await setup.until(() => setup.issued.length === 2);
});

test('an account without a place is none', async t => {
  const setup = new Setup(t);
  const server = await new OddServer().start(t);
  server.account = false;
  setup.wish(['web', server]);
  await setup.until(() => setup.failed.length > 0);
  assert.match(setup.failed[0]!, /there is no account: the ACME server does not say where it is/);
});

test('of what a service of dnsWebhook answers no more is read than there may be', async t => {
  let sent = 0;
  const server = createServer((_, response) => {
    const more = (): void => {
      sent += 65_536;
      if (response.write('x'.repeat(65_536))) setImmediate(more);
      else response.once('drain', more);
    };
    more();
    response.on('close', () => server.close());
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.closeAllConnections());
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  const challenge = { kind: 'dns-01', host: 'a.example', token: 't', authorization: 't.x' } as const;
  const answer = await callDnsWebhook({ url, timeoutMs: 30_000 }, 'present', challenge);
  assert.ok(answer instanceof WeftError);
  assert.match(answer.message, /its answer is longer than 65536 bytes/);
  assert.ok(sent < 50_000_000, `${sent} bytes were sent`);
});
