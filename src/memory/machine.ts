import { readFileSync } from 'node:fs';
import { getHeapStatistics, setFlagsFromString } from 'node:v8';
import { createContext, runInContext } from 'node:vm';
import { libcFunction } from '../libc/index.ts';
import type { MemoryMachine } from './governor.ts';
import { kernelBytesOfGroup } from './kernel-bytes.ts';
import type { ReclaimMachine } from './reclaimer.ts';

/** More than any machine has: how kernels and libuv say that there is no limit. */
const noLimitBytes = 2 ** 50;

/**
 * A full collection moves what lives to new pages before it lets go of the old ones, on several threads, each with lists of its
 * own; without this the kernel killed a proxy of 96 MiB in it. Of a small limit it is a share, or nothing would be left.
 */
const reserve = { bytes: 16 * 2 ** 20, share: 1 / 8 };
/** Below this share of a limit nobody is near it, whatever the kernel keeps besides: it is not asked. */
const askedFrom = 0.2;

type Collect = (how: { type: 'major'; execution: 'sync'; flavor: 'last-resort' }) => void;

/** This process, and V8 on this thread of it. */
export function processMemory(): MemoryMachine & ReclaimMachine {
  // Of the control group, version 1 or 2; 0 where libuv cannot know.
  const group = process.constrainedMemory();
  const residentLimit = group > 0 && group < noLimitBytes ? group : Number.POSITIVE_INFINITY;
  let kernelBytes: (() => number) | undefined;
  const resident = (): number => {
    const own = anonymousBytes();
    if (own < residentLimit * askedFrom) return own;
    kernelBytes ??= kernelBytesOfGroup();
    return own + kernelBytes();
  };
  let collectHeap: Collect | undefined;
  let trim: ((keptBytes: number) => number) | undefined;
  return {
    limits: {
      residentBytes: residentLimit,
      heapBytes: getHeapStatistics().heap_size_limit,
    },
    reserveBytes:
      residentLimit === Number.POSITIVE_INFINITY ? 0 : Math.min(reserve.bytes, residentLimit * reserve.share),
    use: () => ({ residentBytes: resident(), heapBytes: getHeapStatistics().used_heap_size }),
    trim() {
      trim ??= makeTrim();
      trim(0);
    },
    collect() {
      collectHeap ??= makeCollect();
      trim ??= makeTrim();
      collectHeap({ type: 'major', execution: 'sync', flavor: 'last-resort' });
      trim(0);
    },
  };
}

/** mallopt(3). */
const M_TRIM_THRESHOLD = -1;
const M_MMAP_THRESHOLD = -3;

/**
 * Lets glibc give memory back. V8's compiler works in pieces of 32 KiB, on several threads; where those come out of arenas,
 * small blocks that stay lie between them, and 25 MB of a proxy were free and yet resident. With a mapping of its own each piece
 * is gone when it is freed. A limit that is told stays what it is: otherwise glibc raises it to the largest block that was ever
 * freed, up to 32 MiB. Below it nothing changes; buffers of TLS are 16 KiB. Other C libraries have no such function, and nothing
 * is lost.
 */
export function tuneMalloc(): void {
  try {
    const set = libcFunction<(what: number, value: number) => number>('int mallopt(int what, int value)');
    set(M_MMAP_THRESHOLD, 32 * 1024);
    set(M_TRIM_THRESHOLD, 1024 * 1024);
  } catch {
    // No koffi for this machine, or no glibc.
  }
}

/** Without what is mapped from files: the kernel takes that back without killing anybody. */
function anonymousBytes(): number {
  try {
    const kb = /^RssAnon:\s+(\d+) kB/m.exec(readFileSync('/proc/self/status', 'latin1'))?.[1];
    if (kb !== undefined) return Number(kb) * 1024;
  } catch {
    // Not Linux.
  }
  return process.memoryUsage.rss();
}

/**
 * V8 has the function in contexts that are made after the flag; made when first needed, because a context takes half a megabyte.
 */
function makeCollect(): Collect {
  setFlagsFromString('--expose-gc');
  const collect = runInContext('gc', createContext()) as Collect;
  setFlagsFromString('--no-expose-gc');
  return collect;
}

/** glibc keeps what was freed; other C libraries have no such function, and keep little. */
function makeTrim(): (keptBytes: number) => number {
  try {
    return libcFunction('int malloc_trim(size_t kept)');
  } catch {
    return () => 0;
  }
}
