import { mkdir, open, readFile, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { errorMessage } from '../errors/index.ts';
import { askedKind, RESOURCE_KINDS, type Resource } from '../model/index.ts';
import type { Log } from '../telemetry/index.ts';
import type { Cancel, Clock } from '../time/index.ts';
import type { ResourceSink, ResourceStream } from './client.interface.ts';
import { keyFault } from './key.ts';
import { applied } from './received.ts';

/** Where a proxy's last resources are kept. */
export interface SnapshotOptions {
  /** A folder of this pod's own that outlives a restart of its container. */
  readonly folder: string;
  /** `namespace/pod`; a snapshot of another is not used. */
  readonly pod: string;
  readonly clock: Clock;
  readonly log: Log;
  /** Written this long after the first change that is not written yet; 1 s unless told. */
  readonly delayMs?: number;
}

/** The file; `format` changes when a resource of the old form could not be used any more. */
interface SnapshotFile {
  readonly format: 1;
  readonly pod: string;
  readonly savedAtMs: number;
  readonly resources: readonly Resource[];
}

const fileName = 'resources.json';

/**
 * Whether it is a resource that could be asked for again. The file may be anything, and one entry of it must not cost the others;
 * what was refused because of its name is not kept in the first place.
 */
function isKeepable(resource: Resource | null): resource is Resource {
  if (typeof resource !== 'object' || resource === null || typeof resource.key !== 'string') return false;
  return (
    RESOURCE_KINDS.includes(resource.kind) && (!isAskedFor(resource) || keyFault(resource.key) === undefined)
  );
}

/** Whether it comes only to who asks for its key. */
function isAskedFor({ kind, key }: Resource): boolean {
  return kind === askedKind(key);
}

/**
 * Keeps what a proxy was told, so that one that is restarted while the control plane is away goes on with that. A broken, foreign
 * or missing file is nothing worse than an empty start; a folder that cannot be written is logged once.
 */
export class Snapshot {
  readonly #options: SnapshotOptions;
  readonly #resources = new Map<string, Resource>();
  #cancel: Cancel | undefined;
  #writing: Promise<void> = Promise.resolve();
  #complained = false;

  constructor(options: SnapshotOptions) {
    this.#options = options;
  }

  /** A sink that keeps what `sink` takes. */
  keeping(sink: ResourceSink): ResourceSink {
    return {
      apply: resource => {
        const reason = sink.apply(resource);
        if (reason === undefined && isKeepable(resource)) this.#keep(resource);
        return reason;
      },
      connection: (up, reason) => sink.connection(up, reason),
    };
  }

  /** A stream that drops from the snapshot what is forgotten. */
  following(stream: ResourceStream): ResourceStream {
    return {
      want: key => stream.want(key),
      forget: key => {
        if (this.#resources.delete(`${askedKind(key)} ${key}`)) this.#saveSoon();
        stream.forget(key);
      },
      close: () => stream.close(),
    };
  }

  /**
   * Reads the last snapshot into the sink, and returns the keys that it asked for: the stream must want them, or nobody would
   * ever keep them current. When there was one, and when it was written, is logged.
   */
  async restore(sink: ResourceSink): Promise<readonly string[]> {
    const file = await this.#read();
    if (!file) return [];
    const { log, clock } = this.#options;
    const sorted = file.resources
      .filter(isKeepable)
      .sort((left, right) => RESOURCE_KINDS.indexOf(left.kind) - RESOURCE_KINDS.indexOf(right.kind));
    const taken = sorted.filter(resource => {
      const reason = applied(sink, resource);
      if (reason === undefined) this.#resources.set(`${resource.kind} ${resource.key}`, resource);
      return reason === undefined;
    });
    const ageMs = clock.now() - file.savedAtMs;
    const left = file.resources.length - taken.length;
    log.info({ resources: taken.length, left, ageMs }, 'begins with what was known before the restart');
    return taken.flatMap(each => (isAskedFor(each) ? [each.key] : []));
  }

  /** Writes now what is not written yet. */
  async flush(): Promise<void> {
    if (this.#cancel) {
      this.#cancel();
      this.#save();
    }
    await this.#writing;
  }

  #keep(resource: Resource): void {
    this.#resources.set(`${resource.kind} ${resource.key}`, resource);
    this.#saveSoon();
  }

  #saveSoon(): void {
    const { clock, delayMs = 1_000 } = this.#options;
    this.#cancel ??= clock.after(delayMs, () => this.#save());
  }

  #save(): void {
    this.#cancel = undefined;
    this.#writing = this.#writing
      .then(() => this.#write())
      .catch((thrown: unknown) => this.#complain(thrown));
  }

  async #write(): Promise<void> {
    const { folder, pod, clock } = this.#options;
    this.#dropUnused();
    const file: SnapshotFile = {
      format: 1,
      pod,
      savedAtMs: clock.now(),
      resources: [...this.#resources.values()],
    };
    await mkdir(folder, { recursive: true });
    const path = join(folder, fileName);
    const handle = await open(`${path}.new`, 'w', 0o600);
    try {
      await handle.writeFile(JSON.stringify(file));
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(`${path}.new`, path);
  }

  /** Endpoint sets that no destination names any more. */
  #dropUnused(): void {
    const used = new Set<string>();
    for (const resource of this.#resources.values()) {
      if (resource.kind === 'destination')
        for (const { name } of resource.clusters) used.add(`endpoints ${name}`);
    }
    for (const [id, { kind }] of this.#resources) {
      if (kind === 'endpoints' && !used.has(id)) this.#resources.delete(id);
    }
  }

  async #read(): Promise<SnapshotFile | undefined> {
    const { folder, pod, log } = this.#options;
    const path = join(folder, fileName);
    try {
      const file = JSON.parse(await readFile(path, 'utf8')) as SnapshotFile;
      const usable = file?.format === 1 && file.pod === pod && Array.isArray(file.resources);
      if (!usable) log.warn({ path }, 'the snapshot is of another pod or version and is not used');
      return usable ? file : undefined;
    } catch (thrown) {
      if ((thrown as NodeJS.ErrnoException).code !== 'ENOENT') {
        log.warn({ path }, `the snapshot cannot be read and is not used: ${errorMessage(thrown)}`);
      }
      return undefined;
    }
  }

  #complain(thrown: unknown): void {
    if (this.#complained) return;
    this.#complained = true;
    const { folder, log } = this.#options;
    const why = `the last resources cannot be kept in ${folder} (${errorMessage(thrown)}); a restart will begin without them`;
    log.warn({ folder }, `${why}: make the folder writable for this user`);
  }
}
