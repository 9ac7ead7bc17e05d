// The programs that are measured: those of dist/, and the bench's own proxy, bundled in the same way.
import { execFileSync } from 'node:child_process';
import { build } from 'esbuild';

/** Bundles everything, with compiled code as the image has it; gives the programs. */
export async function bundle(): Promise<{ hop: string; proxy: string; injector: string }> {
  execFileSync(process.execPath, ['scripts/build.ts'], { stdio: ['ignore', 'ignore', 'inherit'] });
  execFileSync(process.execPath, ['scripts/merged/code-cache.ts', 'dist'], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  return {
    hop: await bundleHop('weft-hop'),
    proxy: 'dist/weft-proxy.mjs',
    injector: 'dist/weft-injector.mjs',
  };
}

/** Bundles a program of the bench's own, by its path in bench/ without .ts; gives its file. */
export async function bundleHop(name: 'weft-hop' | 'weft-watched' | 'memory/inside'): Promise<string> {
  const outfile = `dist/bench/${name}.mjs`;
  await build({
    entryPoints: [`bench/${name}.ts`],
    outfile,
    bundle: true,
    platform: 'node',
    target: 'node24',
    format: 'esm',
    external: ['koffi'],
    sourcemap: 'linked',
    banner: {
      js: "import { createRequire as __weftRequire } from 'node:module'; const require = __weftRequire(import.meta.url);",
    },
    logLevel: 'warning',
  });
  return outfile;
}
