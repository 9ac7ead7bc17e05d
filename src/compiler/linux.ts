import { readdirSync, readFileSync } from 'node:fs';
import { setFlagsFromString } from 'node:v8';
import { libcFunction } from '../libc/index.ts';

/** What is asked of the machine. */
export interface CompilerMachine {
  /** Thread ids of V8's workers, which compile and help to collect garbage. */
  workers(): number[];
  /** Lets a thread run only when no other of its control group wants the CPU. There is no way back without privileges. */
  makeIdle(thread: number): void;
  /** Milliseconds that a thread has waited for a CPU while it wanted one; undefined where the kernel does not count. */
  waitedMs(thread: number): number | undefined;
  /** The share of the last period that the event loop worked, 0 to 1; the period begins with the last call. */
  busy(): number;
  /** Young collections without the workers: waiting for an idle thread, they could stand still for long on a full core. */
  collectAlone(): void;
  /** Stands still, so that others run. */
  pause(ms: number): void;
}

type SetScheduler = (thread: number, policy: number, parameters: Int32Array) => number;

/** sched(7): runs when nothing else does, and is put aside at once when something else wakes. */
const SCHED_IDLE = 5;
/** As Node 24 names them. */
const workerName = 'V8Worker';

/** This process on Linux, and nothing to do elsewhere. */
export function linux(): CompilerMachine {
  let set: SetScheduler | undefined;
  let before = performance.eventLoopUtilization();
  const nobody = new Int32Array(new SharedArrayBuffer(4));
  return {
    workers() {
      try {
        return readdirSync('/proc/self/task')
          .filter(thread => readFileSync(`/proc/self/task/${thread}/comm`, 'latin1').trim() === workerName)
          .map(Number);
      } catch {
        return [];
      }
    },
    makeIdle(thread) {
      set ??= libcFunction<SetScheduler>('int sched_setscheduler(int pid, int policy, int *param)');
      if (set(thread, SCHED_IDLE, new Int32Array(1)) !== 0) throw new Error('sched_setscheduler was refused');
    },
    waitedMs(thread) {
      try {
        const [, waitedNs] = readFileSync(`/proc/self/task/${thread}/schedstat`, 'latin1').split(' ');
        return Number(waitedNs) / 1e6;
      } catch {
        return undefined;
      }
    },
    busy() {
      const now = performance.eventLoopUtilization();
      const { utilization } = performance.eventLoopUtilization(now, before);
      before = now;
      return utilization;
    },
    // Read at every collection, so it may change while the program runs.
    collectAlone: () => setFlagsFromString('--no-parallel-scavenge'),
    pause: ms => void Atomics.wait(nobody, 0, 0, ms),
  };
}
