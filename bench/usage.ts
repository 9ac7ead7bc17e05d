// What processes use, as the kernel counts it.
import { readdirSync, readFileSync } from 'node:fs';

/** Memory of some processes together, in bytes. */
export interface Memory {
  /** Resident, what they share with others included. */
  readonly rss: number;
  /** Private_Clean + Private_Dirty of smaps_rollup: what would be free if they were gone. */
  readonly private: number;
}

const ticksPerSecond = 100;

/** CPU time of all threads of these processes so far, in microseconds. */
export function cpuUs(pids: readonly number[]): number {
  return pids.reduce((sum, pid) => sum + (fromSchedstat(pid) ?? fromStat(pid)), 0);
}

/** Nanoseconds on the CPU, per thread. Undefined where the kernel is built without it. */
function fromSchedstat(pid: number): number | undefined {
  try {
    const threads = readdirSync(`/proc/${pid}/task`);
    const ns = threads.map(thread =>
      Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'utf8').split(' ')[0]),
    );
    return ns.reduce((sum, each) => sum + each, 0) / 1000;
  } catch {
    return undefined;
  }
}

/** How long the main thread of a process ran and how long it was ready to run and had no processor, in microseconds. */
export function mainThread(pid: number): { readonly ranUs: number; readonly waitedUs: number } {
  try {
    const [ran, waited] = readFileSync(`/proc/${pid}/schedstat`, 'utf8').split(' ').map(Number);
    return { ranUs: ran! / 1000, waitedUs: waited! / 1000 };
  } catch {
    // The kernel is built without it, or the process is gone.
    return { ranUs: 0, waitedUs: 0 };
  }
}

/** utime + stime, in ticks of 10 ms. */
function fromStat(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return ((Number(fields[11]) + Number(fields[12])) * 1e6) / ticksPerSecond;
}

/** Their memory now. */
export function memory(pids: readonly number[]): Memory {
  let rss = 0;
  let own = 0;
  for (const pid of pids) {
    const text = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8');
    const kb = (name: string): number => Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(text)?.[1] ?? 0);
    rss += kb('Rss') * 1024;
    own += (kb('Private_Clean') + kb('Private_Dirty')) * 1024;
  }
  return { rss, private: own };
}

/** read() and write() calls that a process has made, of the kinds that /proc/PID/io counts. */
export function systemCalls(pid: number): { reads: number; writes: number } {
  const text = readFileSync(`/proc/${pid}/io`, 'utf8');
  const count = (name: string): number => Number(new RegExp(`^${name}: (\\d+)`, 'm').exec(text)?.[1] ?? 0);
  return { reads: count('syscr'), writes: count('syscw') };
}
