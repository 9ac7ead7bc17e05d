import type { ServerResponse } from 'node:http';
import { guarded } from '../../errors/index.ts';
import type { Cancel, Clock } from '../../time/index.ts';

/** With so many bytes waiting for a reader nothing more is written. */
const maxWaiting = 1 << 20;
/** A line that says no more than that the stream is alive, so that both sides notice a connection that is dead. */
const aliveMs = 15_000;
/** A reader that takes nothing for this long is let go. */
const stalledMs = 60_000;

/** JSON lines (NDJSON) to a reader who may be slow: what does not fit is left out, and counted in the lines that follow. */
export class LineStream {
  readonly #response: ServerResponse;
  readonly #clock: Clock;
  readonly #stop: Cancel;
  #left = 0;
  #fullSinceMs: number | undefined;

  /** Sends the head. The stream belongs to the response and ends with it. */
  constructor(response: ServerResponse, clock: Clock) {
    this.#response = response;
    this.#clock = clock;
    response.writeHead(200, {
      'content-type': 'application/x-ndjson',
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
    });
    response.flushHeaders();
    this.#stop = clock.every(aliveMs, () => this.#beat());
    response.on(
      'close',
      guarded('live.close', () => this.#stop()),
    );
  }

  /** Writes a line, or counts `weight` things as left out. */
  write(line: object, weight = 1): void {
    const { writableLength, writable } = this.#response;
    if (!writable || writableLength > maxWaiting) {
      this.#left += weight;
      this.#fullSinceMs ??= this.#clock.monotonic();
      return;
    }
    this.#fullSinceMs = undefined;
    const left = this.#left === 0 ? '' : `${JSON.stringify({ type: 'left', count: this.#left })}\n`;
    this.#left = 0;
    this.#response.write(`${left}${JSON.stringify(line)}\n`);
  }

  /** Ends it after what was written. */
  end(): void {
    this.#stop();
    this.#response.end();
  }

  #beat(): void {
    const nowMs = this.#clock.monotonic();
    if (this.#fullSinceMs !== undefined && nowMs - this.#fullSinceMs > stalledMs) {
      this.#stop();
      this.#response.destroy();
    } else this.write({ type: 'alive' }, 0);
  }
}
