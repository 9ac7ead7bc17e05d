// One whole version of Node for tests, demo and images: .node-version. Another place that names one must agree.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const read = (path: string): string => readFileSync(`${root}/${path}`, 'utf8');
const pinned = read('.node-version').trim();
const toolchain = (environment: Record<string, string>, ...words: string[]) =>
  spawnSync(`${root}/scripts/toolchain.sh`, words, {
    encoding: 'utf8',
    env: { PATH: process.env.PATH, ...environment },
  });

test('the pin is a whole version', () => {
  assert.match(pinned, /^\d+\.\d+\.\d+$/);
  assert.equal(toolchain({}, 'version').stdout, `${pinned}\n`);
});

test('images are made of the pinned version', () => {
  for (const path of ['Dockerfile.sidecar', 'Dockerfile.injector']) {
    const named = read(path).matchAll(/NODE_VERSION=(\d[\d.]*)/g);
    assert.deepEqual([...new Set([...named].map(match => match[1]))], [pinned], path);
  }
  assert.match(read('examples/shop/Dockerfile'), new RegExp(`^FROM node:${pinned}-`, 'm'));
});

test('another version can be asked for, and what is none is refused with words', () => {
  assert.equal(toolchain({ WEFT_NODE: '24.21.0' }, 'version').stdout, '24.21.0\n');
  const { status, stderr } = toolchain({ WEFT_NODE: 'lts' }, 'version');
  assert.deepEqual(
    [status, stderr],
    [1, 'weft: WEFT_NODE=lts is neither a version such as 24.21.0 nor a major one such as 24\n'],
  );
});
