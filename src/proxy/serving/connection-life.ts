import type { Random } from '../../cluster/index.ts';
import { Deadline, type TimerWheel } from '../../time/index.ts';
import type { ConnectionLives } from '../services/connection-lives.ts';

/** Whose connection it is. */
export interface LivingConnection {
  /** Asks the client to go (GOAWAY); what is under way goes on. */
  retire(): void;
  /** Ends about this share of the long streams that are left, 0 to 1. */
  endStreams(share: number): void;
  onFault(): void;
}

const ticks = 20;

/**
 * How long a connection and its streams last: it retires when it is old or the proxy drains, and streams that then go on for too
 * long end, a few at a time, so that their clients do not come back all at once.
 */
export class ConnectionLife {
  readonly #timers: TimerWheel;
  readonly #lives: ConnectionLives;
  readonly #random: Random;
  readonly #connection: LivingConnection;
  readonly #age: Deadline;
  readonly #ending: Deadline;
  #ticksLeft = 0;

  constructor(timers: TimerWheel, lives: ConnectionLives, random: Random, connection: LivingConnection) {
    this.#timers = timers;
    this.#lives = lives;
    this.#random = random;
    this.#connection = connection;
    this.#age = new Deadline(() => this.#old(), connection);
    this.#ending = new Deadline(() => this.#tick(), connection);
  }

  /** The connection begins. */
  begin(): void {
    const { maxAgeMs } = this.#lives;
    // A tenth more or less, as gRPC's own servers do: what began together does not end together.
    if (maxAgeMs > 0) this.#timers.schedule(this.#age, maxAgeMs * (0.9 + 0.2 * this.#random()));
  }

  /** The proxy drains: streams may go on for so long. */
  drain(): void {
    this.#timers.cancel(this.#age);
    this.#endAfter(this.#lives.drainMs);
  }

  stop(): void {
    this.#timers.cancel(this.#age);
    this.#timers.cancel(this.#ending);
  }

  #old(): void {
    this.#connection.retire();
    if (this.#lives.maxAgeGraceMs > 0) this.#endAfter(this.#lives.maxAgeGraceMs);
  }

  #endAfter(delayMs: number): void {
    if (this.#ticksLeft > 0) return;
    this.#ticksLeft = ticks;
    this.#timers.schedule(this.#ending, delayMs + this.#tickMs * this.#random());
  }

  get #tickMs(): number {
    return this.#lives.spreadMs / ticks;
  }

  #tick(): void {
    this.#connection.endStreams(1 / this.#ticksLeft);
    if (--this.#ticksLeft > 0) this.#timers.schedule(this.#ending, this.#tickMs);
  }
}
