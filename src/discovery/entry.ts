import type { Mesh, Resource } from '../model/index.ts';
import { type Caller, callerScope, type Resolved } from '../resolve/index.ts';

/** Called when the watched resource differs; the value is in the Watch. `changedAtMs`: when the cause became known. */
export type WatchListener = (changedAtMs: number) => void;

/** One resource that somebody follows. */
export interface Watch<R extends Resource = Resource> {
  /** Undefined while there is none, as the inbound side of a pod that is not known yet. Equal values are the same object. */
  readonly value: R | undefined;
  close(): void;
}

type Resolve<R extends Resource> = (mesh: Mesh) => Resolved<R | undefined>;

/** How a resource is worked out, and what stands for it where that fails and there was none before. */
export interface Recipe<R extends Resource> {
  readonly resolve: Resolve<R>;
  readonly failed?: (why: string) => R;
}

/** Called with an entry that nobody follows any more. */
export type Abandoned = (entry: Entry<Resource>) => void;

/** What a watcher follows, and for whom: from this it finds the entry that it belongs to when scopes change. */
export interface Followed {
  readonly caller: Caller;
  readonly kind: 'destination' | 'endpoints' | 'certificate' | 'gateway' | 'name';
  readonly key: string;
}

/** The entry that it belongs to in this mesh. */
export function idFor(mesh: Mesh, { caller, kind, key }: Followed): string {
  // Policies select gateways by any of their labels, and there are few callers to share with.
  const labels = kind === 'gateway' ? ` ${JSON.stringify(Object.entries(caller.labels).sort())}` : '';
  return `${kind} ${key}${labels} ${callerScope(mesh, caller)}`;
}

/**
 * Somebody who follows an entry's resource. A sidecar has some forty of these, and a control plane ten thousand sidecars: it is
 * the Watch itself, without a closure or an object of its own for anything.
 */
export class Watcher implements Watch {
  readonly listener: WatchListener;
  readonly followed: Followed | undefined;
  readonly #abandoned: Abandoned;
  entry: Entry<Resource>;

  constructor(
    listener: WatchListener,
    abandoned: Abandoned,
    followed: Followed | undefined,
    entry: Entry<Resource>,
  ) {
    this.listener = listener;
    this.#abandoned = abandoned;
    this.followed = followed;
    this.entry = entry;
  }

  get value(): Resource | undefined {
    return this.entry.value;
  }

  close(): void {
    const { entry } = this;
    if (entry.leave(this) && entry.isAbandoned) this.#abandoned(entry);
  }

  moveTo(entry: Entry<Resource>): void {
    this.entry.leave(this);
    this.entry = entry;
    entry.join(this);
  }
}

/** A resource that somebody follows: computed once for all of them. */
export class Entry<R extends Resource> {
  readonly id: string;
  recipe: Recipe<R>;
  value: R | undefined;
  facts: ReadonlySet<string> = new Set();
  readonly #watchers = new Set<Watcher>();

  constructor(id: string, recipe: Recipe<R>) {
    this.id = id;
    this.recipe = recipe;
  }

  get isAbandoned(): boolean {
    return this.#watchers.size === 0;
  }

  watchers(): readonly Watcher[] {
    return [...this.#watchers];
  }

  open(listener: WatchListener, abandoned: Abandoned, followed?: Followed): Watch<R> {
    const watcher = new Watcher(listener, abandoned, followed, this as Entry<Resource>);
    this.#watchers.add(watcher);
    return watcher as Watch<R>;
  }

  join(watcher: Watcher): void {
    this.#watchers.add(watcher);
  }

  leave(watcher: Watcher): boolean {
    return this.#watchers.delete(watcher);
  }

  tell(changedAtMs: number): void {
    for (const { listener } of [...this.#watchers]) listener(changedAtMs);
  }
}
