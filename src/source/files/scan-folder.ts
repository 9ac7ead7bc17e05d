import type { Dirent, Stats } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { errorMessage } from '../../errors/index.ts';
import { withoutChartParts } from './not-manifests.ts';

/** One file that may hold objects. `stamp` changes when its content may have changed. */
export interface FoundFile {
  /** Relative to the folder, with `/`. */
  readonly name: string;
  readonly stamp: string;
  readonly size: number;
}

/** What is in a folder now, or why that cannot be said. */
export type Scan =
  | { readonly kind: 'found'; readonly files: readonly FoundFile[]; readonly folders: readonly string[] }
  | { readonly kind: 'unreadable'; readonly reason: string };

const wanted = /\.(ya?ml|json)$/i;

/**
 * Lists the YAML and JSON files of a folder and its subfolders in order of name. Symbolic links are followed (that is how
 * Kubernetes mounts ConfigMaps); names that begin with a dot are left out (editors' swap files, `..data`), and what a Helm chart
 * renders.
 */
export async function scanFolder(folder: string): Promise<Scan> {
  const files: FoundFile[] = [];
  const folders: string[] = [];
  try {
    await scanInto('', folder, files, folders, 0);
  } catch (thrown) {
    return { kind: 'unreadable', reason: errorMessage(thrown) };
  }
  files.sort((left, right) => (left.name < right.name ? -1 : 1));
  const kept = new Set(withoutChartParts(files.map(({ name }) => name)));
  return { kind: 'found', files: files.filter(({ name }) => kept.has(name)), folders };
}

async function scanInto(
  prefix: string,
  path: string,
  files: FoundFile[],
  folders: string[],
  depth: number,
): Promise<void> {
  folders.push(path);
  for (const entry of await readdir(path, { withFileTypes: true })) {
    if (entry.name.startsWith('.')) continue;
    const name = prefix + entry.name;
    const full = join(path, entry.name);
    const stats = await statsOf(entry, full);
    if (!stats) continue;
    if (stats.isDirectory()) {
      // Links may form circles; sixteen levels are more than anybody's manifests have.
      if (depth < 16) await scanBelow(`${name}/`, full, files, folders, depth + 1);
    } else if (stats.isFile() && wanted.test(entry.name)) {
      const stamp = `${stats.ino}:${stats.size}:${stats.mtimeMs}:${stats.ctimeMs}`;
      files.push({ name, stamp, size: stats.size });
    }
  }
}

/** A subfolder that goes away while it is read is as good as gone; only the folder itself must be there. */
async function scanBelow(
  prefix: string,
  path: string,
  files: FoundFile[],
  folders: string[],
  depth: number,
): Promise<void> {
  try {
    await scanInto(prefix, path, files, folders, depth);
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code !== 'ENOENT') throw thrown;
  }
}

/** Undefined for what went away in between, dangling links, and what is neither file nor folder. */
async function statsOf(entry: Dirent, path: string): Promise<Stats | undefined> {
  if (!entry.isFile() && !entry.isDirectory() && !entry.isSymbolicLink()) return undefined;
  if (entry.isFile() && !wanted.test(entry.name)) return undefined;
  try {
    return await stat(path);
  } catch {
    return undefined;
  }
}
