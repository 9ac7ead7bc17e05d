// A control group of the bench's own, as a pod has one. V8's compiler gives way to everything else of its group
// (src/compiler/): in one with all of a busy machine it never gets its turn, and what is measured is code that is not compiled.
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Where the controller of CPU time is: of version 1, and of version 2. */
const roots = ['/sys/fs/cgroup/cpu', '/sys/fs/cgroup'] as const;
/** One of these shows that the group has a share of the CPU time of its own. */
const shares = ['cpu.shares', 'cpu.weight'] as const;

/** A group that this process is in, and whatever it starts from now on. */
export interface ControlGroup {
  /** Back to where it was; the group goes once nothing is in it any more, within five seconds. */
  leave(): void;
}

/**
 * Moves this process from the group of all to one of its own, with the share of the CPU that every group has; who has put it in
 * another has had reasons, and it stays there. Text: why that cannot be done here, without root, say.
 */
export function ownControlGroup(name = `weft-bench-${process.pid}`): ControlGroup | string {
  const root = roots.find(each => existsSync(join(each, 'cgroup.procs')));
  if (root === undefined) return 'there is no controller of CPU time';
  const folder = join(root, name);
  if (groupOf(root) !== '/') return { leave() {} };
  const before = join(root, 'cgroup.procs');
  try {
    mkdirSync(folder);
    if (!shares.some(each => existsSync(join(folder, each))))
      throw new Error('it would have no share of its own');
    writeFileSync(join(folder, 'cgroup.procs'), `${process.pid}`);
  } catch (error) {
    remove(folder);
    return error instanceof Error ? error.message : `${error}`;
  }
  return {
    leave() {
      writeFileSync(before, `${process.pid}`);
      remove(folder);
    },
  };
}

/** The path of this process's group below `root`. */
function groupOf(root: string): string {
  const lines = readFileSync('/proc/self/cgroup', 'utf8').trim().split('\n');
  const wanted = root === roots[0] ? /^\d+:(?:.*,)?cpu(?:,.*)?:(.*)$/ : /^0::(.*)$/;
  return lines.map(line => wanted.exec(line)?.[1]).find(path => path !== undefined) ?? '/';
}

/**
 * What the bench has started counts as long as this process has not heard of its end, which is after its own: then a shell waits
 * for that.
 */
function remove(folder: string): void {
  try {
    rmdirSync(folder);
  } catch {
    const wait = 'for i in 1 2 3 4 5; do sleep 1; rmdir "$1" && exit; done';
    spawn('sh', ['-c', wait, 'sh', folder], { detached: true, stdio: 'ignore' }).unref();
  }
}
