import { strict as assert } from 'node:assert';
import { setTimeout as sleep } from 'node:timers/promises';
import { become, CASES, podOf, service, target, tell } from '../cases.ts';
import type { Claim, Context } from '../claim.ts';
import { type Cluster, containerStatus, isReady, pathOf, until } from '../cluster.ts';
import { nothingLost } from '../shop.ts';
import { injector, isClean } from './install.ts';

async function scale(cluster: Cluster, replicas: number): Promise<void> {
  await cluster.patch(pathOf(injector), { spec: { replicas } });
}

export const killed: Claim = {
  name: 'the control plane killed without warning under load: no request is lost, and it comes back',
  async run({ cluster, shop }) {
    const pods = await cluster.pods('weft-system');
    const report = await shop.underLoad('killed', async () => {
      for (const { metadata } of pods) {
        const path = `/api/v1/namespaces/weft-system/pods/${metadata.name}`;
        await cluster.delete(path, { gracePeriodSeconds: 0 });
      }
      await cluster.rolledOut([injector]);
      await isClean(cluster);
      await sleep(5_000);
    });
    return `${pods.length} replicas killed, ${nothingLost(report)}`;
  },
};

export const away: Claim = {
  name: 'without a control plane traffic goes on, a killed proxy boots from its last snapshot, pods outside the mesh start',
  async run(context) {
    const { cluster, shop } = context;
    // Its app may kill its proxy. It knows nobody but `plain` before: that is what the snapshot has to hold.
    const power = { shareProcessNamespace: true, securityContext: { runAsUser: 0 } };
    await cluster.apply(service('survivor'), target(context.settings.shopImage, 'survivor', {}, {}, power));
    await become(cluster, ['survivor'], true);
    await callPlain(cluster);
    const report = await shop.underLoad('away', async () => {
      try {
        await scale(cluster, 0);
        await until(
          'the control plane to be gone',
          async () => (await cluster.list('/api/v1/namespaces/weft-system/pods')).length === 0,
        );
        await survivesItsProxy(cluster);
        await startsOutside(context);
      } finally {
        await scale(cluster, 2);
      }
      await cluster.rolledOut([injector]);
      await isClean(cluster);
    });
    return nothingLost(report);
  },
};

/** The app of `survivor` calls `plain`, both in strict mode. */
async function callPlain(cluster: Cluster): Promise<void> {
  const path = `/fetch?url=${encodeURIComponent(`http://plain.${CASES}:8080/from-survivor`)}`;
  const pod = await podOf(cluster, 'survivor');
  const { status, text } = await cluster.askPod<{ status: number; text: string }>(pod, 9900, path, 'POST');
  assert.equal(status, 200, text);
}

async function survivesItsProxy(cluster: Cluster): Promise<void> {
  await tell(cluster, await podOf(cluster, 'survivor'), '/kill-proxy');
  await until('the proxy to be restarted', async () => {
    const pod = await podOf(cluster, 'survivor');
    return (containerStatus(pod, 'weft-proxy')?.restartCount ?? 0) > 0 && isReady(pod);
  });
  await callPlain(cluster);
}

async function startsOutside({ cluster, settings }: Context): Promise<void> {
  const spec = { containers: [{ name: 'app', image: settings.shopImage, command: ['sleep', '600'] }] };
  const metadata = { name: 'outsider', namespace: 'outside', labels: { app: 'outsider' } };
  await cluster.apply({ apiVersion: 'v1', kind: 'Pod', metadata, spec });
  await until('a pod outside the mesh to start', async () =>
    (await cluster.pods('outside', 'app=outsider')).find(isReady),
  );
}

export const missedPods: Claim = {
  name: 'a pod without proxy in a labelled namespace is named by weft check, a metric and an event, with the command that mends it',
  async run({ cluster, settings }) {
    const path = `/api/v1/namespaces/${CASES}`;
    const label = (value: string | null) =>
      cluster.patch(path, { metadata: { labels: { 'weft.dev/inject': value } } });
    await label(null);
    await cluster.apply({
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: 'missed', namespace: CASES },
      spec: {
        selector: { matchLabels: { app: 'missed' } },
        template: {
          metadata: { labels: { app: 'missed' } },
          spec: { containers: [{ name: 'app', image: settings.shopImage, command: ['sleep', '3600'] }] },
        },
      },
    });
    await until('pod missed to run', async () => (await cluster.pods(CASES, 'app=missed')).find(isReady));
    await label('enabled');
    const remedy = /kubectl rollout restart deployment\/missed -n cases/;
    await until('weft check to name it', async () => {
      const { stdout, code } = await cluster.weft('check');
      return code !== 0 && remedy.test(stdout);
    });
    await until('the metric', async () => {
      const pods = (await cluster.pods('weft-system')).filter(isReady);
      const pages = await Promise.all(
        pods.map(({ metadata }) =>
          cluster.text(`/api/v1/namespaces/weft-system/pods/${metadata.name}:15014/proxy/metrics`),
        ),
      );
      return pages.some(page => /^weft_uninjected_pods\{[^}]*namespace="cases"[^}]*\} [1-9]/m.test(page));
    });
    await until('the event', async () => {
      const events = await cluster.list(`${path}/events`);
      return events.find(
        ({ reason, message }) => reason === 'WeftPodsOutsideMesh' && remedy.test(String(message)),
      );
    });
    await cluster.restart({
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: 'missed', namespace: CASES },
    });
    await isClean(cluster);
    return 'found by all three, and mended by the command';
  },
};
