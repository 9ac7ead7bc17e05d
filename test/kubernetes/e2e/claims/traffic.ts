import { strict as assert } from 'node:assert';
import { parsePrometheus, type Sample } from '../../../../examples/demo/metrics/prometheus.ts';
import type { Claim } from '../claim.ts';
import type { Cluster, Pod } from '../cluster.ts';
import { nothingLost } from '../shop.ts';

/** Who calls whom in the shop. */
const hops = [
  'loadgen → storefront',
  'loadgen → cart',
  'storefront → catalog',
  'storefront → reviews',
  'storefront → cart',
  'reviews → ratings',
  'catalog → stock',
  'catalog → offers',
];

const counted = new Set(['istio_requests_total', 'istio_tcp_connections_opened_total']);

/** What all proxies of the shop have counted, by pod and series. */
async function samples(cluster: Cluster): Promise<ReadonlyMap<string, Sample>> {
  const found = new Map<string, Sample>();
  const read = async (pod: Pod): Promise<void> => {
    for (const sample of parsePrometheus(await cluster.proxyMetrics(pod))) {
      if (!counted.has(sample.name) || sample.value === 0) continue;
      found.set(`${pod.metadata.name} ${sample.name} ${JSON.stringify(sample.labels)}`, sample);
    }
  };
  await Promise.all((await cluster.pods('shop')).map(read));
  return found;
}

export const everyHop: Claim = {
  name: 'every hop of the shop is mutual TLS, and both sides name both identities',
  async run({ cluster, shop }) {
    // Only what this run brings counts: where a new pod has got an old one's address, the kubelet may have asked it in the old
    // one's place.
    const before = await samples(cluster);
    const figure = nothingLost(await shop.run('hops', 200));
    const series = [...(await samples(cluster))]
      .filter(([key, { value }]) => value > (before.get(key)?.value ?? 0))
      .map(([, sample]) => sample);
    const wrong = series.filter(({ labels }) => {
      const {
        connection_security_policy: policy,
        source_principal: from,
        destination_principal: to,
      } = labels;
      const named = /^spiffe:\/\/[^/]+\/ns\/shop\/sa\/[a-z]+$/;
      return policy !== 'mutual_tls' || !named.test(from ?? '') || !named.test(to ?? '');
    });
    const said = ({ labels, value }: Sample): string => {
      const { reporter, source_workload: from, destination_workload: to, response_code: code } = labels;
      const { connection_security_policy: policy, source_principal: by, destination_principal: at } = labels;
      return `${reporter}: ${from} (${by}) → ${to} (${at}), ${policy}, ${code}: ${value} times`;
    };
    assert.deepEqual(wrong.map(said), [], 'series that are not of mutual TLS between accounts of the shop');
    for (const reporter of ['source', 'destination']) {
      const seen = new Set(
        series
          .filter(({ labels }) => labels.reporter === reporter)
          .map(
            ({ labels }) => `${account(labels.source_principal)} → ${account(labels.destination_principal)}`,
          ),
      );
      assert.deepEqual([...seen].sort(), [...hops].sort(), `hops that the ${reporter} side has seen`);
    }
    const calls = series.filter(({ labels }) => account(labels.destination_principal) === 'offers');
    const spoken = new Set(
      calls.map(({ labels }) => `${labels.request_protocol} ${labels.grpc_response_status}`),
    );
    assert.deepEqual([...spoken], ['grpc 0'], 'protocol and status of the calls that offers answers');
    return `${hops.length} hops in ${series.length} series; ${figure}`;
  },
};

function account(principal: string | undefined): string {
  return principal?.split('/').at(-1) ?? '';
}
