// A form that is applied, in a real Chromium, through the relay of `weft dashboard`.
import assert from 'node:assert/strict';
import { get, type IncomingMessage } from 'node:http';
import { after, test } from 'node:test';
import type { LiveApi } from '../../src/cli/live/connect.ts';
import { openRelay } from '../../src/cli/live/relay.ts';
import { closeBrowser, look, skip, violations } from './browser.ts';

after(closeBrowser);

test('a new intention is applied as it is shown, and what is wrong with it is told', { skip }, async t => {
  const sent: string[] = [];
  const answers = [
    { status: 201, body: { created: ['AuthorizationPolicy cart-from-shop-storefront.shop'] } },
    {
      status: 409,
      body: { code: 'api-conflict', error: 'AuthorizationPolicy x.shop: it exists already', created: [] },
    },
  ];
  const { page, url } = await look(t, { expected: /409/, otherOrigins: true });
  const { origin } = new URL(url);
  const api: LiveApi = {
    get: (path, signal) =>
      new Promise<IncomingMessage>((resolve, reject) => {
        get(`${origin}${path}`, { signal }, resolve).on('error', reject);
      }),
    create: async yaml => {
      sent.push(yaml);
      return answers[sent.length - 1]!;
    },
  };
  const stop = new AbortController();
  t.after(() => stop.abort());
  const relay = await openRelay(api, 0, stop.signal);
  await page.goto(relay.url);
  await page.locator('h1').first().waitFor({ state: 'attached' });
  await page.evaluate(`location.hash = '#/policies'`);
  await page.getByRole('link', { name: 'New intention' }).click();
  await page.getByLabel('Source').fill('shop/storefront');
  await page.getByLabel('Destination').fill('shop/cart');
  const shown = await page.getByLabel('what to apply').locator('pre').textContent();
  await page.getByRole('button', { name: 'Apply' }).click();
  await page
    .getByRole('status')
    .getByText('Created AuthorizationPolicy cart-from-shop-storefront.shop')
    .waitFor();
  assert.deepEqual(sent, [shown]);
  assert.deepEqual(await violations(page), []);
  assert.ok(await page.getByRole('button', { name: 'Apply' }).isDisabled(), 'once is enough');
  await page.getByLabel('Description').fill('again');
  await page.getByRole('button', { name: 'Apply' }).click();
  await page.getByRole('alert').getByText('it exists already').waitFor();
});

test('without weft dashboard there is nothing to press but Copy', { skip }, async t => {
  const { page, go } = await look(t);
  await go('#/policies');
  await page.getByRole('link', { name: 'New intention' }).click();
  await page.getByLabel('Source').fill('shop/storefront');
  await page.getByLabel('Destination').fill('shop/cart');
  await page.getByRole('button', { name: 'Copy' }).waitFor();
  await page.waitForLoadState('load');
  assert.equal(await page.getByRole('button', { name: 'Apply' }).count(), 0);
});
