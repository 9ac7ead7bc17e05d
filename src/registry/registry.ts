import { equal, type ObjectRef } from '../model/index.ts';
import type { Cancel, Clock } from '../time/index.ts';
import { type KubeObject, keyOf, kindOf, refOf } from './object.ts';

/** One object came, changed or went. */
export type Change =
  | { readonly type: 'put'; readonly kind: string; readonly key: string; readonly stored: Stored }
  | { readonly type: 'delete'; readonly kind: string; readonly key: string };

/** An object and how to name it. */
export interface Stored {
  readonly object: KubeObject;
  readonly ref: ObjectRef;
}

/** The changes of one burst, each object at most once, with its last state. */
export interface Batch {
  readonly changes: readonly Change[];
  /** When the first of them came in; milliseconds since the epoch. */
  readonly changedAtMs: number;
}

/** How long changes are gathered; see Registry. */
export interface RegistryOptions {
  readonly clock: Clock;
  /** A batch goes out when nothing has changed for this long; 20 unless told. */
  readonly quietMs?: number;
  /** And at the latest this long after its first change; 200 unless told. */
  readonly maxWaitMs?: number;
}

/**
 * The objects that the sources know now, by kind (with API group) and `namespace/name`, and word of their changes in batches:
 * a burst of changes reaches the subscribers as one. An object that is put again unchanged is no change. Where two sources
 * put the same object, the last one counts.
 */
export class Registry {
  readonly #clock: Clock;
  readonly #quietMs: number;
  readonly #maxWaitMs: number;
  readonly #kinds = new Map<string, Map<string, Stored>>();
  readonly #listeners = new Set<(batch: Batch) => void>();
  readonly #waiting = new Map<string, Change>();
  #firstAtMs = 0;
  #cancel: Cancel | undefined;

  constructor(options: RegistryOptions) {
    this.#clock = options.clock;
    this.#quietMs = options.quietMs ?? 20;
    this.#maxWaitMs = options.maxWaitMs ?? 200;
  }

  /** Stores the object; `origin` says where it was read (`shop.yaml:12`). */
  put(object: KubeObject, origin?: string): void {
    const kind = kindOf(object.apiVersion, object.kind);
    const key = keyOf(object.metadata);
    let objects = this.#kinds.get(kind);
    if (!objects) {
      objects = new Map();
      this.#kinds.set(kind, objects);
    }
    const before = objects.get(key);
    if (before && before.ref.origin === origin && equal(before.object, object)) return;
    const stored: Stored = { object, ref: refOf(object, origin) };
    objects.set(key, stored);
    this.#changed({ type: 'put', kind, key, stored });
  }

  /** Forgets the object, if it was known. */
  delete(kind: string, key: string): void {
    if (this.#kinds.get(kind)?.delete(key)) this.#changed({ type: 'delete', kind, key });
  }

  get(kind: string, key: string): Stored | undefined {
    return this.#kinds.get(kind)?.get(key);
  }

  /** Every object of a kind, in no order. */
  list(kind: string): Iterable<Stored> {
    return this.#kinds.get(kind)?.values() ?? [];
  }

  /** How many objects there are, by kind. */
  counts(): Record<string, number> {
    const counts: Record<string, number> = {};
    for (const [kind, objects] of this.#kinds) if (objects.size > 0) counts[kind] = objects.size;
    return counts;
  }

  /** Tells `listener` of every batch from now on, first of all what is known already. Returns how to stop. */
  subscribe(listener: (batch: Batch) => void): () => void {
    this.flush();
    const changes = [...this.#kinds].flatMap(([kind, objects]) =>
      [...objects].map(([key, stored]): Change => ({ type: 'put', kind, key, stored })),
    );
    this.#listeners.add(listener);
    if (changes.length > 0) listener({ changes, changedAtMs: this.#clock.now() });
    return () => this.#listeners.delete(listener);
  }

  /** Sends what was gathered now: after a source's first full read, and in tests. */
  flush(): void {
    this.#cancel?.();
    this.#cancel = undefined;
    if (this.#waiting.size === 0) return;
    const batch: Batch = { changes: [...this.#waiting.values()], changedAtMs: this.#firstAtMs };
    this.#waiting.clear();
    for (const listener of this.#listeners) listener(batch);
  }

  #changed(change: Change): void {
    const nowMs = this.#clock.now();
    if (this.#waiting.size === 0) this.#firstAtMs = nowMs;
    this.#waiting.set(`${change.kind} ${change.key}`, change);
    this.#cancel?.();
    const leftMs = Math.max(0, this.#firstAtMs + this.#maxWaitMs - nowMs);
    this.#cancel = this.#clock.after(Math.min(this.#quietMs, leftMs), () => this.flush());
  }
}
