const shardCount = 256;

/**
 * An immutable map by string key, made for snapshots that differ in a few entries: a change copies one shard of 256 and
 * shares the rest, so that a new snapshot of 30,000 entries costs microseconds. Reads as any ReadonlyMap; order is not kept.
 */
export class ShardedMap<V> implements ReadonlyMap<string, V> {
  readonly #shards: readonly ReadonlyMap<string, V>[];
  readonly size: number;

  private constructor(shards: readonly ReadonlyMap<string, V>[], size: number) {
    this.#shards = shards;
    this.size = size;
  }

  /** The map without entries. */
  static empty<V>(): ShardedMap<V> {
    return new ShardedMap<V>(new Array<ReadonlyMap<string, V>>(shardCount).fill(new Map()), 0);
  }

  /** A map of these entries; the last of equal keys wins. */
  static of<V>(entries: Iterable<readonly [string, V]>): ShardedMap<V> {
    const changes = new Map<string, V | undefined>(entries);
    return ShardedMap.empty<V>().with(changes);
  }

  get(key: string): V | undefined {
    return this.#shards[shardOf(key)]!.get(key);
  }

  has(key: string): boolean {
    return this.#shards[shardOf(key)]!.has(key);
  }

  /** A map with these changes; undefined removes a key. The same map when there are none. */
  with(changes: ReadonlyMap<string, V | undefined>): ShardedMap<V> {
    if (changes.size === 0) return this;
    const shards = [...this.#shards];
    const copied = new Map<number, Map<string, V>>();
    let size = this.size;
    for (const [key, value] of changes) {
      const index = shardOf(key);
      let shard = copied.get(index);
      if (!shard) {
        shard = new Map(shards[index]);
        copied.set(index, shard);
        shards[index] = shard;
      }
      size -= shard.size;
      if (value === undefined) shard.delete(key);
      else shard.set(key, value);
      size += shard.size;
    }
    return new ShardedMap(shards, size);
  }

  forEach(visit: (value: V, key: string, map: ReadonlyMap<string, V>) => void): void {
    for (const [key, value] of this) visit(value, key, this);
  }

  *entries(): MapIterator<[string, V]> {
    for (const shard of this.#shards) yield* shard.entries();
  }

  *keys(): MapIterator<string> {
    for (const shard of this.#shards) yield* shard.keys();
  }

  *values(): MapIterator<V> {
    for (const shard of this.#shards) yield* shard.values();
  }

  [Symbol.iterator](): MapIterator<[string, V]> {
    return this.entries();
  }
}

/** FNV-1a over UTF-16 code units, folded to a shard. */
function shardOf(key: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < key.length; index++) {
    hash = Math.imul(hash ^ key.charCodeAt(index), 0x01000193);
  }
  return (hash ^ (hash >>> 16)) & (shardCount - 1);
}
