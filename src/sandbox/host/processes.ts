import { readdirSync, readFileSync } from 'node:fs';
import { namespacesWith, processesIn } from '../network/index.ts';
import { kill } from '../runtime/index.ts';
import { MARKER, netnsPrefix } from './names.ts';

const pollMs = 20;

/**
 * Ids of every process of a sandbox, but not of this one: those in its network namespaces and those that carry its mark in
 * their environment. Both are asked of the kernel, so it needs no record of what was started.
 */
export function sandboxProcesses(name: string, folder: string): number[] {
  const found = new Set(processesIn(namespacesWith(netnsPrefix(name))));
  for (const pid of markedProcesses(folder)) found.add(pid);
  found.delete(process.pid);
  return [...found];
}

function markedProcesses(folder: string): number[] {
  const mark = `${MARKER}=${folder}`;
  return readdirSync('/proc').flatMap(entry => {
    if (!/^\d+$/.test(entry)) return [];
    try {
      const environment = readFileSync(`/proc/${entry}/environ`, 'latin1');
      return environment.split('\0').includes(mark) ? [Number(entry)] : [];
    } catch {
      return [];
    }
  });
}

/** Ends every process that `find` finds: SIGTERM, and SIGKILL after `graceMs`. Those that not even that ends are returned. */
export async function endProcesses(
  find: () => readonly number[],
  graceMs: number,
): Promise<readonly number[]> {
  for (const [signal, waitMs] of [
    ['SIGTERM', graceMs],
    ['SIGKILL', 3000],
  ] as const) {
    const untilMs = performance.now() + waitMs;
    let told = new Set<number>();
    for (;;) {
      const left = find();
      if (left.length === 0) return [];
      // A process may start another one just before it ends: whoever is new is told too.
      for (const pid of left) if (!told.has(pid)) kill(pid, signal);
      told = new Set(left);
      if (performance.now() >= untilMs) break;
      await new Promise(resolve => setTimeout(resolve, pollMs));
    }
  }
  return find();
}

/** Whether a process with this id exists and is no zombie. */
export function isAlive(pid: number): boolean {
  try {
    return !/^\d+ \(.*\) Z/.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
}
