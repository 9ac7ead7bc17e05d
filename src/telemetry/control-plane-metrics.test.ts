import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RESOURCE_KINDS } from '../model/index.ts';
import { ControlPlaneMetrics } from './control-plane-metrics.ts';

test('what is counted by kind of resource is there from the beginning, so that the first event of a kind has a rate', async () => {
  const metrics = new ControlPlaneMetrics({
    version: '1.2.3',
    problems: () => ({ error: 0, warning: 0 }),
    objects: () => ({}),
    expiries: () => [],
  });
  const before = (await metrics.render()).body;
  for (const kind of RESOURCE_KINDS) {
    for (const name of ['pushes_total', 'nacks_total', 'push_latency_seconds_count'])
      assert.match(before, new RegExp(`^weft_control_plane_${name}{kind="${kind}"} 0$`, 'm'));
  }
  metrics.nacked('destination');
  metrics.acked('destination', 20);
  const { body } = await metrics.render();
  assert.match(body, /^weft_control_plane_nacks_total{kind="destination"} 1$/m);
  assert.match(body, /^weft_control_plane_push_latency_seconds_count{kind="destination"} 1$/m);
});
