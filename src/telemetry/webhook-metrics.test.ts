import assert from 'node:assert/strict';
import { test } from 'node:test';
import { WebhookMetrics } from './webhook-metrics.ts';

test('shows answers, their time, events and pods outside the mesh', async () => {
  const metrics = new WebhookMetrics();
  metrics.admission('injected', 'injected', 3);
  metrics.event('sent');
  metrics.uninjected([{ namespace: 'old', code: 'missed', pods: [1] }]);
  metrics.uninjected([
    { namespace: 'shop', code: 'missed', pods: [1, 2] },
    { namespace: 'shop', code: 'missed', pods: [3] },
  ]);
  const { body } = await metrics.render();
  assert.match(body, /weft_webhook_admissions_total{outcome="injected",code="injected"} 1/);
  assert.match(body, /weft_webhook_admission_seconds_bucket{le="0.005"} 1/);
  assert.match(body, /weft_webhook_events_total{outcome="sent"} 1/);
  assert.match(body, /weft_uninjected_pods{workload_namespace="shop",code="missed"} 3/);
  assert.doesNotMatch(body, /namespace="old"/);
});
