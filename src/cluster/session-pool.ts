import { giveUp, internalError } from '../errors/index.ts';
import type { ClientCodec } from '../http/index.ts';
import type { Wire } from '../wire/index.ts';
import type { UpstreamDialer } from './dials.ts';
import { Occupancy, type Place } from './occupancy.ts';
import type { PoolFigures, PoolOptions, PoolSettings } from './pool.ts';
import { UNBOUNDED } from './pool-settings.ts';
import { SharedPool } from './shared-pool.ts';
import type { StreamWaiter } from './waiting-line.ts';

/** Waits for a stream that carries one connection of an app. */
export interface SessionWaiter extends StreamWaiter {
  /** The endpoint takes no streams: in place of one, a connection for this waiter alone, of bytes. It does not read yet. */
  onWire(wire: Wire): void;
  /** The endpoint takes no streams: the waiter is to open a connection of its own. */
  onAlone(): void;
}

/** An endpoint that takes no streams may be asked again: that costs nothing, since both ways are offered at once. */
const askAgainMs = 60_000;
const everything = Number.POSITIVE_INFINITY;
/** Sessions are counted where they are made, each as the connection that it is for the app. */
const unlimited = {
  maxConnections: everything,
  maxPendingRequests: everything,
  maxRequests: everything,
  maxRequestsPerConnection: 0,
};

/** The connections to one proxy that carry connections of apps to one port, each as a stream. */
export class SessionPool {
  readonly #shared: SharedPool;
  readonly #settings: PoolSettings;
  readonly #options: PoolOptions;
  /** Monotonic; 0 where nothing is known against it. */
  #aloneUntilMs = 0;

  constructor(dialer: UpstreamDialer, options: PoolOptions, settings: PoolSettings) {
    this.#options = options;
    this.#settings = sessionSettings(settings);
    this.#shared = new SharedPool(
      dialer,
      options,
      new Occupancy(unlimited),
      this.#settings,
      (wire, _codec, place) => this.#turnsOutAlone(wire, place),
    );
  }

  /** Whether the endpoint takes streams, as far as is known. */
  get takesStreams(): boolean {
    if (this.#aloneUntilMs === 0) return true;
    if (this.#options.clock.monotonic() < this.#aloneUntilMs) return false;
    this.#aloneUntilMs = 0;
    return true;
  }

  /** The endpoint's proxy has said that this port takes no streams. */
  onNoStreams(): void {
    this.#aloneUntilMs = this.#options.clock.monotonic() + askAgainMs;
  }

  /** Opens a stream for the waiter; see Pool.acquire. Nobody is refused for a limit. */
  acquire(waiter: SessionWaiter): void {
    this.#shared.acquire(waiter);
  }

  cancel(waiter: SessionWaiter): void {
    this.#shared.cancel(waiter);
  }

  configure(settings: PoolSettings): void {
    Object.assign(this.#settings, sessionSettings(settings));
  }

  /** Takes no new sessions; those under way go on, and their connections close after the last. */
  close(): void {
    this.#shared.close();
  }

  /** See Pool.sendAway. */
  sendAway(): void {
    this.#shared.sendAway();
  }

  closeAllIdle(): void {
    this.#shared.closeAllIdle();
  }

  get figures(): PoolFigures {
    return this.#shared.figures;
  }

  /** A proxy of before there were streams. The first that waits has its connection, the others open theirs. */
  #turnsOutAlone(wire: Wire, place: Place): void {
    this.onNoStreams();
    place.release();
    const first = this.#shared.takeWaiter() as SessionWaiter | undefined;
    const others: SessionWaiter[] = [];
    for (let each = this.#shared.takeWaiter(); each !== undefined; each = this.#shared.takeWaiter())
      others.push(each as SessionWaiter);
    if (first === undefined) wire.destroy();
    else safely(first, () => first.onWire(wire));
    for (const other of others) safely(other, () => other.onAlone());
  }
}

/** What goes wrong with one must not keep others from theirs; rare enough for a closure. */
function safely(waiter: SessionWaiter, run: () => void): void {
  try {
    run();
  } catch (thrown) {
    internalError('session-pool', thrown);
    giveUp('session-pool', waiter);
  }
}

/** What bounds requests does not bound sessions. */
function sessionSettings({ idleTimeoutMs, keepalive }: PoolSettings): PoolSettings {
  return {
    ...{ idleTimeoutMs, keepalive, maxRequestsPerConnection: 0 },
    ...{ maxConcurrentStreams: everything, maxIdle: UNBOUNDED, maxAgeMs: UNBOUNDED },
  };
}

/** Of a connection that carries bytes: whoever gets it has no use for a codec. */
export const BYTES: ClientCodec<Wire> = {
  multiplexes: false,
  connect() {
    throw new Error('a connection of bytes carries no streams');
  },
};
