import { strict as assert } from 'node:assert';
import { parsePrometheus } from '../../../../examples/demo/metrics/prometheus.ts';
import { become, CASES, podOf, service, target } from '../cases.ts';
import type { Claim } from '../claim.ts';
import { type Cluster, type Pod, until } from '../cluster.ts';

const names = ['unprivileged-a', 'unprivileged-b'] as const;
const quick = ['quick-a', 'quick-b'] as const;
const counters = new Set(['istio_requests_total', 'istio_tcp_connections_opened_total']);

/** What `target` makes, as far as it is changed here. */
interface Target {
  readonly metadata: { readonly [field: string]: unknown };
  readonly spec: {
    readonly containers: readonly { readonly env: object[]; readonly [field: string]: unknown }[];
  };
}

/** Series between the two pods that one of their proxies has counted. */
async function counted(cluster: Cluster, pod: Pod, reporter: string): Promise<string[]> {
  const samples = parsePrometheus(await cluster.proxyMetrics(pod));
  return samples
    .filter(sample => counters.has(sample.name) && sample.value > 0 && sample.labels.reporter === reporter)
    .map(({ labels }) => `${labels.connection_security_policy} ${labels.source_principal}`);
}

/**
 * Lets the first of two targets call the second, and asks both proxies what they counted; returns one of the
 * series. Throws where the call does not get through, or is not mutual TLS between the accounts of the namespace.
 */
export async function callsOverMutualTls(
  cluster: Cluster,
  [from, to]: readonly [string, string],
  namespace: string,
): Promise<string> {
  const caller = await podOf(cluster, from, namespace);
  const url = `http://${to}.${namespace}:8080/hello`;
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
  const principal = new RegExp(`^mutual_tls spiffe://[^/]+/ns/${namespace}/sa/default$`);
  const source = await counted(cluster, caller, 'source');
  const destination = await counted(cluster, await podOf(cluster, to, namespace), 'destination');
  assert.ok(
    source.some(each => principal.test(each)),
    `the sending proxy counted ${source.join(', ')}`,
  );
  assert.ok(
    destination.some(each => principal.test(each)),
    `the receiving proxy counted ${destination.join(', ')}`,
  );
  return source[0]!;
}

/** A target without packet rules, whose app obeys http_proxy. */
export function ruleless(image: string, name: string): Target {
  const annotations = { 'weft.dev/redirection': 'none', 'weft.dev/skip-inbound-ports': '9900' };
  const pod = target(image, name, {}, annotations) as Target;
  // Node obeys http_proxy when it is told to.
  pod.spec.containers[0]!.env.push({ name: 'NODE_USE_ENV_PROXY', value: '1' });
  return pod;
}

export const withoutRules: Claim = {
  name: 'pods without packet rules ask for no capability, and speak mutual TLS both ways',
  async run({ cluster, settings }) {
    for (const name of names) await cluster.apply(service(name), ruleless(settings.shopImage, name));
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
    const counted = await callsOverMutualTls(cluster, names, CASES);
    return `containers ${containers.map(({ name }) => name).join(', ')}; both proxies counted ${counted}`;
  },
};

export const ownRules: Claim = {
  name: 'pods whose proxy writes the packet rules itself have no weft-init, and speak mutual TLS both ways',
  async run({ cluster, settings }) {
    const annotations = { 'weft.dev/redirection': 'proxy', 'weft.dev/skip-inbound-ports': '9900' };
    for (const name of quick)
      await cluster.apply(service(name), target(settings.shopImage, name, {}, annotations));
    await become(cluster, quick, true);
    const { spec } = await podOf(cluster, quick[0]);
    const containers = [...(spec.initContainers ?? []), ...spec.containers].map(({ name }) => name);
    assert.deepEqual(containers.sort(), ['app', 'weft-proxy']);
    return `both proxies counted ${await callsOverMutualTls(cluster, quick, CASES)}`;
  },
};
