import type { Subset } from '../model/index.ts';
import type { Caller } from './caller.ts';
import { wildcardsOf } from './hosts.ts';
import type { MeshReader } from './mesh-reader.ts';

/**
 * The subset of this name that the caller means: its own namespace's goes before the Service's, that before the mesh's; one for
 * the very host before one for a wildcard; and of equals the oldest.
 */
export function subsetOf(reader: MeshReader, caller: Caller, host: string, name: string): Subset | undefined {
  let best: Subset | undefined;
  for (const each of [host, ...wildcardsOf(host)]) {
    for (const subset of reader.policies('subsets', each)) {
      if (subset.name !== name || !isFor(subset, caller)) continue;
      if (!best || tier(subset) > tier(best)) best = subset;
    }
  }
  return best;
}

function isFor({ callerNamespace, visibleTo }: Subset, { namespace }: Caller): boolean {
  if (callerNamespace !== undefined && callerNamespace !== namespace) return false;
  return !visibleTo || visibleTo.includes(namespace);
}

function tier({ callerNamespace, meshWide }: Subset): number {
  if (callerNamespace !== undefined) return 2;
  return meshWide ? 0 : 1;
}
