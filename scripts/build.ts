// Bundles each program into one file under dist/: one read at start instead of hundreds, and nothing unused in memory. koffi
// stays outside because it loads its binary from its own package folder.
import { chmodSync, cpSync, mkdirSync, statSync, writeFileSync } from 'node:fs';
import { type BuildOptions, build } from 'esbuild';
import { pagePlugin } from '../src/dashboard/assets/index.ts';
import { launcher } from './launcher.ts';

/**
 * Programs by the file they begin in. Those of a group share chunks; the proxy, which has to start fast and is alone in its
 * image, shares none: each further file has to be found, compiled and linked.
 */
const groups = [['weft-proxy'], ['weft', 'weft-injector']];

mkdirSync('dist', { recursive: true });
const options: BuildOptions = {
  outdir: 'dist',
  outExtension: { '.js': '.mjs' },
  bundle: true,
  splitting: true,
  chunkNames: 'chunks/[name]-[hash]',
  platform: 'node',
  target: 'node24',
  format: 'esm',
  external: ['koffi'],
  plugins: [pagePlugin(build)],
  // V8 keeps the text of every module. Names stay, for traces of stacks; lines stay short enough to say where.
  minifyWhitespace: true,
  minifySyntax: true,
  lineLimit: 160,
  legalComments: 'linked',
  sourcemap: 'linked',
  // CommonJS packages inside an ES module still call require for node: modules.
  banner: {
    js: "import { createRequire as __weftRequire } from 'node:module'; const require = __weftRequire(import.meta.url);",
  },
  logLevel: 'warning',
};
for (const programs of groups) {
  const entryPoints = programs.map(program => ({ in: `src/main/${program}.ts`, out: `programs/${program}` }));
  await build({ ...options, entryPoints });
}
// What weft machine writes on machines.
cpSync('packaging/systemd', 'dist/systemd', { recursive: true });
for (const program of groups.flat()) {
  const file = `dist/${program}.mjs`;
  writeFileSync(file, launcher(program));
  chmodSync(file, 0o755);
  const { size } = statSync(`dist/programs/${program}.mjs`);
  console.log(`${file} ${(size / 1024).toFixed(0)} KB`);
}
