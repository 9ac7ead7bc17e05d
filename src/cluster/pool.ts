import { giveUp, internalError } from '../errors/index.ts';
import type { ClientCodec, Keepalive } from '../http/index.ts';
import type { Clock, TimerWheel } from '../time/index.ts';
import type { Wire } from '../wire/index.ts';
import type { UpstreamDialer } from './dials.ts';
import type { Occupancy, Place } from './occupancy.ts';
import { SharedPool } from './shared-pool.ts';
import { SinglePool } from './single-pool.ts';
import type { StreamWaiter } from './waiting-line.ts';
import type { Use } from './warm-connections.ts';

/** What a pool needs to know. */
export interface PoolOptions {
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
  /** The last connection of its kind is gone, was used of late, and the other side ended it. */
  readonly onLost?: (use: Use) => void;
}

/** What may change while a pool lives. */
export interface PoolSettings {
  idleTimeoutMs: number;
  /** 0: as many as there are. */
  maxRequestsPerConnection: number;
  /** At once, where a connection carries many. */
  maxConcurrentStreams: number;
  keepalive: Keepalive | undefined;
  /** UNBOUNDED: all, until their time is over. */
  maxIdle: number;
  /** UNBOUNDED: of any age. */
  maxAgeMs: number;
}

/** An endpoint that did not understand HTTP/2 may be another app by then. */
const askAgainMs = 60_000;
/** Why what needs HTTP/2 goes nowhere then. */
const ONLY_HTTP1 =
  'the upstream speaks HTTP/1 and gRPC needs HTTP/2; is it the right port, or does the server need h2c switched on?';

/** For the admin page. Connections that take no more streams are not among the open ones where they carry many. */
export interface PoolFigures {
  readonly open: number;
  readonly free: number;
  readonly waiting: number;
  readonly dialing: number;
}

/** Shorter than any keep-alive limit in use (uvicorn and Node 5 s, gunicorn 2 s), longer than a busy connection ever waits. */
export const DEFAULT_STALE_AFTER_MS = 300;

/**
 * The connections to one endpoint, and the streams that are opened on them. What the endpoint speaks shows when a connection is
 * opened; until then nobody opens a second one.
 */
export class Pool {
  readonly settings: PoolSettings;
  readonly #single: SinglePool;
  /** Undefined where connections never carry many streams. */
  readonly #shared: SharedPool | undefined;
  readonly #dialer: UpstreamDialer;
  readonly #clock: Clock;
  readonly #mayBeExclusive: boolean;
  readonly #meshed: boolean;
  /** Whether the endpoint was last seen to speak something that carries one stream at a time. */
  #isSingle: boolean;
  /** Until when an endpoint that did not understand HTTP/2 is not asked again, monotonic; 0 when there is no such time. */
  #singleUntilMs = 0;

  constructor(dialer: UpstreamDialer, options: PoolOptions, occupancy: Occupancy, settings: PoolSettings) {
    this.settings = { ...settings };
    this.#dialer = dialer;
    this.#meshed = options.meshed;
    this.#clock = options.clock;
    this.#single = new SinglePool(dialer, options, occupancy, this.settings);
    this.#isSingle = dialer.multiplexes === 'never';
    this.#mayBeExclusive = dialer.multiplexes !== 'always';
    if (!this.#isSingle)
      this.#shared = new SharedPool(dialer, options, occupancy, this.settings, (wire, codec, place) =>
        this.#turnsOutSingle(wire, codec, place),
      );
    if (this.#shared === undefined) return;
    this.#shared.onMisunderstood = () => this.#misunderstood();
    this.#shared.onDecided = waiter => acquireFor(waiter, this);
  }

  /** Opens a stream for the waiter, at once when a connection takes it. Over the limits: flag UO, at once. */
  acquire(waiter: StreamWaiter): void {
    if (this.#shared === undefined) {
      this.#single.acquire(waiter);
      return;
    }
    if (waiter.isWebSocket === true && this.#mayBeStream(waiter, this.#shared)) return;
    if (!this.#wantsShared(waiter)) {
      this.#single.acquire(waiter);
      return;
    }
    if (this.#isSingle) this.#ask(this.#shared);
    if (!this.#isSingle) this.#shared.acquire(waiter);
    else if (waiter.needsHttp2 && this.#singleUntilMs > 0) waiter.onNoConnection('UPE', ONLY_HTTP1);
    else this.#single.acquire(waiter);
  }

  /**
   * A WebSocket goes as a stream (RFC 8441) to endpoints that say they take it so: those that are spoken HTTP/2 to may speak
   * nothing else. Proxies take it in HTTP/1, on a connection to itself. False: so it goes here.
   */
  #mayBeStream(waiter: StreamWaiter, shared: SharedPool): boolean {
    if (this.#meshed || this.#isSingle) return false;
    const { carriage } = this.#dialer;
    if (carriage === 'http1' || (carriage === 'client' && !waiter.isHttp2)) return false;
    const takes = shared.takesWebSockets;
    if (takes === true) shared.acquire(waiter);
    else if (takes === undefined && carriage === 'http2') shared.ask(waiter);
    else return false;
    return true;
  }

  /** Whether it goes beside others on a connection that carries many streams, where the endpoint has such. */
  #wantsShared(waiter: StreamWaiter): boolean {
    if (waiter.exclusive && this.#mayBeExclusive) return false;
    const { carriage } = this.#dialer;
    return carriage === 'client' ? waiter.isHttp2 : carriage === 'http2' || waiter.needsHttp2;
  }

  /** What carries requests now. */
  get use(): Use {
    const single = this.#single.figures;
    const shared = this.#shared?.figures;
    return {
      single: single.open + single.dialing > 0,
      shared: shared !== undefined && shared.open + shared.dialing > 0,
    };
  }

  /** Opens a connection of each kind that `use` names where there is none, and no limit would be reached. How many were begun. */
  warm(use: Use): number {
    const carriage = this.#shared === undefined ? 'http1' : this.#dialer.carriage;
    const single = use.single && (carriage !== 'http2' || this.#isSingle) && this.#single.warm();
    const shared = use.shared && !this.#isSingle && this.#shared?.warm() === true;
    return Number(single) + Number(shared);
  }

  /** Stops waiting; does nothing when the waiter does not wait here. */
  cancel(waiter: StreamWaiter): void {
    this.#single.cancel(waiter);
    this.#shared?.cancel(waiter);
  }

  /** Takes no new requests: idle connections close now, busy ones when what is under way on them is complete. */
  close(): void {
    this.#single.close();
    this.#shared?.close();
  }

  /** The endpoint is ejected: who waits for a connection to it goes elsewhere. What is under way goes on. */
  sendAway(): void {
    this.#single.sendAway();
    this.#shared?.sendAway();
  }

  /** Since when the connection that has been idle longest is idle; undefined when none is. */
  get idleSinceMs(): number | undefined {
    const single = this.#single.idleSinceMs;
    const shared = this.#shared?.idleSinceMs;
    return single === undefined || (shared !== undefined && shared < single) ? shared : single;
  }

  /** Closes the connection that has been idle longest. */
  closeIdle(): void {
    const { idleSinceMs } = this;
    if (idleSinceMs === undefined) return;
    if (idleSinceMs === this.#single.idleSinceMs) this.#single.closeIdle();
    else this.#shared!.closeIdle();
  }

  /** Closes all that are idle; those that somebody is logged in on stay. */
  closeAllIdle(): void {
    this.#single.closeAllIdle();
    this.#shared?.closeAllIdle();
  }

  get figures(): PoolFigures {
    const a = this.#single.figures;
    if (this.#shared === undefined) return a;
    const b = this.#shared.figures;
    return {
      open: a.open + b.open,
      free: a.free + b.free,
      waiting: a.waiting + b.waiting,
      dialing: a.dialing + b.dialing,
    };
  }

  /** With no connection left, an endpoint that spoke one thing may have come to speak another. */
  #ask(shared: SharedPool): void {
    if (this.#singleUntilMs > 0) {
      if (this.#clock.monotonic() < this.#singleUntilMs) return;
      this.#singleUntilMs = 0;
      this.#isSingle = false;
      return;
    }
    const { open, dialing } = this.#single.figures;
    if (open + dialing === 0 || shared.inUse) this.#isSingle = false;
  }

  /** It answered HTTP/2 in HTTP/1. */
  #misunderstood(): void {
    this.#isSingle = true;
    this.#singleUntilMs = this.#clock.monotonic() + askAgainMs;
  }

  #turnsOutSingle(wire: Wire, codec: ClientCodec<Wire>, place: Place): void {
    this.#isSingle = true;
    this.#single.onOpened(wire, codec, place);
    for (let waiter = this.#shared!.takeWaiter(); waiter !== undefined; waiter = this.#shared!.takeWaiter())
      acquireFor(waiter, this.#single);
  }
}

/** From an event that is not the waiter's own. */
function acquireFor(waiter: StreamWaiter, pool: SinglePool | Pool): void {
  try {
    pool.acquire(waiter);
  } catch (thrown) {
    internalError('pool.connection', thrown);
    giveUp('pool.connection', waiter);
  }
}
