import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FakeClock } from '../../time/index.ts';
import type { Probe } from '../kube/index.ts';
import { advance, probeTiming, UNPROBED } from './probe-state.ts';
import { Prober } from './prober.ts';

/** A prober whose outcomes the test decides; what it said, with the seconds since the start. */
function start(probe: Probe, outcome: (second: number) => boolean) {
  const clock = new FakeClock();
  const said: string[] = [];
  let looks = 0;
  const second = (): number => clock.monotonic() / 1000;
  const prober = new Prober(
    probe,
    () => {
      looks++;
      return Promise.resolve({ ok: outcome(second()), detail: 'no' });
    },
    clock,
    verdict => said.push(`${second().toFixed(1)} ${verdict}`),
  );
  prober.start();
  return { clock, said, prober, looks: () => looks };
}

test('success and failure need as many results in a row as the thresholds say', () => {
  const timing = probeTiming({ successThreshold: 2, failureThreshold: 3 });
  const run = (results: boolean[]): string =>
    results.reduce((state, ok) => advance(state, ok, timing), UNPROBED).verdict;
  assert.equal(run([true]), 'unknown');
  assert.equal(run([true, true]), 'success');
  assert.equal(run([true, false, true]), 'unknown');
  assert.equal(run([true, true, false, false]), 'success');
  assert.equal(run([true, true, false, false, false]), 'failure');
});

test('before the first success it looks more often than the period, so that starting is quick', async () => {
  const { clock, said } = start({ periodSeconds: 10 }, second => second >= 1.2);
  await clock.advance(3000);
  assert.deepEqual(said, ['1.2 success']);
});

test('looking more often does not use up the failures that the author allowed', async () => {
  const { clock, said } = start({ periodSeconds: 2, failureThreshold: 3 }, () => false);
  await clock.advance(3900);
  assert.deepEqual(said, []);
  await clock.advance(400);
  assert.deepEqual(said, ['4.0 failure']);
});

test('the initial delay is kept', async () => {
  const { clock, looks } = start({ initialDelaySeconds: 5 }, () => true);
  await clock.advance(4999);
  assert.equal(looks(), 0);
  await clock.advance(1);
  assert.equal(looks(), 1);
});

test('after a success it looks once per period, and a later failure is noticed after the threshold', async () => {
  const { clock, said, looks } = start({ periodSeconds: 1, failureThreshold: 2 }, second => second < 3);
  await clock.advance(2900);
  assert.equal(looks(), 3);
  await clock.advance(2000);
  assert.deepEqual(said, ['0.0 success', '4.0 failure']);
});

test('a stopped prober says nothing and leaves no timer', async () => {
  const { clock, said, prober } = start({}, () => true);
  prober.stop();
  await clock.advance(60_000);
  assert.deepEqual([said, clock.pending], [[], 0]);
});
