// A real Chromium for tests of the page: the one that WEFT_CHROMIUM names. `make dashboard-test` finds it on PATH.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { TestContext } from 'node:test';
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import type { PageEdge, PageMesh } from '../../src/dashboard/index.ts';
import { FakeSource } from '../../src/dashboard/testing/fake-source.ts';
import { serveDashboard } from '../../src/dashboard/testing/serve.ts';
import { NOW_MS, shopEdges, shopView } from '../../src/dashboard/testing/shop-view.ts';
import type { Access } from '../../src/live/api/index.ts';

const program = process.env.WEFT_CHROMIUM ?? '';

/** Why tests in a browser are left out; false where they run. */
export const skip = program === '' && 'there is no Chromium; name one in WEFT_CHROMIUM';

let started: Promise<Browser> | undefined;

/** A browser of the test's own, with these flags of Chromium's. */
export function launch(flags: readonly string[] = []): Promise<Browser> {
  // In containers Chromium has no sandbox of its own.
  return chromium.launch({ executablePath: program, args: ['--no-sandbox', '--disable-gpu', ...flags] });
}

function browser(): Promise<Browser> {
  started ??= launch();
  return started;
}

/** To be called after all tests of a file. */
export async function closeBrowser(): Promise<void> {
  await (await started)?.close();
  started = undefined;
}

/** What a test looks at. */
export interface Look {
  readonly mesh?: PageMesh;
  readonly edges?: readonly PageEdge[];
  readonly access?: Access;
  readonly context?: BrowserContextOptions;
  /** Faults that the test expects: words of the console that are no defect. */
  readonly expected?: RegExp;
  /** The page is shown by somebody else, too. */
  readonly otherOrigins?: boolean;
}

/** An open page, and the mesh behind it. */
export interface Looking {
  readonly page: Page;
  readonly source: FakeSource;
  /** The address of the dashboard; places are behind it: `#/workloads`. */
  readonly url: string;
  go(place: string): Promise<void>;
  stopServer(): void;
}

/** Opens the page in a browser context of its own. Errors of the page and requests to other hosts fail the test. */
export async function look(
  test: TestContext,
  { mesh, edges, access, context, expected, otherOrigins = false }: Look = {},
): Promise<Looking> {
  const source = new FakeSource(mesh ?? shopView(), edges ?? shopEdges(), NOW_MS);
  const served = await serveDashboard(source, access);
  // Built before the page is timed.
  await fetch(served.url);
  const own = await (await browser()).newContext({ viewport: { width: 1280, height: 800 }, ...context });
  const page = await own.newPage();
  const faults: string[] = [];
  page.on('pageerror', error => faults.push(error.message));
  page.on('console', message => {
    if (message.type() === 'error' && !expected?.test(message.text())) faults.push(message.text());
  });
  const origin = new URL(served.url).origin;
  page.on('request', request => {
    const { protocol, origin: asked } = new URL(request.url());
    if (protocol.startsWith('http') && asked !== origin && !otherOrigins) faults.push(`asks ${asked}`);
  });
  test.after(async () => {
    const found = [...faults];
    await own.close();
    served.stop();
    assert.deepEqual(found, [], 'the page has faults');
  });
  const go = async (place: string): Promise<void> => {
    await page.goto(`${served.url}${place}`);
    await page.locator('h1').first().waitFor({ state: 'attached' });
  };
  return { page, source, url: served.url, go, stopServer: served.stop };
}

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/** What axe-core finds against WCAG 2.1 AA, contrast included: a line for each. */
export async function violations(page: Page): Promise<readonly string[]> {
  // Not by a script element, which the page's own policy forbids.
  await page.evaluate(axe);
  const tags = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'best-practice'];
  const run = `axe.run(document, { runOnly: ${JSON.stringify(tags)} })`;
  const { violations: found } = (await page.evaluate(run)) as {
    violations: readonly { id: string; nodes: readonly { html: string; failureSummary: string }[] }[];
  };
  return found.map(
    ({ id, nodes }) => `${id}: ${nodes.map(each => `${each.html} ${each.failureSummary}`).join(' | ')}`,
  );
}
