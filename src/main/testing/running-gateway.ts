import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { freePorts } from '../../wire/testing/ports.ts';
import { until } from './running-proxy.ts';

const program = join(import.meta.dirname, '../weft-proxy.ts');

/** `weft-proxy gateway --config PATH` as a process on loopback: a folder of Kubernetes YAML, or a file in Sentinel's dialect. */
export class RunningGateway {
  readonly child: ChildProcess;
  /** What it has printed so far, on both streams. */
  log = '';
  readonly #admin: number;

  private constructor(child: ChildProcess, admin: number) {
    this.child = child;
    this.#admin = admin;
    for (const stream of [child.stdout, child.stderr])
      stream?.on('data', text => {
        this.log += String(text);
      });
  }

  /** Starts one with these flags besides its ports. To be ended by who starts it. */
  static async start(
    config: string,
    flags: Readonly<Record<string, string | number>> = {},
    nodeFlags: readonly string[] = [],
  ): Promise<RunningGateway> {
    const [admin = 0, health = 0] = await freePorts(2);
    const all = { config, listen: '127.0.0.1', 'admin-port': admin, 'health-port': health, ...flags };
    const given = Object.entries(all).flatMap(([name, value]) => [`--${name}`, String(value)]);
    const child = spawn(process.execPath, [...nodeFlags, program, 'gateway', ...given], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    return new RunningGateway(child, admin);
  }

  /** Resolves when it takes traffic; rejects, with what it said, when it has ended. */
  async ready(): Promise<void> {
    await until('the gateway', async () => {
      if (this.child.exitCode !== null) return true;
      return (await this.get('/ready')).startsWith('ready');
    });
    if (this.child.exitCode !== null)
      throw new Error(`the gateway ended with ${this.child.exitCode}: ${this.log}`);
  }

  /** A page of its admin endpoint. */
  async get(path: string): Promise<string> {
    return (await fetch(`http://127.0.0.1:${this.#admin}${path}`)).text();
  }

  /** Tells it to end, and waits for that. */
  async end(): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const exit = once(this.child, 'exit');
    this.child.kill('SIGTERM');
    await exit;
  }
}
