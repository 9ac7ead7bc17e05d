// dist/…/program.cjs: loads what the command line asks for, from the files that merge.ts has written beside it. Each file is
// compiled with the code that V8 made of it before, where a file of such code lies beside it: V8 itself checks that it is of this
// version and made with these flags, but of the source no more than its length, so the name holds the source's hash (of what is
// loaded on demand there is no code, and its name holds a hash, too). What V8 does not take is compiled as if it were not there.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Script } from 'node:vm';
import { codeFile } from './code-file.ts';

/** Files by command; the build puts them in. */
declare const COMMANDS: Readonly<Record<string, string>>;

type Exports = Readonly<Record<string, unknown>>;
type Body = (exports: object, require: (name: string) => unknown, module: object, url: string) => void;

/** What has been compiled, by path: code-cache.ts asks V8 for the code that it has made since. */
export const scripts = new Map<string, Script>();
/** What each chunk exports, by its name. */
const loaded = new Map<string, Exports>();
const own = createRequire(__filename);

function load(file: string): void {
  const path = join(__dirname, file);
  const cachedData = code(codeFile(path));
  const script = new Script(readFileSync(path, 'utf8'), {
    filename: path,
    ...(cachedData && { cachedData }),
  });
  scripts.set(path, script);
  // V8 has read it: more than a megabyte that would stay until the next collection of everything.
  const bytes = cachedData?.buffer;
  if (bytes instanceof ArrayBuffer && bytes.byteLength === cachedData?.byteLength) bytes.transfer(0);
  const module = { exports: {} as { chunks?: Readonly<Record<string, Exports>> } };
  const body = script.runInThisContext() as Body;
  body(module.exports, required, module, pathToFileURL(path).href);
  for (const [name, each] of Object.entries(module.exports.chunks!)) loaded.set(name, each);
}

function required(name: string): unknown {
  if (!name.startsWith('./')) return own(name);
  const chunk = name.slice(2);
  if (!loaded.has(chunk)) load(chunk.replace(/mjs$/, 'cjs'));
  return loaded.get(chunk);
}

function code(path: string): Buffer | undefined {
  try {
    return readFileSync(path);
  } catch {
    return undefined;
  }
}

// Without a word: the image of a proxy that stands in for Sentinel's runs as its gateway.
load(COMMANDS[process.argv[2] ?? 'gateway'] ?? COMMANDS.other!);
