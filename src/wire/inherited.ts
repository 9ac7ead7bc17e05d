// Listening sockets that another process of this proxy had before (see src/handover). They are open here and accept nothing
// until that process has stopped to; connections wait in the kernel meanwhile, in the one queue that both have.

/** A listening socket. */
export interface ListeningSocket {
  /** As it is bound: `0.0.0.0`, `::`, `127.0.0.1`. */
  readonly address: string;
  readonly port: number;
  readonly fd: number;
}

let sockets: readonly ListeningSocket[] = [];
const waiting: (() => void)[] = [];

/**
 * Listeners that are made on this thread from now on take those of these sockets that are theirs. Of several for one port, of
 * which each thread of the process before had one, it is the one of this `thread`, counted from 0.
 */
export function inheritSockets(all: readonly ListeningSocket[], thread: number): void {
  const places = Map.groupBy(all, ({ address, port }) => `${address} ${port}`);
  sockets = [...places.values()].flatMap(each => each[thread] ?? []);
}

/** The descriptor of the socket for this place; undefined where none is inherited. Each is given once. */
export function takeInherited(host: string, port: number): number | undefined {
  if (sockets.length === 0) return undefined;
  const found = sockets.find(each => each.address === host && each.port === port);
  sockets = sockets.filter(each => each !== found);
  return found?.fd;
}

/** Has `begin` called when inherited sockets may accept. */
export function whenMayAccept(begin: () => void): void {
  waiting.push(begin);
}

/** The process before accepts no more: what this thread has inherited does from now on. */
export function acceptInherited(): void {
  for (const begin of waiting.splice(0)) begin();
}
