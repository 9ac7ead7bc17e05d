import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Outcome, readOutcomes, writeOutcomes } from './kinds.ts';
import { seenOf } from './seen.ts';

const span = { fromMs: 0, faultMs: 1_000, backMs: 2_000, untilMs: 3_000 };
const get = (atMs: number, tookMs: number, error = ''): Outcome => ({
  atMs,
  kind: 'GET',
  lane: 0,
  tookMs,
  error,
});
const tcp = (lane: number, atMs: number, error = ''): Outcome => ({
  atMs,
  kind: 'TCP',
  lane,
  tookMs: 1,
  error,
});

test('errors are counted by kind, and recovery is the last of them after the fault is taken back', () => {
  const { GET } = seenOf(
    [get(500, 3), get(1_500, 0, '503'), get(1_600, 0, '503'), get(2_400, 0, 'ECONNRESET')],
    span,
  );
  assert.deepEqual(GET.errors, { '503': 2, ECONNRESET: 1 });
  assert.equal(GET.failed, 3);
  assert.equal(GET.answered, 1);
  assert.equal(GET.recoveredMs, 400);
});

test('errors that end before the fault does need no time to recover', () => {
  assert.equal(seenOf([get(1_500, 0, '503')], span).GET.recoveredMs, 0);
});

test('latencies are told apart by whether the call ended before the fault, was under way during it, or began later', () => {
  const { GET } = seenOf([get(500, 3), get(1_500, 600), get(3_900, 2_500), get(4_000, 5)], {
    ...span,
    untilMs: 5_000,
  });
  assert.deepEqual(GET.p99Ms, { before: 3, during: 2_500, after: 5 });
});

test('the longest gap is that of one connection, however busy the others are', () => {
  const busy = Array.from({ length: 30 }, (_, index) => tcp(0, index * 100));
  const { TCP } = seenOf([...busy, tcp(1, 200), tcp(1, 1_000, 'closed'), tcp(1, 2_600)], span);
  assert.equal(TCP.longestGapMs, 2_400);
});

test('a kind of clients that never answered has a gap as long as the time', () => {
  assert.equal(seenOf([], span).gRPC.longestGapMs, 3_000);
});

test('outcomes come back from a log, of which the last line may be half written', () => {
  const outcomes = [get(1, 2), tcp(3, 4, 'closed')];
  const line = writeOutcomes(outcomes);
  assert.deepEqual(readOutcomes(`something else\n${line}\n${line.slice(0, 30)}`), outcomes);
});
