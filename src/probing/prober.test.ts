import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FakeClock } from '../time/index.ts';
import { Prober, probeExec, type Verdict } from './index.ts';

test('a verdict comes with the threshold, each once, and none before', async context => {
  const clock = new FakeClock();
  const verdicts: Verdict[] = [];
  let failure: string | undefined = 'down';
  const times = { initialDelayMs: 5_000, periodMs: 1_000, successThreshold: 2, failureThreshold: 3 };
  const prober = new Prober(
    async () => failure,
    times,
    clock,
    verdict => verdicts.push(verdict),
  );
  prober.start();
  context.after(() => prober.stop());
  await clock.advance(6_500);
  assert.equal(prober.verdict, undefined, 'two failures of three');
  await clock.advance(3_000);
  assert.deepEqual(verdicts, [{ healthy: false, message: 'down' }]);
  failure = undefined;
  await clock.advance(1_000);
  failure = 'again';
  await clock.advance(1_000);
  failure = undefined;
  await clock.advance(1_000);
  assert.equal(verdicts.length, 1, 'never two successes in a row');
  await clock.advance(5_000);
  assert.deepEqual(verdicts.slice(1), [{ healthy: true, message: '' }]);
  prober.stop();
  assert.equal(clock.pending, 0);
});

test('a program says by its end whether it is well; one that hangs or is not there says why not', async () => {
  const node = process.execPath;
  assert.equal(await probeExec([node, '-e', ''], 10_000), undefined);
  assert.match(
    (await probeExec([node, '-e', 'console.error("no disk"); process.exit(3)'], 10_000))!,
    /ended with 3: no disk$/,
  );
  assert.match(
    (await probeExec([node, '-e', 'setInterval(() => {}, 1000)'], 300))!,
    /did not end within 300 ms/,
  );
  assert.match((await probeExec(['/no/such/program'], 1_000))!, /cannot be run \(ENOENT\)/);
});
