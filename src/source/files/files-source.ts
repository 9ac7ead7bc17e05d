import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { errorMessage, WeftError } from '../../errors/index.ts';
import { type Problem, problem } from '../../model/index.ts';
import { type Entries, type KubeObject, keyOf, kindOf } from '../../registry/index.ts';
import type { Cancel, Clock } from '../../time/index.ts';
import type { Source } from '../source.interface.ts';
import { FolderWatch } from './folder-watch.ts';
import { type ParsedFile, parseFile } from './parse-file.ts';
import { type FoundFile, type Scan, scanFolder } from './scan-folder.ts';

/** How a folder is read. */
export interface FilesSourceOptions {
  readonly folder: string;
  readonly clock: Clock;
  /** A scan starts this long after the last sign of change; 50 unless told. */
  readonly quietMs?: number;
  /** And one every so often without any sign, for what cannot be watched; 5000 unless told. */
  readonly rescanMs?: number;
}

interface KnownFile {
  readonly stamp: string;
  readonly parsed: ParsedFile;
}

interface Placed {
  readonly object: KubeObject;
  readonly origin: string;
}

/**
 * Objects from a folder of YAML and JSON files, subfolders included, kept current. A file that cannot be read keeps its last
 * good objects; so does everything while the folder is away. Of two objects of one name the first by file name and place counts.
 */
export class FilesSource implements Source {
  readonly name: string;
  readonly #options: FilesSourceOptions;
  readonly #folder: string;
  readonly #watch = new FolderWatch(() => this.#scanSoon());
  #entries: Entries | undefined;
  #files = new Map<string, KnownFile>();
  #problems: readonly Problem[] = [];
  #scanning: Promise<void> = Promise.resolve();
  #cancels: Cancel[] = [];
  #cancelSoon: Cancel | undefined;
  #closed = false;

  constructor(options: FilesSourceOptions) {
    this.#options = options;
    this.#folder = resolve(options.folder);
    this.name = `files:${options.folder}`;
  }

  async start(entries: Entries, signal: AbortSignal): Promise<void> {
    this.#entries = entries;
    signal.addEventListener('abort', () => this.#close(), { once: true });
    const scan = await scanFolder(this.#folder);
    if (scan.kind === 'unreadable') {
      this.#close();
      throw new WeftError('source-folder-unreadable', unreadable(this.#options.folder, scan.reason), {
        source: 'config',
      });
    }
    await this.#take(scan);
    entries.flush();
    if (this.#closed) return;
    this.#cancels.push(this.#options.clock.every(this.#options.rescanMs ?? 5_000, () => this.#scan()));
    // What changed between the first scan and the first watch is not seen by either.
    this.#scanSoon();
  }

  problems(): readonly Problem[] {
    return this.#problems;
  }

  /** Scans now and resolves when the registry has what was found; for tests and for tools that wrote a file themselves. */
  refresh(): Promise<void> {
    this.#scan();
    return this.#scanning;
  }

  #scanSoon(): void {
    if (this.#closed) return;
    this.#cancelSoon?.();
    this.#cancelSoon = this.#options.clock.after(this.#options.quietMs ?? 50, () => this.#scan());
  }

  #scan(): void {
    this.#scanning = this.#scanning.then(async () => {
      if (!this.#closed) await this.#take(await scanFolder(this.#folder));
    });
  }

  async #take(scan: Scan): Promise<void> {
    if (scan.kind === 'unreadable') {
      const message = `${unreadable(this.#options.folder, scan.reason)}; what it held before stays in use`;
      this.#problems = [problem('source-folder-unreadable', message)];
      return;
    }
    const files = new Map<string, KnownFile>();
    for (const found of scan.files) files.set(found.name, await this.#read(found));
    if (this.#closed) return;
    this.#files = files;
    this.#watch.set(scan.folders);
    this.#publish();
  }

  async #read(found: FoundFile): Promise<KnownFile> {
    const before = this.#files.get(found.name);
    if (before?.stamp === found.stamp) return before;
    const good = before?.parsed.objects ?? [];
    if (found.size === 0 && good.length > 0 && before!.stamp !== '') {
      // Editors that truncate before they write leave an empty file for a moment: believe it only when it lasts.
      this.#scanSoon();
      return { stamp: '', parsed: before!.parsed };
    }
    let text: string;
    try {
      text = await readFile(join(this.#folder, found.name), 'utf8');
    } catch (thrown) {
      const message = `${found.name}: cannot be read (${errorMessage(thrown)}); what it said before stays in use`;
      return {
        stamp: '',
        parsed: { objects: good, problems: [problem('file-unreadable', message)], readable: false },
      };
    }
    const parsed = parseFile(text, found.name, join(this.#options.folder, found.name));
    return { stamp: found.stamp, parsed: parsed.readable ? parsed : { ...parsed, objects: good } };
  }

  #publish(): void {
    const placed = new Map<string, Placed>();
    const problems: Problem[] = [];
    for (const [name, { parsed }] of this.#files) {
      problems.push(...parsed.problems);
      for (const { object, line } of parsed.objects) {
        const id = `${kindOf(object.apiVersion, object.kind)} ${keyOf(object.metadata)}`;
        const origin = `${name}:${line}`;
        const first = placed.get(id);
        if (first) problems.push(duplicate(id, origin, first.origin));
        else placed.set(id, { object, origin });
      }
    }
    this.#entries!.replaceAll(placed.values());
    this.#problems = problems;
  }

  #close(): void {
    this.#closed = true;
    this.#watch.close();
    this.#cancelSoon?.();
    for (const cancel of this.#cancels) cancel();
    this.#files.clear();
  }
}

function unreadable(folder: string, reason: string): string {
  return `the folder ${folder} cannot be read (${reason}); create it, or make it readable for this user`;
}

function duplicate(id: string, origin: string, first: string): Problem {
  const message = `${origin}: ${id} stands in ${first} too, and that one counts; remove one of them`;
  return problem('object-duplicate', message, { severity: 'warning' });
}
