// make dashboard-pictures: docs/pictures/dashboard/*.png from the made-up shop, so that the same page gives the same picture.
import { mkdirSync } from 'node:fs';
import { chromium } from 'playwright-core';
import { FakeSource } from '../../src/dashboard/testing/fake-source.ts';
import { FAILED_ID } from '../../src/dashboard/testing/requests.ts';
import { serveDashboard } from '../../src/dashboard/testing/serve.ts';
import { NOW_MS, shopEdges, shopView } from '../../src/dashboard/testing/shop-view.ts';

/** What to take a picture of: when `ready` is there. */
interface Picture {
  readonly name: string;
  readonly place: string;
  readonly ready: string;
  readonly width?: number;
  readonly height?: number;
  readonly colorScheme?: 'dark';
}

const folder = 'docs/pictures/dashboard';
const pictures: readonly Picture[] = [
  { name: 'graph', place: '#/', ready: '.node' },
  { name: 'graph-dark', place: '#/', ready: '.node', colorScheme: 'dark' },
  { name: 'workload', place: '#/workload/shop/reviews', ready: '.chart canvas' },
  { name: 'service', place: '#/service/shop/reviews', ready: '.shares', height: 560 },
  { name: 'policies', place: '#/policies', ready: '.policies', height: 420 },
  { name: 'explain', place: `#/explain/${FAILED_ID}`, ready: '.cause', height: 480 },
  { name: 'narrow', place: '#/workloads', ready: 'table', width: 380, height: 640 },
];

const served = await serveDashboard(new FakeSource(shopView(), shopEdges(), NOW_MS));
const browser = await chromium.launch({
  executablePath: process.env.WEFT_CHROMIUM ?? 'chromium',
  args: ['--no-sandbox', '--disable-gpu'],
});
mkdirSync(folder, { recursive: true });
for (const { name, place, ready, width = 1280, height = 720, colorScheme = 'light' } of pictures) {
  const page = await browser.newPage({
    viewport: { width, height },
    colorScheme,
    reducedMotion: 'reduce',
    timezoneId: 'UTC',
  });
  // Spans are told from the same moment as everything else.
  await page.clock.setFixedTime(NOW_MS);
  await page.goto(`${served.url}${place}`);
  await page.locator(ready).first().waitFor();
  await page.screenshot({ path: `${folder}/${name}.png` });
  await page.close();
}
await browser.close();
served.stop();
