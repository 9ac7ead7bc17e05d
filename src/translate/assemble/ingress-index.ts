// Ingresses by something that they name, of which there are thousands: which of it was touched since somebody looked.
import type { ReadIngress } from '../ingress/ingress-model.ts';

/** What is older goes before; equals by name. */
interface WithAge {
  readonly createdAt: string;
  readonly name: string;
  readonly namespace?: string;
}

/** The oldest first, equals by name. */
export function byAge<T extends WithAge>(all: readonly T[]): readonly T[] {
  if (all.length < 2) return all;
  const keyed = all.map(each => ({ each, key: `${each.createdAt} ${each.namespace ?? ''}/${each.name}` }));
  return keyed.sort((left, right) => (left.key < right.key ? -1 : 1)).map(({ each }) => each);
}

/** Ingresses by key. */
export class IngressIndex {
  readonly #all = new Map<string, Set<ReadIngress>>();
  #touched = new Set<string>();
  #turned = new Set<string>();

  /** How many keys have an Ingress. */
  get size(): number {
    return this.#all.size;
  }

  keys(): Iterable<string> {
    return this.#all.keys();
  }

  has(key: string): boolean {
    return this.#all.has(key);
  }

  /** The oldest first. */
  of(key: string): readonly ReadIngress[] {
    return byAge([...(this.#all.get(key) ?? [])]);
  }

  /** Puts the Ingress under each of the keys, or takes it away there. */
  set(keys: readonly string[], ingress: ReadIngress, present: boolean): void {
    for (const key of keys) {
      this.#touched.add(key);
      const own = this.#all.get(key) ?? new Set<ReadIngress>();
      if (present) own.add(ingress);
      else own.delete(ingress);
      if (own.size > 0 !== this.#all.has(key)) this.#turned.add(key);
      if (own.size > 0) this.#all.set(key, own);
      else this.#all.delete(key);
    }
  }

  /** Somebody else than its Ingresses has touched it; nothing where the key has none. */
  touch(key: string): void {
    if (this.#all.has(key)) this.#touched.add(key);
  }

  /** Keys of which something is another since this was asked last. */
  takeTouched(): ReadonlySet<string> {
    const touched = this.#touched;
    this.#touched = new Set();
    return touched;
  }

  /** Keys that got their first Ingress, or lost their last. */
  takeTurned(): ReadonlySet<string> {
    const turned = this.#turned;
    this.#turned = new Set();
    return turned;
  }
}
