// Large meshes, and how long things take. The limits are wide, for machines at work: what is measured is printed.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { largeView } from '../../src/dashboard/testing/large-view.ts';
import { closeBrowser, look, skip } from './browser.ts';

after(closeBrowser);

test('the first paint of a mesh of the usual size', { skip }, async t => {
  const { page, go } = await look(t);
  await go('#/');
  await page.locator('.node').first().waitFor();
  const paint = `performance.getEntriesByName('first-contentful-paint')[0].startTime`;
  const drawn = Number(await page.evaluate('performance.now()'));
  const painted = Number(await page.evaluate(paint));
  t.diagnostic(
    `first paint after ${Math.round(painted)} ms, the graph after at most ${Math.round(drawn)} ms`,
  );
  assert.ok(painted < 4_000);
});

test('500 workloads: moving the graph while figures come keeps frames short', { skip }, async t => {
  const { mesh, edges } = largeView(500);
  const { page, source, go } = await look(t, { mesh, edges });
  await go('#/');
  await page.locator('.node').nth(499).waitFor({ state: 'attached' });
  await page.evaluate(`
    window.frames_ = []; let last = performance.now();
    const tick = now => { window.frames_.push(now - last); last = now; if (!window.stop_) requestAnimationFrame(tick); };
    requestAnimationFrame(tick);`);
  const box = (await page.getByRole('application').boundingBox())!;
  await page.mouse.move(box.x + 600, box.y + 300);
  await page.mouse.down();
  for (let i = 0; i < 90; i++) {
    if (i % 30 === 15) source.tell();
    await page.mouse.move(box.x + 600 + 200 * Math.sin(i / 10), box.y + 300 + 80 * Math.cos(i / 10));
  }
  await page.mouse.up();
  for (let i = 0; i < 20; i++) await page.mouse.wheel(0, i < 10 ? -120 : 120);
  const frames = ((await page.evaluate('window.stop_ = true, window.frames_')) as number[])
    .slice(2)
    .sort((a, b) => a - b);
  const at = (share: number): number => Math.round(frames[Math.floor(frames.length * share)]!);
  t.diagnostic(
    `${frames.length} frames: half within ${at(0.5)} ms, 95 % within ${at(0.95)} ms, the longest ${at(0.9999)} ms`,
  );
  assert.ok(at(0.5) < 100, `half of the frames take ${at(0.5)} ms and longer`);
});

test('10,000 workloads are shown by namespace, and one that is opened by workload', { skip }, async t => {
  const { mesh, edges } = largeView(10_000);
  const { page, go } = await look(t, { mesh, edges });
  // Where others take both cores the layout of 400 namespaces takes half a minute.
  page.setDefaultTimeout(180_000);
  await go('#/');
  await page.locator('.node').first().waitFor();
  assert.equal(await page.locator('.node.namespace').count(), 400);
  await page.getByText('So many workloads are shown by namespace.').waitFor();
  await page.getByLabel('Namespace').selectOption('team-7');
  await page.locator('[data-id="team-7/service-3"]').waitFor({ state: 'attached' });
  assert.equal(await page.locator('.node.workload').count(), 25);
  await go('#/workload/team-9/service-1');
  await page.getByRole('button', { name: 'Open the namespace team-9' }).click();
  await page.getByRole('heading', { level: 1, name: 'service-1' }).waitFor();
});
