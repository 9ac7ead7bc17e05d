import { Deadline } from '../time/index.ts';
import { ANOMALY } from './anomalies.ts';
import type { Connection } from './connection.ts';
import { writePing } from './write-frames.ts';

/** How a peer is found out that is gone without a word: its host, or the network between. Times in milliseconds. */
export interface QuietTimes {
  /** With a stream open and nothing read for so long, it is asked (PING). */
  readonly quietMs: number;
  /** What it has to answer anything. */
  readonly patienceMs: number;
}

const mark = Buffer.from('weftlive', 'latin1');

/**
 * Asks a quiet peer whether it is there while streams are open. Any byte from it is an answer, so that nothing is done per frame:
 * there is a look every `quietMs`.
 */
export class QuietPeer {
  readonly #connection: Connection;
  readonly #times: QuietTimes;
  readonly #deadline: Deadline;
  #readMark = 0;
  #asked = false;

  constructor(connection: Connection, times: QuietTimes) {
    this.#connection = connection;
    this.#times = times;
    this.#deadline = new Deadline(() => this.#look(), connection);
  }

  /** A stream begins. */
  watch(): void {
    if (this.#deadline.scheduled) return;
    this.#readMark = this.#connection.wire.bytesRead;
    this.#asked = false;
    this.#wait(this.#times.quietMs);
  }

  stop(): void {
    this.#connection.options.timers.cancel(this.#deadline);
  }

  #wait(delayMs: number): void {
    this.#connection.options.timers.schedule(this.#deadline, delayMs);
  }

  #look(): void {
    const connection = this.#connection;
    const { wire, heldBack } = connection;
    if (connection.over || connection.streams.size === 0) return;
    const { quietMs, patienceMs } = this.#times;
    // What we do not read says nothing; whether it takes what it asked for is looked at in stalls.ts.
    if (wire.bytesRead !== this.#readMark || heldBack) {
      this.#readMark = wire.bytesRead;
      this.#asked = false;
      this.#wait(quietMs);
    } else if (!this.#asked) {
      this.#asked = true;
      writePing(wire, 0, mark, 0);
      this.#wait(patienceMs);
    } else {
      connection.note(ANOMALY.DEAD_PEER);
      wire.reset('ETIMEDOUT');
    }
  }
}
