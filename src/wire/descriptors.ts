// File descriptors run out where a process may have few (`ulimit -n`) or has many connections. libuv then takes what waits at a
// listener and closes it without a word, connections to upstreams fail as if the upstreams did, and not even a file can be read.
// So connections are refused before that, where it is known that it happens.
import { readFileSync } from 'node:fs';

/** Of this process, all threads together; undefined until the first connection is accepted. */
let most: number | undefined;
let refused = 0;
let report: () => void = () => {};

/** What `descriptorUse` tells. */
export interface DescriptorUse {
  /** How many the process may have open; infinite where it cannot be known. */
  readonly limit: number;
  /** Connections that were reset because there were too few on this thread. */
  readonly refused: number;
}

/**
 * Whether a connection with this descriptor may be kept. The kernel gives out the lowest number that is free, so that a number
 * says how many are in use. Whoever is let in will need another one, to the app or an upstream: only the lower half is for them.
 */
export function takesDescriptor(fd: number): boolean {
  most ??= limitOf();
  if (fd < most / 2) return true;
  refused++;
  report();
  return false;
}

/** `heard` is called for every connection that is refused on this thread. */
export function watchDescriptors(heard: () => void): void {
  report = heard;
}

/** The limit, and what it has cost. */
export function descriptorUse(): DescriptorUse {
  most ??= limitOf();
  return { limit: most, refused };
}

/** For tests: another limit than the kernel's, until the function that comes back is called. */
export function limitDescriptors(limit: number): () => void {
  const before = most;
  most = limit;
  return () => {
    most = before;
  };
}

/** Node has raised the limit as far as it may when it started, and nobody changes it afterwards. */
function limitOf(): number {
  try {
    const soft = /^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'latin1'))?.[1];
    if (soft !== undefined) return Number(soft);
  } catch {
    // Not Linux.
  }
  return Number.POSITIVE_INFINITY;
}
