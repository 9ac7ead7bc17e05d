import { strict as assert } from 'node:assert';
import { parsePrometheus } from '../../../../examples/demo/metrics/prometheus.ts';
import { become, CASES, podOf, service, target } from '../cases.ts';
import type { Claim } from '../claim.ts';
import { type Cluster, until } from '../cluster.ts';

const names = ['unprivileged-a', 'unprivileged-b'] as const;
const counters = new Set(['istio_requests_total', 'istio_tcp_connections_opened_total']);

/** Series between the two pods that one of their proxies has counted. */
async function counted(cluster: Cluster, name: string, reporter: string): Promise<string[]> {
  const samples = parsePrometheus(await cluster.proxyMetrics(await podOf(cluster, name)));
  return samples
    .filter(sample => counters.has(sample.name) && sample.value > 0 && sample.labels.reporter === reporter)
    .map(({ labels }) => `${labels.connection_security_policy} ${labels.source_principal}`);
}

export const withoutRules: Claim = {
  name: 'pods without packet rules ask for no capability, and speak mutual TLS both ways',
  async run({ cluster, settings }) {
    const annotations = { 'weft.dev/redirection': 'none', 'weft.dev/skip-inbound-ports': '9900' };
    for (const name of names) {
      const pod = target(settings.shopImage, name, {}, annotations) as {
        spec: { containers: { env: object[] }[] };
      };
      // Node obeys http_proxy when it is told to.
      pod.spec.containers[0]!.env.push({ name: 'NODE_USE_ENV_PROXY', value: '1' });
      await cluster.apply(service(name), pod);
    }
    await become(cluster, names, true);
    const { spec } = await podOf(cluster, names[0]);
    const containers = [...(spec.initContainers ?? []), ...spec.containers] as {
      name: string;
      securityContext?: { capabilities?: { add?: string[] }; runAsNonRoot?: boolean };
    }[];
    assert.deepEqual(containers.map(({ name }) => name).sort(), ['app', 'weft-proxy']);
    const proxy = containers.find(({ name }) => name === 'weft-proxy')?.securityContext;
    assert.equal(proxy?.capabilities?.add, undefined);
    assert.equal(proxy?.runAsNonRoot, true);
    const caller = await podOf(cluster, names[0]);
    const url = `http://${names[1]}.${CASES}:8080/hello`;
    await until('a call through the named proxy', async () => {
      const { status, text } = await cluster.askPod<{ status: number; text: string }>(
        caller,
        9900,
        `/fetch?url=${encodeURIComponent(url)}`,
        'POST',
      );
      if (status !== 200) throw new Error(`${status} ${text}`);
      return true;
    });
    const principal = /^mutual_tls spiffe:\/\/[^/]+\/ns\/cases\/sa\/default$/;
    const source = await counted(cluster, names[0], 'source');
    const destination = await counted(cluster, names[1], 'destination');
    assert.ok(
      source.some(each => principal.test(each)),
      `the sending proxy counted ${source.join(', ')}`,
    );
    assert.ok(
      destination.some(each => principal.test(each)),
      `the receiving proxy counted ${destination.join(', ')}`,
    );
    return `containers ${containers.map(({ name }) => name).join(', ')}; both proxies counted ${source[0]}`;
  },
};
