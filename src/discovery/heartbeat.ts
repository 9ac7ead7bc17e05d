import type { Guarded } from '../errors/index.ts';
import type { Cancel, Clock } from '../time/index.ts';
import { encode } from './encode.ts';
import { BEATS_PER_SECOND, LEAST_BEAT_MS } from './protocol.ts';
import { Rounds } from './rounds.ts';

/** A stream that says that the control plane is there. */
export interface Beating extends Guarded {
  /** `line` is the message. */
  beat(line: string): void;
}

/** The interval is a multiple of this, so that few who come or go change it for nobody. */
const stepMs = 100;

/** How often each of so many streams hears of its control plane, ms: as often as all together cost no more than they may. */
export function beatEveryMs(streams: number): number {
  const leastMs = (streams * 1_000) / BEATS_PER_SECOND;
  return Math.max(LEAST_BEAT_MS, Math.ceil(leastMs / stepMs) * stepMs);
}

/**
 * Says to every proxy, in turns, that this replica is there. A replica that was killed is noticed by what the kernel says of its
 * connections, but one that hangs only by its silence.
 */
export class Heartbeat {
  readonly #streams: ReadonlySet<Beating>;
  readonly #rounds: Rounds<Beating>;
  #everyMs = 0;
  #line = '';

  constructor(clock: Clock, streams: ReadonlySet<Beating>) {
    this.#streams = streams;
    this.#rounds = new Rounds({
      ...{ clock, all: streams, name: 'discovery.beat' },
      everyMs: () => beatEveryMs(streams.size),
      visit: stream => stream.beat(this.line),
    });
  }

  /** Begins; what is returned ends it. */
  start(): Cancel {
    return this.#rounds.start();
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
}
