// docs/tutorial.md as a newcomer walks it: a demo, something broken, seen in the dashboard and in the query behind Grafana's,
// explained, mended. Needs root and a Chromium (WEFT_CHROMIUM); Prometheus is asked where there is one. Leaves nothing behind.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { chmodSync, cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { chromium } from 'playwright-core';
import { STEADY } from '../../examples/demo/claims/losses.ts';
import { LoadClient } from '../../examples/demo/load-client.ts';
import { prometheusBeside } from '../../examples/demo/prometheus/beside.ts';
import { SandboxMesh } from '../../examples/demo/sandbox-mesh.ts';
import { steadyLoad } from '../../examples/demo/shop.ts';

const program = process.env.WEFT_CHROMIUM ?? '';
const skip =
  (program === '' && 'there is no Chromium; name one in WEFT_CHROMIUM') ||
  (process.getuid?.() !== 0 && 'a sandbox with packet rules needs root');
const root = join(import.meta.dirname, '../..');
const tutorial = readFileSync(join(root, 'docs/tutorial.md'), 'utf8');
const broken = /<<'YAML'\n([\s\S]*?)^YAML$/m.exec(tutorial)![1]!;
const query = /`(sum\(rate\(istio_requests_total.*?)`/.exec(tutorial)![1]!;

test('the walk of the tutorial', { skip, timeout: 280_000 }, async t => {
  // The apps stand beside the YAML of the demo.
  const copy = mkdtempSync(join(tmpdir(), 'weft-walk-'));
  t.after(() => rmSync(copy, { recursive: true, force: true }));
  chmodSync(copy, 0o755);
  cpSync(join(root, 'examples'), copy, { recursive: true });
  const dir = join(copy, 'shop/kubernetes');
  const mesh = await SandboxMesh.start(dir);
  t.after(async () => assert.deepEqual(await mesh.down(), []));
  await mesh.ready(() => {}, AbortSignal.timeout(120_000));
  const prometheus = await prometheusBeside(mesh, why => t.diagnostic(why));
  t.after(() => prometheus?.stop());
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
  if (prometheus !== undefined) {
    const answer = await fetch(`${prometheus.url}/api/v1/query?query=${encodeURIComponent(query)}`);
    const { data } = (await answer.json()) as { data: { result: { value: [number, string] }[] } };
    assert.ok(Number(data.result[0]?.value[1]) > 0, JSON.stringify(data));
  }

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
  await page.locator('.link.ok[data-id="shop/reviews-v2>shop/ratings"]').waitFor({ state: 'attached' });
});
