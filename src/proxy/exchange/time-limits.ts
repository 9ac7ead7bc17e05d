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
  /** The caller of a gRPC call waits no longer. */
  onDeadline(): void;
  /** The head of an answer was held for long enough. */
  onHeldLongEnough(): void;
}

/**
 * The head of a call's answer is held no longer than this, milliseconds: a client may wait for it, to know that its stream
 * stands.
 */
const holdMs = 1000;

/** How long a request may take, and rest. One object serves the requests of a stream, one after the other. */
export class TimeLimits {
  readonly #clock: Clock;
  readonly #timers: TimerWheel;
  readonly #info: StreamInfo;
  readonly #owner: TimeLimitsOwner;
  readonly #timeout: Deadline;
  readonly #idle: Deadline;
  readonly #delay: Deadline;
  /** Made with the first gRPC call that asks for it: its deadline, and the time that the head of its answer is held. */
  #deadline: Deadline | undefined;
  #hold: Deadline | undefined;

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

  /** The deadline of a gRPC call: nothing but its end lifts it. */
  callEnds(afterMs: number): void {
    this.#deadline ??= new Deadline(() => this.#owner.onDeadline(), this.#owner);
    this.#timers.schedule(this.#deadline, afterMs);
  }

  /** The head of an answer is held. */
  hold(): void {
    this.#hold ??= new Deadline(() => this.#owner.onHeldLongEnough(), this.#owner);
    this.#timers.schedule(this.#hold, holdMs);
  }

  /** It is not any more. */
  letGo(): void {
    if (this.#hold !== undefined) this.#timers.cancel(this.#hold);
  }

  /** None holds any more: it is over, or has become a tunnel. */
  end(): void {
    if (this.#deadline !== undefined) this.#timers.cancel(this.#deadline);
    this.letGo();
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
