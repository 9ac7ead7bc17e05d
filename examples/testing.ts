// For tests: starts a program of examples/ on a free port and stops it again.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

/** A running program. */
export interface Running extends AsyncDisposable {
  readonly port: number;
  /** `http://127.0.0.1:<port>` */
  readonly url: string;
  readonly child: ChildProcess;
  /** Everything printed so far. */
  output(): string;
  /** Sends SIGTERM; the exit code. */
  stop(): Promise<number | null>;
}

/** Runs `node <path under examples/>` with PORT=0 and resolves once it prints `listens on <address>:<port>`. */
export async function start(
  path: string,
  env: Readonly<Record<string, string>> = {},
  args: readonly string[] = [],
): Promise<Running> {
  const child = spawn(process.execPath, [fileURLToPath(new URL(path, import.meta.url)), ...args], {
    env: { PATH: process.env.PATH, HOST: '127.0.0.1', PORT: '0', POD_NAME: 'pod-1', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  const ended = once(child, 'exit').then(([code]) => code as number | null);
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  const read = (chunk: Buffer) => {
    output += chunk.toString('utf8');
    const match = /listens on \S*:(\d+)/.exec(output);
    if (match) resolve(Number(match[1]));
  };
  child.stdout.on('data', read);
  child.stderr.on('data', read);
  void ended.then(code => reject(new Error(`${path} exited with ${code}: ${output}`)));
  const port = await promise;
  const stop = async () => {
    child.kill('SIGTERM');
    return ended;
  };
  const kill = async () => {
    child.kill('SIGKILL');
    await ended;
  };
  return {
    port,
    url: `http://127.0.0.1:${port}`,
    child,
    output: () => output,
    stop,
    [Symbol.asyncDispose]: kill,
  };
}
