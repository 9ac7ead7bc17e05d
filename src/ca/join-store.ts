import { createHash } from 'node:crypto';
import {
  type FileHandle,
  mkdir,
  open,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  writeFile,
} from 'node:fs/promises';
import { join } from 'node:path';
import { errorMessage, WeftError } from '../errors/index.ts';
import { formatJoinRecord, type JoinRecord, parseJoinRecord } from './join-record.ts';
import type { JoinStore } from './join-tokens.ts';

/** The store of a control plane without a cluster: a file for each token in the folder of its authority. */
export function folderJoinStore(caFolder: string): JoinStore {
  const folder = join(caFolder, 'join-tokens');
  const readAll = async (): Promise<Map<string, string>> => {
    const names = await readdir(folder).catch(() => [] as string[]);
    const files = names.filter(name => name.endsWith('.json')).sort();
    const texts = await Promise.all(files.map(name => readFile(join(folder, name), 'utf8')));
    return new Map(files.map((name, index) => [name.slice(0, -'.json'.length), texts[index]!]));
  };
  /** Changes what lies in the folder, if nothing has since `version`. */
  const changed = async (
    version: string,
    change: () => Promise<void>,
  ): Promise<'written' | 'changed' | WeftError> => {
    try {
      await mkdir(folder, { recursive: true, mode: 0o700 });
      const lock = join(folder, 'lock');
      const held = await lockAt(lock);
      if (held === undefined) return 'changed';
      try {
        if (joinRecordsOf(await readAll()).version !== version) return 'changed';
        await change();
        return 'written';
      } finally {
        await held.close();
        await rm(lock, { force: true });
      }
    } catch (thrown) {
      return unusable(thrown);
    }
  };
  return {
    async read() {
      try {
        return joinRecordsOf(await readAll());
      } catch (thrown) {
        return unusable(thrown);
      }
    },
    write: (version, id, record) =>
      changed(version, async () => {
        const file = join(folder, `${id}.json`);
        await writeFile(`${file}.new`, formatJoinRecord(record), { mode: 0o600 });
        await rename(`${file}.new`, file);
      }),
    remove: (version, id) => changed(version, () => rm(join(folder, `${id}.json`), { force: true })),
  };
}

/** How long a lock is waited for, and from when on whoever held it is gone. */
const lockMs = { wait: 2_000, stale: 10_000 };

/** Of all who write, in whatever process, one. Undefined where it is held for too long. */
async function lockAt(file: string): Promise<FileHandle | undefined> {
  for (const untilMs = Date.now() + lockMs.wait; Date.now() < untilMs; ) {
    const held = await open(file, 'wx', 0o600).catch(() => undefined);
    if (held !== undefined) return held;
    const { mtimeMs } = await stat(file).catch(() => ({ mtimeMs: Date.now() }));
    if (Date.now() - mtimeMs > lockMs.stale) await rm(file, { force: true });
    await new Promise(resolve => setTimeout(resolve, 10));
  }
  return undefined;
}

/** Texts by id, read; what cannot be read joins nobody. */
export function joinRecordsOf(texts: ReadonlyMap<string, string>): {
  readonly version: string;
  readonly records: ReadonlyMap<string, JoinRecord>;
} {
  const hash = createHash('sha256');
  const records = new Map<string, JoinRecord>();
  for (const [id, text] of texts) {
    hash.update(`${id}\n${text}\n`);
    const record = parseJoinRecord(id, text);
    if (!(record instanceof WeftError)) records.set(id, record);
  }
  return { version: hash.digest('hex'), records };
}

function unusable(thrown: unknown): WeftError {
  const why = `the join tokens cannot be read or written: ${errorMessage(thrown)}; try again`;
  return new WeftError('join-store', why, { source: 'internal', cause: thrown });
}
