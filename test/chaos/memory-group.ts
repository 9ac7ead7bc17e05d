// A control group of the kernel's whose processes may have so much memory and no more, of either version.
import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Undo } from './bed.ts';

const root = '/sys/fs/cgroup';

/** Why there can be none here; undefined where there can. */
export function noMemoryGroup(): string | undefined {
  if (existsSync(join(root, 'memory/memory.limit_in_bytes'))) return undefined;
  const controllers = join(root, 'cgroup.controllers');
  if (existsSync(controllers) && readFileSync(controllers, 'utf8').split(/\s/).includes('memory'))
    return undefined;
  return 'this machine has no control groups that limit memory';
}

/** Makes one. `take` moves a process into it; `remove` takes it away, and must come after its processes have ended or left. */
export function memoryGroup(name: string, bytes: number): { take(pid: number): void; readonly remove: Undo } {
  const isOld = existsSync(join(root, 'memory/memory.limit_in_bytes'));
  const parent = isOld ? join(root, 'memory') : root;
  const folder = join(parent, name);
  if (!isOld) writeFileSync(join(root, 'cgroup.subtree_control'), '+memory');
  mkdirSync(folder);
  writeFileSync(join(folder, isOld ? 'memory.limit_in_bytes' : 'memory.max'), String(bytes));
  const processes = (group: string): string => join(group, 'cgroup.procs');
  return {
    take: pid => writeFileSync(processes(folder), String(pid)),
    async remove() {
      // Those that are left go back where they came from; the kernel is done with those that have ended a moment later.
      for (const endMs = performance.now() + 10_000; ; await sleep(100)) {
        for (const pid of readFileSync(processes(folder), 'utf8').split('\n').filter(Boolean)) {
          try {
            writeFileSync(processes(parent), pid);
          } catch {
            // It has ended.
          }
        }
        try {
          rmdirSync(folder);
          return;
        } catch (error) {
          if ((error as NodeJS.ErrnoException).code !== 'EBUSY' || performance.now() > endMs) throw error;
        }
      }
    },
  };
}
