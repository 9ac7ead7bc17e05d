import { strict as assert } from 'node:assert';
import { removeCases } from '../cases.ts';
import type { Claim, Context } from '../claim.ts';
import { type Cluster, isReady, until } from '../cluster.ts';
import { inventory } from '../inventory.ts';
import { NAMESPACES, withoutProxy } from '../shop.ts';

/** The control plane's Deployment. */
export const injector = {
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: 'weft-injector', namespace: 'weft-system' },
};

let before: ReadonlySet<string> = new Set();

export const fit: Claim = {
  name: 'weft check --pre finds the cluster fit, and nothing of Weft in it',
  async run({ cluster }) {
    const { code, stdout } = await cluster.weft('check', '--pre');
    assert.equal(code, 0, stdout);
    before = await inventory(cluster, NAMESPACES);
    const weft = [...before].filter(each => each.includes('weft'));
    assert.deepEqual(weft, [], 'something of Weft is there already; see weft uninstall');
    return `${before.size} objects before`;
  },
};

/** The flags of weft install for this cluster. */
async function installFlags({ cluster, settings }: Context): Promise<readonly string[]> {
  const version = `1.${await cluster.minor()}`;
  return [
    ...['--image', settings.injectorImage, '--proxy-image', settings.proxyImage],
    ...['--kubernetes-version', version, '--image-pull-policy', 'IfNotPresent'],
  ];
}

export const installs: Claim = {
  name: 'what weft install prints makes a control plane that weft check calls well, and weft upgrade sees no difference',
  async run(context) {
    const { cluster } = context;
    const printed = await cluster.weft('install', ...(await installFlags(context)));
    assert.equal(printed.code, 0, printed.stderr);
    await cluster.applyText(printed.stdout);
    await cluster.rolledOut([injector]);
    await isClean(cluster);
    const difference = await cluster.weft('upgrade', '--dry-run');
    assert.match(difference.stdout, /nothing would change/);
    const pods = await cluster.pods('weft-system');
    return `${pods.filter(isReady).length} replicas`;
  },
};

/** `weft check` has nothing but ok to say, now or in a moment. */
export async function isClean(cluster: Cluster): Promise<void> {
  await until('weft check to be clean', async () => {
    const { code, stdout } = await cluster.weft('check');
    if (code === 0 && /^all is well$/m.test(stdout) && !stdout.includes('could not be asked')) return true;
    throw new Error(
      stdout
        .split('\n')
        .filter(line => /^ *[✗!] |remedy|could not be asked/.test(line))
        .join('\n'),
    );
  });
}

export const labels: Claim = {
  name: 'a namespace that is labelled and restarted has a sidecar in every pod, and weft check is clean',
  async run({ cluster, shop }) {
    await cluster.patch('/api/v1/namespaces/shop', {
      metadata: { labels: { 'weft.dev/inject': 'enabled' } },
    });
    const startedMs = performance.now();
    await shop.restart(shop.workloads);
    const tookMs = performance.now() - startedMs;
    const pods = await cluster.pods('shop');
    assert.deepEqual(withoutProxy(pods), [], 'pods without proxy');
    assert.ok(pods.every(isReady), 'every pod is ready');
    await isClean(cluster);
    return `${pods.length} pods, restarted in ${(tookMs / 1000).toFixed(0)} s`;
  },
};

export const uninstalls: Claim = {
  name: 'unlabelled, restarted and uninstalled, nothing of Weft is left and the shop works',
  async run({ cluster, shop }) {
    const refused = await cluster.weft('uninstall', '--delete');
    assert.equal(refused.code, 1, 'refused while pods have a proxy');
    await cluster.patch('/api/v1/namespaces/shop', { metadata: { labels: { 'weft.dev/inject': null } } });
    await removeCases(cluster);
    await shop.restart(shop.workloads);
    const pods = await cluster.pods('shop');
    assert.equal(withoutProxy(pods).length, pods.length, 'pods without proxy');
    // Old pods may be there for a while.
    await until('weft uninstall to be content', async () => {
      const { code, stderr } = await cluster.weft('uninstall', '--delete');
      if (code !== 0) throw new Error(stderr);
      return true;
    });
    const left = async () => [...(await inventory(cluster, NAMESPACES))].filter(each => !before.has(each));
    await until(
      'everything of Weft to be gone',
      async () => {
        const found = await left();
        if (found.length > 0) throw new Error(`left: ${found.join(', ')}`);
        return true;
      },
      60_000,
    );
    const report = await shop.run('without', 50);
    assert.equal(report.failed, 0);
    return `${before.size} objects as before, ${report.ok} requests of the shop answered`;
  },
};
