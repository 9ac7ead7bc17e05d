import { type Guarded, guarded } from '../errors/index.ts';
import type { Cancel, Clock } from '../time/index.ts';
import { encode } from './encode.ts';
import { BEATS_PER_SECOND, LEAST_BEAT_MS } from './protocol.ts';

/** A stream that says that the control plane is there. */
export interface Beating extends Guarded {
  /** `line` is the message. */
  beat(line: string): void;
}

/** Streams are told a few at a time. */
const turnMs = 100;

/** How often each of so many streams hears of its control plane, ms: as often as all together cost no more than they may. */
export function beatEveryMs(streams: number): number {
  const perStep = (BEATS_PER_SECOND * LEAST_BEAT_MS) / 1000;
  return LEAST_BEAT_MS * Math.max(1, Math.ceil(streams / perStep));
}

/**
 * Says to every proxy, in turns, that this replica is there. A replica that was killed is noticed by what the kernel says of its
 * connections, but one that hangs only by its silence.
 */
export class Heartbeat {
  readonly #clock: Clock;
  readonly #streams: ReadonlySet<Beating>;
  #rest: Iterator<Beating> | undefined;
  #atMs: number;
  #everyMs = 0;
  #line = '';

  constructor(clock: Clock, streams: ReadonlySet<Beating>) {
    this.#clock = clock;
    this.#streams = streams;
    this.#atMs = clock.monotonic();
  }

  /** Begins; what is returned ends it. */
  start(): Cancel {
    this.#atMs = this.#clock.monotonic();
    return this.#clock.every(turnMs, () => this.#turn());
  }

  /** What is said now. */
  get line(): string {
    const everyMs = beatEveryMs(this.#streams.size);
    if (everyMs !== this.#everyMs) {
      this.#everyMs = everyMs;
      this.#line = encode({ type: 'beat', everyMs });
    }
    return this.#line;
  }

  /** A turn that comes late makes up for what it missed, so that nobody takes a busy replica for one that hangs. */
  #turn(): void {
    const nowMs = this.#clock.monotonic();
    const passedMs = nowMs - this.#atMs;
    this.#atMs = nowMs;
    const { line } = this;
    const { size } = this.#streams;
    for (let due = Math.min(size, Math.ceil((size * passedMs) / this.#everyMs)); due > 0; due--) {
      let next = this.#rest?.next();
      if (!next || next.done) {
        this.#rest = this.#streams.values();
        next = this.#rest.next();
        if (next.done) return;
      }
      const stream = next.value;
      guarded('discovery.beat', () => stream.beat(line), stream)();
    }
  }
}
