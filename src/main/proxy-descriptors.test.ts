import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { test } from 'node:test';
import { KeptLog } from '../proxy/testing/static-mesh.ts';
import { Exposition } from '../telemetry/index.ts';
import { FakeClock } from '../time/index.ts';
import { Listener, limitDescriptors } from '../wire/index.ts';
import { descriptorMetrics, tellDescriptors } from './proxy-descriptors.ts';

test('connections that are reset for want of descriptors are counted, and said once in ten seconds', async t => {
  const clock = new FakeClock();
  const log = new KeptLog();
  tellDescriptors(log, clock);
  const listener = new Listener({ host: '127.0.0.1', port: 0, purpose: 'test' }, wire => wire.destroy());
  t.after(() => listener.close());
  t.after(limitDescriptors(4));
  const metrics = (): string => {
    const out = new Exposition();
    descriptorMetrics(out);
    return out.take();
  };
  const refused = (): Promise<unknown> => once(connect(listener.port, '127.0.0.1'), 'close').catch(() => {});
  await refused();
  await refused();
  assert.match(metrics(), /^weft_descriptors_limit 4$/m);
  assert.match(metrics(), /^weft_descriptors_refused_total 2$/m);
  assert.equal(log.lines.length, 1);
  assert.match(JSON.stringify(log.lines[0]), /ulimit -n/);
  await clock.advance(10_000);
  await refused();
  assert.equal(log.lines.length, 2);
});
