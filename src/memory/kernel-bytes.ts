import { readFileSync } from 'node:fs';

/** Reads a text; undefined where there is none. */
export type ReadText = (path: string) => string | undefined;

const root = '/sys/fs/cgroup';

/**
 * What the kernel itself keeps for this process' control group and cannot take back, bytes: sockets with what lies in their
 * buffers, tables of pages, descriptors. It counts against the limit as the process' own memory does
 * (https://docs.kernel.org/admin-guide/cgroup-v2.html#memory-interface-files, memory.stat; cgroup-v1/memory.html, 2.7). 0 where
 * the kernel does not tell.
 */
export function kernelBytesOfGroup(read: ReadText = readText): () => number {
  for (const { path, bytes } of places(read('/proc/self/cgroup') ?? '')) {
    const text = read(path);
    if (text === undefined || Number.isNaN(bytes(text))) continue;
    return () => bytes(read(path) ?? '') || 0;
  }
  return () => 0;
}

/** Where it may stand: below the group's own path, and at the top, which is the group's where a container sees its own alone. */
function places(groups: string): readonly { readonly path: string; bytes(text: string): number }[] {
  const own = (line: RegExp): string => line.exec(groups)?.[1]?.replace(/\/$/, '') ?? '';
  const [unified, memory] = [own(/^0::(\/.*)$/m), own(/^\d+:(?:[^:]*,)?memory(?:,[^:]*)?:(\/.*)$/m)];
  return [
    ...[unified, ''].map(path => ({ path: `${root}${path}/memory.stat`, bytes: ofStat })),
    ...[memory, ''].map(path => ({
      path: `${root}/memory${path}/memory.kmem.usage_in_bytes`,
      bytes: Number,
    })),
  ];
}

/** `kernel` has slabs, tables and stacks, but not the buffers of sockets. Before Linux 5.18 its parts have to do. */
function ofStat(stat: string): number {
  const of = (name: string): number =>
    Number(new RegExp(`^${name} (\\d+)$`, 'm').exec(stat)?.[1] ?? Number.NaN);
  const kernel = of('kernel');
  const parts = ['slab_unreclaimable', 'kernel_stack', 'pagetables'].map(name => of(name) || 0);
  const sock = of('sock');
  return (Number.isNaN(kernel) ? parts.reduce((sum, each) => sum + each, 0) : kernel) + sock;
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return undefined;
  }
}
