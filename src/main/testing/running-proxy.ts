import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { freePorts } from '../../wire/testing/ports.ts';

const program = join(import.meta.dirname, '../weft-proxy.ts');

/** Waits until it holds, a minute at most; what it throws is a no. */
export async function until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  const now = async (): Promise<boolean> => holds();
  for (const limit = performance.now() + 60_000; !(await now().catch(() => false)); ) {
    assert.ok(performance.now() < limit, `not within a minute: ${what}`);
    await new Promise(resolve => setTimeout(resolve, 50));
  }
}

/** `weft-proxy run` as a process on loopback, without packet rules, which reads its objects from a folder. */
export class RunningProxy {
  readonly child: ChildProcess;
  readonly outbound: number;
  /** What it has printed so far. */
  log = '';
  readonly #admin: number;

  private constructor(flags: Readonly<Record<string, string | number>>, outbound: number, admin: number) {
    this.outbound = outbound;
    this.#admin = admin;
    const given = Object.entries(flags).flatMap(([name, value]) => [`--${name}`, String(value)]);
    this.child = spawn(process.execPath, [program, 'run', '--no-redirect', ...given], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    this.child.stdout!.on('data', text => {
      this.log += String(text);
    });
  }

  /** Starts one with these flags besides its ports. To be killed by who starts it. */
  static async start(
    folder: string,
    flags: Readonly<Record<string, string | number>>,
  ): Promise<RunningProxy> {
    const [outbound = 0, inbound = 0, admin = 0, health = 0] = await freePorts(4);
    const ports = {
      'outbound-port': outbound,
      'inbound-port': inbound,
      'admin-port': admin,
      'health-port': health,
    };
    const all = { discovery: 'files', files: folder, listen: '127.0.0.1', ...ports, ...flags };
    return new RunningProxy(all, outbound, admin);
  }

  /** Resolves when it carries traffic. */
  ready(): Promise<void> {
    return until('the proxy', async () => (await this.get('/ready')).startsWith('ready'));
  }

  /** A page of its admin endpoint. */
  async get(path: string): Promise<string> {
    return (await fetch(`http://127.0.0.1:${this.#admin}${path}`)).text();
  }

  /** Tells it to end, and waits for that. */
  async end(): Promise<void> {
    this.child.kill('SIGTERM');
    if (this.child.exitCode === null) await once(this.child, 'exit');
  }
}
