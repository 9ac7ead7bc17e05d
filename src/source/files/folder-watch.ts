import { type FSWatcher, watch } from 'node:fs';
import { guarded } from '../../errors/index.ts';

/**
 * Tells when something in any of the folders may have changed; what did, only a scan says. One plain watch per folder: the
 * recursive mode of fs.watch misses folders that are replaced. Folders that cannot be watched are left to the next rescan.
 */
export class FolderWatch {
  readonly #touched: () => void;
  readonly #watchers = new Map<string, FSWatcher>();

  constructor(touched: () => void) {
    this.#touched = touched;
  }

  /** Watches exactly these folders from now on. */
  set(folders: readonly string[]): void {
    const wanted = new Set(folders);
    for (const [folder, watcher] of this.#watchers) {
      if (!wanted.has(folder)) this.#drop(folder, watcher);
    }
    for (const folder of wanted) {
      if (!this.#watchers.has(folder)) this.#add(folder);
    }
  }

  close(): void {
    for (const [folder, watcher] of this.#watchers) this.#drop(folder, watcher);
  }

  #add(folder: string): void {
    let watcher: FSWatcher;
    try {
      watcher = watch(folder, { persistent: false });
    } catch {
      return;
    }
    this.#watchers.set(folder, watcher);
    const changed = (event: string): void => {
      // A folder that was moved or removed tells 'rename' of itself; its inode is watched no longer, so watch anew.
      if (event === 'rename') this.#renew(folder, watcher);
      this.#touched();
    };
    watcher.on('change', guarded('watch', changed));
    watcher.on('error', () => this.#drop(folder, watcher));
  }

  #renew(folder: string, watcher: FSWatcher): void {
    this.#drop(folder, watcher);
    this.#add(folder);
  }

  #drop(folder: string, watcher: FSWatcher): void {
    watcher.close();
    if (this.#watchers.get(folder) === watcher) this.#watchers.delete(folder);
  }
}
