import type { Denial } from '../../authorization/index.ts';
import { type Guarded, giveUp, internalError } from '../../errors/index.ts';
import { type ByteStream, enterEvent, leaveEvent } from '../../wire/index.ts';
import { askAboutBytes, type BytesCaller, type BytesChecks } from '../filters/external-bytes.ts';

type Then = (denial: Denial | undefined) => void;

/** Asks about a connection. `then` is called once, and an error of it closes `guarded` and nothing else. */
export function askSafely(asked: BytesChecks, caller: BytesCaller, guarded: Guarded, then: Then): void {
  askAboutBytes(asked, caller, denial => {
    enterEvent();
    try {
      then(denial);
    } catch (thrown) {
      internalError('external-bytes', thrown);
      giveUp('external-bytes', guarded);
    }
    leaveEvent();
  });
}

/** What external authorizers say of the bytes of one connection: asked once for whoever its client has shown to be. */
export class BytesPermit {
  readonly #caller: BytesCaller & Guarded;
  /** Whom it was asked about; '' for nobody yet. */
  #about = '';
  /** What policies said then. */
  #asked: BytesChecks | undefined;
  #settled = false;
  #denial: Denial | undefined;
  #then: Then | undefined;

  constructor(caller: BytesCaller & Guarded) {
    this.#caller = caller;
  }

  /** `then` is called once: at once where the answer is known. It takes the place of one that still waits. */
  ask(asked: BytesChecks, then: Then): void {
    const { principal, serverName } = this.#caller;
    const about = `${principal} ${serverName}`;
    const isSame = this.#about === about && this.#asked === asked;
    if (isSame && this.#settled) {
      then(this.#denial);
      return;
    }
    this.#then = then;
    if (isSame) return;
    this.#about = about;
    this.#asked = asked;
    this.#settled = false;
    askSafely(asked, this.#caller, this.#caller, denial => {
      // It is asked about somebody else by now, or by others.
      if (this.#about !== about || this.#asked !== asked) return;
      this.#settled = true;
      this.#denial = denial;
      const waiting = this.#then;
      this.#then = undefined;
      waiting?.(denial);
    });
  }

  /** Nobody waits any more. */
  withdraw(): void {
    this.#then = undefined;
  }
}

/** Reads nothing of a client until it is decided what becomes of it; `onGone` is called should it go. */
export function holdBytes(wire: ByteStream, onGone: () => void): void {
  wire.pause();
  wire.handler = { onData() {}, onEnd() {}, onDrain() {}, onClose: onGone };
}
