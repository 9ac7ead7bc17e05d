import { type Flag, type Guarded, giveUp, guarded, INTERNAL_ERROR, internalError } from '../errors/index.ts';
import type { ConnectionOwner, UpstreamConnection, UpstreamHost } from '../http/index.ts';
import { ClientConnection, type Limits } from '../http1/index.ts';
import { type Clock, Deadline, type TimerWheel } from '../time/index.ts';
import type { Wire } from '../wire/index.ts';
import type { Occupancy } from './occupancy.ts';

/** Waits for a connection that can carry one request. Intrusive: one waiter waits in at most one pool. */
export interface StreamWaiter extends Guarded {
  /**
   * Whether the request may be sent again if the connection turns out to be dead. Those that may not are kept off connections
   * that have been idle for a while, unless the upstream has told how long it keeps them.
   */
  readonly repeatable: boolean;
  /** The connection is the waiter's until the exchange on it is complete. May be called before `acquire` returns. */
  onConnection(connection: UpstreamConnection): void;
  /**
   * No connection: nothing was sent, so trying elsewhere is always safe. `removed`: the endpoint is no more, which says nothing
   * about the request or the upstream.
   */
  onNoConnection(flag: Flag, detail: string, removed?: boolean): void;
}

/** Opens a connection for HTTP/1; exactly one of the callbacks is called, unless it is cancelled. */
export type Connect = (
  onWire: (wire: Wire) => void,
  onError: (flag: Flag, detail: string) => void,
) => { cancel(): void };

/** What a pool needs to know. */
export interface PoolOptions {
  readonly limits: Limits;
  readonly timers: TimerWheel;
  readonly clock: Clock;
  /** From this idle time on an upstream that announced no limit may be about to close. */
  readonly staleAfterMs: number;
  /** Whether the other side is a Weft proxy, which never closes an idle connection first. */
  readonly meshed: boolean;
  /**
   * Whether the other side has been told to end, as the app beside a proxy that drains: it closes what is idle at any moment, so
   * what may not be repeated goes on a new connection. Refused, it goes elsewhere; reset on an old one, it would be lost.
   */
  readonly isEnding?: () => boolean;
}

/** Shorter than any keep-alive limit in use (uvicorn and Node 5 s, gunicorn 2 s), longer than a busy connection ever waits. */
export const DEFAULT_STALE_AFTER_MS = 300;

/**
 * A connection that was opened for a request which another has served by then is closed so soon if nobody needs it: servers wait
 * for its first request, and a Node server that is told to end does not end before it came, or a minute has passed.
 */
const unusedMs = 1_000;

/** The upstream's own idle limit minus this is when a connection is no longer trusted to be open on the other side. */
const keepAliveMarginMs = 1000;

/**
 * How many connections are opened at once. Each that opens allows one more, so that many requests to a peer that is far away are
 * not held up; each that fails halves it. A peer that has no CPU to spare is thus not buried in handshakes, of which none would
 * end in time.
 */
const mostDials = 64;
const firstDials = 16;

/** The connections to one endpoint. Idle ones are taken youngest first, so that surplus ones age and close. */
export class Pool implements UpstreamHost {
  /** Settings may change while the pool lives. */
  idleTimeoutMs: number;
  maxRequestsPerConnection: number;
  readonly #connect: Connect;
  readonly #options: PoolOptions;
  readonly #occupancy: Occupancy;
  readonly #free: UpstreamConnection[] = [];
  readonly #all = new Set<UpstreamConnection>();
  readonly #waiters: StreamWaiter[] = [];
  /** Of each waiter, how many dials had begun when it came. */
  readonly #waitingSince: number[] = [];
  readonly #dials = new Set<{ cancel(): void }>();
  /** How many dials have begun. */
  #begun = 0;
  #maxDials = firstDials;
  readonly #sweep: Deadline;
  #sweepAtMs = 0;
  #closed = false;

  constructor(
    connect: Connect,
    options: PoolOptions,
    occupancy: Occupancy,
    settings: { idleTimeoutMs: number; maxRequestsPerConnection: number },
  ) {
    this.#connect = connect;
    this.#options = options;
    this.#occupancy = occupancy;
    this.idleTimeoutMs = settings.idleTimeoutMs;
    this.maxRequestsPerConnection = settings.maxRequestsPerConnection;
    this.#sweep = new Deadline(() => this.#closeStale());
  }

  /** Gives the waiter a connection, at once when one is free. Over the limits: flag UO, at once. */
  acquire(waiter: StreamWaiter): void {
    const { meshed, isEnding } = this.#options;
    const careful = !waiter.repeatable && !meshed && isEnding?.() === true;
    const connection = careful ? undefined : this.#takeFree(waiter.repeatable || meshed);
    if (connection !== undefined) {
      waiter.onConnection(connection);
      return;
    }
    if (!this.#occupancy.mayWait()) {
      this.#occupancy.overflows++;
      waiter.onNoConnection('UO', 'too many requests are waiting for a connection');
      return;
    }
    const mayOpen = this.#dials.size < this.#maxDials && this.#occupancy.mayOpen();
    this.#waiters.push(waiter);
    this.#waitingSince.push(this.#begun);
    this.#occupancy.waiting++;
    if (mayOpen) this.#open();
    else if (this.#all.size === 0 && this.#dials.size === 0) {
      // Busy connections to other endpoints fill the limit, and none of them would ever serve this waiter.
      this.#occupancy.overflows++;
      this.#takeWaiter()?.onNoConnection('UO', 'the connection limit is reached');
    }
  }

  /** Stops waiting; does nothing when the waiter does not wait here. */
  cancel(waiter: StreamWaiter): void {
    const at = this.#waiters.indexOf(waiter);
    if (at < 0) return;
    this.#waiters.splice(at, 1);
    this.#waitingSince.splice(at, 1);
    this.#occupancy.waiting--;
  }

  onDraining(): void {}

  onRoom(connection: UpstreamConnection): void {
    if (connection.owner !== undefined) {
      this.#ownedFree(connection, connection.owner);
      return;
    }
    const spent = this.maxRequestsPerConnection > 0 && connection.requests >= this.maxRequestsPerConnection;
    if (this.#closed || spent) {
      connection.drain();
      return;
    }
    const waiter = this.#takeWaiter();
    if (waiter !== undefined) {
      give(waiter, connection);
      return;
    }
    const nowMs = this.#options.clock.monotonic();
    connection.freeSinceMs = nowMs;
    this.#free.push(connection);
    if (!this.#sweep.scheduled || (isUnused(connection) && nowMs + unusedMs < this.#sweepAtMs))
      this.#sweepIn(isUnused(connection) ? unusedMs : this.idleTimeoutMs);
  }

  /** Somebody is logged in on it. How many requests it has carried does not matter: a login takes several. */
  #ownedFree(connection: UpstreamConnection, owner: ConnectionOwner): void {
    if (this.#closed) connection.close();
    else owner.onOwnedFree(connection);
  }

  onGone(connection: UpstreamConnection): void {
    if (!this.#all.delete(connection)) return;
    this.#occupancy.connections--;
    const { owner } = connection;
    if (owner !== undefined) guarded('pool.owner', () => owner.onOwnedGone(connection))();
    const at = this.#free.indexOf(connection);
    if (at >= 0) this.#free.splice(at, 1);
    this.#serveWaiters();
  }

  /** Takes no new requests: idle connections close now, busy ones when their exchange is complete. */
  close(): void {
    this.#closed = true;
    this.#options.timers.cancel(this.#sweep);
    for (const connection of this.#free.splice(0)) connection.close();
    for (const connection of [...this.#all])
      if (connection.owner !== undefined && connection.room > 0) connection.close();
    for (const dial of this.#dials) dial.cancel();
    this.#occupancy.connections -= this.#dials.size;
    this.#dials.clear();
    for (let waiter = this.#takeWaiter(); waiter !== undefined; waiter = this.#takeWaiter()) {
      refuse(waiter, 'UH', 'the endpoint was removed while the request waited for a connection', true);
    }
  }

  /** Since when the connection that has been idle longest is idle; undefined when none is. */
  get idleSinceMs(): number | undefined {
    return this.#free[0]?.freeSinceMs;
  }

  /** Closes the connection that has been idle longest. */
  closeIdle(): void {
    this.#free[0]?.close();
  }

  /** Closes all that are idle; those that somebody is logged in on stay. */
  closeAllIdle(): void {
    for (const connection of this.#free.splice(0)) connection.close();
  }

  /** For the admin page. */
  get figures(): { open: number; free: number; waiting: number; dialing: number } {
    return {
      open: this.#all.size,
      free: this.#free.length,
      waiting: this.#waiters.length,
      dialing: this.#dials.size,
    };
  }

  #takeFree(anyAge: boolean): UpstreamConnection | undefined {
    for (let connection = this.#free.pop(); connection !== undefined; connection = this.#free.pop()) {
      if (connection.room === 0) continue;
      const { keepAliveTimeoutMs } = connection;
      if (keepAliveTimeoutMs > 0) {
        if (this.#freeForMs(connection) < trustedMs(keepAliveTimeoutMs)) return connection;
        connection.close();
      } else if (anyAge || this.#freeForMs(connection) < this.#options.staleAfterMs) return connection;
      else {
        // The youngest is too old for this request; it and its elders stay for others.
        this.#free.push(connection);
        return undefined;
      }
    }
    return undefined;
  }

  #freeForMs(connection: UpstreamConnection): number {
    return this.#options.clock.monotonic() - connection.freeSinceMs;
  }

  #takeWaiter(): StreamWaiter | undefined {
    const waiter = this.#waiters.shift();
    if (waiter === undefined) return undefined;
    this.#waitingSince.shift();
    this.#occupancy.waiting--;
    return waiter;
  }

  #open(): void {
    this.#occupancy.connections++;
    const before = this.#begun++;
    let settled = false;
    let dial: { cancel(): void } | undefined;
    const opened = (wire: Wire): void => {
      if (settled) {
        wire.destroy();
        return;
      }
      settled = true;
      if (dial !== undefined) this.#dials.delete(dial);
      this.#maxDials = Math.min(mostDials, this.#maxDials + 1);
      const connection = new ClientConnection(wire, this.#options.limits, this.#options.timers, this);
      this.#all.add(connection);
      this.onRoom(connection);
      this.#serveWaiters();
    };
    const failed = (flag: Flag, detail: string): void => {
      if (settled) return;
      settled = true;
      if (dial !== undefined) this.#dials.delete(dial);
      this.#occupancy.connections--;
      this.#occupancy.connectFailures++;
      this.#maxDials = Math.max(1, this.#maxDials >> 1);
      this.#failWaiters(before, flag, detail);
      this.#serveWaiters();
    };
    try {
      dial = this.#connect(opened, failed);
      if (!settled) this.#dials.add(dial);
    } catch (thrown) {
      internalError('pool.dial', thrown);
      failed('UF', INTERNAL_ERROR);
    }
  }

  /**
   * A dial has failed, and with it the waiter that has waited longest; as well those for whom no dial is under way and who have
   * waited since before it began, as `before` dials had: nobody waits much longer than a dial may take, and nobody fails for a
   * dial that is older than itself.
   */
  #failWaiters(before: number, flag: Flag, detail: string): void {
    refuse(this.#takeWaiter(), flag, detail);
    while (this.#waiters.length > this.#dials.size && this.#waitingSince[0]! <= before)
      refuse(this.#takeWaiter(), flag, detail);
  }

  /** A place has become free: those who wait for nobody's dial get one. */
  #serveWaiters(): void {
    while (
      !this.#closed &&
      this.#waiters.length > this.#dials.size &&
      this.#dials.size < this.#maxDials &&
      this.#occupancy.mayOpen()
    )
      this.#open();
    // Nobody here would ever serve them, and nobody tells us when a place becomes free elsewhere.
    while (this.#waiters.length > 0 && this.#all.size === 0 && this.#dials.size === 0)
      refuse(this.#takeWaiter(), 'UO', 'the connection limit is reached');
  }

  #closeStale(): void {
    const nowMs = this.#options.clock.monotonic();
    for (const connection of [...this.#free])
      if (nowMs - connection.freeSinceMs >= this.#keptMs(connection)) connection.close();
    if (this.#free.length > 0) this.#sweepIn(this.#free.some(isUnused) ? unusedMs : this.idleTimeoutMs / 2);
  }

  /** How long a connection may be idle. */
  #keptMs(connection: UpstreamConnection): number {
    const { idleTimeoutMs } = this;
    if (isUnused(connection)) return Math.min(idleTimeoutMs, unusedMs);
    const { keepAliveTimeoutMs } = connection;
    return keepAliveTimeoutMs === 0 ? idleTimeoutMs : Math.min(idleTimeoutMs, trustedMs(keepAliveTimeoutMs));
  }

  #sweepIn(ms: number): void {
    const waitMs = Math.max(Math.min(ms, this.idleTimeoutMs), 100);
    this.#sweepAtMs = this.#options.clock.monotonic() + waitMs;
    this.#options.timers.schedule(this.#sweep, waitMs);
  }
}

/**
 * From an event that is not the waiter's own: what goes wrong with its request must not touch the connection's last exchange, or
 * other waiters.
 */
function give(waiter: StreamWaiter, connection: UpstreamConnection): void {
  try {
    waiter.onConnection(connection);
  } catch (thrown) {
    internalError('pool.connection', thrown);
    giveUp('pool.connection', waiter);
    connection.close();
  }
}

/** The same. */
function refuse(waiter: StreamWaiter | undefined, flag: Flag, detail: string, removed = false): void {
  try {
    waiter?.onNoConnection(flag, detail, removed);
  } catch (thrown) {
    internalError('pool.refusal', thrown);
    giveUp('pool.refusal', waiter);
  }
}

function isUnused({ requests }: UpstreamConnection): boolean {
  return requests === 0;
}

/** How long an idle connection is used when the upstream said that it closes after `timeoutMs`. */
function trustedMs(timeoutMs: number): number {
  return Math.max(timeoutMs - keepAliveMarginMs, timeoutMs / 2);
}
