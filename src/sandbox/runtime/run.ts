import { spawn } from 'node:child_process';

/** What a command that ran to its end left behind. */
export interface RunResult {
  /** Exit code; 127 when it could not be started, 124 when it took too long, 128 + n after a signal. */
  readonly code: number;
  readonly output: string;
}

const outputLimit = 64 * 1024;

/** Runs a command to its end with `input` on its standard input. Never rejects; output is stdout and stderr, cut at 64 KiB. */
export function run(
  command: readonly string[],
  options: { input?: string; timeoutMs?: number; env?: NodeJS.ProcessEnv } = {},
): Promise<RunResult> {
  return new Promise(resolve => {
    const child = spawn(command[0]!, command.slice(1), {
      stdio: ['pipe', 'pipe', 'pipe'],
      detached: true,
      cwd: '/',
      ...(options.env ? { env: options.env } : {}),
    });
    let output = '';
    let late = false;
    const timer = setTimeout(() => {
      late = true;
      killGroup(child.pid);
      child.stdout.destroy();
      child.stderr.destroy();
    }, options.timeoutMs ?? 60_000);
    const collect = (chunk: Buffer): void => {
      if (output.length < outputLimit) output += chunk.toString();
    };
    child.stdout.on('data', collect);
    child.stderr.on('data', collect);
    child.stdin.on('error', () => {});
    child.stdin.end(options.input ?? '');
    child.on('error', error => {
      clearTimeout(timer);
      resolve({ code: 127, output: error.message });
    });
    child.on('close', code => {
      clearTimeout(timer);
      resolve({ code: late ? 124 : (code ?? 137), output: output.trimEnd() });
    });
  });
}

function killGroup(pid: number | undefined): void {
  try {
    if (pid !== undefined) process.kill(-pid, 'SIGKILL');
  } catch {
    // It has ended in the meantime.
  }
}
