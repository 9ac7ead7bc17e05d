// Every page in a real Chromium, with a mesh, and with nothing to show.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { FAILED_ID } from '../../src/dashboard/testing/requests.ts';
import { shopView } from '../../src/dashboard/testing/shop-view.ts';
import { closeBrowser, look, skip, violations } from './browser.ts';

after(closeBrowser);

test('the graph: who calls whom, what fails, what is not encrypted, and what is chosen', {
  skip,
}, async t => {
  const { page, go } = await look(t);
  await go('#/');
  await page.locator('.node').first().waitFor();
  assert.equal(await page.locator('.node').count(), 8);
  assert.equal(await page.locator('.link').count(), 7);
  assert.deepEqual((await page.locator('.group text').allTextContents()).sort(), ['back-office', 'shop']);
  assert.equal(await page.locator('.link .lock.open').count(), 1);
  const ratings = page.locator('[data-id="shop/ratings"]');
  assert.match((await ratings.textContent())!, /42\.0\/s · 12\.4 % · 512 ms✕/);
  await ratings.click();
  const side = page.getByRole('complementary');
  await side.getByRole('heading', { name: 'ratings' }).waitFor();
  await page.locator('[data-id="shop/reviews>shop/ratings"] .grip').click({ force: true });
  assert.match((await side.textContent())!, /UF3\.1\/s/);
  await side.getByRole('link', { name: 'shop/ratings' }).click();
  await page.getByRole('heading', { level: 1, name: 'ratings' }).waitFor();
});

test('the graph follows what is told: other figures, a mesh that grew', { skip }, async t => {
  const { page, source, go } = await look(t);
  await go('#/');
  const cart = page.locator('[data-id="shop/cart"] .figures');
  await cart.getByText('21.3/s').waitFor();
  source.edges = source.edges.map(each => (each.to === 'shop/cart' ? { ...each, rps: 99.4 } : each));
  source.tell();
  await cart.getByText('99.4/s').waitFor();
  const { workloads } = source.whole;
  const added = { ...workloads[1]!, key: 'shop/basket', name: 'basket' };
  source.whole = { ...source.whole, workloads: [...workloads, added] };
  source.tell();
  await page.locator('[data-id="shop/basket"]').waitFor();
});

test('find and hide, versions, namespaces, and the same as a table', { skip }, async t => {
  const { page, go } = await look(t);
  await go('#/');
  await page.getByLabel('Find').fill('errors>10%');
  await page.locator('.node.dimmed').first().waitFor();
  assert.equal(await page.locator('.node:not(.dimmed)').count(), 2);
  await page.getByLabel('Find').fill('errors>');
  await page.getByRole('alert').getByText('errors>1%').waitFor();
  await page.getByLabel('Find').fill('');
  await page.getByLabel('Hide').fill('ns:shop');
  await page.locator('[data-id="shop/cart"]').waitFor({ state: 'detached' });
  assert.equal(await page.locator('.node').count(), 1);
  await page.getByLabel('Hide').fill('');
  await page.getByLabel('versions').check();
  await page.locator('[data-id="shop/reviews@v2"]').waitFor();
  await page.getByLabel('Namespace').selectOption('back-office');
  await page.locator('[data-id="shop/cart@v1"]').waitFor({ state: 'detached' });
  assert.match(page.url(), /namespace=back-office/);
  await page.getByRole('button', { name: 'As a table' }).click();
  const rows = page.getByRole('table', { name: 'who calls whom' }).getByRole('row');
  assert.match((await rows.nth(1).textContent())!, /back-office\/reports.*shop\/catalog.*! plaintext/);
});

test('workloads: sorted, found, and each with its signals, its callers and its pods', { skip }, async t => {
  const { page, go } = await look(t);
  await go('#/workloads');
  const first = page.getByRole('row').nth(1);
  assert.match((await first.textContent())!, /shop\/storefront/);
  await page.getByRole('button', { name: 'Failed' }).click();
  assert.match((await first.textContent())!, /shop\/ratings.*✕ 12\.4 %/);
  assert.equal(
    await page.getByRole('columnheader', { name: 'Failed' }).getAttribute('aria-sort'),
    'descending',
  );
  await page.getByLabel('Name').fill('nothing like this');
  await page.getByText('No workload has “nothing like this” in its name.').waitFor();
  await page.getByLabel('Name').fill('reviews');
  await page.getByRole('link', { name: 'shop/reviews' }).click();
  await page.getByRole('heading', { level: 1, name: 'reviews' }).waitFor();
  await page.locator('.chart canvas').nth(4).waitFor();
  await page.getByRole('img', { name: /^Latency over time; now p50 .* p99 / }).waitFor();
  assert.equal(await page.getByRole('table', { name: 'callers' }).getByRole('row').count(), 3);
  assert.match(
    (await page.getByRole('main').textContent())!,
    /Memory, highest41Mi.*Proposed memory request48Mi/,
  );
  await page.getByRole('link', { name: 'reviews-v2-0' }).click();
  await page.getByRole('heading', { level: 1, name: 'reviews-v2-0' }).waitFor();
  assert.match((await page.getByRole('main').textContent())!, /Its proxy.*Version0\.1\.0/);
});

test('services: the weights that were asked for beside those that were seen', { skip }, async t => {
  const { page, go } = await look(t);
  await go('#/services');
  await page.getByRole('link', { name: 'shop/reviews' }).click();
  const shares = page.locator('.shares tbody tr');
  await shares.first().waitFor();
  assert.deepEqual(await shares.nth(0).locator('td').allTextContents(), [
    'reviews.shop subset v1',
    '90.0 %',
    '89.6 %',
    '',
  ]);
  assert.match(
    (await page.locator('.routes').textContent())!,
    /VirtualService shop\/reviewsshop\/routes\.yaml:4.*timeout 2 s/,
  );
});

test('what the analyzer found about a Service: in the list, and on its page with its place and remedy', {
  skip,
}, async t => {
  const shop = shopView();
  const found = {
    severity: 'error',
    code: 'service-port-unserved',
    path: 'spec.ports[0].targetPort',
    message: 'port 80 leads to a port named web, which none of its pods declares; name a port that they have',
  } as const;
  const services = shop.services.map(each => (each.name === 'cart' ? { ...each, problems: [found] } : each));
  const { page, go } = await look(t, { mesh: { ...shop, services } });
  await go('#/services');
  const row = page.getByRole('row').filter({ hasText: 'shop/cart' });
  assert.match((await row.textContent())!, /✕ service-port-unserved/);
  await row.getByRole('link').click();
  await page.getByRole('heading', { name: 'What is wrong' }).waitFor();
  assert.match(
    (await page.locator('.problems').textContent())!,
    /service-port-unserved.*targetPort.*name a port that they have/,
  );
  assert.deepEqual(await violations(page), []);
});

test('policies: what became of each, with file, line and remedy; only what is wrong', { skip }, async t => {
  const { page, go } = await look(t);
  await go('#/policies');
  const all = page.locator('.policies > li');
  assert.equal(await all.count(), 3);
  const words = (await all.first().textContent())!;
  for (const each of [
    '✕ not in effect',
    'shop/routes.yaml:31',
    'subset-undefined',
    'or name another subset',
  ]) {
    assert.ok(words.includes(each), each);
  }
  await page.getByLabel('only what is wrong').check();
  assert.equal(await all.count(), 1);
});

test('the control plane: proxies, certificates, objects and problems', { skip }, async t => {
  const { page, go } = await look(t);
  await go('#/control-plane');
  assert.equal(await page.getByRole('table', { name: 'proxies' }).getByRole('row').count(), 12);
  const words = (await page.getByRole('main').textContent())!;
  for (const each of ['Certificate: root', 'VirtualService2', 'subset-undefined'])
    assert.ok(words.includes(each), each);
  assert.equal(await page.getByRole('columnheader', { name: 'Replica' }).count(), 0);
});

test('the control plane of several replicas: each proxy with the one that it is connected to', {
  skip,
}, async t => {
  const shop = shopView();
  const proxies = shop.controlPlane.proxies.map((each, at) => ({
    ...each,
    replica: `weft-injector-${at % 2}`,
  }));
  const { page, go } = await look(t, { mesh: { ...shop, controlPlane: { ...shop.controlPlane, proxies } } });
  await go('#/control-plane');
  await page.getByRole('columnheader', { name: 'Replica' }).waitFor();
  const rows = page.getByRole('table', { name: 'proxies' }).getByRole('row');
  assert.equal(await rows.filter({ hasText: 'weft-injector-1' }).count(), 5);
});

test('tap: requests of this moment, what was left out, and the way to why one failed', { skip }, async t => {
  const { page, go } = await look(t);
  await go('#/tap');
  await page.getByText('Begin, and the requests of this moment are here').waitFor();
  await page.getByRole('button', { name: 'Begin' }).click();
  const failed = page.getByRole('row').filter({ hasText: '/ratings/1' });
  await failed.waitFor();
  assert.match(
    (await failed.textContent())!,
    /shop\/reviews.*shop\/ratings.*✕ 503 UF.*refused the connection/,
  );
  await page.getByText('3 were left out.').waitFor();
  assert.deepEqual(await violations(page), []);
  await failed.getByRole('link', { name: 'explain' }).click();
  await page.getByRole('region', { name: 'cause' }).waitFor();
  assert.match(page.url(), new RegExp(FAILED_ID));
});

test('explain: cause, remedy and the way of one request, and the failures of late', { skip }, async t => {
  const { page, go } = await look(t);
  await go('#/explain');
  await page.getByText('its version is too old').waitFor();
  await page
    .getByRole('table', { name: 'failures by cause' })
    .getByRole('link', { name: FAILED_ID.slice(0, 8) })
    .click();
  const cause = page.getByRole('region', { name: 'cause' });
  await cause.waitFor();
  assert.match((await cause.textContent())!, /Remedy:/);
  assert.match(
    (await page.locator('.hops').textContent())!,
    /here.*shop\/reviews-v1-0.*503.*GET ratings\/ratings\/1.*ratings-v1-0/,
  );
  assert.deepEqual(await violations(page), []);
  await page.getByLabel('Request id').fill('nobody-knows');
  await page.getByRole('button', { name: 'Explain' }).click();
  await page.getByText('None of 1 proxy has a record of it.').waitFor();
});

test('a mesh with nothing in it says on each page what to do', { skip }, async t => {
  const none = { proxies: [], proxyCount: 0, certificates: [], problems: [], objects: {} };
  const empty = {
    ...shopView(),
    namespaces: [],
    workloads: [],
    services: [],
    policies: [],
    controlPlane: none,
  };
  const { page, go } = await look(t, { mesh: empty, edges: [] });
  const said: readonly (readonly [string, RegExp])[] = [
    ['#/', /no workloads yet.*kubectl apply.*weft\.dev\/inject=enabled/],
    ['#/workloads', /no workloads yet.*weft\.dev\/inject=enabled/],
    ['#/services', /no Service yet/],
    ['#/policies', /Nobody has written a policy yet/],
    ['#/control-plane', /Nothing is wrong.*No proxy is connected/],
    ['#/workload/shop/gone', /shop\/gone is not there.*All workloads/],
    ['#/pod/shop/gone', /not there.*replaced/],
    ['#/service/shop/gone', /not there/],
    ['#/nowhere', /no such page/],
  ];
  for (const [place, words] of said) {
    await go(place);
    await page.getByRole('main').getByText(words).or(page.locator('main')).first().waitFor();
    assert.match((await page.getByRole('main').textContent())!, words, place);
  }
});

test('without requests, and without any proxy, the graph says how to get them', { skip }, async t => {
  const { page, source, go } = await look(t, { edges: [] });
  await go('#/');
  await page.getByText('No requests in the last seconds.').waitFor();
  const bare = source.whole.namespaces.map(each => ({ ...each, meshedPods: 0 }));
  source.whole = { ...source.whole, namespaces: bare };
  source.tell();
  await page.getByText('kubectl label namespace NAME weft.dev/inject=enabled').waitFor();
});

test('a new intention: what the form says stands beside it as YAML, and what is missing is told', {
  skip,
}, async t => {
  const { page, go } = await look(t);
  await go('#/policies');
  await page.getByRole('link', { name: 'New intention' }).click();
  await page.getByRole('heading', { level: 1, name: 'New intention' }).waitFor();
  await page.getByLabel('Source').fill('shop');
  await page.getByRole('alert').getByText('Source: write namespace/service-account').waitFor();
  await page.getByLabel('Source').fill('shop/storefront');
  await page.getByLabel('Destination').fill('shop/cart');
  const yaml = page.getByLabel('what to apply').locator('pre');
  assert.match(
    (await yaml.textContent())!,
    /kind: AuthorizationPolicy.*action: ALLOW.*ns\/shop\/sa\/storefront/s,
  );
  await page.getByLabel('Application aware').check();
  await page.getByRole('button', { name: 'Add a permission' }).click();
  await page.getByLabel('permission 1', { exact: true }).selectOption('deny');
  await page.getByLabel('paths that begin with').first().fill('/admin');
  await page.getByLabel('Description').fill('no admin');
  await page.getByLabel('Written as').selectOption('consul');
  assert.match(
    (await yaml.textContent())!,
    /kind: ServiceIntentions.*- action: deny\n\s+http:\n\s+pathPrefix: "\/admin".*description: "no admin"/s,
  );
  assert.deepEqual(await violations(page), []);
});
