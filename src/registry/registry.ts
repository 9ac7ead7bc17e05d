import { equal, type ObjectRef, type Problem, problem, type Site } from '../model/index.ts';
import type { Cancel, Clock } from '../time/index.ts';
import { type KubeObject, keyOf, kindOf, refOf } from './object.ts';

/** One object came, changed or went. The key has the cluster in it where that is not the control plane's own. */
export type Change =
  | { readonly type: 'put'; readonly kind: string; readonly key: string; readonly stored: Stored }
  | { readonly type: 'delete'; readonly kind: string; readonly key: string };

/** An object and how to name it. */
export interface Stored {
  readonly object: KubeObject;
  readonly ref: ObjectRef;
  /** Absent for what was not found by a source: objects that analyze expects. */
  readonly owner?: Owner;
}

/** Whoever puts objects: a source. */
export interface Owner {
  /** For problems: `files:/etc/weft`. */
  readonly name: string;
  /** Where its objects are; the control plane's own cluster unless told. */
  readonly site?: Site;
}

/** One owner's objects in the registry: it changes and forgets these, and no others. */
export interface Entries {
  /** Stores the object; `origin` says where it was read (`shop.yaml:12`). */
  put(object: KubeObject, origin?: string): void;
  /** Forgets the object, if this owner had put it; `key` is `namespace/name`. */
  delete(kind: string, key: string): void;
  /** These are all that this owner has now. */
  replaceAll(objects: Iterable<{ readonly object: KubeObject; readonly origin?: string }>): void;
  /** Tells of what was put now: after a first full read. */
  flush(): void;
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
  /** And at the latest this long after its first change; 50 unless told. */
  readonly maxWaitMs?: number;
}

/**
 * The objects that the sources know now, by kind (with API group) and key, and word of their changes in batches: a burst of
 * changes reaches the subscribers as one. An object that is put again unchanged is no change. Where two owners have the same
 * object of one cluster, that of the owner who came first (`of`) counts; the other's stands in for it once that is gone.
 */
export class Registry {
  readonly #clock: Clock;
  readonly #quietMs: number;
  readonly #maxWaitMs: number;
  readonly #owners: Owner[] = [];
  readonly #kinds = new Map<string, Map<string, Stored>>();
  /** By kind and key: those that another owner's keeps from counting, in the order of their owners. Hardly ever any. */
  readonly #beneath = new Map<string, readonly Stored[]>();
  readonly #listeners = new Set<(batch: Batch) => void>();
  readonly #waiting = new Map<string, Change>();
  #firstAtMs = 0;
  #cancel: Cancel | undefined;

  constructor(options: RegistryOptions) {
    this.#clock = options.clock;
    this.#quietMs = options.quietMs ?? 20;
    this.#maxWaitMs = options.maxWaitMs ?? 50;
  }

  /** The entries of an owner. Who comes first counts where two have the same object. */
  of(owner: Owner): Entries {
    if (!this.#owners.includes(owner)) this.#owners.push(owner);
    return {
      put: (object, origin) => void this.#put(owner, object, origin),
      delete: (kind, key) => this.#delete(owner, kind, whole(key, owner.site)),
      replaceAll: objects => this.#replaceAll(owner, objects),
      flush: () => this.flush(),
    };
  }

  /** `key` with the cluster, where that is not the control plane's own. */
  get(kind: string, key: string): Stored | undefined {
    return this.#kinds.get(kind)?.get(key);
  }

  /** Every object of a kind in one cluster, the control plane's own unless told, in no order. */
  *list(kind: string, { cluster }: Site = {}): Iterable<Stored> {
    for (const stored of this.#kinds.get(kind)?.values() ?? [])
      if (stored.ref.cluster === cluster) yield stored;
  }

  /** How many objects there are, by kind. */
  counts(): Record<string, number> {
    const counts: Record<string, number> = {};
    for (const [kind, objects] of this.#kinds) if (objects.size > 0) counts[kind] = objects.size;
    return counts;
  }

  /** One for each object that another owner's keeps from counting. */
  problems(): readonly Problem[] {
    return [...this.#beneath.values()].flat().map(({ ref, owner }) => {
      const counted = this.get(kindOf(ref.apiVersion, ref.kind), keyOf(placeOf(ref), ref))!;
      const message = `is known from ${counted.owner!.name} too, and that one counts; remove that of ${owner!.name}, or the other`;
      return problem('object-duplicate', message, { object: ref, severity: 'warning' });
    });
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

  /** Kind and key of what was put. */
  #put(owner: Owner, object: KubeObject, origin: string | undefined): string {
    const kind = kindOf(object.apiVersion, object.kind);
    const key = keyOf(object.metadata, owner.site);
    const id = `${kind} ${key}`;
    const objects = this.#kinds.get(kind) ?? new Map<string, Stored>();
    this.#kinds.set(kind, objects);
    const counted = objects.get(key);
    const beneath = this.#beneath.get(id) ?? [];
    const before = counted?.owner === owner ? counted : beneath.find(each => each.owner === owner);
    if (before && before.ref.origin === origin && equal(before.object, object)) return id;
    const stored: Stored = { object, ref: refOf(object, origin, owner.site), owner };
    if (counted === undefined || (counted.owner === owner && beneath.length === 0)) {
      this.#count(kind, key, stored);
      return id;
    }
    const all = [counted, ...beneath].filter(each => each.owner !== owner);
    this.#rank(kind, key, [...all, stored], counted);
    return id;
  }

  #delete(owner: Owner, kind: string, key: string): void {
    const counted = this.#kinds.get(kind)?.get(key);
    if (!counted) return;
    const all = [counted, ...(this.#beneath.get(`${kind} ${key}`) ?? [])];
    this.#rank(
      kind,
      key,
      all.filter(each => each.owner !== owner),
      counted,
    );
  }

  #replaceAll(owner: Owner, objects: Parameters<Entries['replaceAll']>[0]): void {
    const held = new Set<string>();
    for (const { object, origin } of objects) held.add(this.#put(owner, object, origin));
    const mine = [...this.#kinds.values()].flatMap(each => [...each.values()]);
    for (const { ref, owner: whose } of [...mine, ...[...this.#beneath.values()].flat()]) {
      const [kind, key] = [kindOf(ref.apiVersion, ref.kind), keyOf(placeOf(ref), ref)];
      if (whose === owner && !held.has(`${kind} ${key}`)) this.#delete(owner, kind, key);
    }
  }

  /** Of all that owners have under one key the first owner's counts. */
  #rank(kind: string, key: string, all: readonly Stored[], before: Stored): void {
    const rank = ({ owner }: Stored): number => this.#owners.indexOf(owner!);
    const [first, ...others] = [...all].sort((left, right) => rank(left) - rank(right));
    if (others.length > 0) this.#beneath.set(`${kind} ${key}`, others);
    else this.#beneath.delete(`${kind} ${key}`);
    if (first !== before) this.#count(kind, key, first);
  }

  #count(kind: string, key: string, stored: Stored | undefined): void {
    const objects = this.#kinds.get(kind)!;
    if (stored) objects.set(key, stored);
    else objects.delete(key);
    this.#changed(stored ? { type: 'put', kind, key, stored } : { type: 'delete', kind, key });
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

function whole(key: string, site: Site | undefined): string {
  return site?.cluster === undefined ? key : `${site.cluster}/${key}`;
}

function placeOf({ namespace, name }: ObjectRef): { readonly namespace?: string; readonly name: string } {
  return namespace === '' ? { name } : { namespace, name };
}
