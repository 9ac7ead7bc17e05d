import type { Socket } from 'node:net';
import { errorMessage, guarded, INTERNAL_ERROR } from '../errors/index.ts';

/** Where a pod is asked. */
export interface ProbedPod {
  /** An IP address. */
  readonly host: string;
  /** The source address that the pod's packet rules let through; undefined where there are none. */
  readonly localAddress?: string;
}

/** When to give up: at a time, or when somebody says so. */
export interface GivingUp {
  /** Undefined: no limit. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

/**
 * Resolves with what `begin` calls `done` with, or with why it did not come to that: an error of the socket, or the time is over.
 * Then the socket is gone.
 */
export function withSocket<T>(
  open: () => Socket,
  event: 'connect' | 'secureConnect',
  where: string,
  { timeoutMs, signal }: GivingUp,
  begin: (socket: Socket, done: (result: T | string) => void) => void,
): Promise<T | string> {
  return new Promise(resolve => {
    let socket: Socket;
    try {
      socket = open();
    } catch (error) {
      resolve(`${where}: ${errorMessage(error)}`);
      return;
    }
    let timer: NodeJS.Timeout | undefined;
    const done = (result: T | string): void => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', abort);
      socket.destroy();
      resolve(result);
    };
    const abort = (): void => done(`${where}: nobody waits for it any more`);
    if (timeoutMs !== undefined)
      timer = setTimeout(() => done(`${where}: no answer within ${timeoutMs} ms`), Math.max(timeoutMs, 0));
    signal?.addEventListener('abort', abort, { once: true });
    socket.on('error', error => done(`${where}: ${errorMessage(error)}`));
    const failed = (): void => done(`${where}: ${INTERNAL_ERROR}`);
    socket.once(
      event,
      guarded('probe', () => begin(socket, done), failed),
    );
  });
}
