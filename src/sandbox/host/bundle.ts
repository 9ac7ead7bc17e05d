import { existsSync, mkdirSync, symlinkSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, dirname, join } from 'node:path';
import { pagePlugin } from '../../dashboard/assets/index.ts';
import { errorMessage } from '../../errors/index.ts';
import { hasProgram, type OtherPrograms, program, runsFromSource } from './programs.ts';

/** Programs that pods run, as the words of their commands. */
export interface PodPrograms {
  readonly proxy: readonly string[];
  readonly injector: readonly string[];
  /** Files and folders that proxies must be able to read. */
  readonly reads: readonly string[];
  /** Why they run from source although they could be bundled; empty otherwise. */
  readonly problem: string;
}

/** CommonJS packages inside an ES module still call require for node: modules. */
const banner = "import { createRequire as __r } from 'node:module'; const require = __r(import.meta.url);";

/**
 * The programs of pods, bundled into `folder` when this is source. Bundling takes a sixth of a second once; without it every
 * pod would strip the types of a hundred files twice, which costs a quarter of a second of CPU and 40 MB per proxy.
 * What `others` names is bundled in the place of ours; rejects when that is impossible, because ours would be no substitute.
 */
export async function podPrograms(folder: string, others: OtherPrograms = {}): Promise<PodPrograms> {
  const proxy = program('weft-proxy');
  const plain = { proxy, injector: program('weft-injector'), reads: [proxy[1]!], problem: '' };
  const isOurs = Object.keys(others).length === 0;
  if (isOurs && !runsFromSource()) return plain;
  try {
    const names = (['weft-proxy', 'weft-injector'] as const).filter(hasProgram);
    await bundle(names, folder, others);
    const bundled = (name: 'weft-proxy' | 'weft-injector'): readonly string[] => {
      const path = join(folder, `${name}.mjs`);
      return existsSync(path) ? [process.execPath, path] : program(name);
    };
    const reads = [join(koffiFolder(), 'package.json')];
    return { proxy: bundled('weft-proxy'), injector: bundled('weft-injector'), reads, problem: '' };
  } catch (error) {
    if (!isOurs) throw error;
    return { ...plain, problem: errorMessage(error) };
  }
}

/** koffi stays outside, because it loads its binary from its own package folder; a link beside the bundles leads there. */
async function bundle(
  names: readonly ('weft-proxy' | 'weft-injector')[],
  folder: string,
  others: OtherPrograms,
): Promise<void> {
  // A name that bundlers do not follow: production has neither esbuild nor a use for it.
  const name: string = 'esbuild';
  const { build } = (await import(name)) as typeof import('esbuild');
  await build({
    entryPoints: names.map(entry => ({ in: others[entry] ?? program(entry)[1]!, out: entry })),
    outdir: folder,
    outExtension: { '.js': '.mjs' },
    bundle: true,
    splitting: true,
    platform: 'node',
    target: 'node24',
    format: 'esm',
    external: ['koffi'],
    plugins: [pagePlugin(build)],
    banner: { js: banner },
    logLevel: 'silent',
  });
  mkdirSync(join(folder, 'node_modules'), { recursive: true });
  symlinkSync(koffiFolder(), join(folder, 'node_modules', 'koffi'));
}

/** Where the package koffi is installed. */
function koffiFolder(): string {
  let folder = dirname(createRequire(import.meta.url).resolve('koffi'));
  while (basename(folder) !== 'koffi') folder = dirname(folder);
  return folder;
}
