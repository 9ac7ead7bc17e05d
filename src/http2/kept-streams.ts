import type { Guarded } from '../errors/index.ts';
import { Deadline, type TimerWheel } from '../time/index.ts';

/** How often there is a look, milliseconds. */
const LOOK_MS = 10_000;
/** Not worth a look. */
const fewStreams = 8;

/**
 * Streams of a connection that are over, with what belongs to them: the next ones begin on these, so that a request makes no
 * objects however many there are at once. What nobody has needed between two looks is let go.
 */
export class KeptStreams<S> {
  readonly #free: S[] = [];
  readonly #timers: TimerWheel;
  readonly #onDropped: (stream: S) => void;
  readonly #deadline: Deadline;
  /** How many have not been needed since the last look. */
  #spare = 0;

  /** `onDropped` hears of each that is let go, and `onLook` that this has been looked at; `owner` is their connection. */
  constructor(timers: TimerWheel, onDropped: (stream: S) => void, onLook: () => void, owner: Guarded) {
    this.#timers = timers;
    this.#onDropped = onDropped;
    this.#deadline = new Deadline(() => {
      this.#look();
      onLook();
    }, owner);
  }

  take(): S | undefined {
    const stream = this.#free.pop();
    if (this.#free.length < this.#spare) this.#spare = this.#free.length;
    return stream;
  }

  keep(stream: S): void {
    this.#free.push(stream);
    if (this.#free.length <= fewStreams || this.#deadline.scheduled) return;
    this.#spare = 0;
    this.#timers.schedule(this.#deadline, LOOK_MS);
  }

  /** The connection is over. */
  stop(): void {
    this.#timers.cancel(this.#deadline);
  }

  #look(): void {
    const free = this.#free;
    const most = Math.max(fewStreams, free.length - this.#spare);
    if (most < free.length) for (const stream of free.splice(0, free.length - most)) this.#onDropped(stream);
    this.#spare = free.length;
    if (free.length > fewStreams) this.#timers.schedule(this.#deadline, LOOK_MS);
  }
}
