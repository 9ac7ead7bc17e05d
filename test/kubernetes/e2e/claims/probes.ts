import { become, podOf, target, tell } from '../cases.ts';
import type { Claim } from '../claim.ts';
import { until } from '../cluster.ts';

const often = { periodSeconds: 1, failureThreshold: 3, timeoutSeconds: 5 };
const probes = {
  'probe-http': { httpGet: { path: '/healthz', port: 'web' } },
  'probe-tcp': { tcpSocket: { port: 9090 } },
  'probe-exec': { exec: { command: ['test', '-e', '/tmp/up'] } },
};
const names = Object.keys(probes);

export const honestProbes: Claim = {
  name: 'under strict mode httpGet, tcpSocket and exec probes pass, fail when the app is down, and pass again',
  async run({ cluster, settings }) {
    for (const [name, handler] of Object.entries(probes)) {
      const startupProbe = { ...handler, periodSeconds: 1, failureThreshold: 120, timeoutSeconds: 5 };
      await cluster.apply(
        target(settings.shopImage, name, { startupProbe, readinessProbe: { ...handler, ...often } }),
      );
    }
    await become(cluster, names, true);
    for (const name of names) await tell(cluster, await podOf(cluster, name), '/down');
    await become(cluster, names, false);
    for (const name of names) await tell(cluster, await podOf(cluster, name), '/up');
    await become(cluster, names, true);
    return names.join(', ');
  },
};

export const livenessRestarts: Claim = {
  name: 'an app whose liveness probe fails is restarted, and its proxy is not',
  async run({ cluster, settings }) {
    const livenessProbe = { httpGet: { path: '/healthz', port: 8080 }, ...often };
    await cluster.apply(
      target(settings.shopImage, 'live', { livenessProbe, readinessProbe: { ...livenessProbe } }),
    );
    await become(cluster, ['live'], true);
    await tell(cluster, await podOf(cluster, 'live'), '/down');
    const statuses = await until('the restart', async () => {
      const { status } = await podOf(cluster, 'live');
      const app = status.containerStatuses?.find(({ name }) => name === 'app');
      return (app?.restartCount ?? 0) > 0 ? status.containerStatuses : undefined;
    });
    await become(cluster, ['live'], true);
    const proxy = statuses.find(({ name }) => name === 'weft-proxy');
    if (proxy?.restartCount !== 0) throw new Error(`weft-proxy was restarted ${proxy?.restartCount} times`);
    return 'ready again';
  },
};
