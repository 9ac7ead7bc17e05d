import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Exposition } from '../telemetry/index.ts';
import { FakeClock } from '../time/index.ts';
import { ProxyUsage } from './proxy-usage.ts';

test('the busiest minute and the highest memory stay, and are told with how long was watched', async () => {
  const clock = new FakeClock();
  let cpuSeconds = 5;
  const governor = { peakBytes: 1_000 };
  const usage = new ProxyUsage(clock, governor, () => cpuSeconds);
  usage.start();
  assert.deepEqual(usage.now, { seconds: 0, busiestCores: 0, peakBytes: 1_000 });
  for (const used of [0.6, 12, 0.6]) {
    cpuSeconds += used;
    await clock.advance(60_000);
  }
  governor.peakBytes = 2_000;
  const { busiestCores, seconds } = usage.now;
  assert.ok(Math.abs(busiestCores - 0.2) < 1e-9, String(busiestCores));
  assert.equal(seconds, 180);
  const out = new Exposition();
  usage.metrics(out);
  const text = out.take();
  assert.match(text, /^weft_usage_seconds 180$/m);
  assert.match(text, /^weft_memory_peak_bytes 2000$/m);
  assert.match(text, /^weft_cpu_busiest_minute_cores 0\.2\d*$/m);
});
