import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { RunningCluster } from '../cluster/index.ts';
import { Exposition, expositionText } from '../telemetry/index.ts';
import { renderClusters, renderWorkload } from './render-metrics.ts';
import { Counter } from './services/counters.ts';

function cluster(i: number): RunningCluster {
  const parts = {
    config: { name: `c${i}` },
    budget: { requests: 1, exhausted: 0 },
    warmth: { opened: 0 },
    retries: 0,
    occupancy: { overflows: 0, connectFailures: 0, connections: 2, waiting: 0, requests: 0 },
    size: 1,
    healthy: 1,
    ejections: { counts: { gateway: 1 } },
  };
  // Only what is rendered.
  return parts as unknown as RunningCluster;
}

test('clusters of ever new addresses are shown up to a thousand, and the others as one', () => {
  const clusters = Array.from({ length: 5000 }, (_, i) => cluster(i));
  const text = expositionText(out => renderClusters(out, clusters));
  assert.ok(text.includes('\nweft_requests_total{cluster_name="c999"} 1\n'));
  assert.ok(!text.includes('"c1000"'));
  assert.ok(text.includes('\nweft_requests_total{cluster_name="overflow",overflow="true"} 4000\n'));
  assert.ok(text.includes('\nweft_upstream_connections{cluster_name="overflow",overflow="true"} 8000\n'));
  assert.ok(
    text.includes('\nweft_ejections_total{cluster_name="overflow",overflow="true",reason="overflow"} 4000\n'),
  );
});

test('a counter whose labels callers choose keeps every label when it overflows', () => {
  const counter = new Counter();
  for (let port = 0; port < 5000; port++) counter.add(`port="${port}",reason="plaintext"`);
  const all = [...counter.entries()];
  assert.ok(all.length <= 201, `${all.length} series`);
  assert.deepEqual(all.at(-1), ['port="overflow",reason="overflow",overflow="true"', 4800]);
});

test('a proxy says whose it is once it knows, and how many requests it has on its hands in each direction', () => {
  const busy = (requests: number): RunningCluster[] => {
    const one = cluster(0);
    return [{ ...one, occupancy: { ...one.occupancy, requests } } as RunningCluster, one];
  };
  const proxy = (workload: string) => ({
    services: { self: { workload, namespace: 'shop', app: 'cart', version: 'v1', principal: '', pod: '' } },
    destinations: { clusters: busy(2) },
    passThrough: { clusters: busy(3) },
    inboundPorts: { clusters: busy(7) },
  });
  const text = (workload: string): string => {
    const out = new Exposition();
    renderWorkload(out, proxy(workload) as never);
    return out.take();
  };
  assert.match(text('cart'), /^weft_workload_info\{workload="cart",app="cart",version="v1"\} 1$/m);
  assert.doesNotMatch(text(''), /weft_workload_info/);
  assert.match(text('cart'), /^weft_requests_under_way\{direction="inbound"\} 7$/m);
  assert.match(text('cart'), /^weft_requests_under_way\{direction="outbound"\} 5$/m);
});
