import { type NameResource, nameKey, parseNameKey, type Resource } from '../model/index.ts';
import type { Cancel, Clock } from '../time/index.ts';

/** What it needs of a proxy's discovery. */
export interface MeshNamesOptions {
  readonly clock: Clock;
  /** Follows the key from now on; answers come to `take`. */
  readonly want: (key: string) => void;
  readonly forget: (key: string) => void;
  /** Whether anybody is there to answer. */
  readonly isConnected: () => boolean;
}

/** Names that are followed at once: those asked for least recently are forgotten for others. */
const most = 4_096;
/** A client gets another server's answer rather than wait for longer. */
const waitMs = 1_000;
/** What nobody has asked for in so long is not followed any more. */
const idleMs = 10 * 60_000;

interface Entry {
  resource: NameResource | undefined;
  usedMs: number;
  readonly waiting: Set<(resource: NameResource | undefined) => void>;
}

/**
 * What the mesh says of names, asked for once each and followed from then on: changes are known before anybody asks again, and
 * what was known holds while the control plane is away.
 */
export class MeshNames {
  readonly #options: MeshNamesOptions;
  /** By host, those that were asked for last at the end. */
  readonly #entries = new Map<string, Entry>();
  readonly #stop: Cancel;

  constructor(options: MeshNamesOptions) {
    this.#options = options;
    this.#stop = options.clock.every(idleMs / 10, () => this.#expire());
  }

  get size(): number {
    return this.#entries.size;
  }

  /** What the host is (lowercase, no dot at its end); undefined where nobody can say now. */
  ask(host: string): Promise<NameResource | undefined> {
    const { clock, want, isConnected } = this.#options;
    let entry = this.#entries.get(host);
    if (entry) this.#entries.delete(host);
    else {
      if (this.#entries.size >= most && !this.#makeRoom()) return Promise.resolve(undefined);
      entry = { resource: undefined, usedMs: 0, waiting: new Set() };
      want(nameKey(host));
    }
    this.#entries.set(host, entry);
    entry.usedMs = clock.monotonic();
    if (entry.resource !== undefined || !isConnected()) return Promise.resolve(entry.resource);
    const { waiting } = entry;
    return new Promise(resolve => {
      const done = (resource: NameResource | undefined): void => {
        cancel();
        waiting.delete(done);
        resolve(resource);
      };
      const cancel = clock.after(waitMs, () => done(undefined));
      waiting.add(done);
    });
  }

  /** True when the resource was an answer to a question of ours, and is for nobody else. */
  take(resource: Resource): boolean {
    const host = parseNameKey(resource.key);
    if (host === undefined || (resource.kind !== 'name' && resource.kind !== 'destination')) return false;
    // A control plane of before there were names takes the key for a destination that it does not know.
    const taken: NameResource =
      resource.kind === 'name'
        ? resource
        : { kind: 'name', key: resource.key, found: false, host, addresses: [] };
    const entry = this.#entries.get(host);
    if (entry) {
      entry.resource = taken;
      for (const done of [...entry.waiting]) done(taken);
    } else {
      // Of a snapshot: followed by the stream, and asked for by nobody yet.
      const usedMs = this.#options.clock.monotonic();
      if (this.#entries.size < most) this.#entries.set(host, { resource: taken, usedMs, waiting: new Set() });
    }
    return true;
  }

  close(): void {
    this.#stop();
    for (const { waiting } of this.#entries.values()) for (const done of [...waiting]) done(undefined);
  }

  #makeRoom(): boolean {
    for (const [host, { waiting }] of this.#entries) {
      if (waiting.size > 0) continue;
      this.#forget(host);
      return true;
    }
    return false;
  }

  #expire(): void {
    const sinceMs = this.#options.clock.monotonic() - idleMs;
    for (const [host, { usedMs, waiting }] of this.#entries)
      if (usedMs < sinceMs && waiting.size === 0) this.#forget(host);
  }

  #forget(host: string): void {
    this.#entries.delete(host);
    this.#options.forget(nameKey(host));
  }
}
