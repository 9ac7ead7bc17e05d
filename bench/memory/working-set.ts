// What the kubelet counts of a container, measured here: the memory of a control group without the pages of files that the kernel
// would drop first. A process that starts in a group of its own is counted as its pod would be.
import { existsSync, mkdirSync, readFileSync, rmdirSync } from 'node:fs';
import { join } from 'node:path';

/** A memory group for one process. */
export interface MemoryGroup {
  /** Words in front of a command that start it inside. */
  readonly prefix: readonly string[];
  /** Usage without inactive_file, in kilobytes of 1,024. */
  workingSetKb(): number;
  /** Once the process has ended. */
  remove(): void;
}

/** Below the group that this process is in, so that its limits hold. Text: why that cannot be done here, without root, say. */
export function memoryGroup(name: string): MemoryGroup | string {
  const own = ownFolder();
  if (own === undefined) return 'there is no controller of memory';
  const folder = join(own, name);
  try {
    mkdirSync(folder);
    workingSet(folder);
  } catch (error) {
    try {
      rmdirSync(folder);
    } catch {
      // Never made.
    }
    return error instanceof Error ? error.message : `${error}`;
  }
  return {
    prefix: ['sh', '-c', 'echo $$ >"$0" && exec "$@"', join(folder, 'cgroup.procs')],
    workingSetKb: () => Math.round(workingSet(folder) / 1024),
    remove: () => rmdirSync(folder),
  };
}

/** Bytes, as cAdvisor reckons them: version 1 counts with all groups below (`total_`), version 2 always does. */
function workingSet(folder: string): number {
  const read = (file: string): string => readFileSync(join(folder, file), 'utf8');
  const isFirst = existsSync(join(folder, 'memory.usage_in_bytes'));
  const usage = Number(read(isFirst ? 'memory.usage_in_bytes' : 'memory.current'));
  const inactive = new RegExp(`^${isFirst ? 'total_' : ''}inactive_file (\\d+)$`, 'm').exec(
    read('memory.stat'),
  );
  return Math.max(0, usage - Number(inactive?.[1] ?? 0));
}

/** Of this process: version 1 has a tree for memory, version 2 one for everything. */
function ownFolder(): string | undefined {
  const groups = readFileSync('/proc/self/cgroup', 'utf8');
  const first = /^\d+:(?:.*,)?memory(?:,.*)?:(.*)$/m.exec(groups)?.[1];
  const folder =
    first === undefined
      ? join('/sys/fs/cgroup', /^0::(.*)$/m.exec(groups)?.[1] ?? '/')
      : join('/sys/fs/cgroup/memory', first);
  return existsSync(join(folder, 'cgroup.procs')) ? folder : undefined;
}
