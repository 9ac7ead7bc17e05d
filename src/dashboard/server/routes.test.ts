import assert from 'node:assert/strict';
import { request } from 'node:http';
import { type TestContext, test } from 'node:test';
import type { Access } from '../../live/api/index.ts';
import type { StreamMessage } from '../index.ts';
import { FakeSource } from '../testing/fake-source.ts';
import { serveDashboard } from '../testing/serve.ts';
import { NOW_MS, shopEdges, shopView } from '../testing/shop-view.ts';

interface Told {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
}

async function setUp(context: TestContext, access?: Access) {
  const source = new FakeSource(shopView(), shopEdges(), NOW_MS);
  const served = await serveDashboard(source, access);
  context.after(served.stop);
  /** fetch would not let a test say who it is. */
  const ask = (path: string, headers: Record<string, string> = {}, method = 'GET'): Promise<Told> =>
    new Promise((resolve, reject) => {
      const sent = request(new URL(path, served.url), { method, headers }, response => {
        let text = '';
        response.setEncoding('utf8').on('data', (piece: string) => {
          text += piece;
        });
        response.on('end', () => resolve({ status: response.statusCode!, headers: response.headers, text }));
      });
      sent.on('error', reject).end();
    });
  return { source, ask, url: served.url };
}

test('the page is one document with its own files, and nothing may come from elsewhere', async context => {
  const { ask } = await setUp(context);
  const page = await ask('.');
  assert.equal(page.status, 200);
  assert.match(String(page.headers['content-security-policy']), /default-src 'none'; script-src 'self'/);
  const named = [...page.text.matchAll(/(?:src|href)="([^"]+)"/g)].map(match => match[1]!);
  assert.deepEqual(named.sort(), ['app.css', 'app.js', 'icon.svg']);
  assert.doesNotMatch(page.text, /<script(?![^>]*src=)|<style|\son\w+=|https?:\/\//);
  for (const name of [...named, 'layout.js']) assert.equal((await ask(name)).status, 200, name);
  const css = (await ask('app.css')).text;
  assert.doesNotMatch(css, /url\(|@import/);
});

test('files are sent compressed to who takes it, and not again to who has them', async context => {
  const { ask } = await setUp(context);
  const plain = await ask('app.js');
  const small = await ask('app.js', { 'accept-encoding': 'gzip, br' });
  assert.equal(small.headers['content-encoding'], 'br');
  assert.ok(Number(small.headers['content-length']) < Number(plain.headers['content-length']) / 2);
  const again = await ask('app.js', { 'if-none-match': String(plain.headers.etag) });
  assert.deepEqual([again.status, again.text], [304, '']);
});

test('what changes something is refused, and what is not there is said', async context => {
  const { ask } = await setUp(context);
  for (const method of ['POST', 'PUT', 'DELETE', 'PATCH']) {
    assert.equal((await ask('api/mesh', {}, method)).status, 405, method);
  }
  assert.match((await ask('nowhere.js')).text, /dashboard-no-page/);
  assert.equal((await ask('__proto__')).status, 404);
  assert.equal((await ask('api/constructor')).status, 404);
  const { status, headers } = await ask('../dashboard');
  assert.deepEqual([status, headers.location], [308, '/dashboard/']);
});

test('the data is for who has the right in all namespaces, and the page itself is for all', async context => {
  const asked: string[] = [];
  const { ask } = await setUp(context, {
    authenticate: async ({ token }) =>
      token === undefined ? { code: 'live-unproven', why: 'no token came' } : { name: token, groups: [] },
    authorize: async ({ name }, { verb, subresource }, namespace) => {
      asked.push(`${name} ${verb} ${subresource} in ${namespace || 'all'}`);
      return name === 'ann' ? undefined : { code: 'live-forbidden', why: `${name} may not` };
    },
  });
  assert.equal((await ask('.')).status, 200);
  assert.equal((await ask('app.js')).status, 200);
  const none = await ask('api/history?workload=shop/cart');
  assert.deepEqual([none.status, none.headers['www-authenticate']], [401, 'Bearer realm="weft"']);
  for (const path of ['api/mesh?open=shop', 'api/stream', 'api/history?pod=shop/cart', 'api/proxies']) {
    const { status, text } = await ask(path, { authorization: 'Bearer eve' });
    assert.deepEqual([status, JSON.parse(text).error], [403, 'eve may not'], path);
  }
  assert.equal((await ask('api/mesh', { authorization: 'Bearer ann' })).status, 200);
  assert.deepEqual([...new Set(asked)], ['eve get figures in all', 'ann get figures in all']);
});

test('a stream tells the mesh, figures as they come, the mesh again when it changed, and ends with its page', async context => {
  const { source, url } = await setUp(context);
  const page = new AbortController();
  const response = await fetch(new URL('api/stream', url), { signal: page.signal });
  const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
  const told: StreamMessage[] = [];
  let rest = '';
  const until = async (many: number): Promise<void> => {
    while (told.length < many) {
      const { value = '' } = await reader.read();
      const lines = (rest + value).split('\n');
      rest = lines.pop()!;
      told.push(...lines.map(line => JSON.parse(line) as StreamMessage));
    }
  };
  await until(2);
  source.tell();
  await until(3);
  source.whole = { ...source.whole, policies: [] };
  source.tell();
  await until(5);
  assert.deepEqual(
    told.map(each => each.type),
    ['mesh', 'figures', 'figures', 'mesh', 'figures'],
  );
  assert.equal(source.watchers, 1);
  const gone = Promise.withResolvers<void>();
  source.gone = () => gone.resolve();
  page.abort();
  await gone.promise;
  assert.equal(source.watchers, 0);
});

test('more pages than the limit are told so', async context => {
  const { ask, url } = await setUp(context);
  const pages = new AbortController();
  context.after(() => pages.abort());
  await Promise.all(
    Array.from({ length: 50 }, () => fetch(new URL('api/stream', url), { signal: pages.signal })),
  );
  const { status, text } = await ask('api/stream');
  assert.deepEqual([status, JSON.parse(text).code], [503, 'dashboard-busy']);
});

test('the proxies of this replica are told in lines, for other replicas', async context => {
  const { ask, source } = await setUp(context);
  const { text } = await ask('api/proxies');
  const lines = text.trimEnd().split('\n');
  const [count, first] = lines.map(line => JSON.parse(line));
  const { proxies } = source.whole.controlPlane;
  assert.deepEqual(count, { type: 'count', count: proxies.length });
  assert.deepEqual(first, { type: 'proxies', proxies });
});
