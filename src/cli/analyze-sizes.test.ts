// The command against an API server in memory, whose pods have proxies that tell what they used.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TYPES } from '../kubernetes/index.ts';
import { fakeCluster } from './proxies/testing/fake-cluster.ts';

const told = (peakMiB: number, cores: number): { text: string } => ({
  text: `weft_build_info{version="1"} 1\nweft_usage_seconds 9000\nweft_cpu_busiest_minute_cores ${cores}\nweft_memory_peak_bytes ${peakMiB * 2 ** 20}\n# the app's own\nweft_memory_peak_bytes 1\n`,
});

test('weft analyze --sizes asks each proxy once, proposes what to write, and names those that do not tell', async t => {
  const pods = ['cart-1', 'cart-2', 'old', 'down'].map(name => ({ name }));
  const { weft, api } = await fakeCluster('analyze', t, pods, {
    'cart-1:15020': told(30, 0.002),
    'cart-2:15020': told(90, 0.002),
    'old:15020': { text: 'weft_build_info{version="0"} 1\n' },
  });
  for (const { name } of pods) {
    api.put(TYPES.pod, {
      metadata: { name, namespace: 'shop', annotations: { 'weft.dev/status': '{"version":"0.1.0"}' } },
      status: { phase: 'Running' },
      spec: {
        containers: [
          { name: 'app' },
          {
            name: 'weft-proxy',
            resources: { requests: { cpu: '10m', memory: '64Mi' }, limits: { memory: '128Mi' } },
          },
        ],
      },
    });
  }
  const { code, out, err } = await weft('--sizes', '-n', 'shop', '--strict');
  assert.match(
    out,
    /^warning proxy-too-small {2}Pod cart-2\.shop\n {4}of its limit of 128Mi memory 90Mi were used \(the most of 1 pod within 3 hours\)\n {4}remedy: annotate .*memory-limit: 192Mi$/m,
  );
  assert.doesNotMatch(out, /cart-1/);
  assert.equal(code, 1);
  assert.match(err, /^not looked at: shop\/down: .*refused$/m);
  assert.match(
    err,
    /^not looked at: shop\/old: its proxy does not tell what it used; it is of an older version$/m,
  );
  const asked = api.calls.filter(({ path }) => path.includes('/proxy/'));
  assert.equal(asked.length, 4);
  const without = await weft('-n', 'shop');
  assert.doesNotMatch(without.out, /proxy-too-small/);
  assert.equal(api.calls.filter(({ path }) => path.includes('/proxy/')).length, 4);
});

test('files have no proxies that could be asked', async t => {
  const { weft } = await fakeCluster('analyze', t, [], {});
  const { code, err } = await weft('--sizes', '-f', 'shop.yaml');
  assert.equal(code, 2);
  assert.match(err, /^error: --sizes asks proxies that run, and -f looks at files; leave one of them out/);
});
