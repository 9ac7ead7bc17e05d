import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { basename, extname, join } from 'node:path';
import { brotliCompressSync, constants } from 'node:zlib';
import type { Asset, Assets } from './assets.interface.ts';
import type { Build } from './plugin.ts';

/** Browser code; beside the programs, not in them. */
const folder = join(import.meta.dirname, '../../../dashboard');
const types: Readonly<Record<string, string>> = {
  '.css': 'text/css; charset=utf-8',
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.svg': 'image/svg+xml',
};

/** Builds the page from source. Rejects with esbuild's error. */
export async function bundlePage(build: Build): Promise<Assets> {
  const { outputFiles = [] } = await build({
    entryPoints: [
      { in: join(folder, 'app.tsx'), out: 'app' },
      { in: join(folder, 'app.css'), out: 'app' },
      { in: join(folder, 'graph/layout-worker.ts'), out: 'layout' },
    ],
    outdir: '/page',
    bundle: true,
    minify: true,
    format: 'esm',
    target: ['chrome111', 'firefox114', 'safari16.4'],
    jsx: 'automatic',
    jsxImportSource: 'preact',
    legalComments: 'none',
    write: false,
    logLevel: 'silent',
  });
  const files: [string, Uint8Array][] = outputFiles.map(each => [basename(each.path), each.contents]);
  for (const name of ['index.html', 'icon.svg']) files.push([name, await readFile(join(folder, name))]);
  return Object.fromEntries(files.map(([name, contents]) => [name, assetOf(name, contents)]));
}

function assetOf(name: string, contents: Uint8Array): Asset {
  const quality = { [constants.BROTLI_PARAM_QUALITY]: 9 };
  const brotli = brotliCompressSync(contents, { params: quality }).toString('base64');
  const etag = `"${createHash('sha256').update(contents).digest('base64url').slice(0, 22)}"`;
  return { type: types[extname(name)] ?? 'application/octet-stream', brotli, etag };
}
