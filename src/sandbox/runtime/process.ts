import { spawn } from 'node:child_process';
import { closeSync } from 'node:fs';
import type { Socket } from 'node:net';
import { openLogPipe } from './log-pipe.ts';
import { inOwnPidNamespace } from './pid-namespace.ts';

/** How a process ended: by itself with a code, or by a signal. */
export interface Exit {
  readonly code: number | undefined;
  readonly signal: NodeJS.Signals | undefined;
}

/** A running process in a group of its own. */
export interface RunningProcess {
  readonly pid: number;
  /**
   * Settles when the process has closed its descriptor 3: the script of a container does so in the container's own surroundings.
   */
  readonly entered: Promise<void>;
  /** Settles when the process itself has ended and what it printed is in its log; what is left of its group is killed then. */
  readonly exited: Promise<Exit>;
  /** Signals the process; `SIGKILL` goes to its whole group. Does nothing when it has ended. */
  signal(signal: NodeJS.Signals): void;
}

/** How a process is started. */
export interface StartOptions {
  /** Whether it is number 1 of a PID namespace of its own (see inOwnPidNamespace). */
  readonly ownPids?: boolean;
  /** Who the pipe that it prints into belongs to; whoever starts it unless told. */
  readonly uid?: number;
}

/**
 * Starts a command in a process group of its own, with its output appended to a file that outlives this process: apps keep
 * running and logging when the agent dies. Throws when it cannot be started at all.
 */
export function startProcess(
  command: readonly string[],
  logPath: string,
  options: StartOptions = {},
): RunningProcess {
  const log = openLogPipe(logPath, options.uid);
  try {
    const begin = () =>
      spawn(command[0]!, command.slice(1), {
        detached: true,
        cwd: '/',
        stdio: ['ignore', log.fd, log.fd, 'pipe'],
      });
    const child = options.ownPids ? inOwnPidNamespace(begin) : begin();
    const { promise, resolve } = Promise.withResolvers<Exit>();
    let ended = false;
    const group = (signal: NodeJS.Signals): boolean => kill(-child.pid!, signal);
    child.on('error', () => resolve({ code: 127, signal: undefined }));
    child.on('exit', (code, signal) => {
      ended = true;
      if (child.pid !== undefined) group('SIGKILL');
      void log.drained().then(() => resolve({ code: code ?? undefined, signal: signal ?? undefined }));
    });
    child.unref();
    const mark = child.stdio[3] as Socket;
    mark.unref();
    // Read to its end, or the end would not be noticed. What starts the process may be no script that closes it: then its end
    // does.
    const entered = new Promise<void>(resolve =>
      mark
        .resume()
        .on('error', () => {})
        .on('close', resolve),
    );
    return {
      pid: child.pid ?? 0,
      entered,
      exited: promise,
      signal(signal) {
        if (ended || child.pid === undefined) return;
        if (signal === 'SIGKILL') group(signal);
        else kill(child.pid, signal);
      },
    };
  } finally {
    closeSync(log.fd);
  }
}

/** Sends a signal; what has ended already is no error. Whether it was sent. */
export function kill(pid: number, signal: NodeJS.Signals): boolean {
  try {
    return process.kill(pid, signal);
  } catch {
    return false;
  }
}
