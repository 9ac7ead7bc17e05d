import { type Guarded, giveUp, internalError } from '../errors/index.ts';
import type { Cancel, Clock } from './clock.ts';

/** Something that happens unless it is cancelled before. Made once per connection or exchange and scheduled again and again. */
export class Deadline {
  /** For TimerWheel only. */
  previous: Deadline | undefined = undefined;
  next: Deadline | undefined = undefined;
  wheel: Wheel | undefined = undefined;
  slot = 0;
  dueTick = 0;
  /** `Wheel.stalledMs` when it was scheduled. */
  stalledAtMs = 0;
  /**
   * How much later it may run because this process did not run in between: what it waits for may have come, and nobody was there
   * to see it. Milliseconds; used up as it is taken.
   */
  graceMs = 0;
  readonly run: () => void;
  /** What gives up when `run` throws. */
  readonly owner: Guarded | undefined;

  /** `owner`: what it belongs to; the error of a deadline closes that and nothing else. */
  constructor(run: () => void, owner?: Guarded) {
    this.run = run;
    this.owner = owner;
  }

  get scheduled(): boolean {
    return this.wheel !== undefined;
  }
}

/** A tick that comes later than this tells that the process did not run: no CPU for it, a collection, a stopped machine. */
const stallMs = 30;

/** One ring of slots (Varghese and Lauck, "Hashed and Hierarchical Timing Wheels", 1987, scheme 6). */
class Wheel {
  readonly tickMs: number;
  readonly #clock: Clock;
  readonly #slots: (Deadline | undefined)[];
  #tick = 0;
  #startedMs = 0;
  #advancedMs = 0;
  #size = 0;
  /** How long this process did not run though it wanted to, while something waited here. */
  #stalledMs = 0;
  #stop: Cancel | undefined;

  constructor(clock: Clock, tickMs: number, slots: number) {
    this.#clock = clock;
    this.tickMs = tickMs;
    this.#slots = new Array(slots).fill(undefined);
  }

  add(deadline: Deadline, delayMs: number): void {
    if (this.#size === 0) this.#start();
    this.#size++;
    const nowMs = this.#clock.monotonic();
    deadline.wheel = this;
    deadline.stalledAtMs = this.#stalledMs;
    // Rounded up: never early.
    deadline.dueTick = Math.max(this.#tick + 1, Math.ceil((nowMs - this.#startedMs + delayMs) / this.tickMs));
    deadline.slot = deadline.dueTick % this.#slots.length;
    const first = this.#slots[deadline.slot];
    deadline.previous = undefined;
    deadline.next = first;
    if (first !== undefined) first.previous = deadline;
    this.#slots[deadline.slot] = deadline;
  }

  remove(deadline: Deadline): void {
    if (deadline.previous === undefined) this.#slots[deadline.slot] = deadline.next;
    else deadline.previous.next = deadline.next;
    if (deadline.next !== undefined) deadline.next.previous = deadline.previous;
    deadline.previous = undefined;
    deadline.next = undefined;
    deadline.wheel = undefined;
    this.#size--;
  }

  /** Ticks only while something waits, so that an idle proxy sleeps. */
  #start(): void {
    if (this.#stop !== undefined) return;
    this.#startedMs = this.#clock.monotonic();
    this.#advancedMs = this.#startedMs;
    this.#tick = 0;
    this.#stop = this.#clock.every(this.tickMs, () => this.#wake());
  }

  /**
   * After a stall everything seems to be due at once, before anybody has read what came in the meantime: timers are heard before
   * sockets. So sockets get their turn first, and deadlines that say so the time back.
   */
  #wake(): void {
    const nowMs = this.#clock.monotonic();
    const lateMs = nowMs - this.#advancedMs - this.tickMs;
    this.#advancedMs = nowMs;
    if (lateMs <= stallMs) {
      this.#advance();
      return;
    }
    this.#stalledMs += lateMs;
    this.#clock.after(0, () => this.#advance());
  }

  #advance(): void {
    if (this.#stop === undefined) return;
    const until = Math.floor((this.#clock.monotonic() - this.#startedMs) / this.tickMs);
    while (this.#tick < until) {
      this.#tick++;
      this.#runDue(this.#tick);
    }
    if (this.#size === 0) {
      this.#stop?.();
      this.#stop = undefined;
    }
  }

  #runDue(tick: number): void {
    const slot = tick % this.#slots.length;
    // Collected first: what runs may add to or remove from this very slot.
    let due: Deadline[] | undefined;
    for (let deadline = this.#slots[slot]; deadline !== undefined; deadline = deadline.next) {
      if (deadline.dueTick > tick) continue;
      due ??= [];
      due.push(deadline);
    }
    if (due === undefined) return;
    for (const deadline of due) {
      if (deadline.wheel !== this || deadline.dueTick > tick) continue;
      this.remove(deadline);
      if (deadline.graceMs > 0 && this.#waitOn(deadline)) continue;
      try {
        deadline.run();
      } catch (thrown) {
        internalError('timer', thrown);
        giveUp('timer', deadline.owner);
      }
    }
  }

  /** Whether the deadline gets time back; it then waits on. */
  #waitOn(deadline: Deadline): boolean {
    const lostMs = Math.min(deadline.graceMs, this.#stalledMs - deadline.stalledAtMs);
    if (lostMs <= 0) return false;
    deadline.graceMs -= lostMs;
    this.add(deadline, lostMs);
    return true;
  }
}

const fineTickMs = 10;
const coarseTickMs = 1000;
const coarseFromMs = 10_000;

/**
 * Deadlines for the hot path: setting and clearing one allocates nothing and makes no system call. Delays below ten seconds are
 * kept to 10 ms, longer ones to a second; never early.
 */
export class TimerWheel {
  readonly #fine: Wheel;
  readonly #coarse: Wheel;

  constructor(clock: Clock) {
    this.#fine = new Wheel(clock, fineTickMs, 1024);
    this.#coarse = new Wheel(clock, coarseTickMs, 512);
  }

  /** Runs `deadline` once in `delayMs`; a deadline that is scheduled already is moved. */
  schedule(deadline: Deadline, delayMs: number): void {
    deadline.wheel?.remove(deadline);
    (delayMs < coarseFromMs ? this.#fine : this.#coarse).add(deadline, delayMs);
  }

  /** Does nothing when it is not scheduled. */
  cancel(deadline: Deadline): void {
    deadline.wheel?.remove(deadline);
  }
}
