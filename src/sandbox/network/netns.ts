import { readdirSync, readlinkSync, statSync } from 'node:fs';

const folder = '/run/netns';

/** Names of the network namespaces whose name begins with `prefix`. */
export function namespacesWith(prefix: string): string[] {
  try {
    return readdirSync(folder).filter(name => name.startsWith(prefix));
  } catch {
    return [];
  }
}

/** Ids of the processes that live in any of these network namespaces; asking the kernel, so nothing can hide. */
export function processesIn(names: readonly string[]): number[] {
  const inodes = new Set<string>();
  for (const name of names) {
    try {
      inodes.add(`net:[${statSync(`${folder}/${name}`).ino}]`);
    } catch {
      // It is gone already.
    }
  }
  if (inodes.size === 0) return [];
  return readdirSync('/proc').flatMap(entry => {
    if (!/^\d+$/.test(entry)) return [];
    try {
      return inodes.has(readlinkSync(`/proc/${entry}/ns/net`)) ? [Number(entry)] : [];
    } catch {
      return [];
    }
  });
}
