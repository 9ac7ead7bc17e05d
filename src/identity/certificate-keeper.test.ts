import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CertificateAuthority, localSigner } from '../ca/index.ts';
import { WeftError } from '../errors/index.ts';
import { FakeClock } from '../time/index.ts';
import {
  CertificateKeeper,
  type Credentials,
  type KeeperNotice,
  type KeeperOptions,
  type Sign,
  type SignAnswer,
} from './index.ts';

const minute = 60_000;
const day = 24 * 60 * minute;
const identity = { trustDomain: 'cluster.local', namespace: 'shop', serviceAccount: 'web' };
const principal = 'spiffe://cluster.local/ns/shop/sa/web';

/** A keeper with an authority that can be away, hang, or run on a clock of its own. */
class Bench {
  readonly clock = new FakeClock();
  readonly notices: KeeperNotice[] = [];
  readonly got: { credentials: Credentials; change: string }[] = [];
  readonly life = new AbortController();
  ca: CertificateAuthority;
  asked = 0;
  /** Throws or hangs when the authority is away. */
  away: () => Promise<void> | undefined = () => undefined;
  /** How far the authority's clock is ahead of the keeper's. */
  authorityAheadMs = 0;
  readonly keeper: CertificateKeeper;

  constructor(lifetimeMs: number, options: Partial<KeeperOptions> = {}) {
    const { clock } = this;
    const authorityClock = Object.assign(Object.create(clock), {
      now: () => clock.now() + this.authorityAheadMs,
    });
    this.ca = CertificateAuthority.createRoot({ trustDomain: 'cluster.local', clock: authorityClock });
    const local = localSigner(() => this.ca, identity, { lifetimeMs, clock: authorityClock });
    const sign: Sign = async (request, signal) => {
      this.asked++;
      await this.away();
      return local(request, signal);
    };
    this.keeper = new CertificateKeeper({
      clock,
      sign,
      notice: notice => this.notices.push(notice),
      random: () => 0,
      ...options,
    });
    this.keeper.subscribe((credentials, change) => this.got.push({ credentials, change }));
  }

  async start(): Promise<void> {
    this.keeper.start(this.life.signal);
    await this.clock.advance(0);
  }

  async stop(): Promise<void> {
    this.life.abort();
    await this.clock.advance(0);
    assert.equal(this.clock.pending, 0, 'nothing is left scheduled');
  }

  phase(): string {
    return this.keeper.state.phase;
  }

  codes(): string[] {
    return this.notices.map(notice => notice.code);
  }
}

const refuse = (): Promise<void> => Promise.reject(new WeftError('control-plane-away', 'nobody is there'));
const hang = (): Promise<void> => new Promise(() => {});

test('does nothing before it is started, and starts once', async () => {
  const bench = new Bench(day);
  await bench.clock.advance(day);
  assert.equal(bench.asked, 0);
  assert.equal(bench.phase(), 'idle');
  await bench.start();
  assert.throws(() => bench.keeper.start(bench.life.signal), { code: 'keeper-started' });
  await bench.stop();
});

test('obtains a certificate and tells those who asked before and those who ask later', async () => {
  const bench = new Bench(day, { principal });
  const early = bench.keeper.obtained(bench.life.signal);
  await bench.start();
  assert.equal(bench.phase(), 'valid');
  assert.equal((await early).principal, principal);
  assert.equal(await bench.keeper.obtained(bench.life.signal), await early);
  assert.deepEqual(
    bench.got.map(one => one.change),
    ['certificate'],
  );
  let late: Credentials | undefined;
  bench.keeper.subscribe(credentials => {
    late = credentials;
  })();
  assert.equal(late, await early);
  assert.equal(bench.keeper.report().expiresInMs, day);
  await bench.stop();
});

test('renews at half life, with a new key, and lets unsubscribed ones alone', async () => {
  const bench = new Bench(day);
  let told = 0;
  const unsubscribe = bench.keeper.subscribe(() => told++);
  await bench.start();
  unsubscribe();
  await bench.clock.advance(day / 2 - 1);
  assert.equal(bench.asked, 1);
  await bench.clock.advance(1);
  assert.equal(bench.asked, 2);
  assert.equal(bench.got.length, 2);
  assert.notEqual(bench.got[0]?.credentials.keyPem, bench.got[1]?.credentials.keyPem);
  assert.notEqual(bench.got[0]?.credentials.serial, bench.got[1]?.credentials.serial);
  assert.equal(told, 1);
  assert.deepEqual(bench.codes(), ['certificate-obtained', 'certificate-renewed']);
  await bench.stop();
});

test('jitter renews up to a tenth of the life earlier', async () => {
  const bench = new Bench(day, { random: () => 0.999_999 });
  await bench.start();
  await bench.clock.advance(0.4 * day - 1);
  assert.equal(bench.asked, 1);
  await bench.clock.advance(10_000);
  assert.equal(bench.asked, 2);
  await bench.stop();
});

test('keeps certificates of three seconds fresh, asking no more often than needed', async () => {
  const bench = new Bench(3000, { random: Math.random });
  await bench.start();
  for (let second = 0; second < 300; second++) {
    await bench.clock.advance(1000);
    assert.ok(bench.keeper.report().expiresInMs! > 0);
  }
  // Certificates end on whole seconds, so these live three to four; each is used for four to five tenths of that.
  assert.ok(bench.asked >= 150 && bench.asked <= 252, `${bench.asked} requests in 300 s`);
  await bench.stop();
});

test('with two-minute certificates and the authority away 60 % of the time there is no failure', async () => {
  // Every way to be away that share of the time, in turns of 5 to 90 seconds, refusing or hanging, from every point of the turn.
  for (const turnMs of [5000, 20_000, 60_000, 90_000]) {
    for (const away of [refuse, hang]) {
      for (let phase = 0; phase < 5; phase++) {
        const bench = new Bench(2 * minute, { random: Math.random });
        await bench.start();
        const startMs = bench.clock.now() - (phase / 5) * turnMs;
        bench.away = () => ((bench.clock.now() - startMs) % turnMs < 0.6 * turnMs ? away() : undefined);
        for (let second = 0; second < 1200; second += 5) {
          await bench.clock.advance(5000);
          const { phase: now, expiresInMs } = bench.keeper.report();
          assert.notEqual(now, 'expired', `turn ${turnMs}, ${away.name}`);
          assert.ok(expiresInMs! > 0);
        }
        assert.equal(bench.codes().includes('certificate-expired'), false);
        assert.ok(bench.codes().includes('certificate-attempt-failed'), 'the authority really was away');
        await bench.stop();
      }
    }
  }
});

test('with each request failing at 60 % at random there is no failure either', async () => {
  let seed = 1;
  const random = (): number => {
    seed = (seed * 48_271) % 2_147_483_647;
    return seed / 2_147_483_647;
  };
  const bench = new Bench(2 * minute, { random });
  await bench.start();
  bench.away = () => (random() < 0.6 ? refuse() : undefined);
  for (let second = 0; second < 20_000; second += 10) {
    await bench.clock.advance(10_000);
    assert.ok(bench.keeper.report().expiresInMs! > 0);
  }
  await bench.stop();
});

test('an authority away for just under half the life is survived', async () => {
  const bench = new Bench(2 * minute);
  await bench.start();
  bench.away = refuse;
  await bench.clock.advance(114_000);
  assert.equal(bench.phase(), 'renewing');
  bench.away = () => undefined;
  await bench.clock.advance(5900);
  assert.equal(bench.phase(), 'valid');
  await bench.stop();
});

test('names a failing renewal long before expiry, then the expiry, then recovers by itself', async () => {
  const bench = new Bench(day);
  await bench.start();
  bench.away = refuse;
  await bench.clock.advance(0.6 * day);
  assert.equal(bench.phase(), 'renewing');
  assert.match(bench.keeper.report().lastError ?? '', /nobody is there/);
  assert.equal(bench.codes().includes('certificate-expiring'), false);
  await bench.clock.advance(0.2 * day);
  const expiring = bench.notices.filter(notice => notice.code === 'certificate-expiring');
  assert.equal(expiring.length, 1);
  assert.equal(expiring[0]?.severity, 'error');
  assert.match(expiring[0]?.message ?? '', /runs out in 3[56]\d min.*nobody is there/);
  const held = bench.keeper.credentials;
  await bench.clock.advance(0.2 * day);
  assert.equal(bench.phase(), 'expired');
  assert.ok(bench.keeper.report().expiresInMs! <= 0);
  assert.equal(bench.keeper.credentials, held, 'what is held stays in use');
  assert.equal(bench.codes().at(-1), 'certificate-expired');
  bench.away = () => undefined;
  await bench.clock.advance(minute);
  assert.equal(bench.phase(), 'valid');
  assert.match(bench.notices.at(-1)?.message ?? '', /after \d+ failed attempts/);
  await bench.stop();
});

test('an authority that is away for long is asked at most once a minute and fills no log', async () => {
  const bench = new Bench(day);
  await bench.start();
  bench.away = refuse;
  await bench.clock.advance(day - 1000);
  assert.ok(bench.asked < 24 * 60 * 1.1, `${bench.asked} requests`);
  assert.ok(bench.notices.length < 20, `${bench.notices.length} notices`);
  await bench.stop();
});

test('tries again within seconds while there is no certificate at all', async () => {
  const bench = new Bench(day);
  bench.away = refuse;
  await bench.start();
  assert.equal(bench.phase(), 'obtaining');
  await bench.clock.advance(minute);
  assert.ok(bench.asked >= 15, `${bench.asked} attempts`);
  bench.away = () => undefined;
  await bench.clock.advance(5000);
  assert.equal(bench.phase(), 'valid');
  await bench.stop();
});

test('gives up an answer that does not come, tells the signer, and tries again', async () => {
  const bench = new Bench(day);
  bench.away = hang;
  await bench.start();
  await bench.clock.advance(9999);
  assert.equal(bench.asked, 1);
  await bench.clock.advance(1000);
  assert.equal(bench.asked, 2);
  assert.match(bench.keeper.report().lastError ?? '', /no answer to the signing request within 10 s/);
  await bench.stop();
});

test('aborts the signal of an attempt that takes too long', async () => {
  const signals: AbortSignal[] = [];
  const bench = new Bench(day, {
    sign: (_request, signal) => {
      signals.push(signal);
      return new Promise(() => {});
    },
  });
  await bench.start();
  assert.equal(signals[0]?.aborted, false);
  await bench.clock.advance(10_000);
  assert.equal(signals[0]?.aborted, true);
  await bench.stop();
  assert.equal(signals.at(-1)?.aborted, true);
});

test('refuses a certificate for somebody else', async () => {
  const bench = new Bench(day, { principal: 'spiffe://cluster.local/ns/shop/sa/till' });
  await bench.start();
  assert.equal(bench.phase(), 'obtaining');
  assert.match(bench.keeper.report().lastError ?? '', /of spiffe:.*till and got one of spiffe:.*web; check/);
  assert.equal(bench.got.length, 0);
  await bench.stop();
});

test('refuses an answer that is no certificate, whatever it is, and goes on', async () => {
  const answers = [
    { chain: '', roots: [], nowMs: 0 },
    { chain: 'junk', roots: ['junk'], nowMs: 0 },
  ];
  const bench = new Bench(day, { sign: async () => answers.shift() ?? Promise.reject('not even an error') });
  await bench.start();
  await bench.clock.advance(10_000);
  assert.ok(bench.keeper.report().failures >= 3);
  assert.match(bench.keeper.report().lastError ?? '', /not even an error/);
  await bench.stop();
});

test('refuses an answer of the wrong shape, as a control plane of another version may send it, and goes on', async () => {
  const nowMs = new FakeClock().now();
  const wrong: unknown[] = [
    undefined,
    null,
    'signed',
    {},
    { chain: 'x', nowMs },
    { chain: 'x', roots: 'x', nowMs },
    { chain: 'x', roots: [1], nowMs },
    { chain: 7, roots: ['x'], nowMs },
    { chain: 'x', roots: ['x'] },
    { chain: 'x', roots: ['x'], nowMs: Number.NaN },
  ];
  const count = wrong.length;
  const bench = new Bench(day, { sign: async () => wrong.shift() as SignAnswer });
  await bench.start();
  for (let i = 1; i < count; i++) {
    assert.match(bench.keeper.report().lastError ?? '', /lacks chain, roots or nowMs/);
    bench.keeper.renew();
    await bench.clock.advance(0);
    assert.equal(bench.keeper.report().failures, i + 1);
  }
  assert.equal(bench.phase(), 'obtaining');
  await bench.stop();
});

test('a clock five minutes off, either way, delays no renewal even of a two-minute certificate, and is warned of', async () => {
  for (const aheadMs of [5 * minute, -5 * minute]) {
    const bench = new Bench(2 * minute, { principal });
    bench.authorityAheadMs = aheadMs;
    bench.ca = CertificateAuthority.createRoot({
      trustDomain: 'cluster.local',
      clock: Object.assign(Object.create(bench.clock), { now: () => bench.clock.now() + aheadMs }),
    });
    await bench.start();
    assert.equal(bench.phase(), 'valid');
    assert.equal(bench.keeper.report().expiresInMs, 2 * minute);
    await bench.clock.advance(minute);
    assert.equal(bench.asked, 2);
    const warnings = bench.notices.filter(notice => notice.code === 'clock-skew');
    assert.equal(warnings.length, 1, 'said once, not at each renewal');
    const where = aheadMs > 0 ? 'behind' : 'ahead of';
    assert.match(
      warnings[0]!.message,
      new RegExp(`clock of ${principal} is 5 min 0 s ${where} that of the control plane`),
    );
    assert.equal(bench.keeper.report().clockAheadMs, -aheadMs);
    await bench.stop();
  }
});

test('clocks that differ by two minutes or less are nothing to speak of', async () => {
  const bench = new Bench(day);
  bench.authorityAheadMs = 2 * minute;
  await bench.start();
  assert.equal(bench.codes().includes('clock-skew'), false);
  await bench.stop();
});

test('a clock that is set back delays no renewal, and a machine that slept renews when it wakes', async () => {
  class Jumping extends FakeClock {
    jumpMs = 0;
    override now(): number {
      return super.now() + this.jumpMs;
    }
  }
  for (const [jumpMs, due] of [
    [-6 * 60 * minute, day / 2],
    [13 * 60 * minute, minute],
  ] as const) {
    const clock = new Jumping();
    const ca = CertificateAuthority.createRoot({ trustDomain: 'cluster.local', clock });
    let asked = 0;
    const local = localSigner(() => ca, identity, { clock });
    const keeper = new CertificateKeeper({
      clock,
      random: () => 0,
      sign: (request, signal) => {
        asked++;
        return local(request, signal);
      },
    });
    const life = new AbortController();
    keeper.start(life.signal);
    await clock.advance(0);
    clock.jumpMs = jumpMs;
    await clock.advance(due);
    assert.equal(asked, 2, `after a jump of ${jumpMs} ms`);
    life.abort();
    await clock.advance(0);
  }
});

test('tells of new roots alone, once, and keeps certificate and key', async () => {
  const bench = new Bench(day);
  await bench.start();
  const before = bench.keeper.credentials!;
  const other = CertificateAuthority.createRoot({ trustDomain: 'cluster.local', clock: bench.clock });
  const both = [...before.roots, ...other.roots];
  assert.equal(bench.keeper.trust(both), undefined);
  assert.equal(bench.keeper.trust([...both].reverse()), undefined);
  await bench.clock.advance(0);
  assert.deepEqual(
    bench.got.map(one => one.change),
    ['certificate', 'roots'],
  );
  assert.deepEqual(bench.keeper.credentials, { ...before, roots: both });
  assert.equal(bench.asked, 1);
  await bench.stop();
});

test('asks for a new certificate at once when its own leads to none of the new roots', async () => {
  const bench = new Bench(day);
  await bench.start();
  const before = bench.keeper.credentials!;
  bench.ca = CertificateAuthority.createRoot({ trustDomain: 'cluster.local', clock: bench.clock });
  assert.equal(bench.keeper.trust(bench.ca.roots), undefined);
  await bench.clock.advance(0);
  assert.deepEqual(
    bench.got.map(one => one.change),
    ['certificate', 'roots', 'certificate'],
  );
  assert.notEqual(bench.keeper.credentials?.serial, before.serial);
  assert.deepEqual(bench.keeper.credentials?.roots, bench.ca.roots);
  await bench.stop();
});

test('refuses roots that are none, with the reason, and keeps the old ones', async () => {
  const bench = new Bench(day);
  await bench.start();
  const before = bench.keeper.credentials;
  for (const roots of [[], ['junk'], [before!.chainPem]]) {
    const error = bench.keeper.trust(roots);
    assert.ok(error instanceof WeftError);
    assert.match(error.code, /^certificate-/);
  }
  assert.equal(bench.keeper.credentials, before);
  assert.equal(bench.got.length, 1);
  await bench.stop();
});

test('renews now when asked, waiting or in the middle of failing', async () => {
  const bench = new Bench(day);
  await bench.start();
  bench.keeper.renew();
  await bench.clock.advance(0);
  assert.equal(bench.asked, 2);
  bench.away = refuse;
  await bench.clock.advance(0.6 * day);
  const asked = bench.asked;
  bench.away = () => undefined;
  bench.keeper.renew();
  await bench.clock.advance(0);
  assert.equal(bench.asked, asked + 1);
  assert.equal(bench.phase(), 'valid');
  await bench.stop();
});

test('a subscriber that throws harms neither the others nor the keeper, and is named', async () => {
  const bench = new Bench(day);
  bench.keeper.subscribe(() => {
    throw new Error('no room');
  });
  let told = 0;
  bench.keeper.subscribe(() => told++);
  await bench.start();
  assert.equal(told, 1);
  assert.match(bench.notices.find(one => one.code === 'subscriber-failed')?.message ?? '', /no room/);
  await bench.clock.advance(day / 2);
  assert.equal(told, 2);
  await bench.stop();
});

test('stops with its signal in every phase and keeps what it holds', async () => {
  const waiting = new Bench(day);
  await waiting.start();
  await waiting.stop();
  assert.equal(waiting.phase(), 'stopped');
  assert.ok(waiting.keeper.credentials);
  assert.equal(waiting.asked, 1);
  const failing = new Bench(day);
  failing.away = refuse;
  await failing.start();
  await failing.stop();
  assert.equal(failing.phase(), 'stopped');
  const asking = new Bench(day);
  asking.away = hang;
  await asking.start();
  await asking.stop();
  assert.equal(asking.phase(), 'stopped');
  assert.equal(asking.keeper.report().failures, 0);
});

test('waiting for the first certificate ends with the reason when time is up', async () => {
  const bench = new Bench(day);
  bench.away = refuse;
  await bench.start();
  const patience = new AbortController();
  const waiting = bench.keeper.obtained(patience.signal);
  patience.abort();
  await assert.rejects(waiting, {
    code: 'certificate-not-obtained',
    message: /after 1 failed attempts: nobody is there/,
  });
  await assert.rejects(bench.keeper.obtained(patience.signal), { code: 'certificate-not-obtained' });
  await bench.stop();
});
test('an authority that is slow, and not away, is waited for longer with every try that was too short', async () => {
  // On a machine that is starved: less than any fixed share of what is left of the life would do.
  for (const takesMs of [800, 1_500, 2_000, 3_000]) {
    const bench = new Bench(20_000);
    bench.away = () => new Promise(resolve => void bench.clock.after(takesMs, resolve));
    await bench.start();
    await bench.clock.advance(takesMs);
    assert.equal(bench.phase(), 'valid');
    for (let at = 0; at < 120_000; at += 500) {
      await bench.clock.advance(500);
      assert.ok(bench.keeper.report().expiresInMs! > 0, `it ran out with an answer that takes ${takesMs} ms`);
    }
    bench.life.abort();
    await bench.clock.advance(takesMs);
    await bench.stop();
  }
});
