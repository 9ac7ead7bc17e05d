import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FakeClock } from '../time/index.ts';
import { BeatWatch } from './beat-watch.ts';
import { type Beating, beatEveryMs, Heartbeat } from './heartbeat.ts';
import { BEAT_GRACE_MS, BEATS_PER_SECOND, type ServerMessage } from './protocol.ts';
import { StreamLiveness } from './stream-liveness.ts';

test('however many streams there are, their beats stay within what they may cost', () => {
  assert.deepEqual(
    [0, 1, 2_500, 2_501, 3_334, 5_000, 10_000, 20_000].map(beatEveryMs),
    [500, 500, 500, 600, 700, 1_000, 2_000, 4_000],
  );
  for (const streams of [100, 1_250, 3_333, 10_000, 20_000])
    assert.ok((streams * 1_000) / beatEveryMs(streams) <= BEATS_PER_SECOND);
});

class Counted implements Beating {
  readonly atMs: number[] = [];
  readonly #nowMs: () => number;
  everyMs = 0;
  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }
  beat(line: string): void {
    const message = JSON.parse(line) as ServerMessage;
    assert.ok(message.type === 'beat' && line.endsWith('\n'));
    this.everyMs = message.everyMs;
    this.atMs.push(this.#nowMs());
  }
  onFault(): void {}
}

test('every stream hears as often as it was told, also when turns come late or streams come and go', async () => {
  const clock = new FakeClock();
  const streams = new Set<Counted>();
  const add = (): Counted => {
    const stream = new Counted(() => clock.monotonic());
    streams.add(stream);
    return stream;
  };
  const all = Array.from({ length: 3_000 }, add);
  const stop = new Heartbeat(clock, streams).start();
  await clock.advance(6_000);
  for (const gone of all.splice(0, 500)) streams.delete(gone);
  all.push(...Array.from({ length: 500 }, add));
  const fromMs = clock.monotonic();
  await clock.advance(6_000);
  stop();
  for (const { atMs, everyMs } of all) {
    assert.equal(everyMs, 600);
    const times = [fromMs, ...atMs.filter(at => at > fromMs), clock.monotonic()];
    const longest = Math.max(...times.slice(1).map((at, index) => at - times[index]!));
    assert.ok(longest <= everyMs + 200, `a stream heard nothing for ${longest} ms`);
  }
  const beats = all.reduce((sum, { atMs }) => sum + atMs.filter(at => at > fromMs).length, 0);
  assert.ok(beats / 6 <= BEATS_PER_SECOND, `${beats / 6} beats a second`);
});

test('silence is noticed when a beat is late, and whatever is heard ends it', async () => {
  const clock = new FakeClock();
  const silent: number[] = [];
  const watch = new BeatWatch(clock, everyMs => silent.push(everyMs));
  await clock.advance(60_000);
  assert.deepEqual(silent, [], 'nothing was promised');
  watch.expect(500);
  for (let beat = 0; beat < 10; beat++) {
    await clock.advance(600);
    watch.heard();
    watch.expect(500);
  }
  assert.deepEqual(silent, []);
  await clock.advance(500 + BEAT_GRACE_MS - 300);
  assert.deepEqual(silent, []);
  await clock.advance(300);
  assert.deepEqual(silent, [500]);
  watch.heard();
  await clock.advance(1_000);
  assert.deepEqual(silent, [500]);
  watch.stop();
  await clock.advance(60_000);
  assert.deepEqual(silent, [500]);
  for (const nonsense of ['x', null, Number.NaN, -1, 0]) watch.expect(nonsense);
  await clock.advance(60_000);
  assert.deepEqual(silent, [500]);
  watch.expect(0.001);
  await clock.advance(50 + BEAT_GRACE_MS);
  assert.deepEqual(silent, [500, 50], 'nobody can keep a proxy busy with looking');
  watch.stop();
});

test('a proxy is dead after three pings without a word, and a push late at two', () => {
  const liveness = new StreamLiveness();
  for (let ping = 0; ping < 3; ping++) assert.equal(liveness.judge(false), undefined);
  liveness.heard();
  for (let ping = 0; ping < 3; ping++) assert.equal(liveness.judge(false), undefined);
  assert.match(liveness.judge(false)!, /nothing was heard for 45 s/);
  const slow = new StreamLiveness();
  assert.equal(
    slow.judge(true),
    undefined,
    'the answer may wait in the socket of a process that was stopped',
  );
  slow.heard();
  assert.match(slow.judge(true)!, /not answered in time/);
});

test('nothing is said to who heard something since, unless it is something else', () => {
  const liveness = new StreamLiveness();
  assert.deepEqual(
    [liveness.isDue('a', 1), liveness.isDue('a', 2), liveness.isDue('a', 2), liveness.isDue('b', 3)],
    [true, false, true, true],
  );
});
