import { PrometheusApi } from '../../../../grafana/reading/prometheus-api.ts';
import { become, CASES, service, target } from '../cases.ts';
import type { Claim, Context } from '../claim.ts';
import { isReady, until } from '../cluster.ts';
import { scrapeCluster } from '../prometheus.ts';
import { nothingLost } from '../shop.ts';

const requests = 120;

export const scraped: Claim = {
  name: 'a real Prometheus outside the mesh scrapes app and proxy under strict mode, and the sums are right',
  async run(context) {
    const { cluster, settings } = context;
    const annotations = { 'prometheus.io/scrape': 'true', 'prometheus.io/port': '8080' };
    const names = ['metered-1', 'metered-2'];
    for (const name of names) {
      const pod = target(settings.shopImage, name, {}, annotations) as { metadata: { labels: object } };
      pod.metadata.labels = { app: 'metered' };
      await cluster.apply(pod);
    }
    await cluster.apply(service('metered'));
    await become(cluster, names, true);
    const namespaces = ['shop', CASES, 'weft-system'];
    const prometheus = await scrapeCluster(settings.prometheus ?? '', cluster, namespaces);
    try {
      const figure = await sums(context, new PrometheusApi(prometheus.url));
      return `${figure}; ${prometheus.discovery}`;
    } finally {
      await prometheus.stop();
    }
  },
};

async function sums({ cluster, shop }: Context, prometheus: PrometheusApi): Promise<string> {
  const pods = (await cluster.pods('shop')).filter(isReady).length;
  const replicas = (await cluster.pods('weft-system')).filter(isReady).length;
  const count = 'count(up{namespace="%"} == 1)';
  await equals(prometheus, count.replace('%', 'shop'), pods);
  await equals(prometheus, count.replace('%', 'weft-system'), replicas);
  const name = 'metered';
  await shop.start(name, {
    ratePerSecond: 30,
    timeoutMs: 60_000,
    count: requests,
    targets: [{ method: 'GET', url: `http://${name}.${CASES}:8080/{n}` }],
  });
  const report = await until('the requests to end', async () => {
    const now = await shop.report(name);
    return now.running ? undefined : now;
  });
  const figure = nothingLost(report);
  await equals(prometheus, 'sum(target_requests_total)', requests);
  for (const reporter of ['source', 'destination']) {
    const series = `istio_requests_total{reporter="${reporter}",destination_app="${name}",response_code="200"}`;
    await equals(prometheus, `sum(${series})`, requests);
  }
  return `${pods} pods of the shop and ${replicas} of the control plane; app, its proxies and its caller all count ${requests}; ${figure}`;
}

/** The query has this value, soon. */
async function equals(prometheus: PrometheusApi, query: string, wanted: number): Promise<void> {
  await until(
    `${query} to be ${wanted}`,
    async () => {
      const [series] = await prometheus.query(query);
      const value = series?.samples[0]?.[1] ?? 0;
      if (value !== wanted) throw new Error(`it is ${value}`);
      return true;
    },
    40_000,
  );
}
