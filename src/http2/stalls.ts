import { Deadline } from '../time/index.ts';
import { ANOMALY } from './anomalies.ts';
import type { Connection } from './connection.ts';
import { FAULT } from './faults.ts';
import { ERROR } from './frames.ts';
import type { Http2Options } from './options.ts';

/** What a stream must send between two looks to be no stalled one: a window that is opened byte by byte helps nobody. */
const movingBytes = 512;

/**
 * Peers that ask for much and take nothing: while something waits to be sent, there is a look twice in the time allowed, whatever
 * window updates come meanwhile.
 */
export class Stalls {
  readonly #connection: Connection;
  readonly #options: Http2Options;
  readonly #deadline: Deadline;
  /** Of the last look: what the kernel had taken, and how often that was the same. */
  #takenMark = -1;
  #stuckLooks = 0;

  constructor(connection: Connection, options: Http2Options) {
    this.#connection = connection;
    this.#options = options;
    this.#deadline = new Deadline(() => this.#look(), connection);
  }

  /** Something waits to be sent. */
  watch(): void {
    if (!this.#deadline.scheduled && !this.#connection.over)
      this.#options.timers.schedule(this.#deadline, this.#options.limits.stallTimeoutMs / 2);
  }

  stop(): void {
    this.#options.timers.cancel(this.#deadline);
  }

  #look(): void {
    const connection = this.#connection;
    const { wire } = connection;
    const taken = wire.bytesWritten - wire.pendingBytes;
    const isStuck = wire.pendingBytes > 0 && taken === this.#takenMark;
    this.#takenMark = taken;
    this.#stuckLooks = isStuck ? this.#stuckLooks + 1 : 0;
    if (this.#stuckLooks > 1) {
      connection.note(ANOMALY.STALLED_CONNECTION);
      wire.reset('ETIMEDOUT');
      return;
    }
    let waiting = wire.pendingBytes > 0;
    if (this.#options.limits.carriesSessions === true) {
      if (waiting) this.watch();
      return;
    }
    for (const stream of connection.streams.list()) {
      if (stream.queuedBytes === 0) {
        stream.strikes = 0;
        continue;
      }
      waiting = true;
      const isMoving = stream.sentBytes - stream.sentMark >= movingBytes;
      stream.sentMark = stream.sentBytes;
      stream.strikes = isMoving ? 0 : stream.strikes + 1;
      if (stream.strikes < 3) continue;
      connection.note(ANOMALY.STALLED_STREAM);
      connection.streamError(stream, ERROR.CANCEL, FAULT.NONE, 'the peer takes nothing of what it asked for');
    }
    if (waiting) this.watch();
  }
}
