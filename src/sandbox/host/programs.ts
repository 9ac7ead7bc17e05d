import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Weft's programs. */
export type ProgramName = 'weft' | 'weft-proxy' | 'weft-injector';

/** Source files that programs of pods begin in, where those are not the ones beside this: of another version of Weft. */
export type OtherPrograms = Readonly<Partial<Record<'weft-proxy' | 'weft-injector', string>>>;

const here = fileURLToPath(import.meta.url);

/** Whether this is the source tree and not a bundle. */
export function runsFromSource(): boolean {
  return here.endsWith('.ts');
}

/**
 * The words that run one of Weft's programs with the Node that runs this: from source when this is source, otherwise
 * from the bundles, beside this file or one folder up (dist/chunks).
 */
export function program(name: ProgramName): readonly string[] {
  const folder = dirname(here);
  if (runsFromSource()) return [process.execPath, join(folder, '..', '..', 'main', `${name}.ts`)];
  const beside = join(folder, `${name}.mjs`);
  return [process.execPath, existsSync(beside) ? beside : join(folder, '..', `${name}.mjs`)];
}

/** Whether the program's file is there. */
export function hasProgram(name: ProgramName): boolean {
  return existsSync(program(name)[1]!);
}

/** Which of Weft's own programs a container image holds (`example.com/weft-proxy:0.1.0`); undefined for other images. */
export function programOfImage(image: string): 'weft-proxy' | 'weft-injector' | undefined {
  const name = image
    .split('/')
    .at(-1)!
    .replace(/[:@].*$/, '');
  return name === 'weft-proxy' || name === 'weft-injector' ? name : undefined;
}
