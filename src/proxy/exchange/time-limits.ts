import type { Guarded } from '../../errors/index.ts';
import { type Clock, Deadline, type TimerWheel } from '../../time/index.ts';
import type { RunningRoute } from '../destinations/running-route.ts';
import type { StreamInfo } from './stream-info.ts';

/** Whose time is limited. */
export interface TimeLimitsOwner extends Guarded {
  /** The whole time of the request is up. */
  onTimeout(): void;
  /** Nothing has moved for so long. */
  onIdle(limitMs: number): void;
  /** What held the request up on purpose is over. */
  onDelayOver(): void;
}

/** How long a request may take, and rest. One object serves the requests of a stream, one after the other. */
export class TimeLimits {
  readonly #clock: Clock;
  readonly #timers: TimerWheel;
  readonly #info: StreamInfo;
  readonly #owner: TimeLimitsOwner;
  readonly #timeout: Deadline;
  readonly #idle: Deadline;
  readonly #delay: Deadline;

  constructor(clock: Clock, timers: TimerWheel, info: StreamInfo, owner: TimeLimitsOwner) {
    this.#clock = clock;
    this.#timers = timers;
    this.#info = info;
    this.#owner = owner;
    this.#timeout = new Deadline(() => owner.onTimeout(), owner);
    this.#idle = new Deadline(() => this.#checkIdle(), owner);
    this.#delay = new Deadline(() => owner.onDelayOver(), owner);
  }

  /** The request goes on, and the route's limits hold. */
  begin({ route: { timeoutMs, idleTimeoutMs } }: RunningRoute): void {
    if (timeoutMs > 0) this.#timers.schedule(this.#timeout, timeoutMs);
    if (idleTimeoutMs > 0) this.#timers.schedule(this.#idle, idleTimeoutMs);
  }

  /** Holds the request up on purpose. */
  delay(delayMs: number): void {
    this.#timers.schedule(this.#delay, delayMs);
  }

  /** None holds any more: it is over, or has become a tunnel. */
  end(): void {
    this.#timers.cancel(this.#timeout);
    this.#timers.cancel(this.#idle);
    this.#timers.cancel(this.#delay);
  }

  #checkIdle(): void {
    const limitMs = this.#info.route!.route.idleTimeoutMs;
    const quietMs = this.#clock.monotonic() - this.#info.lastMoveMs;
    if (quietMs < limitMs) this.#timers.schedule(this.#idle, limitMs - quietMs);
    else this.#owner.onIdle(limitMs);
  }
}
