// The commands that look at a mesh, each against the example shop with its load, in a sandbox. Needs root; leaves nothing behind.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { machineCapabilities, type PodView, Sandbox, takeDown } from '../../src/sandbox/index.ts';

const skip = machineCapabilities().reasons.join('; ') || false;
const name = `commands-${process.pid}`;
const at = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
const main = at('../../src/main/weft.ts');
const host = 'cart.shop.svc.cluster.local';

const policies = `
apiVersion: linkerd.io/v1alpha2
kind: ServiceProfile
metadata: { name: ${host}, namespace: shop }
spec: { routes: [{ name: everything, condition: { pathRegex: '/.*' } }] }
---
apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata: { name: strict-cart, namespace: shop }
spec: { selector: { matchLabels: { app: cart } }, mtls: { mode: STRICT } }
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: { name: nobody, namespace: shop }
spec: { host: nobody }
`;

interface Result {
  readonly out: string;
  readonly err: string;
  readonly code: number | null;
}

describe('commands that look at a mesh', { skip }, () => {
  let sandbox: Sandbox;
  let storefront: PodView;
  let cart: PodView;

  const weft = async (...args: string[]): Promise<Result> => {
    const child = spawn(process.execPath, [main, ...args, '--sandbox', name], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const ended = new Promise<number | null>(resolve => child.on('close', resolve));
    const [out, err, code] = await Promise.all([text(child.stdout), text(child.stderr), ended]);
    return { out, err, code };
  };
  const json = async (...args: string[]): Promise<never> => {
    const { out, err } = await weft(...args, '-o', 'json');
    assert.equal(err, '', args.join(' '));
    return JSON.parse(out) as never;
  };
  /** What the command prints once `holds`; load and policies take a moment to arrive. */
  const until = async (holds: (out: string) => boolean, ...args: string[]): Promise<string> => {
    for (const limit = performance.now() + 60_000; ; ) {
      const { out, err } = await weft(...args);
      if (holds(out)) return out;
      assert.ok(performance.now() < limit, `not within 60 s: ${args.join(' ')}\n${out}\n${err}`);
    }
  };

  /** Pages of the shop, as long as it is there. */
  const load = async ({ name: pod }: PodView): Promise<void> => {
    const targets = [{ url: 'http://storefront/products/p{n}?user=ada' }];
    const body = JSON.stringify({ mode: 'open', ratePerSecond: 10, targets });
    const script = `fetch('http://127.0.0.1:9900/runs/pages', { method: 'POST', body: '${body}' }).then(a => console.log(a.status))`;
    const { code, output } = await sandbox.exec(`pod/shop/${pod}`, ['node', '-e', script], 'loadgen');
    assert.match(`${code} ${output}`, /^0 20\d/);
  };

  before(async () => {
    sandbox = await Sandbox.up({ dir: at('../../examples/shop/kubernetes'), name });
    await sandbox.apply('policies', policies);
    await sandbox.ready({ timeoutMs: 120_000 });
    const pods = await sandbox.pods();
    storefront = pods.find(({ workload }) => workload === 'storefront')!;
    cart = pods.find(({ workload }) => workload === 'cart')!;
    await load(pods.find(({ workload }) => workload === 'loadgen')!);
  });
  after(() => takeDown(name));

  test('proxy-config: a process inside of the pod asks its admin endpoint', async () => {
    const pod = `shop/${storefront.name}`;
    const clusters = await until(out => out.includes(`${host}:`), 'proxy-config', 'clusters', pod);
    assert.match(clusters, /^CLUSTER +DIRECTION +HEALTHY/);
    const endpoints: readonly Record<string, unknown>[] = await json(
      'proxy-config',
      'endpoints',
      pod,
      '--host',
      'cart',
    );
    assert.ok(endpoints.length > 0);
    for (const { state, tls } of endpoints) assert.deepEqual([state, tls], ['healthy', 'mesh']);
    const routes: readonly { readonly route: { readonly name: string } }[] = await json(
      'proxy-config',
      'routes',
      pod,
      '--host',
      'cart',
    );
    assert.ok(
      routes.some(({ route }) => route.name.includes('everything')),
      JSON.stringify(routes),
    );
    const listeners = await weft('proxy-config', 'listeners', pod);
    assert.match(listeners.out, /outbound .* 15001 /);
    assert.match(listeners.out, /any other +auto/);
    const secret = await weft('proxy-config', 'secret', pod, '-o', 'json');
    const { principal, chain } = JSON.parse(secret.out);
    assert.match(principal, /^spiffe:\/\/cluster\.local\/ns\/shop\/sa\//);
    assert.equal(chain[0].names, `URI:${principal}`);
    assert.doesNotMatch(secret.out, /PRIVATE/);
  });

  test('proxy-config log sets levels for a while, and weft logs shows what that brings', async () => {
    const pod = `shop/${storefront.name}`;
    const set: { readonly back: object } = await json(
      'proxy-config',
      'log',
      pod,
      '--access-log',
      'all',
      '--for',
      '10m',
    );
    assert.deepEqual(Object.keys(set.back), ['level', 'accessLog', 'inSeconds']);
    const line = / outbound GET [^ ]+ → 200, [\d.]+ ms, to [\d.]+:\d+ \(.*id [\w-]+/;
    const logs = await until(out => line.test(out), 'logs', pod, '--status', '2xx', '--since', '1m');
    const id = /id ([\w-]+)/.exec(logs)![1]!;
    const one = await weft('logs', '-n', 'shop', '--request-id', id);
    assert.ok(one.out.split('\n').length >= 2 && one.out.includes(id), one.out);
    assert.match(
      (await weft('logs', 'storefront', '--tail', '1', '-o', 'json')).out,
      /"pod":"shop\/storefront-/,
    );
  });

  test('routes: those of a ServiceProfile are counted', async () => {
    const out = await until(
      shown => /everything +cart\S+ +100\.00% +[1-9]/.test(shown),
      'routes',
      'shop/cart',
      '--window',
      '2',
    );
    assert.match(out, /^ROUTE +SERVICE +SUCCESS +RPS +P50 +P95 +P99/);
    assert.match(
      (await weft('routes', '--window', '1', '-o', 'wide')).out,
      /EFFECTIVE SUCCESS +EFFECTIVE RPS +ACTUAL SUCCESS/,
    );
  });

  test('describe: a pod that runs, a Service, a namespace', async () => {
    const pod = await weft('describe', 'pod', `shop/${cart.name}`);
    assert.equal(pod.err, '');
    assert.match(pod.out, /in the mesh {2}yes/);
    assert.match(pod.out, /proxy {8}version .*configuration current/);
    assert.match(pod.out, /lets in mutual TLS only \(PeerAuthentication strict-cart\.shop\)/);
    assert.match(
      pod.out,
      /ServiceProfile cart\.shop\.svc\.cluster\.local\.shop spec\.routes\[0\] sends to\n.*this pod among them/,
    );
    const service = await weft('describe', 'svc', 'cart', '-n', 'shop', '--from', 'shop/storefront');
    assert.match(service.out, /as Deployment storefront in shop meets it/);
    const outside = await weft('describe', 'ns', 'outside');
    assert.match(
      outside.out,
      /Deployment visitor: .*without a proxy \(neither the pod nor namespace outside is labelled/,
    );
    const shop = await weft('describe', 'ns', 'shop');
    assert.match(shop.out, /DestinationRule nobody\.shop.*nobody/);
  });

  test('route asks the proxy of a pod in the sandbox, and without one the objects', async () => {
    const url = `http://${host}:8080/cart/1`;
    const asked = await weft('route', url, '--proxy', `shop/${storefront.name}`);
    assert.match(asked.out, /from pod storefront-\S+ in shop/);
    assert.match(asked.out, /ServiceProfile/);
    assert.match(
      (await weft('route', url, '--from', 'shop/storefront')).out,
      /from Deployment storefront in shop/,
    );
  });

  test('events: warnings about pods with a proxy', async () => {
    await sandbox.kill(`pod/shop/${cart.name}`, {
      container: cart.containers.find(({ init, name: of }) => !init && of !== 'weft-proxy')!.name,
    });
    const out = await until(shown => shown.includes(`Pod shop/${cart.name}`), 'events', '-n', 'shop');
    assert.match(out, /^AGE +TYPE +REASON +OBJECT +MESSAGE/);
    assert.match(out, /Warning/);
  });

  test('proxy-status and stat take the name of a workload for its pods', async () => {
    const rows: { readonly proxies: readonly { readonly pod: string }[] } = await json(
      'proxy-status',
      'shop/storefront',
    );
    assert.ok(rows.proxies.length > 0 && rows.proxies.every(({ pod }) => pod.startsWith('storefront-')));
  });
});
