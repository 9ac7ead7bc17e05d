// Loaded into a merged program before it starts: on SIGUSR2 writes the code that V8 has made of its files beside them, and
// ends it.
import { renameSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename } from 'node:path';
import type { Script } from 'node:vm';
import { codeFile } from './code-file.ts';

const program = process.env.WEFT_MERGED_PROGRAM!;

process.on('SIGUSR2', () => {
  const { scripts } = createRequire(program)(program) as { readonly scripts: ReadonlyMap<string, Script> };
  for (const [path, script] of scripts) {
    const file = codeFile(path);
    writeFileSync(`${file}.new`, script.createCachedData());
    renameSync(`${file}.new`, file);
    console.log(basename(file));
  }
  process.exit(0);
});
