import { connect } from 'node:net';
import { errorMessage } from '../errors/index.ts';
import type { ProbedPod } from './with-socket.ts';

/** How long a server that speaks first is listened to, after the probe has been answered. */
const greetingMs = 200;
/** And how long it may take to end its side. */
const goodbyeMs = 1_000;

/**
 * A connection that opens is success, and that is told at once. What follows is for the server's log alone: a connection that is
 * closed over an unread greeting ends with a reset, which servers that speak first (databases, mail, SSH) write down as an
 * aborted client and some count against it. So the greeting is read, the connection ended in order, and the server has a second
 * to do the same.
 */
export function probeTcp(port: number, pod: ProbedPod, timeoutMs: number): Promise<string | undefined> {
  const where = `port ${port}`;
  return new Promise(resolve => {
    const socket = connect({ ...pod, port });
    let timer = setTimeout(() => {
      socket.destroy();
      resolve(`${where}: no answer within ${timeoutMs} ms`);
    }, timeoutMs);
    socket.on('error', error => resolve(`${where}: ${errorMessage(error)}`));
    socket.on('close', () => clearTimeout(timer));
    let ended = false;
    const end = (): void => {
      if (ended) return;
      ended = true;
      clearTimeout(timer);
      timer = setTimeout(() => socket.destroy(), goodbyeMs);
      // Nobody waits for this: it must not keep a process.
      timer.unref();
      socket.end();
    };
    socket.once('connect', () => {
      clearTimeout(timer);
      resolve(undefined);
      timer = setTimeout(end, greetingMs);
      timer.unref();
      socket.unref();
      socket.on('data', end);
    });
  });
}
