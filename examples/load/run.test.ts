import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Histogram } from './histogram.ts';
import { type Plan, parsePlan, rotation } from './plan.ts';
import { LoadRun } from './run.ts';
import type { Answered, Errand, Sender } from './sender.ts';

class FakeSender implements Sender {
  readonly errands: Errand[] = [];
  most = 0;
  closed = false;
  #inFlight = 0;
  readonly #answer: (errand: Errand) => Promise<Answered> | Answered;

  constructor(answer: (errand: Errand) => Promise<Answered> | Answered) {
    this.#answer = answer;
  }

  async send(errand: Errand): Promise<Answered> {
    this.errands.push(errand);
    this.#inFlight += 1;
    this.most = Math.max(this.most, this.#inFlight);
    await new Promise(setImmediate);
    const answered = await this.#answer(errand);
    this.#inFlight -= 1;
    return answered;
  }

  close(): void {
    this.closed = true;
  }
}

const plan = (given: object): Plan => {
  const parsed = parsePlan({ targets: [{ url: 'http://a/p{n}' }], ...given });
  assert.ok(!('problem' in parsed));
  return parsed;
};
const good: Answered = { status: 200, servedBy: ['a/a-1/v1'] };

test('closed mode keeps its number of clients busy and sends exactly the count', async () => {
  const sender = new FakeSender(() => good);
  const report = await new LoadRun(plan({ mode: 'closed', concurrency: 3, count: 50 }), sender).start();
  assert.equal(report.sent, 50);
  assert.equal(report.ok, 50);
  assert.equal(sender.most, 3);
  assert.equal(sender.closed, true);
  assert.equal(new Set(sender.errands.map(errand => errand.id)).size, 50);
  assert.deepEqual(report.servedBy, { 'a/a-1/v1': 50 });
  assert.equal(report.latencyMs.count, 50);
});

test('open mode sends its count whatever the answers do, and counts what it had to skip', async () => {
  const held: (() => void)[] = [];
  const sender = new FakeSender(
    () =>
      new Promise(resolve => {
        held.push(() => resolve(good));
        if (held.length === 2) for (const free of held) free();
      }),
  );
  const report = await new LoadRun(
    plan({ mode: 'open', ratePerSecond: 1e6, concurrency: 2, count: 10 }),
    sender,
  ).start();
  assert.equal(report.sent + report.skipped, 10);
  assert.ok(report.skipped > 0, 'with at most two in flight some were skipped');
});

test('tells lost requests that may be repeated from those that may not, and repeated orders', async () => {
  const targets = [
    { method: 'GET', url: 'http://a/' },
    { method: 'POST', url: 'http://a/items' },
  ];
  const answers: Record<number, Answered> = {
    0: { status: 503, servedBy: [], text: 'no endpoint' },
    1: { status: 0, error: 'ECONNRESET', servedBy: [] },
    3: { status: 201, servedBy: [], seen: 2 },
  };
  const sender = new FakeSender(errand => answers[Number(errand.id.split('-').at(-1))] ?? good);
  const report = await new LoadRun(
    plan({ targets, mode: 'closed', concurrency: 1, count: 6 }),
    sender,
  ).start();
  assert.equal(report.lostIdempotent, 1);
  assert.equal(report.lostOther, 1);
  assert.equal(report.repeatedOrders, 1);
  assert.deepEqual(report.statuses, { 503: 1, 0: 1, 200: 3, 201: 1 });
  assert.deepEqual(report.errors, { ECONNRESET: 1 });
  assert.deepEqual(report.methods, { GET: { sent: 3, ok: 2 }, POST: { sent: 3, ok: 2 } });
  assert.deepEqual(
    report.failures.map(failure => `${failure.request}: ${failure.reason}`),
    ['GET http://a/: 503 no endpoint', 'POST http://a/items: ECONNRESET'],
  );
  assert.match(sender.errands[1]!.body!, /"product":"p2"/);
});

test('stop ends a run without end after the answers of what was sent', async () => {
  const answer = Promise.withResolvers<Answered>();
  const run = new LoadRun(plan({ mode: 'closed', concurrency: 2 }), new FakeSender(() => answer.promise));
  void run.start();
  const stopped = run.stop();
  assert.equal(run.report().inFlight, 2);
  assert.equal(run.report().running, true);
  answer.resolve(good);
  const report = await stopped;
  assert.deepEqual([report.sent, report.ok, report.running], [2, 2, false]);
});

test('a duration ends a run', async () => {
  const sender = new FakeSender(() => good);
  const report = await new LoadRun(
    plan({ mode: 'open', ratePerSecond: 200, durationMs: 50 }),
    sender,
  ).start();
  assert.ok(report.elapsedMs >= 45, `${report.elapsedMs} ms`);
  assert.equal(report.ok, report.sent);
});

test('weights are spread evenly over a round', () => {
  const order = rotation([
    { method: 'GET', url: 'http://a/', weight: 3 },
    { method: 'POST', url: 'http://a/', weight: 1 },
  ]);
  assert.deepEqual(
    order.map(target => target.method),
    ['GET', 'GET', 'POST', 'GET'],
  );
});

test('a plan that cannot be followed is refused with its path', () => {
  assert.deepEqual(parsePlan({}), { problem: 'targets: at least one { method, url, weight } is needed' });
  assert.deepEqual(parsePlan({ targets: [{ url: 'ftp://a' }] }), {
    problem: 'targets[0].url: an http:// or grpc:// address is needed',
  });
  assert.match(
    JSON.stringify(parsePlan({ targets: [{ url: 'http://a', weight: 0 }] })),
    /weight a whole number/,
  );
});

test('quantiles are exact to two percent', () => {
  const histogram = new Histogram();
  for (let ms = 1; ms <= 1000; ms += 1) histogram.record(ms);
  const near = (actual: number, wanted: number) =>
    assert.ok(Math.abs(actual / wanted - 1) <= 0.02, `${actual} is not near ${wanted}`);
  const summary = histogram.summary();
  near(summary.p50, 500);
  near(summary.p95, 950);
  near(summary.p99, 990);
  assert.equal(summary.max, 1000);
  assert.equal(summary.mean, 500.5);
  assert.equal(new Histogram().summary().p99, 0);
});
