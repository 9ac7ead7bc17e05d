import assert from 'node:assert/strict';
import { test } from 'node:test';
import { silentLog } from '../telemetry/index.ts';
import { FakeClock } from '../time/index.ts';
import type { CallResult } from './collector-client.ts';
import { Reporter, type ReporterLimits } from './reporter.ts';
import type { Span } from './span.ts';
import { SOURCE, spanOf } from './testing/requests.ts';

const limits: ReporterLimits = {
  maxQueue: 8,
  maxBatch: 4,
  delayMs: 1_000,
  backoffMs: 1_000,
  maxBackoffMs: 8_000,
};
const taken: CallResult = { kind: 'taken' };
const later: CallResult = { kind: 'later', why: 'ECONNREFUSED' };

/** A collector whose answers the test gives. */
class Collector {
  readonly name = 'zipkin';
  readonly calls: string[][] = [];
  closed = false;
  #answer: ((result: CallResult) => void) | undefined;

  send(spans: readonly Span[]): Promise<CallResult> {
    this.calls.push(spans.map(({ spanId }) => String(Number.parseInt(spanId, 16))));
    return new Promise(resolve => {
      this.#answer = resolve;
    });
  }

  async answer(result: CallResult): Promise<void> {
    this.#answer!(result);
    for (let i = 0; i < 5; i++) await Promise.resolve();
  }

  async close(): Promise<void> {
    this.closed = true;
  }
}

function rig(): { clock: FakeClock; collector: Collector; reporter: Reporter; lines: string[] } {
  const clock = new FakeClock();
  const collector = new Collector();
  const lines: string[] = [];
  const log = {
    ...silentLog,
    warn: (_: object, message: string) => void lines.push(message),
    info: (_: object, message: string) => void lines.push(message),
  };
  return { clock, collector, reporter: new Reporter(collector, () => SOURCE, clock, log, limits), lines };
}

test('spans leave together: after a second, or as soon as a batch is full', async () => {
  const { clock, collector, reporter } = rig();
  reporter.add(spanOf(1));
  reporter.add(spanOf(2));
  assert.deepEqual(collector.calls, []);
  await clock.advance(1_000);
  assert.deepEqual(collector.calls, [['1', '2']]);
  await collector.answer(taken);
  for (let i = 3; i <= 6; i++) reporter.add(spanOf(i));
  assert.deepEqual(collector.calls[1], ['3', '4', '5', '6']);
  await collector.answer(taken);
  assert.deepEqual([reporter.counts, reporter.waiting], [{ sent: 6, queueFull: 0, refused: 0 }, 0]);
});

test('an unreachable collector: the queue is bounded, drops are counted, calls grow rare, and nothing is lost that fits', async () => {
  const { clock, collector, reporter, lines } = rig();
  for (let i = 1; i <= 20; i++) reporter.add(spanOf(i));
  assert.deepEqual([reporter.waiting, reporter.counts.queueFull], [8, 12]);
  await collector.answer(later);
  const before = collector.calls.length;
  for (let minute = 0; minute < 60; minute++) {
    await clock.advance(1_000);
    if (collector.calls.length > before + minute) await collector.answer(later);
    else await Promise.resolve();
  }
  assert.ok(collector.calls.length < 16, `${collector.calls.length} calls in a minute`);
  assert.equal(reporter.trouble, 'ECONNREFUSED');
  assert.equal(lines.length, 1, 'it is told once');
  while (reporter.waiting > 0) {
    await clock.advance(8_000);
    await collector.answer(taken);
  }
  assert.deepEqual(reporter.counts, { sent: 8, queueFull: 12, refused: 0 });
  assert.deepEqual([lines[1], reporter.trouble], ['spans are taken again', undefined]);
});

test('what a collector refuses is not sent again', async () => {
  const { clock, collector, reporter } = rig();
  reporter.add(spanOf(1));
  await clock.advance(1_000);
  await collector.answer({ kind: 'refused', why: 'it answered 400' });
  reporter.add(spanOf(2));
  await clock.advance(1_000);
  assert.deepEqual(collector.calls, [['1'], ['2']]);
  assert.equal(reporter.counts.refused, 1);
});

test('a collector that says when to come again is asked then, and not before', async () => {
  const { clock, collector, reporter } = rig();
  reporter.add(spanOf(1));
  await clock.advance(1_000);
  await collector.answer({ kind: 'later', why: 'it answered 429', afterMs: 5_000 });
  await clock.advance(4_999);
  assert.equal(collector.calls.length, 1);
  await clock.advance(1);
  assert.equal(collector.calls.length, 2);
});

test('at the end what waits is sent, in as many calls as it takes', async () => {
  const { collector, reporter } = rig();
  for (let i = 1; i <= 6; i++) reporter.add(spanOf(i));
  const ended = reporter.end(5_000);
  await collector.answer(taken);
  await collector.answer(taken);
  await ended;
  assert.deepEqual(collector.calls, [
    ['1', '2', '3', '4'],
    ['5', '6'],
  ]);
  assert.equal(collector.closed, true);
  reporter.add(spanOf(7));
  assert.equal(reporter.counts.queueFull, 1);
});

test('the end does not wait for a collector that fails or is silent', async () => {
  const failing = rig();
  failing.reporter.add(spanOf(1));
  const failed = failing.reporter.end(5_000);
  await failing.collector.answer(later);
  await failed;
  assert.equal(failing.reporter.counts.queueFull, 1);
  const silent = rig();
  silent.reporter.add(spanOf(1));
  const given = silent.reporter.end(5_000);
  await silent.clock.advance(5_000);
  await given;
  assert.deepEqual([silent.collector.closed, silent.clock.pending], [true, 0]);
});

test('what encoding throws drops that batch and no more', async () => {
  const clock = new FakeClock();
  let calls = 0;
  const sink = {
    name: 'x',
    send: (): Promise<CallResult> => {
      calls++;
      return calls === 1 ? Promise.reject(new Error('no')) : Promise.resolve(taken);
    },
    close: async () => {},
  };
  const reporter = new Reporter(sink, () => SOURCE, clock, silentLog, limits);
  for (const number of [1, 2]) {
    reporter.add(spanOf(number));
    await clock.advance(1_000);
    for (let i = 0; i < 5; i++) await Promise.resolve();
  }
  assert.deepEqual(reporter.counts, { sent: 1, queueFull: 0, refused: 1 });
});
