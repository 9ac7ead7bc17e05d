// Every query of every panel and variable of the dashboards, asked of a real Prometheus that scrapes the shop in a sandbox: first
// while all is well, then with faults. `make dashboards-check`; the program is named by WEFT_PROMETHEUS or on the PATH. --table
// prints what came of each query; --pictures FOLDER draws the panels of both runs.
import { readdirSync, readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { count, type DemoContext, took } from '../../examples/demo/claim.ts';
import { LoadClient } from '../../examples/demo/load-client.ts';
import { Scraper } from '../../examples/demo/metrics/scraper.ts';
import { SandboxTargets } from '../../examples/demo/prometheus/sandbox-targets.ts';
import { findPrometheus, startPrometheus } from '../../examples/demo/prometheus/server.ts';
import { SandboxMesh } from '../../examples/demo/sandbox-mesh.ts';
import { steadyLoad } from '../../examples/demo/shop.ts';
import { PrometheusApi } from '../../grafana/reading/prometheus-api.ts';
import type { DashboardJson } from '../../grafana/reading/queries.ts';
import { breakThings } from './faults.ts';
import { type Asked, askOfNobody, type Choice, choicesOf, judge, type Window, windowOf } from './judge.ts';
import { RIGHTLY_EMPTY } from './rightly-empty.ts';
import { standIn } from './stand-in.ts';

const scrapeS = 2;
/** Long enough for a rate over four scrapes, and what is shown. */
const healthyS = 24;
const brokenS = 20;
const ratePerSecond = 40;

/** Routes with names, and a time limit that changes now and then, so that there is something for the control plane to send. */
const profile = (seconds: number): string => `apiVersion: linkerd.io/v1alpha2
kind: ServiceProfile
metadata: { name: catalog.shop.svc.cluster.local, namespace: shop }
spec:
  routes:
    - { name: products, condition: { method: GET, pathRegex: /products/.* }, timeout: ${seconds}s }
    - { name: others, condition: { pathRegex: .* } }`;
const changeEveryMs = 3_000;

const { values: flags } = parseArgs({
  options: { table: { type: 'boolean' }, pictures: { type: 'string' } },
});
const folder = new URL('../../manifests/grafana/', import.meta.url).pathname;
const dashboards = readdirSync(folder).map(
  file => JSON.parse(readFileSync(`${folder}${file}`, 'utf8')) as DashboardJson,
);

/** One line for a dashboard: all its queries have data, but for those of panels that are rightly empty now. */
function tell(
  run: string,
  dashboard: DashboardJson,
  asked: readonly Asked[],
  mayBeEmpty: readonly string[],
): boolean {
  const missing = asked.filter(({ panel, series }) => series.length === 0 && !mayBeEmpty.includes(panel));
  const odd = asked.filter(({ notNumbers }) => notNumbers > 0);
  const rows = asked.reduce((sum, { series }) => sum + series.length, 0);
  const empty = asked.filter(({ series }) => series.length === 0).length - missing.length;
  const figure = `${asked.length} queries, ${count(rows)} series${empty > 0 ? `, ${empty} rightly without` : ''}`;
  const good = missing.length === 0 && odd.length === 0;
  console.log(`${good ? 'PASS' : 'FAIL'}  ${run}: ${dashboard.title}: ${figure}`);
  for (const { panel, refId } of missing) console.log(`        no data: ${panel} (${refId})`);
  for (const { panel, refId, notNumbers } of odd)
    console.log(`        ${notNumbers} values are no numbers: ${panel} (${refId})`);
  if (flags.table) for (const each of asked) console.log(`        ${rowOf(each)}`);
  return good;
}

/** Variables that match nothing: panels say that there is nothing, and none is an error or a number. */
async function nobody(api: PrometheusApi, dashboard: DashboardJson, shownS: number): Promise<boolean> {
  const asked = await askOfNobody(api, dashboard, windowOf(shownS, scrapeS));
  if (asked.length === 0) return true;
  const odd = asked.filter(({ series }) => series.length > 0);
  console.log(
    `${odd.length === 0 ? 'PASS' : 'FAIL'}  variables that match nothing: ${dashboard.title}: ${asked.length} queries without series and without an error`,
  );
  for (const { panel, refId, series } of odd)
    console.log(
      `        says something all the same: ${panel} (${refId}): ${JSON.stringify(series[0]?.labels)}`,
    );
  return odd.length === 0;
}

function rowOf({ panel, refId, series, choice }: Asked): string {
  const last = series[0]?.samples.at(-1)?.[1];
  const of = Object.values(choice)
    .map(value => (typeof value === 'string' ? value : `${value.length} values`))
    .join(' ');
  return `${panel} (${refId})${of && ` for ${of}`}: ${series.length} series, the first is ${last ?? 'not there'} now`;
}

async function run(mesh: SandboxMesh, program: string): Promise<boolean> {
  const targets = await SandboxTargets.start(mesh);
  const more = await standIn();
  const prometheus = await startPrometheus(program, [...targets.jobs, more.job], scrapeS);
  let changing: NodeJS.Timeout | undefined;
  try {
    const generator = (await mesh.pods()).find(pod => pod.app === 'loadgen')!;
    const context: DemoContext = { mesh, load: new LoadClient(mesh, generator), scraper: new Scraper(mesh) };
    const api = new PrometheusApi(prometheus.url);
    let changes = 0;
    const change = (): Promise<void> => mesh.apply('routes', profile(10 + (changes++ % 2)));
    await change();
    // One that fails is made up for by the next.
    changing = setInterval(() => change().catch(() => {}), changeEveryMs);
    await context.load.start('steady', steadyLoad(ratePerSecond));
    const began = performance.now();
    const shownS = (): number => Math.ceil((performance.now() - began) / 1000);
    await pause(healthyS);
    let good = true;
    for (const dashboard of dashboards) {
      const mayBeEmpty = RIGHTLY_EMPTY[dashboard.title] ?? [];
      const asked = await judge(api, dashboard, windowOf(shownS(), scrapeS));
      good = tell('all is well', dashboard, asked, mayBeEmpty) && good;
    }
    for (const dashboard of dashboards) good = (await nobody(api, dashboard, shownS())) && good;
    more.begin();
    const mend = await breakThings(context);
    await pause(brokenS);
    for (const dashboard of dashboards) {
      const asked = await judge(api, dashboard, windowOf(shownS(), scrapeS));
      good = tell('with faults', dashboard, asked, []) && good;
    }
    await mend();
    if (flags.pictures !== undefined) {
      await pause(brokenS / 2);
      await drawAll(api, windowOf(shownS(), scrapeS), flags.pictures);
    }
    return good;
  } finally {
    clearInterval(changing);
    await prometheus.stop();
    more.stop();
    targets.stop();
  }
}

/** Of each dashboard what is behind the page of the shop: reviews have callers and call others. */
async function drawAll(api: PrometheusApi, shown: Window, into: string): Promise<void> {
  const { draw } = await import('../../grafana/pictures/draw.ts');
  const shop = { namespace: 'shop', workload: 'reviews-v2', service: 'cart.shop.svc.cluster.local' };
  const pages = [];
  for (const dashboard of dashboards) {
    const choices = await choicesOf(api, dashboard, shown);
    const fits = (choice: Choice): number =>
      Object.entries(choice).filter(([name, value]) =>
        name === 'pod' ? String(value).startsWith('reviews-v2') : value === shop[name as keyof typeof shop],
      ).length;
    pages.push({ dashboard, choice: choices.sort((a, b) => fits(b) - fits(a))[0]! });
  }
  await draw(api, pages, shown, into);
}

function pause(seconds: number): Promise<void> {
  return new Promise(resolve => setTimeout(resolve, seconds * 1000));
}

/** 0 all queries have data, 1 one has not or something broke. */
async function main(): Promise<number> {
  const began = performance.now();
  const program = findPrometheus();
  if (program === undefined) {
    console.log('FAIL  there is no Prometheus: install one, or name it with WEFT_PROMETHEUS');
    return 1;
  }
  const stop = new AbortController();
  const stopped = Promise.withResolvers<never>();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => {
      stop.abort();
      stopped.reject(new Error(`stopped by ${signal}`));
    });
  }
  stopped.promise.catch(() => {});
  const mesh = await SandboxMesh.start();
  let code = 1;
  try {
    await mesh.ready(() => {}, stop.signal);
    if (await Promise.race([run(mesh, program), stopped.promise])) code = 0;
  } catch (thrown) {
    console.log(`FAIL  ${thrown instanceof Error ? thrown.message : String(thrown)}`);
  }
  const left = await mesh.down();
  console.log(left.length === 0 ? 'PASS  nothing is left behind' : `FAIL  left behind: ${left.join(', ')}`);
  console.log(`${took(performance.now() - began)} in all`);
  return left.length === 0 ? code : 1;
}

process.exit(await main());
