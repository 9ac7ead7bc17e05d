import { type ChildProcess, spawn } from 'node:child_process';
import { createServer, type Server } from 'node:net';
import { WeftError } from '../../errors/index.ts';
import type { PodNetwork } from '../network/index.ts';

/** What the agent asks the gate for, and what it answers (beside the listener itself). */
export interface GateRequest {
  readonly id: number;
  readonly host: string;
  readonly port: number;
}

/** The gate's answer; without `problem` a listener comes with it. */
export interface GateReply {
  readonly id: number;
  readonly problem?: string;
}

/** The file descriptor at which `up` leaves the machine's own network namespace to the agent. */
export const HOST_NETWORK_FD = 3;

/**
 * Opens listeners on the machine's loopback for an agent that lives in another network namespace: a helper process that
 * has stayed in the machine's opens them and hands them over, and connections then go straight to the agent. It is
 * started when the first listener is wanted, and goes with the agent.
 */
export class Gate {
  readonly #network: PodNetwork['kind'];
  readonly #command: readonly string[];
  readonly #waiting = new Map<
    number,
    { resolve: (server: Server) => void; reject: (error: Error) => void }
  >();
  #child: ChildProcess | undefined;
  #nextId = 1;

  /** `command` runs `runGate` as a process of its own. */
  constructor(network: PodNetwork['kind'], command: readonly string[]) {
    this.#network = network;
    this.#command = command;
  }

  /** A listener on the machine's loopback; port 0 picks one. Rejects when the port is in use. */
  listen(host: string, port: number): Promise<Server> {
    if (this.#network === 'loopback') return listenHere(host, port);
    this.#child ??= this.#start();
    const child = this.#child;
    const id = this.#nextId++;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      child.send({ id, host, port } satisfies GateRequest);
    });
  }

  /** Ends the helper; listeners that were handed over stay open. */
  close(): void {
    this.#child?.disconnect();
    this.#child = undefined;
  }

  #start(): ChildProcess {
    const enter = ['--net=/proc/self/fd/3', '--', ...this.#command];
    const child = spawn('nsenter', enter, {
      stdio: ['ignore', 'inherit', 'inherit', HOST_NETWORK_FD, 'ipc'],
    });
    child.on('message', (reply: GateReply, server?: unknown) =>
      this.#answered(reply, server as Server | undefined),
    );
    child.on('error', error => this.#gone(error.message));
    child.on('exit', code => this.#gone(`it ended with ${code ?? 'a signal'}`));
    return child;
  }

  #answered(reply: GateReply, server: Server | undefined): void {
    const waiter = this.#waiting.get(reply.id);
    this.#waiting.delete(reply.id);
    if (server) waiter?.resolve(server);
    else waiter?.reject(new WeftError('listen', reply.problem ?? 'the gate gave no listener'));
  }

  #gone(why: string): void {
    this.#child = undefined;
    for (const { reject } of this.#waiting.values())
      reject(new WeftError('gate', `the sandbox's gate is gone: ${why}`));
    this.#waiting.clear();
  }
}

/** The helper's side: opens what it is asked for until the agent goes away. */
export function runGate(): void {
  process.on('message', (request: GateRequest) => {
    listenHere(request.host, request.port).then(
      server => process.send?.({ id: request.id } satisfies GateReply, server, {}, () => server.close()),
      (error: Error) => process.send?.({ id: request.id, problem: error.message } satisfies GateReply),
    );
  });
  process.on('disconnect', () => process.exit(0));
}

function listenHere(host: string, port: number): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', error => {
      const inUse = (error as NodeJS.ErrnoException).code === 'EADDRINUSE';
      const message = inUse ? `port ${port} of ${host} is in use; choose another one` : error.message;
      reject(new WeftError('listen', message));
    });
    server.listen(port, host, () => resolve(server));
  });
}
