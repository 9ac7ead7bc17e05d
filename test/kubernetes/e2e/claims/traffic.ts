import { strict as assert } from 'node:assert';
import { parsePrometheus, type Sample } from '../../../../examples/demo/metrics/prometheus.ts';
import type { Claim } from '../claim.ts';
import type { Cluster } from '../cluster.ts';
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
];

const counted = new Set(['istio_requests_total', 'istio_tcp_connections_opened_total']);

async function samples(cluster: Cluster): Promise<readonly Sample[]> {
  const pages = await Promise.all((await cluster.pods('shop')).map(pod => cluster.proxyMetrics(pod)));
  return pages.flatMap(parsePrometheus).filter(({ name, value }) => counted.has(name) && value > 0);
}

export const everyHop: Claim = {
  name: 'every hop of the shop is mutual TLS, and both sides name both identities',
  async run({ cluster, shop }) {
    const figure = nothingLost(await shop.run('hops', 200));
    const series = await samples(cluster);
    const wrong = series.filter(({ labels }) => {
      const {
        connection_security_policy: policy,
        source_principal: from,
        destination_principal: to,
      } = labels;
      const named = /^spiffe:\/\/[^/]+\/ns\/shop\/sa\/[a-z]+$/;
      return policy !== 'mutual_tls' || !named.test(from ?? '') || !named.test(to ?? '');
    });
    assert.deepEqual(
      wrong.map(({ labels }) => labels),
      [],
      'series that are not of mutual TLS between accounts of the shop',
    );
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
    return `${hops.length} hops in ${series.length} series; ${figure}`;
  },
};

function account(principal: string | undefined): string {
  return principal?.split('/').at(-1) ?? '';
}
