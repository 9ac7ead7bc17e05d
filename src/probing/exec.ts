import { execFile } from 'node:child_process';

/** Of what a program says when it fails. */
const longestWords = 200;

/**
 * Runs a program, without a shell; success is that it ends with 0 in time. A program that takes longer is killed, but not what it
 * has started in turn.
 */
export function probeExec(command: readonly string[], timeoutMs: number): Promise<string | undefined> {
  const [program = '', ...args] = command;
  return new Promise(resolve => {
    const options = { timeout: timeoutMs, killSignal: 'SIGKILL', maxBuffer: 64 << 10 } as const;
    execFile(program, args, options, (error, stdout, stderr) => {
      if (error === null) {
        resolve(undefined);
        return;
      }
      const words = (stderr.trim() || stdout.trim()).split('\n', 1)[0]!.slice(0, longestWords);
      const how = error.killed
        ? `did not end within ${timeoutMs} ms`
        : typeof error.code === 'number'
          ? `ended with ${error.code}`
          : `cannot be run (${error.code ?? error.message})`;
      resolve(`${program} ${how}${words === '' ? '' : `: ${words}`}`);
    });
  });
}
