import { type Flag, guarded } from '../errors/index.ts';
import type { ClientCodec, ConnectionOwner, UpstreamConnection, UpstreamHost } from '../http/index.ts';
import { IntrusiveSet } from '../sets/index.ts';
import { Deadline } from '../time/index.ts';
import type { Wire } from '../wire/index.ts';
import { Dials, type DialsOwner, type UpstreamDialer } from './dials.ts';
import type { Occupancy, Place } from './occupancy.ts';
import type { PoolFigures, PoolOptions, PoolSettings } from './pool.ts';
import { UNBOUNDED } from './pool-settings.ts';
import { closeSafely, give, letGo, refuse, type StreamWaiter, WaitingLine } from './waiting-line.ts';
import { wasUsed } from './warm-connections.ts';

/**
 * A connection that was opened for a request which another has served by then is closed so soon if nobody needs it: servers wait
 * for its first request, and a Node server that is told to end does not end before it came, or a minute has passed.
 */
const unusedMs = 1_000;
/** Of a proxy, which waits for nothing: the window in which it was seen that an endpoint is called often. */
const unusedMeshedMs = 10_000;

/** The upstream's own idle limit minus this is when a connection is no longer trusted to be open on the other side. */
const keepAliveMarginMs = 1000;

/**
 * The connections to one endpoint that carry one stream at a time. Idle ones are taken youngest first, so that surplus ones age
 * and close.
 */
export class SinglePool implements UpstreamHost, DialsOwner {
  readonly #options: PoolOptions;
  readonly #settings: PoolSettings;
  readonly #occupancy: Occupancy;
  readonly #dials: Dials;
  readonly #waiting: WaitingLine;
  readonly #free: UpstreamConnection[] = [];
  readonly #all = new IntrusiveSet<'seat', UpstreamConnection>('seat');
  readonly #sweep: Deadline;
  #sweepAtMs = 0;
  #closed = false;

  /** `settings` may change while the pool lives. */
  constructor(dialer: UpstreamDialer, options: PoolOptions, occupancy: Occupancy, settings: PoolSettings) {
    this.#options = options;
    this.#settings = settings;
    this.#occupancy = occupancy;
    this.#dials = new Dials(dialer, true, occupancy, this);
    this.#waiting = new WaitingLine(occupancy);
    this.#sweep = new Deadline(() => this.#closeStale());
  }

  /** See Pool.acquire. */
  acquire(waiter: StreamWaiter): void {
    const { meshed, isEnding } = this.#options;
    const careful = !waiter.repeatable && !meshed && isEnding?.() === true;
    const connection = careful ? undefined : this.#takeFree(waiter.repeatable || meshed);
    if (connection !== undefined) {
      waiter.onStream(connection.open(waiter.streamHandler), connection);
      return;
    }
    if (!this.#occupancy.mayWait()) {
      this.#occupancy.overflows++;
      waiter.onNoConnection('UO', 'too many requests are waiting for a connection');
      return;
    }
    const mayOpen = this.#dials.mayBegin();
    this.#waiting.add(waiter, this.#dials.begun);
    if (mayOpen) this.#dials.begin();
    else if (this.#all.size === 0 && this.#dials.size === 0) {
      // Busy connections to other endpoints fill the limit, and none of them would ever serve this waiter.
      this.#occupancy.overflows++;
      this.#waiting.take()?.onNoConnection('UO', 'the connection limit is reached');
    }
  }

  cancel(waiter: StreamWaiter): void {
    this.#waiting.remove(waiter);
  }

  onRoom(connection: UpstreamConnection): void {
    if (connection.owner !== undefined) {
      this.#ownedFree(connection, connection.owner);
      return;
    }
    const { maxRequestsPerConnection, maxIdle, idleTimeoutMs } = this.#settings;
    const spent = maxRequestsPerConnection > 0 && connection.requests >= maxRequestsPerConnection;
    if (this.#closed || spent || this.#leftMs(connection) <= 0) {
      connection.drain();
      return;
    }
    const waiter = this.#waiting.take();
    if (waiter !== undefined) {
      give(waiter, connection);
      return;
    }
    const nowMs = this.#options.clock.monotonic();
    connection.freeSinceMs = nowMs;
    this.#free.push(connection);
    if (this.#free.length > maxIdle) {
      this.closeIdle();
      if (this.#free.length === 0) return;
    }
    const waitMs = isUnused(connection) ? this.#unusedMs : this.#restMs(connection);
    if (!this.#sweep.scheduled || (waitMs < idleTimeoutMs && nowMs + waitMs < this.#sweepAtMs))
      this.#sweepIn(waitMs);
  }

  onDraining(): void {}

  onGone(connection: UpstreamConnection): void {
    if (!this.#all.delete(connection)) return;
    connection.place?.release();
    const { owner } = connection;
    if (owner !== undefined) guarded('pool.owner', () => owner.onOwnedGone(connection))();
    const at = this.#free.indexOf(connection);
    if (at >= 0) this.#free.splice(at, 1);
    this.#serveWaiters();
    const isLast = this.#all.size === 0 && this.#dials.size === 0 && !this.#closed;
    if (isLast && owner === undefined && wasUsed(connection, this.#options.clock.monotonic()))
      this.#options.onLost?.(ONLY_SINGLE);
  }

  onOpened(wire: Wire, codec: ClientCodec<Wire>, place: Place): void {
    const connection = codec.connect(wire, this);
    connection.place = place;
    connection.openedMs = this.#options.clock.monotonic();
    this.#all.add(connection);
    this.onRoom(connection);
    this.#serveWaiters();
  }

  onDialFailed(before: number, flag: Flag, detail: string): void {
    this.#waiting.fail(before, this.#dials.size, flag, detail);
    this.#serveWaiters();
  }

  /** Opens a connection where there is none; whether it was begun. */
  warm(): boolean {
    if (this.#closed || this.#all.size > 0 || !this.#dials.mayWarm()) return false;
    this.#dials.begin();
    return true;
  }

  get #unusedMs(): number {
    return this.#options.meshed ? unusedMeshedMs : unusedMs;
  }

  /** See Pool.close. */
  close(): void {
    this.#closed = true;
    this.#options.timers.cancel(this.#sweep);
    this.closeAllIdle();
    for (const connection of this.#all)
      if (connection.owner !== undefined && connection.room > 0) closeSafely(connection);
    this.#dials.cancelAll();
    this.#waiting.refuseAll('UH', REMOVED, true);
  }

  /** Who waits for a connection goes elsewhere. */
  sendAway(): void {
    this.#waiting.refuseAll('UH', EJECTED, true);
  }

  get idleSinceMs(): number | undefined {
    return this.#free[0]?.freeSinceMs;
  }

  closeIdle(): void {
    letGo(this.#free[0]);
  }

  /** Those that somebody is logged in on stay. */
  closeAllIdle(): void {
    for (const connection of this.#free.splice(0)) letGo(connection);
  }

  get figures(): PoolFigures {
    return {
      open: this.#all.size,
      free: this.#free.length,
      waiting: this.#waiting.length,
      dialing: this.#dials.size,
    };
  }

  /** Somebody is logged in on it. How many requests it has carried does not matter: a login takes several. */
  #ownedFree(connection: UpstreamConnection, owner: ConnectionOwner): void {
    if (this.#closed) connection.close();
    else owner.onOwnedFree(connection);
  }

  #takeFree(anyAge: boolean): UpstreamConnection | undefined {
    for (let connection = this.#free.pop(); connection !== undefined; connection = this.#free.pop()) {
      if (connection.room === 0) continue;
      if (this.#leftMs(connection) <= 0) {
        letGo(connection);
        continue;
      }
      const { keepAliveTimeoutMs } = connection;
      if (keepAliveTimeoutMs > 0) {
        if (this.#freeForMs(connection) < trustedMs(keepAliveTimeoutMs)) return connection;
        letGo(connection);
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

  /** A place has become free: those who wait for nobody's dial get one. */
  #serveWaiters(): void {
    while (!this.#closed && this.#waiting.length > this.#dials.size && this.#dials.mayBegin())
      this.#dials.begin();
    // Nobody here would ever serve them, and nobody tells us when a place becomes free elsewhere.
    while (this.#waiting.length > 0 && this.#all.size === 0 && this.#dials.size === 0)
      refuse(this.#waiting.take(), 'UO', 'the connection limit is reached');
  }

  #closeStale(): void {
    const nowMs = this.#options.clock.monotonic();
    for (const connection of [...this.#free])
      if (nowMs - connection.freeSinceMs >= this.#keptMs(connection) || this.#leftMs(connection) <= 0)
        letGo(connection);
    if (this.#free.length === 0) return;
    let waitMs = this.#free.some(isUnused) ? this.#unusedMs : this.#settings.idleTimeoutMs / 2;
    for (const connection of this.#free) waitMs = Math.min(waitMs, this.#leftMs(connection));
    this.#sweepIn(waitMs);
  }

  /** Until a connection is too old to be used. */
  #leftMs({ openedMs }: UpstreamConnection): number {
    const { maxAgeMs } = this.#settings;
    // Nearly always, and this is the hot path.
    if (maxAgeMs === UNBOUNDED) return maxAgeMs;
    return openedMs + maxAgeMs - this.#options.clock.monotonic();
  }

  /** For how long a connection that has become idle may be left alone. */
  #restMs(connection: UpstreamConnection): number {
    return Math.min(this.#settings.idleTimeoutMs, this.#leftMs(connection));
  }

  /** How long a connection may be idle. */
  #keptMs(connection: UpstreamConnection): number {
    const { idleTimeoutMs } = this.#settings;
    if (isUnused(connection)) return Math.min(idleTimeoutMs, this.#unusedMs);
    const { keepAliveTimeoutMs } = connection;
    return keepAliveTimeoutMs === 0 ? idleTimeoutMs : Math.min(idleTimeoutMs, trustedMs(keepAliveTimeoutMs));
  }

  #sweepIn(ms: number): void {
    const waitMs = Math.max(Math.min(ms, this.#settings.idleTimeoutMs), 100);
    this.#sweepAtMs = this.#options.clock.monotonic() + waitMs;
    this.#options.timers.schedule(this.#sweep, waitMs);
  }
}

/** Why nobody is served who waits when an endpoint is ejected. */
export const EJECTED = 'the endpoint was ejected while the request waited for a connection';

/** Why nobody is served who waits when a pool is closed. */
export const REMOVED = 'the endpoint was removed while the request waited for a connection';

const ONLY_SINGLE = { single: true, shared: false };

function isUnused({ requests }: UpstreamConnection): boolean {
  return requests === 0;
}

/** How long an idle connection is used when the upstream said that it closes after `timeoutMs`. */
function trustedMs(timeoutMs: number): number {
  return Math.max(timeoutMs - keepAliveMarginMs, timeoutMs / 2);
}
