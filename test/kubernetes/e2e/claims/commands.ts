// What people ask a running mesh from their terminal, on a real cluster: through the API server's proxy, and through a
// port-forward to the live API with the rights of the kubeconfig. test/sandbox asks the same of a sandbox.
import assert from 'node:assert/strict';
import type { Claim } from '../claim.ts';
import { type Cluster, isReady, until } from '../cluster.ts';
import { nothingLost } from '../shop.ts';

const fault = { status: 500, path: '/fail' };

export const commandsAnswer: Claim = {
  name: 'stat, edges, proxy-status, describe, logs, events, tap and explain tell of the running shop',
  async run({ cluster, shop }) {
    const words: string[] = [];
    await setFault(cluster, fault);
    const failing = { ratePerSecond: 4, targets: [{ method: 'GET', url: 'http://cart:8080/fail' }] };
    await shop.start('failing', failing);
    try {
      const report = await shop.underLoad('commands', async () => {
        words.push(await look(cluster), await watch(cluster), await explain(cluster));
      });
      return `${words.join('; ')}; ${nothingLost(report)}`;
    } finally {
      await shop.stop('failing').catch(() => {});
      await setFault(cluster, undefined);
    }
  },
};

async function setFault(cluster: Cluster, body: object | undefined): Promise<void> {
  for (const pod of (await cluster.pods('shop', 'app=cart')).filter(isReady))
    await cluster.askPod(pod, 8080, '/fault', body ? 'POST' : 'DELETE', body);
}

/** What a command prints; an Error with what it said where it ends with another code. */
async function said(cluster: Cluster, ...args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await cluster.weft(...args);
  assert.equal(code, 0, `weft ${args.join(' ')}: ${stdout}${stderr}`);
  return stdout;
}

/** Commands that ask each proxy, or the API server alone. */
async function look(cluster: Cluster): Promise<string> {
  const [cart] = (await cluster.pods('shop', 'app=cart')).filter(isReady);
  const { name } = cart!.metadata;
  assert.match(await said(cluster, 'stat', '-n', 'shop', '--window', '3'), /^shop +cart +[1-9]/m);
  assert.match(await said(cluster, 'edges', '-n', 'shop', '--window', '3'), /shop\/storefront +shop\/cart/);
  assert.match(
    await said(cluster, 'proxy-status', '-n', 'shop'),
    new RegExp(`^shop +${name} +\\S+ +ok`, 'm'),
  );
  assert.match(await said(cluster, 'describe', 'pod', `shop/${name}`), /in the mesh {2}yes/);
  assert.match(
    await said(cluster, 'describe', 'svc', 'cart', '-n', 'shop', '--from', 'shop/storefront'),
    /storefront/,
  );
  assert.match(await said(cluster, 'logs', 'shop/cart', '--status', '5xx', '--tail', '50'), /→ 500/);
  await said(cluster, 'events', '-n', 'shop');
  return 'seven commands by the API server';
}

/** Live requests, by way of the control plane. */
async function watch(cluster: Cluster): Promise<string> {
  const lines = (await said(cluster, 'tap', '-n', 'shop', '--count', '20', '--for', '20s', '-o', 'json'))
    .trim()
    .split('\n');
  const failed = await said(
    cluster,
    'tap',
    'svc/cart',
    '-n',
    'shop',
    '--status',
    '500',
    '--count',
    '2',
    '--for',
    '20s',
  );
  assert.match(failed, /\/fail/);
  assert.ok(lines.length >= 20, `${lines.length} requests tapped`);
  return `${lines.length} requests tapped by a port-forward`;
}

/** A failure that somebody has seen: its cause by its id. */
async function explain(cluster: Cluster): Promise<string> {
  const recent = await until('recent failures to be told', async () => {
    const text = await said(cluster, 'explain', '--recent', '-n', 'shop');
    return /500/.test(text) ? text : undefined;
  });
  const tapped = await said(
    cluster,
    'tap',
    'svc/cart',
    '-n',
    'shop',
    '--status',
    '500',
    '--count',
    '1',
    '--for',
    '20s',
    '-o',
    'json',
  );
  const id = /"id":"([\w-]+)"/.exec(tapped)?.[1];
  assert.ok(id !== undefined, tapped);
  const why = await said(cluster, 'explain', id);
  assert.match(why, /500/);
  assert.match(why, /cart/);
  const [first = ''] = recent.split('\n');
  return `explain by id; recent: ${first}`;
}
