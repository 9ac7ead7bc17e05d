import { existsSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import type { Container } from '../kube/index.ts';
import { expand } from './env.ts';

/** The user that app containers run as unless they say otherwise: nobody in particular, and never the proxy's. */
export const DEFAULT_UID = 10_001;

/** How far above the sandbox's folder a working directory is looked for. */
const levelsAbove = 3;

/**
 * The words that a container runs (pure): command and args with `$(NAME)` expanded. `program` is what an image of Weft's
 * own holds; its entry point takes the place of the command's first word. Or why there is nothing to run.
 */
export function commandOf(
  container: Container,
  program: readonly string[] | undefined,
  env: Readonly<Record<string, string>>,
  nodePath: string,
): { readonly command: readonly string[] } | { readonly problem: string } {
  const words = [...(container.command ?? []), ...(container.args ?? [])].map(word =>
    expand(String(word), env),
  );
  if (program) {
    return {
      command: container.command?.length ? replaceProgram(words, program, nodePath) : [...program, ...words],
    };
  }
  if (!container.command?.length) {
    return {
      problem:
        `container ${container.name} has no command, and the sandbox runs no images (${container.image ?? 'none'}); ` +
        `give it one, for example command: ['node', 'server.ts']`,
    };
  }
  return { command: replaceProgram(words, program, nodePath) };
}

/** The same words with what is no program of this machine replaced: Weft's own by name, and `node` by the Node that runs this. */
export function replaceProgram(
  words: readonly string[],
  program: readonly string[] | undefined,
  nodePath: string,
): readonly string[] {
  const [first = '', ...rest] = words;
  if (program && basename(first).startsWith('weft-')) return [...program, ...rest];
  return first === 'node' ? [nodePath, ...rest] : words;
}

/**
 * The folder of this machine that a working directory means: relative to the sandbox's folder; an absolute one by the
 * path map, or as it is. One that does not exist, as it is a path inside an image, is looked for beside the sandbox's
 * folder and above by its last parts: `/app/shop` is `../shop`, or the folder `shop` that the manifests are in.
 */
export function findWorkingDir(
  wanted: string | undefined,
  { baseDir, pathMap }: { readonly baseDir: string; readonly pathMap: ReadonlyMap<string, string> },
): { readonly path: string } | { readonly problem: string } {
  const given = wanted ?? '.';
  if (!given.startsWith('/')) return existing(resolve(baseDir, given), given);
  const prefixes = [...pathMap.keys()].filter(prefix => given === prefix || given.startsWith(`${prefix}/`));
  const longest = prefixes.sort((a, b) => b.length - a.length)[0];
  if (longest !== undefined) return existing(join(pathMap.get(longest)!, given.slice(longest.length)), given);
  if (existsSync(given)) return { path: given };
  const parts = given.split('/').filter(part => part !== '');
  for (let skip = 0; skip < parts.length; skip++) {
    let above = baseDir;
    for (let level = 0; level <= levelsAbove; level++, above = dirname(above)) {
      const path = join(above, ...parts.slice(skip));
      if (existsSync(path)) return { path };
    }
  }
  return existing(given, given);
}

function existing(path: string, given: string): { readonly path: string } | { readonly problem: string } {
  if (existsSync(path)) return { path };
  return {
    problem: `its workingDir ${given} does not exist (looked at ${path}); say which folder it is with --map ${given}=FOLDER`,
  };
}
