// What people look at, on a real cluster: the dashboards' queries and those of other tools, as test/grafana and
// test/prometheus/third-party ask them in the sandbox. There the numbers are judged; here it is that pods, their labels and the
// control plane of a cluster give every query something to show.
import { readdirSync, readFileSync } from 'node:fs';
import { PrometheusApi } from '../../../../grafana/reading/prometheus-api.ts';
import type { DashboardJson } from '../../../../grafana/reading/queries.ts';
import { judge, windowOf } from '../../../grafana/judge.ts';
import { RIGHTLY_EMPTY } from '../../../grafana/rightly-empty.ts';
import { canaryQueries } from '../../../prometheus/third-party/canary.queries.ts';
import { istioQueries } from '../../../prometheus/third-party/istio.queries.ts';
import { kialiQueries } from '../../../prometheus/third-party/kiali.queries.ts';
import { defineKind } from '../../support/custom-resources.ts';
import type { Claim, Context } from '../claim.ts';
import { type Cluster, isReady } from '../cluster.ts';
import { SCRAPE_S, scrapeCluster } from '../prometheus.ts';
import { nothingLost } from '../shop.ts';

const folder = new URL('../../../../manifests/grafana/', import.meta.url).pathname;
/** Routes with names and a time limit, for what is counted by route. */
const profile = {
  apiVersion: 'linkerd.io/v1alpha2',
  kind: 'ServiceProfile',
  metadata: { name: 'catalog.shop.svc.cluster.local', namespace: 'shop' },
  spec: {
    routes: [
      { name: 'products', condition: { method: 'GET', pathRegex: '/products/.*' }, timeout: '10s' },
      { name: 'others', condition: { pathRegex: '.*' } },
    ],
  },
};
const profilePath = `/apis/linkerd.io/v1alpha2/namespaces/shop/serviceprofiles/${profile.metadata.name}`;
const definitionPath = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions/serviceprofiles.linkerd.io';
/** Answers that tools look at besides those of a shop that is well. */
const odd = {
  ratePerSecond: 10,
  timeoutMs: 60_000,
  targets: [
    { method: 'GET', url: 'http://cart:8080/nothing', weight: 1 },
    { method: 'GET', url: 'http://cart:8080/fail', weight: 1 },
  ],
};
const fault = { status: 500, path: '/fail' };
/** What a panel shows, and over what a rate is taken; not long, because the restarts that follow want the time. */
const shownS = 40;
const rateS = 20;
const visits = 20;

export const queried: Claim = {
  name: 'every query of the dashboards, and those of Istio, Kiali, Flagger and Argo Rollouts, has data on the cluster',
  async run(context) {
    const { cluster, shop, settings } = context;
    await defineKind(cluster.client, {
      group: 'linkerd.io',
      version: 'v1alpha2',
      kind: 'ServiceProfile',
      plural: 'serviceprofiles',
    });
    await cluster.apply(profile);
    await setFault(cluster, fault);
    const namespaces = ['shop', 'outside', 'weft-system'];
    const prometheus = await scrapeCluster(settings.prometheus ?? '', cluster, namespaces);
    try {
      let words = '';
      await shop.start('odd', odd);
      const report = await shop.underLoad('looked-at', async () => {
        words = await ask(context, new PrometheusApi(prometheus.url));
      });
      return `${words}; ${nothingLost(report)}`;
    } finally {
      await shop.stop('odd').catch(() => {});
      await prometheus.stop();
      await setFault(cluster, undefined);
      await cluster.delete(profilePath);
      await cluster.delete(definitionPath);
    }
  },
};

/** The apps of cart answer one path with a fault, or do so no more. */
async function setFault(cluster: Cluster, body: object | undefined): Promise<void> {
  for (const pod of (await cluster.pods('shop', 'app=cart')).filter(isReady))
    await cluster.askPod(pod, 8080, '/fault', body ? 'POST' : 'DELETE', body);
}

/** A time limit that changes, so that there is something for the control plane to send. */
const changed = (round: number): object => ({
  ...profile,
  spec: { routes: profile.spec.routes.map(route => ({ ...route, timeout: `${10 + (round % 2)}s` })) },
});

async function ask({ cluster, shop }: Context, api: PrometheusApi): Promise<string> {
  const pause = (shownS * 1000) / visits;
  for (let visit = 0; visit < visits; visit++) {
    await shop.visit('http://cart.shop:8080/carts/visitor');
    await cluster.apply(changed(visit));
    await new Promise(resolve => setTimeout(resolve, pause));
  }
  const missing: string[] = [];
  let asked = 0;
  for (const file of readdirSync(folder)) {
    const dashboard = JSON.parse(readFileSync(`${folder}${file}`, 'utf8')) as DashboardJson;
    const mayBeEmpty = RIGHTLY_EMPTY[dashboard.title] ?? [];
    const answers = await judge(api, dashboard, windowOf(shownS, SCRAPE_S));
    asked += answers.length;
    for (const { panel, refId, series, notNumbers } of answers) {
      if (series.length === 0 && !mayBeEmpty.includes(panel))
        missing.push(`${dashboard.title}: ${panel} (${refId}): no data`);
      if (notNumbers > 0)
        missing.push(`${dashboard.title}: ${panel} (${refId}): ${notNumbers} are no numbers`);
    }
  }
  const tools = [...istioQueries, ...kialiQueries, ...canaryQueries];
  for (const { tool, what, text } of tools) {
    const rows = await api.query(text(selector => `rate(${selector}[${rateS}s])`));
    if (rows.length === 0) missing.push(`${tool}: ${what}: no data`);
  }
  if (missing.length > 0) throw new Error(`${missing.length} queries:\n${missing.join('\n')}`);
  return `${asked} of the dashboards, ${tools.length} of other tools`;
}
