import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingHttpHeaders, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { type StaticFolder, serveFile } from './index.ts';

interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** A server of a folder with some files, and one beside it with a secret. */
async function serving(t: TestContext, more: Partial<StaticFolder> = {}) {
  const base = mkdtempSync(join(tmpdir(), 'weft-files-'));
  const root = join(base, 'root');
  for (const each of ['root', 'root/docs', 'root/empty', 'beside']) mkdirSync(join(base, each));
  writeFileSync(join(root, 'index.html'), '<h1>home</h1>');
  writeFileSync(join(root, 'docs/index.html'), '<h1>docs</h1>');
  writeFileSync(join(root, 'a b.txt'), '0123456789');
  writeFileSync(join(root, '.hidden'), 'hidden');
  writeFileSync(join(root, 'own.weft'), 'own');
  writeFileSync(join(base, 'beside/secret.txt'), 'secret');
  symlinkSync('../beside/secret.txt', join(root, 'out.txt'));
  symlinkSync('../beside', join(root, 'out'));
  symlinkSync('a b.txt', join(root, 'in.txt'));
  const folder = { root, index: 'index.html', cacheControl: 'public, max-age=3600', mimeTypes: {}, ...more };
  const server = createServer((asked, response) => void serveFile(folder, asked, response));
  await new Promise<void>(resolve => void server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
    rmSync(base, { recursive: true, force: true });
  });
  const { port } = server.address() as AddressInfo;
  const ask = (path: string, headers: Readonly<Record<string, string>> = {}, method = 'GET') =>
    new Promise<Answer>((resolve, reject) => {
      const asked = request({ host: '127.0.0.1', port, path, headers, method, agent: false }, answer => {
        let body = '';
        answer.on('data', chunk => {
          body += chunk;
        });
        answer.on('error', reject);
        answer.on('end', () => resolve({ status: answer.statusCode ?? 0, headers: answer.headers, body }));
      });
      asked.on('error', reject);
      asked.end();
    });
  return { ask, root, port };
}

test('a file with its type, its ETag and what caches may do; a folder is its index', async t => {
  const { ask } = await serving(t);
  const file = await ask('/a%20b.txt?v=1');
  assert.deepEqual([file.status, file.body], [200, '0123456789']);
  assert.match(file.headers['content-type'] ?? '', /^text\/plain/);
  assert.equal(file.headers['cache-control'], 'public, max-age=3600');
  assert.equal(file.headers['x-content-type-options'], 'nosniff');
  assert.ok(file.headers.etag && file.headers['last-modified']);
  for (const [path, body] of [
    ['/', 'home'],
    ['/docs', 'docs'],
    ['/docs/', 'docs'],
  ] as const)
    assert.equal((await ask(path)).body, `<h1>${body}</h1>`, path);
  const head = await ask('/a%20b.txt', {}, 'HEAD');
  assert.deepEqual([head.status, head.body, head.headers['content-length']], [200, '', '10']);
});

test('conditions and ranges', async t => {
  const { ask } = await serving(t);
  const { etag = '', 'last-modified': modified = '' } = (await ask('/a%20b.txt')).headers;
  assert.equal((await ask('/a%20b.txt', { 'if-none-match': etag })).status, 304);
  assert.equal((await ask('/a%20b.txt', { 'if-none-match': '"other"' })).status, 200);
  assert.equal((await ask('/a%20b.txt', { 'if-modified-since': modified })).status, 304);
  const part = await ask('/a%20b.txt', { range: 'bytes=2-4' });
  assert.deepEqual([part.status, part.body, part.headers['content-range']], [206, '234', 'bytes 2-4/10']);
  assert.equal((await ask('/a%20b.txt', { range: 'bytes=-3' })).body, '789');
  const beyond = await ask('/a%20b.txt', { range: 'bytes=50-' });
  assert.deepEqual([beyond.status, beyond.headers['content-range']], [416, 'bytes */10']);
});

test('nothing outside of the folder is read, by any spelling or link, nor what is hidden', async t => {
  const { ask, root } = await serving(t);
  const paths = [
    '/../beside/secret.txt',
    '/%2e%2e/beside/secret.txt',
    '/..%2fbeside%2fsecret.txt',
    '/docs/..%5c..%5cbeside%5csecret.txt',
    '/out.txt',
    '/out/secret.txt',
    '/.hidden',
    '/%2ehidden',
    `/${encodeURIComponent(join(root, '../beside/secret.txt'))}`,
    '/empty',
    '/empty/',
    '/a%20b.txt/',
    '/a%20b.txt/x',
    '/none',
  ];
  for (const path of paths) {
    const { status, body } = await ask(path);
    assert.equal(status, 404, path);
    assert.ok(!/secret|hidden/.test(body), path);
  }
  for (const path of ['/%', '/%00', '/a%ff']) assert.equal((await ask(path)).status, 400, path);
  assert.equal((await ask('/in.txt')).body, '0123456789', 'a link within the folder is a file');
  assert.equal((await ask('//')).body, '<h1>home</h1>');
});

test('other methods are refused; a fallback stands for what is not there; types can be said', async t => {
  const { ask } = await serving(t, {
    fallback: 'index.html',
    mimeTypes: { weft: 'text/x-weft' },
    cacheControl: '',
  });
  const posted = await ask('/a%20b.txt', {}, 'POST');
  assert.deepEqual([posted.status, posted.headers.allow], [405, 'GET, HEAD']);
  const page = await ask('/some/page');
  assert.deepEqual([page.status, page.body], [200, '<h1>home</h1>']);
  assert.equal((await ask('/out.txt')).body, '<h1>home</h1>');
  const own = await ask('/own.weft');
  assert.deepEqual([own.headers['content-type'], own.headers['cache-control']], ['text/x-weft', undefined]);
});

test('a folder that is not there answers 404', async t => {
  const { ask } = await serving(t, { root: '/nowhere/at/all' });
  assert.equal((await ask('/')).status, 404);
});
