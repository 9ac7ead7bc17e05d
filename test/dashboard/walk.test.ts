// docs/tutorial.md as a newcomer walks it: a demo, something broken, seen in the dashboard and in the panels of Grafana,
// explained, mended. Needs root and a Chromium (WEFT_CHROMIUM). Where there is a Prometheus (WEFT_PROMETHEUS, or on PATH) it
// scrapes the shop and is asked the queries of the panels that the walk names; elsewhere those steps are skipped by name. Leaves
// nothing behind.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { chmodSync, cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { chromium } from 'playwright-core';
import { STEADY } from '../../examples/demo/claims/losses.ts';
import { LoadClient } from '../../examples/demo/load-client.ts';
import { prometheusBeside } from '../../examples/demo/prometheus/beside.ts';
import { findPrometheus } from '../../examples/demo/prometheus/server.ts';
import { SandboxMesh } from '../../examples/demo/sandbox-mesh.ts';
import { steadyLoad } from '../../examples/demo/shop.ts';
import { PrometheusApi } from '../../grafana/reading/prometheus-api.ts';
import { type DashboardJson, panelsOf } from '../../grafana/reading/queries.ts';
import { substitute } from '../../grafana/reading/substitute.ts';
import { windowOf } from '../grafana/judge.ts';

const program = process.env.WEFT_CHROMIUM ?? '';
const skip =
  (program === '' && 'there is no Chromium; name one in WEFT_CHROMIUM') ||
  (process.getuid?.() !== 0 && 'a sandbox with packet rules needs root');
const root = join(import.meta.dirname, '../..');
const tutorial = readFileSync(join(root, 'docs/tutorial.md'), 'utf8');
const broken = /<<'YAML'\n([\s\S]*?)^YAML$/m.exec(tutorial)![1]!;
const query = /`(sum\(rate\(istio_requests_total.*?)`/.exec(tutorial)![1]!;
const panels = [...tutorial.matchAll(/^\| \*(.+?)\* \|/gm)].map(([, title]) => title!);
const service = JSON.parse(
  readFileSync(join(root, 'manifests/grafana/service.json'), 'utf8'),
) as DashboardJson;
const noPrometheus =
  findPrometheus() === undefined && 'there is no Prometheus; name one in WEFT_PROMETHEUS, or put it on PATH';
/** A rate is over four scrapes, of two seconds each. */
const window = { scrapeS: 2, shownS: 30 };

/** What a panel of Weft / Service shows of ratings now, by its labels. */
async function shown(api: PrometheusApi, title: string): Promise<ReadonlyMap<string, number>> {
  const panel = panelsOf(service).find(each => each.title === title);
  assert.ok(panel, `Weft / Service has no panel ${title}`);
  const of = { service: 'ratings.shop.svc.cluster.local' };
  const found = new Map<string, number>();
  for (const target of panel.targets ?? []) {
    const { times, toS } = windowOf(window.shownS, window.scrapeS);
    for (const { labels, samples } of await api.query(substitute(target.expr, of, times), toS))
      found.set(Object.values(labels).join(' '), samples.at(-1)![1]);
  }
  return found;
}

/** Asks until it is so: what was scraped comes after what happened. */
async function until(what: string, holds: () => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + 60_000;
  while (!(await holds())) {
    assert.ok(performance.now() < deadline, what);
    await sleep(500);
  }
}

test('the walk of the tutorial', { skip, timeout: 400_000 }, async t => {
  // The apps stand beside the YAML of the demo.
  const copy = mkdtempSync(join(tmpdir(), 'weft-walk-'));
  t.after(() => rmSync(copy, { recursive: true, force: true }));
  chmodSync(copy, 0o755);
  cpSync(join(root, 'examples'), copy, { recursive: true });
  const dir = join(copy, 'shop/kubernetes');
  const mesh = await SandboxMesh.start(dir);
  t.after(async () => assert.deepEqual(await mesh.down(), []));
  await mesh.ready(() => {}, AbortSignal.timeout(120_000));
  const untold: string[] = [];
  const prometheus = noPrometheus ? undefined : await prometheusBeside(mesh, why => untold.push(why));
  t.after(() => prometheus?.stop());
  assert.deepEqual(untold, [], 'a Prometheus that is there starts');
  const api = new PrometheusApi(prometheus?.url ?? '');
  const generator = (await mesh.pods()).find(each => each.app === 'loadgen')!;
  await new LoadClient(mesh, generator).start(STEADY, steadyLoad(30));

  // 1. A mesh to look at.
  const browser = await chromium.launch({ executablePath: program, args: ['--no-sandbox', '--disable-gpu'] });
  t.after(() => browser.close());
  const page = await browser.newPage();
  page.setDefaultTimeout(60_000);
  await page.goto((await mesh.dashboard())!);
  const link = page.locator('[data-id="shop/reviews-v2>shop/ratings"]');
  await link.waitFor({ state: 'attached' });
  await page.locator('[data-id="shop/storefront>shop/cart"] .lock:not(.open)').waitFor({ state: 'attached' });

  // 2. Break it.
  writeFileSync(join(dir, 'broken.yaml'), broken);

  // 3. See it.
  await page.locator('.link.error[data-id="shop/reviews-v2>shop/ratings"]').waitFor({ state: 'attached' });
  const base = page.url().split('#')[0]!;
  await page.goto(`${base}#/policies`);
  const policy = page.locator('.policies > li').filter({ hasText: 'shop/ratings' });
  await policy.filter({ hasText: 'v9' }).waitFor();
  await t.test(
    'the query behind Grafana, and the panels that the walk names',
    { skip: noPrometheus },
    async () => {
      assert.deepEqual(panels, ['Success', 'Requests by status', 'Failures by reason']);
      await until(`${query} shows failures`, async () => {
        const [series] = await api.query(query);
        return (series?.samples.at(-1)?.[1] ?? 0) > 0;
      });
      await until('Success falls', async () =>
        [...(await shown(api, 'Success')).values()].some(each => each < 0.5),
      );
      assert.ok((await shown(api, 'Requests by status')).get('503')! > 0);
      const failures = await shown(api, 'Failures by reason');
      assert.ok(
        [...failures.keys()].some(labels => labels === '503 UH'),
        [...failures.keys()].join(', '),
      );
    },
  );

  // 4. Learn why: the page, and the command.
  await page.goto(`${base}#/explain`);
  await page
    .getByRole('row')
    .filter({ hasText: 'VirtualService shop/ratings' })
    .first()
    .getByRole('link')
    .click();
  await page.getByRole('region', { name: 'cause' }).getByText('Remedy:').waitFor();
  const sandbox = `demo-${process.pid}`;
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ['src/main/weft.ts', 'explain', '--recent', '--sandbox', sandbox],
    { cwd: root },
  );
  assert.match(stdout, /VirtualService ratings\.shop/);

  // 5. Mend it.
  rmSync(join(dir, 'broken.yaml'));
  await page.goto(`${base}#/`);
  // What called reviews-v2 has ejected it for its 502s: for 30 s, and for a minute where it was asked again before it was mended.
  await page
    .locator('.link.ok[data-id="shop/reviews-v2>shop/ratings"]')
    .waitFor({ state: 'attached', timeout: 120_000 });
  await t.test('the panels show that it is mended', { skip: noPrometheus }, () =>
    until('Success is whole again, and nothing fails', async () => {
      const success = [...(await shown(api, 'Success')).values()];
      const failures = await shown(api, 'Failures by reason');
      return success.length > 0 && success.every(each => each > 0.999) && failures.size === 0;
    }),
  );
});
