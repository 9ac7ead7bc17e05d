import { type Flag, type Guarded, giveUp, internalError } from '../errors/index.ts';
import type { ClientStream, ClientStreamHandler, UpstreamConnection } from '../http/index.ts';
import type { Occupancy } from './occupancy.ts';

/** Waits for a stream to an endpoint. One waiter waits in at most one pool. */
export interface StreamWaiter extends Guarded {
  /**
   * Whether the request may be sent again if the connection turns out to be dead. Those that may not are kept off connections of
   * one stream at a time that have been idle for a while, unless the upstream has told how long it keeps them.
   */
  readonly repeatable: boolean;
  /**
   * Whether nobody else may be on its connection beside it: an upgrade, or a login that belongs to the connection. It gets one
   * that carries one stream at a time, where the upstream has such.
   */
  readonly exclusive: boolean;
  /** Whether it is an upgrade to WebSocket: the one that may be a stream beside others, where the upstream says so. */
  readonly isWebSocket?: boolean;
  /** Whether its client speaks HTTP/2. */
  readonly isHttp2: boolean;
  /** Whether it makes no sense over HTTP/1, as gRPC. */
  readonly needsHttp2: boolean;
  /** Hears of the stream that is opened for it. */
  readonly streamHandler: ClientStreamHandler;
  /**
   * The stream is the waiter's. `request` is to be called at once. May be called before `acquire` returns. `connection`: what it
   * is on, for logins.
   */
  onStream(stream: ClientStream, connection: UpstreamConnection): void;
  /**
   * No stream: nothing was sent, so trying elsewhere is always safe. `removed`: the endpoint is no more, which says nothing about
   * the request or the upstream.
   */
  onNoConnection(flag: Flag, detail: string, removed?: boolean): void;
}

/** Who waits for a stream to an endpoint, in the order in which they came. */
export class WaitingLine {
  readonly #waiters: StreamWaiter[] = [];
  /** Of each waiter, how many dials had begun when it came. */
  readonly #since: number[] = [];
  readonly #occupancy: Occupancy;

  constructor(occupancy: Occupancy) {
    this.#occupancy = occupancy;
  }

  get length(): number {
    return this.#waiters.length;
  }

  /** How many dials had begun when the first of them came. Only where somebody waits. */
  get firstSince(): number {
    return this.#since[0]!;
  }

  add(waiter: StreamWaiter, dialsBegun: number): void {
    this.#waiters.push(waiter);
    this.#since.push(dialsBegun);
    this.#occupancy.waiting++;
  }

  /** The one that has waited longest. */
  take(): StreamWaiter | undefined {
    const waiter = this.#waiters.shift();
    if (waiter === undefined) return undefined;
    this.#since.shift();
    this.#occupancy.waiting--;
    return waiter;
  }

  /** Does nothing when the waiter is not here. */
  remove(waiter: StreamWaiter): void {
    const at = this.#waiters.indexOf(waiter);
    if (at < 0) return;
    this.#waiters.splice(at, 1);
    this.#since.splice(at, 1);
    this.#occupancy.waiting--;
  }

  /**
   * A dial has failed, and with it the waiter that has waited longest; as well those for whom none of the dials still under way
   * is, which serve `served` waiters together, and who have waited since before it began, as `before` dials had: nobody waits
   * much longer than a dial may take, and nobody fails for a dial that is older than itself.
   */
  fail(before: number, served: number, flag: Flag, detail: string): void {
    refuse(this.take(), flag, detail);
    while (this.length > served && this.firstSince <= before) refuse(this.take(), flag, detail);
  }

  /** Nobody here will be served. */
  refuseAll(flag: Flag, detail: string, removed = false): void {
    for (let waiter = this.take(); waiter !== undefined; waiter = this.take())
      refuse(waiter, flag, detail, removed);
  }
}

/**
 * Opens a stream for a waiter, from an event that is not the waiter's own: what goes wrong with its request must not touch the
 * connection's last exchange, or other waiters.
 */
export function give(waiter: StreamWaiter, connection: UpstreamConnection): void {
  let stream: ClientStream | undefined;
  try {
    stream = connection.open(waiter.streamHandler);
    waiter.onStream(stream, connection);
  } catch (thrown) {
    internalError('pool.connection', thrown);
    giveUp('pool.connection', waiter);
    // What was sent of the request, if anything, is no whole request.
    if (stream === undefined || !connection.multiplexes) connection.close();
    else stream.cancel('fault');
  }
}

/** The same. */
export function refuse(waiter: StreamWaiter | undefined, flag: Flag, detail: string, removed = false): void {
  try {
    waiter?.onNoConnection(flag, detail, removed);
  } catch (thrown) {
    internalError('pool.refusal', thrown);
    giveUp('pool.refusal', waiter);
  }
}

/** Closes one that nobody needs: it is not missed, as one would be that the other side ended. */
export function letGo(connection: UpstreamConnection | undefined): void {
  if (connection !== undefined) connection.freeSinceMs = Number.NEGATIVE_INFINITY;
  closeSafely(connection);
}

/** Closes one of several that nobody uses, for the sake of others: what goes wrong with it must not keep these from theirs. */
export function closeSafely(connection: UpstreamConnection | undefined): void {
  try {
    connection?.close();
  } catch (thrown) {
    internalError('pool.close', thrown);
  }
}
