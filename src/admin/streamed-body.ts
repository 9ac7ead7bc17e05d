import { guarded } from '../errors/index.ts';
import { Head, type ServerStream } from '../http/index.ts';
import { DEFAULT_LIMITS, parseResponseHead } from '../http1/index.ts';
import { Deadline, type TimerWheel } from '../time/index.ts';

/** A client that takes nothing for this long is broken off: it holds what its answer is made from. */
const stalledMs = 10_000;

/** An answer whose body is made while it is written: one piece, and the next when the client has taken it. */
export class StreamedBody {
  readonly #stream: ServerStream;
  readonly #pieces: Iterator<string>;
  readonly #timers: TimerWheel;
  readonly #onOver: () => void;
  readonly #deadline: Deadline;
  #over = false;

  /** `onOver` is called once: the answer is complete or broken off. */
  constructor(stream: ServerStream, pieces: Iterable<string>, timers: TimerWheel, onOver: () => void) {
    this.#stream = stream;
    this.#pieces = pieces[Symbol.iterator]();
    this.#timers = timers;
    this.#onOver = onOver;
    this.#deadline = new Deadline(() => {
      this.cancel();
      stream.abort('LR');
    });
  }

  /** Sends the head, and the body unless `headOnly`. */
  start(status: number, contentType: string, headOnly: boolean): void {
    this.#stream.respond(headOf(status, contentType), headOnly);
    if (headOnly) this.cancel();
    else this.pump();
  }

  /** Sends more; to be called whenever there is room. */
  pump(): void {
    if (this.#over) return;
    this.#timers.schedule(this.#deadline, stalledMs);
    let next: IteratorResult<string>;
    try {
      next = this.#pieces.next();
    } catch {
      // Half an answer must not pass for a whole one.
      this.cancel();
      this.#stream.abort('LR');
      return;
    }
    if (next.done === true) {
      this.cancel();
      this.#stream.end(undefined);
      return;
    }
    const bytes = Buffer.from(next.value, 'utf8');
    // Not in a loop: traffic goes between two pieces.
    if (this.#stream.data(bytes, 0, bytes.length))
      setImmediate(
        guarded(
          'admin.body',
          () => this.pump(),
          () => this.#stream.abort('LR'),
        ),
      );
  }

  /** Nobody wants the rest. */
  cancel(): void {
    if (this.#over) return;
    this.#over = true;
    this.#timers.cancel(this.#deadline);
    this.#pieces.return?.();
    this.#onOver();
  }
}

function headOf(status: number, contentType: string): Head {
  const bytes = Buffer.from(`HTTP/1.1 ${status} OK\r\ncontent-type: ${contentType}\r\n\r\n`, 'latin1');
  const head = new Head();
  parseResponseHead(head, bytes, 0, bytes.length, DEFAULT_LIMITS, false);
  return head;
}
