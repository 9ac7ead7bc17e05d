import { existsSync, realpathSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import type { HostFiles } from './mount-script.ts';

/** The machine's own files. */
export const machineFiles: HostFiles = {
  realPath(path) {
    return existsSync(path) ? realpathSync(path) : undefined;
  },
  mode(path) {
    return (statSync(path).mode & 0o7777).toString(8);
  },
};

/** Whether a user who owns nothing here can reach and read `path`: every folder above it lets others pass. */
export function isReachableByOthers(path: string): boolean {
  if (!existsSync(path)) return false;
  const stat = statSync(path);
  if ((stat.mode & 0o004) === 0) return false;
  for (let folder = dirname(realpathSync(path)); ; folder = dirname(folder)) {
    if ((statSync(folder).mode & 0o001) === 0) return false;
    if (folder === '/') return true;
  }
}
