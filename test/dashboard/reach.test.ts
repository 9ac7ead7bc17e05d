// Whoever looks: by keyboard, with a screen reader, in the dark, on a telephone, without motion.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { closeBrowser, look, skip, violations } from './browser.ts';

after(closeBrowser);

const places = [
  '#/',
  '#/workloads',
  '#/workload/shop/reviews',
  '#/pod/shop/reviews-v1-0',
  '#/services',
  '#/service/shop/reviews',
  '#/policies',
  '#/tap',
  '#/explain',
  '#/control-plane',
  '#/nowhere',
];

for (const colorScheme of ['light', 'dark'] as const) {
  for (const width of [1280, 380]) {
    test(`every page, ${colorScheme}, ${width} px wide: contrast, names, no sideways scrolling`, {
      skip,
    }, async t => {
      const { page, go } = await look(t, { context: { colorScheme, viewport: { width, height: 800 } } });
      for (const place of places) {
        await go(place);
        await page.getByText('shop live').or(page.locator('.live.live')).first().waitFor();
        if (place === '#/') await page.locator('.node').first().waitFor();
        assert.deepEqual(await violations(page), [], place);
        const wide = await page.evaluate(
          'document.documentElement.scrollWidth - document.documentElement.clientWidth',
        );
        assert.equal(wide, 0, `${place} is ${wide} px too wide`);
      }
    });
  }
}

test('by keys alone: skip, the graph by arrows, open, search, help, and back', { skip }, async t => {
  const { page, go } = await look(t);
  await go('#/');
  await page.locator('.node').first().waitFor();
  await page.keyboard.press('Tab');
  assert.equal(await page.evaluate('document.activeElement.textContent'), 'Skip to the content');
  await page.keyboard.press('Enter');
  assert.equal(await page.evaluate('document.activeElement.id'), 'main');
  await page.getByRole('application').focus();
  await page.keyboard.press('ArrowRight');
  await page.locator('.node.selected').waitFor();
  const seen: (string | null)[] = [];
  for (const key of ['ArrowRight', 'ArrowRight', 'ArrowLeft']) {
    await page.keyboard.press(key);
    seen.push(await page.locator('.node.selected').getAttribute('data-id'));
  }
  assert.equal(new Set(seen).size, 2, seen.join());
  const live = await page.locator('[aria-live=polite]').textContent();
  assert.ok(live!.includes(seen.at(-1)!.split('/')[1]!), live!);
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { level: 1, name: seen.at(-1)!.split('/')[1]! }).waitFor();
  await page.keyboard.press('/');
  const field = page.getByRole('combobox');
  await field.fill('rat');
  assert.equal(await page.getByRole('option').first().textContent(), 'workload shop/ratings');
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { level: 1, name: 'ratings' }).waitFor();
  assert.match(page.url(), /#\/service\/shop\/ratings$/);
  await page.keyboard.press('?');
  await page.getByRole('dialog', { name: 'help' }).waitFor();
  assert.deepEqual(await violations(page), []);
  await page.keyboard.press('Escape');
  await page.getByRole('dialog', { name: 'help' }).waitFor({ state: 'hidden' });
});

test('what has the focus is seen', { skip }, async t => {
  const { page, go } = await look(t);
  await go('#/workloads');
  for (let i = 0; i < 24; i++) {
    await page.keyboard.press('Tab');
    const outline = `getComputedStyle(document.activeElement).outlineStyle + ' ' + document.activeElement.outerHTML.slice(0, 80)`;
    const found = String(await page.evaluate(outline));
    if (!found.includes('<body')) assert.doesNotMatch(found, /^none/);
  }
});

test('colours follow the system until somebody chooses, and the choice stays', { skip }, async t => {
  const { page, go } = await look(t, { context: { colorScheme: 'dark' } });
  const theme = (): Promise<unknown> => page.evaluate('document.documentElement.dataset.theme');
  await go('#/workloads');
  assert.equal(await theme(), 'dark');
  await page.getByRole('button', { name: 'colours: system' }).click();
  assert.equal(await theme(), 'light');
  await page.reload();
  await page.getByRole('button', { name: 'colours: light' }).waitFor();
  assert.equal(await theme(), 'light');
});

test('who wants no motion gets none', { skip }, async t => {
  const { page, go } = await look(t, { context: { reducedMotion: 'reduce' } });
  await go('#/');
  await page.locator('.node').first().waitFor();
  const moving = `[...document.querySelectorAll('*')].filter(e => parseFloat(getComputedStyle(e).transitionDuration) > 0 || getComputedStyle(e).animationName !== 'none').length`;
  assert.equal(await page.evaluate(moving), 0);
});
