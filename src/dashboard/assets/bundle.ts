import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { basename, extname, join } from 'node:path';
import { brotliCompressSync, constants } from 'node:zlib';
import type { BuildOptions, BuildResult, Plugin } from 'esbuild';
import type { Asset, Assets } from './assets.interface.ts';

/** esbuild's `build`, passed in: production has no esbuild. */
export type Build = (options: BuildOptions) => Promise<BuildResult>;

/** Browser code; beside the programs, not in them. */
const folder = join(import.meta.dirname, '../../../dashboard');
const types: Readonly<Record<string, string>> = {
  '.css': 'text/css; charset=utf-8',
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.svg': 'image/svg+xml',
};

/** Builds the page from source. Rejects with esbuild's error. `root`: where the browser code is. */
export async function bundlePage(build: Build, root: string = folder): Promise<Assets> {
  const { outputFiles = [] } = await build({
    entryPoints: [
      { in: join(root, 'app.tsx'), out: 'app' },
      { in: join(root, 'app.css'), out: 'app' },
      { in: join(root, 'graph/layout-worker.ts'), out: 'layout' },
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
  for (const name of ['index.html', 'icon.svg']) files.push([name, await readFile(join(root, name))]);
  return Object.fromEntries(files.map(([name, contents]) => [name, assetOf(name, contents)]));
}

/** Puts the page into a bundle of the control plane, as a chunk that is read when somebody looks for the first time. */
export function pagePlugin(build: Build, root: string = folder): Plugin {
  return {
    name: 'weft-dashboard',
    setup({ onLoad }) {
      onLoad({ filter: /[/\\]dashboard[/\\]assets[/\\]built\.ts$/ }, async () => {
        const assets = JSON.stringify(await bundlePage(build, root));
        return { contents: `export const builtAssets = async () => (${assets});`, loader: 'js' };
      });
    },
  };
}

function assetOf(name: string, contents: Uint8Array): Asset {
  const quality = { [constants.BROTLI_PARAM_QUALITY]: 9 };
  const brotli = brotliCompressSync(contents, { params: quality }).toString('base64');
  const etag = `"${createHash('sha256').update(contents).digest('base64url').slice(0, 22)}"`;
  return { type: types[extname(name)] ?? 'application/octet-stream', brotli, etag };
}
