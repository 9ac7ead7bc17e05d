// A bundled weft-proxy as one piece of bytes: what the control plane gives its proxies. In: the folder of a program, or the
// bytes with the digest they must have. Out: the bytes, or files in a folder.
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { brotliCompressSync, brotliDecompressSync, constants } from 'node:zlib';
import { WeftError } from '../errors/index.ts';
import { isRecord } from '../plain/index.ts';

/** The file that a program begins in. */
export const ENTRY = 'weft-proxy.mjs';

/** Compressed and unpacked. A bundle has a tenth of that. */
export const MAX_PROGRAM_BYTES = 8 << 20;
const maxUnpackedBytes = 48 << 20;

/** A program that can be given to proxies. */
export interface ProxyProgram {
  readonly version: string;
  /** SHA-256 of `bytes`, in hexadecimal. */
  readonly digest: string;
  readonly bytes: Buffer;
}

/** What is in the bytes, as JSON compressed with Brotli. */
interface Packed {
  readonly version: string;
  /** Of Node, the least that it runs on. */
  readonly node: number;
  readonly files: Readonly<Record<string, string>>;
}

/**
 * What a bundled program loads: from"./x.mjs", import"./x.mjs", import("./x.mjs"), and of CommonJS createRequire(…)('./x/y.cjs').
 * Texts in a program may look like them.
 */
const loaded =
  /(?:\bfrom|\bimport\(?|\bcreateRequire\(import\.meta\.url\)\()\s*["'](\.{1,2}\/[^"']+\.[cm]?js)["']/g;

/**
 * The bundled program in `folder`, with what it loads and nothing else; undefined where there is none. A program in CommonJS is
 * the sources of a whole folder: what V8 has compiled of them is of another machine.
 */
export function packProgram(folder: string, version: string, node = 24): ProxyProgram | undefined {
  if (!existsSync(join(folder, ENTRY))) return undefined;
  const files: Record<string, string> = {};
  const add = (file: string): void => {
    const name = relative(folder, file);
    if (files[name] !== undefined) return;
    files[name] = readFileSync(file, 'utf8');
    if (file.endsWith('.cjs')) return;
    for (const [, path = ''] of files[name].matchAll(loaded)) {
      const found = join(dirname(file), path);
      if (!existsSync(found)) continue;
      if (found.endsWith('.cjs'))
        for (const each of readdirSync(dirname(found)).sort())
          if (each.endsWith('.cjs')) add(join(dirname(found), each));
      add(found);
    }
  };
  add(join(folder, ENTRY));
  const packed: Packed = { version, node, files };
  // A third larger than the best, in a twentieth of the time.
  const params = { [constants.BROTLI_PARAM_QUALITY]: 5 };
  const bytes = brotliCompressSync(JSON.stringify(packed), { params });
  return { version, digest: digestOf(bytes), bytes };
}

/**
 * Writes the program into `folder`, which must not be there yet, with a way to the native modules of this image beside it.
 * Returns the path of its entry. Throws WeftError `program-refused` for bytes that are not those of the digest, that are no
 * program, or that need another Node than this; nothing is written then.
 */
export function unpackProgram(bytes: Buffer, digest: string, folder: string, nativeModules: string): string {
  const files = readProgram(bytes, digest);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  for (const [name, text] of Object.entries(files)) {
    const path = join(folder, name);
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    writeFileSync(path, text, { mode: 0o500, flag: 'wx' });
  }
  symlinkSync(nativeModules, join(folder, 'node_modules'));
  return join(folder, ENTRY);
}

function readProgram(bytes: Buffer, digest: string): Readonly<Record<string, string>> {
  const found = digestOf(bytes);
  if (found !== digest) throw refused(`its digest is ${found} and not ${digest}`);
  let packed: unknown;
  try {
    packed = JSON.parse(brotliDecompressSync(bytes, { maxOutputLength: maxUnpackedBytes }).toString());
  } catch {
    throw refused('it cannot be unpacked');
  }
  if (!isRecord(packed) || !isRecord(packed.files)) throw refused('it has no files');
  const own = Number(process.versions.node.split('.')[0]);
  if (typeof packed.node !== 'number' || packed.node > own)
    throw refused(`it needs Node ${packed.node}, and the image of this pod has Node ${own}; restart the pod`);
  const files = Object.entries(packed.files);
  const wrong = files.find(([name, text]) => typeof text !== 'string' || !isPlainPath(name));
  if (wrong !== undefined) throw refused(`it has a file '${wrong[0].slice(0, 100)}'`);
  if (packed.files[ENTRY] === undefined) throw refused(`it has no ${ENTRY}`);
  return packed.files as Readonly<Record<string, string>>;
}

/** Words of letters, digits, `.`, `_` and `-` that begin with none of the last three, with slashes between them. */
function isPlainPath(name: string): boolean {
  return /^[A-Za-z0-9][\w.-]*(\/[A-Za-z0-9][\w.-]*)*$/.test(name);
}

function digestOf(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}

function refused(why: string): WeftError {
  return new WeftError('program-refused', `the program from the control plane is not taken: ${why}`);
}
