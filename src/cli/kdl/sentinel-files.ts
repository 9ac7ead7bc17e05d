import { globSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import type { FileReader } from '../../translate/sentinel/index.ts';

/** Files of this machine. A pattern is relative to the file that it stands in. */
export const sentinelFiles: FileReader = {
  read: file => readFileSync(file, 'utf8'),
  absolute: file => resolve(file),
  find(pattern, from) {
    const folder = dirname(resolve(from));
    return globSync(pattern, { cwd: folder })
      .map(each => resolve(folder, each))
      .sort();
  },
  list: folder => readdirSync(folder),
};
