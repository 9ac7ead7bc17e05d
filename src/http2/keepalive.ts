import type { Keepalive } from '../http/index.ts';
import { Deadline, type TimerWheel } from '../time/index.ts';
import type { Wire } from '../wire/index.ts';
import { writePing } from './write-frames.ts';

/** What a PING of keepalive carries, so that its answer is known for one. */
const mark = Buffer.from('weftping', 'latin1');

/** Sends PINGs on a connection, and gives it up when one is not answered in time. */
export class KeepalivePings {
  readonly #settings: Keepalive;
  readonly #timers: TimerWheel;
  readonly #wire: Wire;
  readonly #deadline: Deadline;
  /** Whether a PING is on its way. */
  #asking = false;

  constructor(settings: Keepalive, timers: TimerWheel, wire: Wire, connection: { onFault(): void }) {
    this.#settings = settings;
    this.#timers = timers;
    this.#wire = wire;
    this.#deadline = new Deadline(() => this.#due(), connection);
    timers.schedule(this.#deadline, settings.intervalMs);
  }

  /** The answer to a PING has come, ours or not. */
  onPong(bytes: Buffer, start: number): void {
    if (!this.#asking || bytes.compare(mark, 0, mark.length, start, start + mark.length) !== 0) return;
    this.#asking = false;
    this.#timers.schedule(this.#deadline, this.#settings.intervalMs);
  }

  stop(): void {
    this.#timers.cancel(this.#deadline);
  }

  #due(): void {
    if (this.#asking) {
      this.#wire.reset(`no answer to a PING within ${this.#settings.timeoutMs} ms`);
      return;
    }
    this.#asking = true;
    writePing(this.#wire, 0, mark, 0);
    this.#timers.schedule(this.#deadline, this.#settings.timeoutMs);
  }
}
