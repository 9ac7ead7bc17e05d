// Copies bundled programs out of dist/ with the chunks that they import, and nothing else.
// Usage: programs.ts DEST PROGRAM...   PROGRAM is the name of a file of dist/ without .mjs
import { chmodSync, copyFileSync, existsSync, mkdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';

const [dest = '', ...programs] = process.argv.slice(2);
const done = new Set<string>();

function copy(file: string): void {
  if (done.has(file)) return;
  done.add(file);
  const target = join(dest, relative('dist', file));
  mkdirSync(dirname(target), { recursive: true });
  copyFileSync(file, target);
  const text = readFileSync(file, 'utf8');
  // Imports of esbuild's output: from"./x.mjs", import"./x.mjs", import("./x.mjs").
  for (const [, path = ''] of text.matchAll(/(?:\bfrom|\bimport\(?)\s*["'](\.{1,2}\/[^"']+\.m?js)["']/g)) {
    // Texts inside the programs may look like imports.
    const found = join(dirname(file), path);
    if (existsSync(found)) copy(found);
  }
}

for (const program of programs) {
  copy(join('dist', `${program}.mjs`));
  chmodSync(join(dest, `${program}.mjs`), 0o755);
}
