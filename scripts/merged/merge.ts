import { createHash } from 'node:crypto';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { type BuildOptions, build, type Metafile, type Plugin } from 'esbuild';

/** How a program is laid out. */
export interface Merge {
  /** The file that it begins in. */
  readonly entry: string;
  /**
   * By command, the files whose code is wanted from the start, beside the entry: paths from the root. The first is the command's
   * own, which no other loads.
   */
  readonly commands: Readonly<Record<string, readonly string[]>>;
}

/** A bundle in chunks, in memory: by the name of a file, its text. */
interface Chunks {
  readonly texts: ReadonlyMap<string, string>;
  readonly metafile: Metafile;
  /** The chunk that a source file begins. */
  of(source: string): string;
}

/**
 * Writes `program.cjs`, which loads a command by the first word of the command line, a file for each command, and one for each
 * chunk that is loaded on demand, into `outdir`, which is emptied before. Gives the bytes of each command.
 */
export async function mergeProgram(
  merge: Merge,
  outdir: string,
  options: BuildOptions,
): Promise<Record<string, number>> {
  const chunks = await split(merge, options);
  rmSync(outdir, { recursive: true, force: true });
  mkdirSync(outdir, { recursive: true });
  const bytes: Record<string, number> = {};
  const files: Record<string, string> = {};
  const onDemand = new Set<string>();
  const entry = chunks.of(merge.entry);
  const begun = new Set(Object.values(merge.commands).flatMap(each => each.slice(0, 1).map(chunks.of)));
  for (const [command, wanted] of Object.entries(merge.commands)) {
    // The entry begins to run when it is evaluated: after the others.
    const heads = [...wanted.map(chunks.of), entry];
    const inside = reached(chunks, heads, path => path.kind === 'import-statement');
    const output = await commonJs(chunks, inside);
    const hash = createHash('sha256').update(output.text).digest('hex').slice(0, 16);
    files[command] = `${command}-${hash}.cjs`;
    write(outdir, files[command], output);
    bytes[command] = output.text.length;
    // Another command's own file, this one never loads.
    const all = reached(
      chunks,
      [...inside],
      ({ kind, name }) => kind !== 'dynamic-import' || !begun.has(name),
    );
    for (const name of all) if (!inside.has(name)) onDemand.add(name);
  }
  for (const name of onDemand)
    write(outdir, name.replace(/mjs$/, 'cjs'), await commonJs(chunks, new Set([name])));
  for (const [name, text] of chunks.texts)
    if (name.endsWith('.LEGAL.txt')) writeFileSync(join(outdir, name), text);
  await build({
    entryPoints: ['scripts/merged/loader.ts'],
    outfile: join(outdir, 'program.cjs'),
    ...{ bundle: true, platform: 'node', target: 'node24', format: 'cjs' },
    define: { COMMANDS: JSON.stringify(files) },
    logLevel: 'warning',
  });
  return bytes;
}

/** What a file says, and the map from its places to those of the sources. */
interface Output {
  readonly text: string;
  readonly map: string;
}

function write(folder: string, name: string, { text, map }: Output): void {
  // V8 would keep two bytes for each character of the whole text.
  const wide = /[^\0-\xff]/.exec(text);
  if (wide) throw new Error(`${name} has the character ${wide[0]}: write it as \\u… in the source`);
  writeFileSync(join(folder, name), `${text}\n//# sourceMappingURL=${name}.map\n`);
  writeFileSync(join(folder, `${name}.map`), map);
}

async function split(merge: Merge, options: BuildOptions): Promise<Chunks> {
  const { outputFiles, metafile } = await build({
    ...options,
    entryPoints: [merge.entry],
    outdir: '/',
    entryNames: '[name]',
    chunkNames: '[name]-[hash]',
    ...{ splitting: true, format: 'esm', outExtension: { '.js': '.mjs' } },
    ...{ write: false, metafile: true, sourcemap: 'inline', banner: {} },
  });
  const begins = new Map(
    Object.entries(metafile.outputs).flatMap(([path, { entryPoint }]) =>
      entryPoint === undefined ? [] : [[entryPoint, basename(path)]],
    ),
  );
  return {
    texts: new Map(outputFiles.map(({ path, text }) => [basename(path), text])),
    metafile,
    of(source) {
      const found = begins.get(source);
      if (found === undefined) throw new Error(`${source} is no file that the program begins in or loads`);
      return found;
    },
  };
}

/** The chunks that one comes to from these over the imports that are followed, themselves included. */
function reached(
  { metafile }: Chunks,
  heads: readonly string[],
  follow: (to: { readonly kind: string; readonly name: string }) => boolean,
): ReadonlySet<string> {
  const imports = new Map(
    Object.entries(metafile.outputs).map(([path, output]) => [basename(path), output.imports]),
  );
  const found = new Set<string>();
  const visit = (name: string): void => {
    if (found.has(name)) return;
    found.add(name);
    for (const { path, kind, external } of imports.get(name) ?? [])
      if (external !== true && follow({ kind, name: basename(path) })) visit(basename(path));
  };
  for (const head of heads) visit(head);
  return found;
}

/**
 * These chunks as one function `(exports, require, module, __url)`, which exports `chunks`: by the name of each what it exports.
 * What is not among them is required.
 */
async function commonJs(chunks: Chunks, inside: ReadonlySet<string>): Promise<Output> {
  const names = [...inside];
  const imports = names.map((name, at) => `import * as m${at} from './${name}';`);
  const exports = names.map((name, at) => `'${name}': m${at}`);
  const { outputFiles } = await build({
    stdin: {
      contents: `${imports.join('\n')}\nexport const chunks = { ${exports.join(', ')} };`,
      resolveDir: '/',
    },
    outfile: 'all.cjs',
    ...{ bundle: true, write: false, platform: 'node', target: 'node24', format: 'cjs' },
    ...{
      minifyWhitespace: true,
      minifySyntax: true,
      lineLimit: 160,
      legalComments: 'inline',
      sourcemap: 'external',
    },
    banner: { js: '(function (exports, require, module, __url) { "use strict";' },
    footer: { js: '})' },
    supported: { 'dynamic-import': false },
    define: { 'import.meta.url': '__url' },
    plugins: [fromMemory(chunks, inside)],
    logLevel: 'warning',
  });
  const textOf = (end: string): string => outputFiles.find(({ path }) => path.endsWith(end))!.text;
  return { text: textOf('.cjs').trimEnd(), map: textOf('.map') };
}

/** Chunks by their names; import() of one is left to the loader, so that those inside need no functions around them. */
function fromMemory({ texts }: Chunks, inside: ReadonlySet<string>): Plugin {
  return {
    name: 'chunks-in-memory',
    setup({ onResolve, onLoad }) {
      onResolve({ filter: /\.mjs$/ }, ({ path, kind }) => {
        const name = basename(path);
        if (!texts.has(name)) return undefined;
        if (kind !== 'dynamic-import' && inside.has(name)) return { path: name, namespace: 'chunk' };
        return { path: `./${name}`, external: true };
      });
      onLoad({ filter: /.*/, namespace: 'chunk' }, ({ path }) => ({
        contents: texts.get(path)!,
        loader: 'js',
        resolveDir: '/',
      }));
    },
  };
}
