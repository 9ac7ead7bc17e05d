import { ShardedMap } from '../../model/index.ts';

/** Changes to a map of a mesh, gathered and then made at once; reads see what was gathered. */
export class Draft<V> {
  readonly #base: ReadonlyMap<string, V>;
  readonly #changes = new Map<string, V | undefined>();

  constructor(base: ReadonlyMap<string, V>) {
    this.#base = base;
  }

  get(key: string): V | undefined {
    return this.#changes.has(key) ? this.#changes.get(key) : this.#base.get(key);
  }

  /** Undefined removes the key. */
  set(key: string, value: V | undefined): void {
    this.#changes.set(key, value);
  }

  /** The map with the changes; the very same map when there are none. */
  done(): ReadonlyMap<string, V> {
    if (this.#changes.size === 0) return this.#base;
    const base = this.#base instanceof ShardedMap ? (this.#base as ShardedMap<V>) : ShardedMap.of(this.#base);
    return base.with(this.#changes);
  }
}
