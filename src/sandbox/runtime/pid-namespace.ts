import { closeSync, openSync } from 'node:fs';
import { errorMessage, WeftError } from '../../errors/index.ts';
import { libcFunction } from '../../libc/index.ts';

const cloneNewPid = 0x2000_0000;

/**
 * Whatever process `start` starts is number 1 of a PID namespace of its own, as a container's is: it sees and signals nobody
 * else, and all that it started ends with it. Only the next children of this thread are meant, so `start` must be synchronous
 * (spawn forks before it returns); afterwards children are born into this process's own namespace again. Needs CAP_SYS_ADMIN;
 * throws WeftError `pid-namespace`.
 *
 * unshare(1) could do it with --fork, but then the id that spawn knows is that of unshare, which passes no signal on.
 */
export function inOwnPidNamespace<T>(start: () => T): T {
  const unshare = libcFunction<(flags: number) => number>('int unshare(int flags)');
  const setns = libcFunction<(fd: number, type: number) => number>('int setns(int fd, int nstype)');
  const own = openSync('/proc/self/ns/pid', 'r');
  try {
    if (unshare(cloneNewPid) !== 0) {
      throw new WeftError(
        'pid-namespace',
        'the kernel refuses a PID namespace; it takes root with CAP_SYS_ADMIN, as everything of a sandbox with namespaces does',
      );
    }
    try {
      return start();
    } finally {
      if (setns(own, cloneNewPid) !== 0) leaveForGood();
    }
  } finally {
    closeSync(own);
  }
}

/**
 * Every further process would be born into the container's namespace, where it can be killed by it: nothing may go on like that.
 */
function leaveForGood(): never {
  const error = new WeftError('pid-namespace', 'the way back out of a PID namespace is barred');
  console.error(errorMessage(error));
  process.exit(1);
}
