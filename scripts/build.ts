// Bundles the programs under dist/: few reads at start instead of hundreds, and nothing unused in memory. koffi stays outside
// because it loads its binary from its own package folder.
//   node scripts/build.ts [FOLDER]
import { chmodSync, cpSync, mkdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type BuildOptions, build } from 'esbuild';
import { pagePlugin } from '../src/dashboard/assets/index.ts';
import { launcher } from './launcher.ts';
import { mergeProgram, PROXY } from './merged/index.ts';

/** Programs in chunks, which they share. */
const programs = ['weft', 'weft-injector'];

const folder = process.argv[2] ?? 'dist';
mkdirSync(folder, { recursive: true });
const options: BuildOptions = {
  outdir: folder,
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
const entryPoints = programs.map(program => ({ in: `src/main/${program}.ts`, out: `programs/${program}` }));
await build({ ...options, entryPoints });
for (const program of programs) {
  write(program, `programs/${program}.mjs`);
  const { size } = statSync(join(folder, `programs/${program}.mjs`));
  console.log(`${folder}/${program}.mjs ${(size / 1024).toFixed(0)} KB`);
}
// What weft machine writes on machines.
cpSync('packaging/systemd', join(folder, 'systemd'), { recursive: true });
// The proxy has to start fast, and is alone in its image.
write('weft-proxy', 'proxy/program.cjs');
const merged = await mergeProgram(PROXY, join(folder, 'proxy'), options);
for (const [command, bytes] of Object.entries(merged))
  console.log(`${folder}/weft-proxy.mjs ${command} ${(bytes / 1024).toFixed(0)} KB`);

function write(program: string, path: string): void {
  const file = join(folder, `${program}.mjs`);
  writeFileSync(file, launcher(program, path));
  chmodSync(file, 0o755);
}
