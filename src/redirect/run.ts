import { spawn } from 'node:child_process';

/** How a command ended. */
export interface RunResult {
  /** Undefined when it was killed, or could not be started. */
  readonly code: number | undefined;
  readonly stdout: string;
  readonly stderr: string;
  /** Whether there is no such command. */
  readonly missing: boolean;
}

/** Runs a command to its end; never throws. `input` goes to its standard input. */
export type Run = (command: string, args: readonly string[], input?: string) => Promise<RunResult>;

/** iptables waits for its lock for 30 s at most; whatever takes longer than this hangs. */
const timeoutMs = 60_000;

/** iptables lives in sbin, which is not on everybody's PATH. */
const environment = {
  PATH: `${process.env.PATH ?? ''}:/usr/local/sbin:/usr/sbin:/sbin:/usr/bin:/bin`,
  LC_ALL: 'C',
};

/**
 * Runs commands on this machine, with `variables` beside what they are given anyway. With a prefix, through it: `['nsenter',
 * '--net=/run/netns/blue', '--']` works in another network namespace.
 */
export function systemRun(
  prefix: readonly string[] = [],
  variables: Readonly<Record<string, string>> = {},
): Run {
  return (command, args, input = '') => {
    const [first, ...rest] = [...prefix, command, ...args] as [string, ...string[]];
    return new Promise(resolve => {
      const child = spawn(first, rest, { env: { ...environment, ...variables } });
      // Not spawn's own `timeout`: where there is no such command, its timer goes on and keeps this process for a minute.
      const limit = setTimeout(() => child.kill('SIGKILL'), timeoutMs);
      let stdout = '';
      let stderr = '';
      child.stdout.setEncoding('utf8').on('data', (text: string) => {
        stdout += text;
      });
      child.stderr.setEncoding('utf8').on('data', (text: string) => {
        stderr += text;
      });
      child.on('error', (error: NodeJS.ErrnoException) => {
        clearTimeout(limit);
        resolve({ code: undefined, stdout, stderr: error.message, missing: error.code === 'ENOENT' });
      });
      child.on('close', code => {
        clearTimeout(limit);
        // A prefix such as nsenter starts, and answers 127 when it cannot find the command.
        const missing = prefix.length > 0 && code === 127;
        resolve({ code: code ?? undefined, stdout, stderr, missing });
      });
      // A command that ends before it has read its input (iptables without rights) breaks the pipe; its code tells all.
      child.stdin.on('error', () => {});
      child.stdin.end(input);
    });
  };
}
