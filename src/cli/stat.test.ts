import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Fault } from '../kubernetes/testing/fake-api.ts';
import { fakeCluster } from './proxies/testing/fake-cluster.ts';

const cluster = fakeCluster.bind(undefined, 'stat');

/** A proxy that has answered some more at each scrape: of ten requests one with 503. */
function busy(): () => Fault {
  let scrapes = 0;
  return () => {
    const labels =
      'reporter="destination",destination_service_name="cart",destination_service_namespace="shop"';
    const requests = (code: number, count: number): string =>
      `istio_requests_total{${labels},connection_security_policy="mutual_tls",response_code="${code}"} ${count}`;
    scrapes++;
    const lines = [requests(200, 90 * scrapes), requests(503, 10 * scrapes)];
    return {
      text: `weft_build_info{version="1"} 1\nweft_workload_info{workload="cart"} 1\n${lines.join('\n')}\n`,
    };
  };
}

test('stat scrapes twice and shows what came in between', async t => {
  const { weft, api } = await cluster(t, [{ name: 'cart-1' }, { name: 'down' }], { 'cart-1:15020': busy() });
  const { code, out, err } = await weft('services', '--window', '1');
  assert.deepEqual([code, err], [0, '']);
  assert.match(out, /^NAMESPACE +SERVICE +RPS .*\nshop +cart +\d+\.\d +90\.00% +- +- +- +0 +100\.00%\n/);
  assert.match(out, /\n {2}! shop\/down: .*dial tcp: refused\n/);
  const scrapes = api.calls.filter(({ path }) => path.includes('/cart-1:15020/'));
  assert.equal(scrapes.length, 2);
});

test('stat --watch goes on, each time from the scrape before', async t => {
  const { start } = await cluster(t, [{ name: 'cart-1' }], { 'cart-1:15020': busy() });
  const child = start('pods', '--window', '1', '--watch', '-o', 'json');
  let out = '';
  for await (const chunk of child.stdout!) {
    out += String(chunk);
    if (out.split('\n').length > 2) break;
  }
  child.kill();
  const tables = out.trim().split('\n').slice(0, 2);
  for (const line of tables) assert.match(line, /"name":"cart-1".*"successRate":0\.9[,}]/);
});

test('stat without pods waits for nothing, and refuses what it cannot mean', async t => {
  const { weft } = await cluster(t, [{ name: 'plain', meshed: false }], {});
  assert.match((await weft('--window', '300')).out, /^no pod has a proxy here/);
  assert.match((await weft('pods', 'shop/plain')).err, /^error: pod plain in namespace shop has no proxy/);
  assert.match((await weft('--window', '0')).err, /give seconds from 1 to 300/);
  assert.match((await weft('nodes')).err, /Allowed choices are pods, workloads, services/);
});
