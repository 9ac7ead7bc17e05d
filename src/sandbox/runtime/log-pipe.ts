import { spawn } from 'node:child_process';
import { closeSync, fchownSync, openSync } from 'node:fs';
import { libcFunction } from '../../libc/index.ts';

const closeOnExec = 0o2_000_000;
/** Something that the process left behind may hold the pipe open for ever; the log is read without it then. */
const longestDrainMs = 500;

/** The writing end of a pipe to a log file. */
export interface LogPipe {
  /** To be handed to a process as its output; the caller closes its own copy. */
  readonly fd: number;
  /** Settles when everything that was written is in the file: call it when the process has ended. */
  drained(): Promise<void>;
}

/**
 * A pipe to the end of a file, for a container's output, as container engines have it. A file would do, were it not that apps
 * open /dev/stdout: as another user than root's they may not open root's file, and a `> /dev/stdout` would cut it. The pipe
 * belongs to `uid` (which only root can say). A process of its own (cat) copies, so that apps go on printing when this process
 * dies; it ends with its last writer, and no signal ends it before.
 */
export function openLogPipe(path: string, uid: number | undefined): LogPipe {
  const pipe2 = libcFunction<(fds: number[], flags: number) => number>(
    'int pipe2(_Out_ int *fds, int flags)',
  );
  const ends = [-1, -1];
  if (pipe2(ends, closeOnExec) !== 0) throw new Error('no pipe for a log; are too many files open?');
  const [reading, writing] = ends as [number, number];
  const log = openSync(path, 'a', 0o644);
  try {
    if (uid !== undefined && process.getuid?.() === 0) fchownSync(writing, uid, uid);
    const copier = spawn('/bin/sh', ['-c', "trap '' HUP INT TERM; exec cat"], {
      detached: true,
      cwd: '/',
      stdio: [reading, log, log],
    });
    const ended = new Promise<void>(resolve => {
      copier.on('error', () => resolve());
      copier.on('exit', () => resolve());
    });
    copier.unref();
    return { fd: writing, drained: () => Promise.race([ended, late()]) };
  } finally {
    closeSync(reading);
    closeSync(log);
  }
}

function late(): Promise<void> {
  return new Promise(resolve => setTimeout(resolve, longestDrainMs).unref());
}
