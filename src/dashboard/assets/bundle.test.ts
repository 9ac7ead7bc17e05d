import assert from 'node:assert/strict';
import { test } from 'node:test';
import { brotliDecompressSync } from 'node:zlib';
import { build } from 'esbuild';
import { bundlePage } from './bundle.ts';

test('the page asks for nothing that only Node has', async () => {
  const files = await bundlePage(build);
  const text = brotliDecompressSync(Buffer.from(files['app.js']!.brotli, 'base64')).toString();
  for (const name of ['Buffer', 'process', 'require'])
    assert.ok(
      !new RegExp(`\\b${name}[.(]`).test(text),
      `${name}: what of the programs does the page import?`,
    );
});
