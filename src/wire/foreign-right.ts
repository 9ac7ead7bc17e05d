// The right to call from addresses of others: the capability NET_RAW, and nothing else that root has.
import { readFileSync } from 'node:fs';
import { libcFunction } from '../libc/index.ts';

/** Bit of CAP_NET_RAW, capability.h; it is what IP_TRANSPARENT asks for (ip(7)). */
const NET_RAW = 1 << 13;
const PR_SET_DUMPABLE = 4;
const PR_SET_KEEPCAPS = 8;
/** _LINUX_CAPABILITY_VERSION_3: a header of version and pid, then two times effective, permitted, inheritable. */
const VERSION_3 = 0x2008_0522;

/**
 * Gives up root for the user and group `id` in all threads, and root's group. The permitted capabilities that are left, in
 * hexadecimal: none unless the kernel was told to keep them. Throws what Node throws where it may not become another user.
 */
export function becomeUser(id: number): string {
  process.setgroups?.((process.getgroups?.() ?? []).filter(group => group !== 0));
  process.setgid?.(id);
  process.setuid?.(id);
  // The kernel makes files in /proc of who was root root's own; this process is to see its own again, as one that never was.
  libcFunction<(...words: number[]) => number>(
    'int prctl(int option, unsigned long a, unsigned long b, unsigned long c, unsigned long d)',
  )(PR_SET_DUMPABLE, 1, 0, 0, 0);
  return /^CapPrm:\s*([0-9a-f]+)/m.exec(readFileSync('/proc/thread-self/status', 'utf8'))?.[1] ?? '0';
}

/**
 * Gives up root for the user and group `id` and keeps NET_RAW, in this thread and in those that it starts later. Whether this
 * thread has NET_RAW now, as it must for openFrom. Throws what Node throws where it may not become another user.
 */
export function keepForeignRight(id: number): boolean {
  if (process.getuid?.() === 0) {
    const prctl = libcFunction<(...words: number[]) => number>(
      'int prctl(int option, unsigned long a, unsigned long b, unsigned long c, unsigned long d)',
    );
    const capset = libcFunction<(header: Buffer, data: Buffer) => number>(
      'int capset(void *header, void *data)',
    );
    prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0);
    becomeUser(id);
    const header = Buffer.alloc(8);
    header.writeUInt32LE(VERSION_3, 0);
    const data = Buffer.alloc(24);
    for (const offset of [0, 4]) data.writeUInt32LE(NET_RAW, offset);
    capset(header, data);
  }
  const status = readFileSync('/proc/thread-self/status', 'utf8');
  const effective = /^CapEff:\s*([0-9a-f]+)/m.exec(status)?.[1] ?? '0';
  return (BigInt(`0x${effective}`) & BigInt(NET_RAW)) !== 0n;
}
