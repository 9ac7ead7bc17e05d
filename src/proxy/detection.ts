import { Deadline, type TimerWheel } from '../time/index.ts';
import type { Wire, WireHandler } from '../wire/index.ts';
import { type Sniffed, sniff } from './sniff.ts';

/** A client that says nothing for this long may be waiting for a server that speaks first (USERS.md row 10). */
export const QUIET_MS = 20;
/** A beginning of a line that never ends is opaque bytes after this. */
const undecidedMs = 50;
/** Never more than this is collected before deciding. */
const maxPeekBytes = 32 * 1024;

/** What a detection may find out. Each is called at most once, except that `onQuiet` may come before one of the others. */
export interface DetectionWaiter {
  /** Decided; the bytes so far are all there is, and reading is stopped. */
  onDetected(kind: Exclude<Sniffed, 'more'>, first: Buffer): void;
  /** Nothing came yet. */
  onQuiet(): void;
  /** The client has gone, or ended without a byte. */
  onGone(): void;
}

/** Collects the first bytes of a connection until it is clear what they are. */
export class Detection implements WireHandler {
  readonly #wire: Wire;
  readonly #timers: TimerWheel;
  readonly #waiter: DetectionWaiter;
  readonly #deadline: Deadline;
  #first: Buffer | undefined;
  #held = false;
  #over = false;
  #quietMs = 0;

  constructor(wire: Wire, timers: TimerWheel, waiter: DetectionWaiter) {
    this.#wire = wire;
    this.#timers = timers;
    this.#waiter = waiter;
    this.#deadline = new Deadline(() => this.#timeIsUp(), wire);
  }

  /** Begins to read. With `quietMs` 0 `onQuiet` is never called. */
  start(quietMs: number): void {
    this.#quietMs = quietMs;
    this.#wire.handler = this;
    if (quietMs > 0) this.#timers.schedule(this.#deadline, quietMs);
    this.#wire.resume();
  }

  /** While held, nothing is told: it is not known yet where the connection goes. */
  hold(): void {
    this.#held = true;
  }

  release(): void {
    this.#held = false;
    this.#decide(false);
  }

  /** Stops; whoever takes the wire sets its handler. */
  stop(): void {
    this.#over = true;
    this.#timers.cancel(this.#deadline);
  }

  /** What has been read so far. */
  get taken(): Buffer | undefined {
    return this.#first;
  }

  onData(bytes: Buffer, start: number, end: number): void {
    const more = Buffer.from(bytes.subarray(start, end));
    this.#first = this.#first === undefined ? more : Buffer.concat([this.#first, more]);
    this.#decide(false);
    if (!this.#over && this.#first.length >= maxPeekBytes) this.#wire.pause();
  }

  onEnd(): void {
    if (this.#first === undefined) this.#gone();
    else this.#decide(true);
  }

  onDrain(): void {}

  onClose(): void {
    this.#gone();
  }

  #decide(final: boolean): void {
    if (this.#over || this.#held || this.#first === undefined) return;
    const kind = sniff(this.#first);
    if (kind === 'more' && !final && this.#first.length < maxPeekBytes) {
      this.#timers.schedule(this.#deadline, undecidedMs);
      return;
    }
    this.stop();
    this.#wire.pause();
    this.#waiter.onDetected(kind === 'more' ? 'tcp' : kind, this.#first);
  }

  #timeIsUp(): void {
    if (this.#first !== undefined) this.#decide(true);
    else if (this.#held) this.#timers.schedule(this.#deadline, this.#quietMs);
    else this.#waiter.onQuiet();
  }

  #gone(): void {
    if (this.#over) return;
    this.stop();
    this.#waiter.onGone();
  }
}
