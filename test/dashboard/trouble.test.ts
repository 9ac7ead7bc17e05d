// What goes wrong between page and server: the words say what to do, and what is shown is not lost.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { serveDashboard } from '../../src/dashboard/testing/serve.ts';
import type { Access } from '../../src/live/api/index.ts';
import { closeBrowser, look, skip } from './browser.ts';

after(closeBrowser);

const refused = /Failed to load resource|ERR_CONNECTION_REFUSED|ERR_INCOMPLETE_CHUNKED/;

test('a lost connection is told, what was shown stays, and it comes back by itself', { skip }, async t => {
  const { page, source, url, go, stopServer } = await look(t, { expected: refused });
  await go('#/workloads');
  stopServer();
  const alert = page.getByRole('alert');
  await alert.getByText('The connection to the control plane is lost').waitFor();
  assert.match(
    (await alert.textContent())!,
    /What you see is from before.*is the sandbox up, or the port-forward\?/,
  );
  assert.ok((await page.getByRole('row').count()) > 5);
  const again = await serveDashboard(source, undefined, Number(new URL(url).port));
  t.after(again.stop);
  await page.getByRole('button', { name: 'Try now' }).click();
  await alert.waitFor({ state: 'detached' });
  await page.getByText('shop live').waitFor();
});

const access: Access = {
  authenticate: async ({ token }) =>
    token === undefined
      ? { code: 'live-unproven', why: 'no token came; weft dashboard opens the page with one' }
      : { name: token, groups: [] },
  authorize: async ({ name }) =>
    name === 'ann'
      ? undefined
      : { code: 'live-forbidden', why: `${name} needs the right to get pods/figures of the group weft.dev` },
};

test('without a token it asks for one, names the right that is missing, and keeps a good one', {
  skip,
}, async t => {
  const { page, url } = await look(t, { access, expected: refused });
  await page.goto(url);
  await page.getByRole('heading', { name: 'Who is asking?' }).waitFor();
  await page.getByRole('alert').getByText('no token came').waitFor();
  await page.getByLabel('Token').fill('eve');
  await page.getByRole('button', { name: 'Use it' }).click();
  await page.getByRole('heading', { name: 'A right is missing' }).waitFor();
  await page.getByRole('alert').getByText('eve needs the right to get pods/figures').waitFor();
  await page.getByLabel('Token').fill('ann');
  await page.getByRole('button', { name: 'Use it' }).click();
  await page.locator('.node').first().waitFor();
  await page.reload();
  await page.locator('.node').first().waitFor();
});

test('a token behind the address is taken, leaves it, and no cookie is made', { skip }, async t => {
  const { page, url } = await look(t, { access });
  await page.goto(`${url}#token=ann`);
  await page.locator('.node').first().waitFor();
  assert.doesNotMatch(page.url(), /ann/);
  assert.deepEqual(await page.context().cookies(), []);
});

test('names that others choose are text: no markup, no script', { skip }, async t => {
  const { page, source, go } = await look(t);
  const evil = `<img src=x onerror="document.title='owned'">`;
  const policy = source.whole.policies[0]!;
  const bad = { ...policy, name: evil, problems: [{ severity: 'error' as const, code: 'x', message: evil }] };
  source.whole = { ...source.whole, policies: [bad] };
  source.edges = source.edges.map(each => ({ ...each, from: evil, service: evil }));
  await go('#/policies');
  await page.getByText(evil).first().waitFor();
  await go('#/');
  await page.locator('.node').first().waitFor();
  assert.doesNotMatch(await page.title(), /owned/);
  assert.equal(await page.locator('main img').count(), 0);
});
