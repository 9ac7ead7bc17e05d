import type { Flag } from '../errors/index.ts';
import type { ClientCodec, Keepalive, UpstreamConnection, UpstreamHost } from '../http/index.ts';
import { Deadline } from '../time/index.ts';
import type { Wire } from '../wire/index.ts';
import { Dials, type DialsOwner, type UpstreamDialer } from './dials.ts';
import type { Occupancy, Place } from './occupancy.ts';
import type { PoolFigures, PoolOptions, PoolSettings } from './pool.ts';
import { UNBOUNDED } from './pool-settings.ts';
import { EJECTED, REMOVED } from './single-pool.ts';
import { give, letGo, refuse, type StreamWaiter, WaitingLine } from './waiting-line.ts';
import { wasUsed } from './warm-connections.ts';

/**
 * The connections to one endpoint that carry many streams at once. Whoever comes while one is being opened waits for it and
 * shares it; a further one is opened when those there are take no more. The oldest is filled first, so that surplus ones run
 * empty and close.
 *
 * No connection is too old for a request that must not be repeated: a peer that closes one says which streams it has taken.
 */
export class SharedPool implements UpstreamHost, DialsOwner {
  readonly #options: PoolOptions;
  readonly #settings: PoolSettings;
  readonly #occupancy: Occupancy;
  readonly #dials: Dials;
  readonly #waiting: WaitingLine;
  /** Upgrades to WebSocket that wait for what the endpoint says of them. */
  readonly #undecided: WaitingLine;
  readonly #onSingle: (wire: Wire, codec: ClientCodec<Wire>, place: Place) => void;
  /** Those that may take streams. Others are on their way out and count no more. */
  readonly #taking: UpstreamConnection[] = [];
  readonly #sweep: Deadline;
  #sweepAtMs = 0;
  /** How many streams a connection takes, as the last one showed. */
  #streamsEach = Number.POSITIVE_INFINITY;
  #closed = false;
  /** It is known now whether the endpoint takes WebSockets: who has waited for that asks again. Given by the pool. */
  onDecided: (waiter: StreamWaiter) => void = () => {};
  /** The endpoint did not understand. Given by the pool. */
  onMisunderstood: () => void = () => {};

  /**
   * `settings` may change while the pool lives. `onSingle`: the endpoint has turned out to speak something that carries one
   * stream at a time. Who waits here is to be taken over.
   */
  constructor(
    dialer: UpstreamDialer,
    options: PoolOptions,
    occupancy: Occupancy,
    settings: PoolSettings,
    onSingle: (wire: Wire, codec: ClientCodec<Wire>, place: Place) => void,
  ) {
    this.#options = options;
    this.#settings = settings;
    this.#occupancy = occupancy;
    this.#dials = new Dials(dialer, false, occupancy, this);
    this.#waiting = new WaitingLine(occupancy);
    this.#undecided = new WaitingLine(occupancy);
    this.#onSingle = onSingle;
    this.#sweep = new Deadline(() => this.#closeStale());
  }

  /** See Pool.acquire. */
  acquire(waiter: StreamWaiter): void {
    const connection = this.#withRoom();
    if (connection !== undefined) {
      const stream = connection.open(waiter.streamHandler);
      this.#retireIfSpent(connection);
      waiter.onStream(stream, connection);
      return;
    }
    if (!this.#occupancy.mayWait()) {
      this.#occupancy.overflows++;
      waiter.onNoConnection('UO', 'too many requests are waiting for a connection');
      return;
    }
    this.#waiting.add(waiter, this.#dials.begun);
    if (this.#waiting.length <= this.#expected) return;
    if (this.#dials.mayBegin()) this.#dials.begin();
    else if (this.#nothingComes) {
      this.#occupancy.overflows++;
      this.#waiting.take()?.onNoConnection('UO', 'the connection limit is reached');
    }
  }

  /** Whether the endpoint takes WebSockets as streams beside others; undefined while none of its connections has said. */
  get takesWebSockets(): boolean | undefined {
    let takes: boolean | undefined;
    for (const { takesWebSockets } of this.#taking) {
      if (takesWebSockets === true) return true;
      takes ??= takesWebSockets;
    }
    return takes;
  }

  /** While that is not known: finds it out, by a connection that others can use, too. The waiter then hears from `onDecided`. */
  ask(waiter: StreamWaiter): void {
    if (!this.#occupancy.mayWait() || (this.#nothingComes && !this.#dials.mayBegin())) {
      this.#occupancy.overflows++;
      waiter.onNoConnection(
        'UO',
        'the connection limit is reached, or too many requests wait for a connection',
      );
      return;
    }
    const isFirst = this.#nothingComes;
    this.#undecided.add(waiter, this.#dials.begun);
    if (isFirst) this.#dials.begin();
  }

  #decide(): void {
    if (this.#undecided.length === 0 || this.takesWebSockets === undefined) return;
    // A line of its own: who asks again may come to wait here once more.
    for (let left = this.#undecided.length; left > 0; left--) {
      const waiter = this.#undecided.take();
      if (waiter !== undefined) this.onDecided(waiter);
    }
  }

  cancel(waiter: StreamWaiter): void {
    this.#waiting.remove(waiter);
    this.#undecided.remove(waiter);
  }

  /** The one that has waited longest waits here no more. */
  takeWaiter(): StreamWaiter | undefined {
    return this.#waiting.take() ?? this.#undecided.take();
  }

  /** Whether a connection is there, or may soon be. */
  get inUse(): boolean {
    return !this.#nothingComes;
  }

  onRoom(connection: UpstreamConnection): void {
    this.#learn(connection);
    this.#decide();
    while (this.#waiting.length > 0 && this.#hasRoom(connection) && this.#taking.includes(connection)) {
      give(this.#waiting.take()!, connection);
      this.#retireIfSpent(connection);
    }
    if (connection.active > 0 || !this.#taking.includes(connection)) return;
    const nowMs = this.#options.clock.monotonic();
    connection.freeSinceMs = nowMs;
    const { idleTimeoutMs, maxIdle } = this.#settings;
    if (maxIdle !== UNBOUNDED && this.#taking.filter(isIdle).length > maxIdle) {
      const longest = this.#longestIdle()!;
      longest.freeSinceMs = Number.NEGATIVE_INFINITY;
      longest.drain();
    }
    const waitMs = Math.min(idleTimeoutMs, this.#leftMs(connection));
    if (!this.#sweep.scheduled || (waitMs < idleTimeoutMs && nowMs + waitMs < this.#sweepAtMs))
      this.#sweepIn(waitMs);
  }

  onDraining(connection: UpstreamConnection): void {
    const left = this.#leave(connection);
    this.#serveWaiters();
    if (left) this.#miss(connection);
  }

  get keepalive(): Keepalive | undefined {
    return this.#settings.keepalive;
  }

  onSingle(connection: UpstreamConnection): void {
    this.#leave(connection);
    this.onMisunderstood();
    for (let waiter = this.#undecided.take(); waiter !== undefined; waiter = this.#undecided.take())
      this.onDecided(waiter);
  }

  onGone(connection: UpstreamConnection): void {
    const left = this.#leave(connection);
    this.#serveWaiters();
    if (left) this.#miss(connection);
    if (this.#nothingComes)
      this.#undecided.refuseAll('UC', 'the upstream closed the connection before it said a word of HTTP/2');
  }

  onOpened(wire: Wire, codec: ClientCodec<Wire>, place: Place): void {
    if (!codec.multiplexes) {
      this.#streamsEach = Number.POSITIVE_INFINITY;
      this.#onSingle(wire, codec, place);
      return;
    }
    const connection = codec.connect(wire, this);
    this.#taking.push(connection);
    connection.place = place;
    connection.openedMs = this.#options.clock.monotonic();
    this.onRoom(connection);
    this.#serveWaiters();
  }

  onDialFailed(before: number, flag: Flag, detail: string): void {
    this.#waiting.fail(before, this.#expected, flag, detail);
    this.#serveWaiters();
    if (this.#nothingComes) this.#undecided.refuseAll(flag, detail);
  }

  /** Opens a connection where none takes streams; whether it was begun. */
  warm(): boolean {
    if (this.#closed || !this.#nothingComes || !this.#dials.mayWarm()) return false;
    this.#dials.begin();
    return true;
  }

  /** See Pool.close. */
  close(): void {
    this.#closed = true;
    this.#options.timers.cancel(this.#sweep);
    for (const connection of [...this.#taking]) {
      this.#leave(connection);
      connection.drain();
    }
    this.#dials.cancelAll();
    this.#waiting.refuseAll('UH', REMOVED, true);
    this.#undecided.refuseAll('UH', REMOVED, true);
  }

  /** Who waits for a connection goes elsewhere. */
  sendAway(): void {
    this.#waiting.refuseAll('UH', EJECTED, true);
    this.#undecided.refuseAll('UH', EJECTED, true);
  }

  get idleSinceMs(): number | undefined {
    return this.#longestIdle()?.freeSinceMs;
  }

  closeIdle(): void {
    letGo(this.#longestIdle());
  }

  closeAllIdle(): void {
    for (const connection of this.#taking.filter(isIdle)) letGo(connection);
  }

  get figures(): PoolFigures {
    return {
      open: this.#taking.length,
      free: this.#taking.filter(isIdle).length,
      waiting: this.#waiting.length + this.#undecided.length,
      dialing: this.#dials.size,
    };
  }

  #withRoom(): UpstreamConnection | undefined {
    const taking = this.#taking;
    for (let i = 0; i < taking.length; i++) if (this.#hasRoom(taking[i]!)) return taking[i];
    return undefined;
  }

  /** Within what the peer allows, and what was asked for here. */
  #hasRoom({ room, active }: UpstreamConnection): boolean {
    return room > 0 && active < this.#settings.maxConcurrentStreams;
  }

  /** How many waiters the dials under way will serve. */
  get #expected(): number {
    return this.#dials.size === 0 ? 0 : this.#dials.size * this.#streamsEach;
  }

  get #nothingComes(): boolean {
    return this.#taking.length === 0 && this.#dials.size === 0;
  }

  #learn({ room, active }: UpstreamConnection): void {
    if (room + active > 0) this.#streamsEach = Math.min(room + active, this.#settings.maxConcurrentStreams);
  }

  /** One that has begun as many streams as are allowed on it takes no more; see ConnectionLimits. */
  #retireIfSpent(connection: UpstreamConnection): void {
    const { maxRequestsPerConnection } = this.#settings;
    const spent = maxRequestsPerConnection > 0 && connection.requests >= maxRequestsPerConnection;
    if (!spent && this.#leftMs(connection) > 0) return;
    this.#leave(connection);
    connection.drain();
  }

  /** It takes no more, and its place may be another's: what is under way on it may take hours. */
  #leave(connection: UpstreamConnection): boolean {
    const at = this.#taking.indexOf(connection);
    if (at < 0) return false;
    this.#taking.splice(at, 1);
    connection.place?.release();
    return true;
  }

  #miss(connection: UpstreamConnection): void {
    if (this.#nothingComes && !this.#closed && wasUsed(connection, this.#options.clock.monotonic()))
      this.#options.onLost?.(ONLY_SHARED);
  }

  /** A place has become free: those who wait for nobody's dial get one. */
  #serveWaiters(): void {
    while (!this.#closed && this.#waiting.length > this.#expected && this.#dials.mayBegin())
      this.#dials.begin();
    while (this.#waiting.length > 0 && this.#nothingComes)
      refuse(this.#waiting.take(), 'UO', 'the connection limit is reached');
  }

  #longestIdle(): UpstreamConnection | undefined {
    let longest: UpstreamConnection | undefined;
    for (const connection of this.#taking)
      if (isIdle(connection) && connection.freeSinceMs < (longest?.freeSinceMs ?? Number.POSITIVE_INFINITY))
        longest = connection;
    return longest;
  }

  #closeStale(): void {
    const { idleTimeoutMs } = this.#settings;
    const idle = this.#taking.filter(isIdle);
    const nowMs = this.#options.clock.monotonic();
    for (const connection of idle) {
      if (nowMs - connection.freeSinceMs < idleTimeoutMs && this.#leftMs(connection) > 0) continue;
      connection.freeSinceMs = Number.NEGATIVE_INFINITY;
      connection.drain();
    }
    let waitMs = idleTimeoutMs / 2;
    const left = this.#taking.filter(isIdle);
    for (const connection of left) waitMs = Math.min(waitMs, this.#leftMs(connection));
    if (left.length > 0) this.#sweepIn(waitMs);
  }

  /** Until a connection is too old to be used. */
  #leftMs({ openedMs }: UpstreamConnection): number {
    const { maxAgeMs } = this.#settings;
    if (maxAgeMs === UNBOUNDED) return maxAgeMs;
    return openedMs + maxAgeMs - this.#options.clock.monotonic();
  }

  #sweepIn(ms: number): void {
    const waitMs = Math.max(ms, 100);
    this.#sweepAtMs = this.#options.clock.monotonic() + waitMs;
    this.#options.timers.schedule(this.#sweep, waitMs);
  }
}

const ONLY_SHARED = { single: false, shared: true };

function isIdle({ active }: UpstreamConnection): boolean {
  return active === 0;
}
