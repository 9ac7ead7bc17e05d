// One process that carries on what this one does: started beside it, with this one's listening sockets.
import { type ChildProcess, spawn } from 'node:child_process';
import type { Socket } from 'node:net';
import { errorMessage, guarded } from '../errors/index.ts';
import { listeningSockets } from './listening-sockets.ts';
import type { Beginning, ToPredecessor, ToSuccessor } from './messages.ts';

/** Descriptors of the new process: after its own three the channel to this one, then the line to the first process. */
const lineAt = 4;

/** What a successor is started with. */
export interface SuccessorOptions {
  /** File of the program. */
  readonly entry: string;
  readonly digest: string;
  /** Version of this process. */
  readonly from: string;
  /** The variable that the beginning is in. */
  readonly variable: string;
  /** This process's own line to the first one; undefined when it is the first. */
  readonly line: number | undefined;
  readonly heard: (message: ToPredecessor) => void;
  /** It is gone, however far it has come; with words for how. */
  readonly ended: (how: string) => void;
}

/** A process that is to carry on. */
export class Successor {
  readonly #child: ChildProcess;
  /** The first process's end of the line; undefined where this one is not the first. */
  readonly line: Socket | undefined;

  /** Starts it with the words and the environment of this process. It accepts nothing before it is told to take over. */
  constructor({ entry, digest, from, variable, line, heard, ended }: SuccessorOptions) {
    const sockets = listeningSockets();
    const beginning: Beginning = {
      ...{ from, digest, lifeline: lineAt },
      sockets: sockets.map((socket, i) => ({ ...socket, fd: lineAt + 1 + i })),
    };
    this.#child = spawn(process.execPath, [...process.execArgv, entry, ...process.argv.slice(2)], {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc', line ?? 'pipe', ...sockets.map(({ fd }) => fd)],
      env: { ...process.env, [variable]: JSON.stringify(beginning) },
    });
    this.line = line === undefined ? (this.#child.stdio[lineAt] as unknown as Socket) : undefined;
    let over = false;
    const end = guarded('handover.ended', (how: string) => {
      if (!over) ended(how);
      over = true;
    });
    this.#child.on('error', error => end(`it could not be started (${errorMessage(error)})`));
    this.#child.on('exit', (code, signal) =>
      end(signal === null ? `it ended with ${code}` : `${signal} ended it`),
    );
    this.#child.on(
      'message',
      guarded('handover.message', (message: ToPredecessor) => heard(message)),
    );
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** Resolves when it is on its way, or will never be. */
  send(message: ToSuccessor): Promise<void> {
    return new Promise(resolve => {
      if (!this.#child.connected) resolve();
      else this.#child.send(message, () => resolve());
    });
  }

  kill(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** Nothing is said to it any more. */
  leave(): void {
    if (this.#child.connected) this.#child.disconnect();
  }
}
