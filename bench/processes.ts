// Processes of the bench: each pinned, each known by its id, all ended with the bench however that ends.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

/** How to start one. */
export interface StartOptions {
  /** CPUs to run on, as taskset takes them; '' for any. */
  readonly cpus: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Standard output goes here line by line; without it, nowhere. */
  readonly onLine?: (line: string) => void;
  /** Words in front of the command, inside taskset: `ip netns exec NAME`. */
  readonly prefix?: readonly string[];
  /** Open files that the process may have; the machine's own limit when it cannot be raised. */
  readonly files?: number;
  /** Opens a channel for messages, for programs of ours. */
  readonly ipc?: boolean;
}

const running = new Set<ChildProcess>();

process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => process.exit(130));

/** A program under way. */
export class Running {
  readonly command: string;
  readonly child: ChildProcess;
  /** The last of what it wrote to standard error. */
  errors = '';
  readonly #ended: Promise<unknown>;

  constructor(command: string, args: readonly string[], options: StartOptions) {
    this.command = command;
    const pinned = options.cpus === '' ? [] : ['taskset', '-c', options.cpus];
    // Raised where that is allowed; the shell becomes the program, so its process id is the program's.
    const raised =
      options.files === undefined
        ? []
        : ['sh', '-c', `ulimit -n ${options.files} 2>/dev/null || ulimit -n $(ulimit -Hn); exec "$@"`, 'sh'];
    const [first, ...rest] = [...pinned, ...raised, ...(options.prefix ?? []), command, ...args];
    const env = { ...process.env, ...options.env };
    const output = options.onLine === undefined ? 'ignore' : 'pipe';
    this.child = spawn(first!, rest, {
      env,
      stdio: options.ipc === true ? ['pipe', output, 'pipe', 'ipc'] : ['pipe', output, 'pipe'],
    });
    this.#ended = once(this.child, 'close').catch(() => {});
    running.add(this.child);
    this.child.on('error', error => {
      this.errors += `${error.message}\n`;
      running.delete(this.child);
    });
    this.child.on('exit', () => running.delete(this.child));
    this.child.stdin!.on('error', () => {});
    this.child.stderr!.setEncoding('utf8').on('data', (piece: string) => {
      this.errors = (this.errors + piece).slice(-4000);
    });
    if (options.onLine !== undefined) readLines(this.child, options.onLine);
  }

  get pid(): number {
    return this.child.pid ?? 0;
  }
  get alive(): boolean {
    return this.pid !== 0 && this.child.exitCode === null && this.child.signalCode === null;
  }

  /** Ends it: asked first, then not. Resolves when it is gone and its output is read. */
  async stop(graceMs = 1_500): Promise<void> {
    if (this.alive) {
      this.child.kill('SIGTERM');
      const gone = await Promise.race([this.#ended.then(() => true), sleep(graceMs, false, { ref: false })]);
      if (!gone) this.child.kill('SIGKILL');
    }
    await this.#ended;
  }

  /** Resolves with the exit code when it has ended by itself. */
  async ended(): Promise<number> {
    await this.#ended;
    return this.child.exitCode ?? 1;
  }
}

function readLines(child: ChildProcess, onLine: (line: string) => void): void {
  let rest = '';
  child.stdout!.setEncoding('utf8').on('data', (piece: string) => {
    const lines = (rest + piece).split('\n');
    rest = lines.pop()!;
    for (const line of lines) onLine(line);
  });
  child.stdout!.on('end', () => {
    if (rest !== '') onLine(rest);
  });
}

/** Runs a program to its end and gives its standard output. Throws with what it said when it fails. */
export async function output(
  command: string,
  args: readonly string[],
  options: StartOptions,
): Promise<string> {
  const lines: string[] = [];
  const program = new Running(command, args, { ...options, onLine: line => lines.push(line) });
  const code = await program.ended();
  if (code !== 0) {
    const said = [...lines.slice(-3), program.errors.trim().slice(-600)].join(' ').trim();
    throw new Error(`${command} ${args.join(' ')} ended with ${code}: ${said}`);
  }
  return lines.join('\n');
}

/**
 * Waits until somebody listens on `port` in the network namespace of `program`; throws with what it said when it ends before or
 * the time is over.
 */
export async function listening(
  port: number,
  program: Running,
  withinMs = 30_000,
  protocol: 'tcp' | 'udp' = 'tcp',
): Promise<void> {
  for (const deadline = performance.now() + withinMs; performance.now() < deadline; await sleep(5)) {
    if (!program.alive) break;
    if (isListening(program.pid, port, protocol)) return;
  }
  throw new Error(`${program.command} does not listen on port ${port}: ${program.errors.trim().slice(-800)}`);
}

/** Lines of /proc/PID/net/tcp and udp: number, local address in hexadecimal, remote address, state (0A: LISTEN, 07: CLOSE). */
function isListening(pid: number, port: number, protocol: 'tcp' | 'udp'): boolean {
  const hex = port.toString(16).toUpperCase().padStart(4, '0');
  const pattern = new RegExp(
    `^ *\\d+: [0-9A-F]+:${hex} [0-9A-F]+:0000 ${protocol === 'tcp' ? '0A' : '07'} `,
    'm',
  );
  return [protocol, `${protocol}6`].some(table => {
    try {
      return pattern.test(readFileSync(`/proc/${pid}/net/${table}`, 'latin1'));
    } catch {
      return false;
    }
  });
}
