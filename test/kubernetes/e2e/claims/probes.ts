import { become, podOf, target, tell } from '../cases.ts';
import type { Claim } from '../claim.ts';
import { containerStatus, until } from '../cluster.ts';

const often = { periodSeconds: 1, failureThreshold: 3, timeoutSeconds: 5 };
/** Those of every Kubernetes; grpc came with 1.24. */
const always = {
  'probe-http': { httpGet: { path: '/healthz', port: 'web' } },
  'probe-tcp': { tcpSocket: { port: 9090 } },
  'probe-exec': { exec: { command: ['test', '-e', '/tmp/up'] } },
};

export const honestProbes: Claim = {
  name: 'under strict mode httpGet, tcpSocket, exec and grpc probes pass, fail when the app is down, and pass again',
  async run({ cluster, settings }) {
    const probes =
      (await cluster.minor()) >= 24 ? { ...always, 'probe-grpc': { grpc: { port: 9091 } } } : always;
    const names = Object.keys(probes);
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
    await until('the restart', async () => {
      const app = containerStatus(await podOf(cluster, 'live'), 'app');
      return (app?.restartCount ?? 0) > 0;
    });
    await become(cluster, ['live'], true);
    const proxy = containerStatus(await podOf(cluster, 'live'), 'weft-proxy');
    if (!proxy) throw new Error('pod live has no weft-proxy');
    if (proxy.restartCount !== 0) throw new Error(`weft-proxy was restarted ${proxy.restartCount} times`);
    return 'ready again';
  },
};
