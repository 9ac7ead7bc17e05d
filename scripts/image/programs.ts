// Copies bundled programs out of dist/ with what they load, and nothing else: of CommonJS the sources of the whole folder,
// and with --code what V8 has compiled of them.
// Usage: programs.ts [--code] DEST PROGRAM...   PROGRAM is the name of a file of dist/ without .mjs
import { chmodSync, copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';

const withCode = process.argv[2] === '--code';
const [dest = '', ...programs] = process.argv.slice(withCode ? 3 : 2);
const done = new Set<string>();

function copy(file: string): void {
  if (done.has(file)) return;
  done.add(file);
  const target = join(dest, relative('dist', file));
  mkdirSync(dirname(target), { recursive: true });
  copyFileSync(file, target);
  if (!file.endsWith('.mjs')) return;
  const text = readFileSync(file, 'utf8');
  // from"./x.mjs", import"./x.mjs", import("./x.mjs"), createRequire(…)('./x/y.cjs').
  const loads =
    /(?:\bfrom|\bimport\(?|\bcreateRequire\(import\.meta\.url\)\()\s*["'](\.{1,2}\/[^"']+\.[cm]?js)["']/g;
  for (const [, path = ''] of text.matchAll(loads)) {
    // Texts inside the programs may look like imports.
    const found = join(dirname(file), path);
    if (!existsSync(found)) continue;
    if (found.endsWith('.cjs'))
      for (const each of readdirSync(dirname(found)))
        if (each.endsWith('.cjs') || (withCode && each.endsWith('.code'))) copy(join(dirname(found), each));
    copy(found);
  }
}

for (const program of programs) {
  copy(join('dist', `${program}.mjs`));
  chmodSync(join(dest, `${program}.mjs`), 0o755);
}
