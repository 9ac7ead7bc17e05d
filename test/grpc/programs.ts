// Programs of a test: started, waited for, ended with it.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer } from 'node:net';
import type { Command } from './peers/index.ts';

/** A port of loopback that nobody has at the moment. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

/** What a program that has ended said. */
export interface Ended {
  readonly code: number | null;
  readonly said: string;
}

/** Everything that one test has started. */
export class Programs implements AsyncDisposable {
  readonly #children = new Set<ChildProcess>();

  /** Starts a server on a port of its own; resolves with the port once it takes connections. */
  async serve(command: (port: number) => Command): Promise<number> {
    const port = await freePort();
    const server = this.#start(command(port));
    for (;;) {
      if (await accepts(port)) return port;
      if (server.child.exitCode !== null)
        throw new Error(`${command(port).join(' ')} ended with ${server.child.exitCode}: ${server.said()}`);
      await new Promise(resolve => setTimeout(resolve, 20));
    }
  }

  /** Runs a program to its end. */
  async run(command: Command, withinMs = 30_000): Promise<Ended> {
    const { child, said } = this.#start(command);
    const timer = setTimeout(() => child.kill('SIGKILL'), withinMs);
    if (child.exitCode === null) await once(child, 'close');
    clearTimeout(timer);
    return { code: child.exitCode, said: said() };
  }

  #start([program, ...args]: Command): { child: ChildProcess; said: () => string } {
    const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    let said = '';
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (piece: string) => {
        said = (said + piece).slice(-4_000);
      });
    this.#children.add(child);
    child.on('error', error => {
      said += error.message;
    });
    child.on('exit', () => this.#children.delete(child));
    return { child, said: () => said };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const gone = [...this.#children].map(child => once(child, 'exit'));
    for (const child of this.#children) child.kill('SIGKILL');
    await Promise.all(gone);
  }
}

function accepts(port: number): Promise<boolean> {
  return new Promise(resolve => {
    const socket = connect({ port, host: '127.0.0.1' });
    socket.on('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.on('error', () => resolve(false));
  });
}
