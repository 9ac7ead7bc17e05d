import type { RuleScan } from '../routing/index.ts';
import type { AddressBlock, AddressWords } from './address-block.ts';

/** Ranges of one length. */
interface Level {
  readonly masks: Int32Array;
  /** Entries by what is left of an address under the masks, as one integer. */
  readonly entries: Map<number, number[]>;
}

/**
 * Finds ranges of addresses by their beginning: one look for each length that any of them has, whatever their number. What it
 * finds is to be asked again, because two beginnings may come to the same integer.
 */
export class AddressTable {
  readonly #ipv4: Level[] = [];
  readonly #ipv6: Level[] = [];

  /** Entries of one range are found in the order in which they came. */
  add(block: AddressBlock, entry: number): void {
    const levels = block.isIpv6 ? this.#ipv6 : this.#ipv4;
    let level = levels.find(({ masks }) => masks.every((mask, at) => mask === block.masks[at]));
    if (level === undefined) {
      level = { masks: block.masks, entries: new Map() };
      levels.push(level);
    }
    const key = beginning(block.words, level.masks);
    const list = level.entries.get(key) ?? [];
    level.entries.set(key, list);
    if (list.at(-1) !== entry) list.push(entry);
  }

  /** Calls `scan` with lists of entries whose range may have the address. */
  walk({ isIpv6, words }: AddressWords, scan: RuleScan): void {
    const levels = isIpv6 ? this.#ipv6 : this.#ipv4;
    for (let i = 0; i < levels.length; i++) {
      const { masks, entries } = levels[i]!;
      const found = entries.get(beginning(words, masks));
      if (found !== undefined) scan.rules(found);
    }
  }

  /** Whether any of `blocks`, whose indices are the entries, has the address. */
  has(address: AddressWords, blocks: readonly AddressBlock[]): boolean {
    const levels = address.isIpv6 ? this.#ipv6 : this.#ipv4;
    for (let i = 0; i < levels.length; i++) {
      const { masks, entries } = levels[i]!;
      const found = entries.get(beginning(address.words, masks));
      if (found === undefined) continue;
      for (let at = 0; at < found.length; at++) if (blocks[found[at]!]!.has(address)) return true;
    }
    return false;
  }
}

/** IPv4 keeps all of it; of IPv6 the four words are mixed. */
function beginning(words: Int32Array, masks: Int32Array): number {
  let key = words[0]! & masks[0]!;
  for (let i = 1; i < 4; i++) key = (Math.imul(key, 31) + (words[i]! & masks[i]!)) | 0;
  return key;
}
