import { WeftError } from '../errors/index.ts';
import type { Clock } from '../time/index.ts';
import type { FetchMessage, ProgramMessage } from './protocol.ts';

/** A control plane that does not know the message says nothing. */
const answerMs = 30_000;

interface Waiting {
  resolve(bytes: Buffer): void;
  reject(error: WeftError): void;
}

/** Asks for programs and hands out what comes. What is asked for twice is sent once. */
export class ProgramFetch {
  readonly #clock: Clock;
  readonly #send: (message: FetchMessage) => boolean;
  readonly #waiting = new Map<string, Waiting>();

  /** `send` returns false where there is no connection. */
  constructor(clock: Clock, send: (message: FetchMessage) => boolean) {
    this.#clock = clock;
    this.#send = send;
  }

  /** Its bytes, which nobody has checked. Rejects with WeftError `program-missing`. */
  fetch(digest: string): Promise<Buffer> {
    if (!this.#send({ type: 'fetch', digest }))
      return Promise.reject(missing('there is no connection to it'));
    return new Promise((resolve, reject) => {
      const late = (): void => this.#fail(digest, `it has sent nothing within ${answerMs / 1000} s`);
      const cancel = this.#clock.after(answerMs, late);
      const settle =
        <T>(then: (value: T) => void) =>
        (value: T): void => {
          cancel();
          this.#waiting.delete(digest);
          then(value);
        };
      this.#waiting.set(digest, { resolve: settle(resolve), reject: settle(reject) });
    });
  }

  heard({ digest, bytes, error }: ProgramMessage): void {
    if (typeof bytes === 'string') this.#waiting.get(digest)?.resolve(Buffer.from(bytes, 'base64'));
    else this.#fail(digest, String(error).slice(0, 1_000));
  }

  /** The connection is gone. */
  lost(): void {
    for (const digest of [...this.#waiting.keys()]) this.#fail(digest, 'the connection to it broke');
  }

  #fail(digest: string, why: string): void {
    this.#waiting.get(digest)?.reject(missing(why));
  }
}

function missing(why: string): WeftError {
  return new WeftError('program-missing', `the control plane has not sent the program: ${why}`);
}
