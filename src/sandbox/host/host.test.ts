import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { VERSION } from '../../config/index.ts';
import { defaultName, isSandboxName, netnsPrefix, podPrograms, programOfImage } from './index.ts';

test("a sandbox is named after its folder, or its folder's parent where that says more", () => {
  const names = ['/a/shop', '/a/shop/kubernetes', '/a/My Shop_2', '/a/--', '/'].map(defaultName);
  assert.deepEqual(names, ['shop', 'shop', 'my-shop-2', 'sandbox', 'sandbox']);
  for (const name of names) assert.ok(isSandboxName(name));
});

test('names that would not fit into files and namespaces are refused', () => {
  for (const name of ['', '-a', 'a-', 'A', 'a.b', 'a/b', '..', 'a'.repeat(31)])
    assert.equal(isSandboxName(name), false, name);
});

test("no sandbox's namespaces can be taken for another's", () => {
  assert.equal(`${netnsPrefix('a-b')}node`.startsWith(netnsPrefix('a')), false);
});

test("only Weft's own images have a program", () => {
  const images = [
    'weft-proxy:0.1.0',
    'example.com:5000/weft/weft-proxy:dev',
    'weft-injector@sha256:00',
    'nginx',
    'not-weft-proxy',
    '',
  ];
  const names = ['weft-proxy', 'weft-proxy', 'weft-injector', undefined, undefined, undefined];
  assert.deepEqual(images.map(programOfImage), names);
});

test("pods' programs are bundled into one file each that runs by itself", async context => {
  const folder = mkdtempSync(join(tmpdir(), 'weft-bundle-'));
  context.after(() => rmSync(folder, { recursive: true }));
  const { proxy, problem } = await podPrograms(folder);
  assert.equal(problem, '');
  assert.equal(proxy[1], join(folder, 'weft-proxy.mjs'));
  const { status, stdout } = spawnSync(proxy[0]!, [proxy[1]!, '--version'], { encoding: 'utf8', cwd: '/' });
  assert.deepEqual([status, stdout.trim()], [0, VERSION]);
});
