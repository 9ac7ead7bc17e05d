import { PING_MS, SILENCE_MS } from './protocol.ts';

/**
 * Whether a proxy is there, and whether it hears that we are. Silence is counted in rounds of pings and not timed: when this
 * process was stopped or starved itself, what proxies said meanwhile is still to be read.
 */
export class StreamLiveness {
  /** Rounds of pings since something was heard. */
  #unheard = 0;
  /** At the last ping an answer was due for too long. */
  #overdue = false;
  /** The last beat, and how many lines had been written then. */
  #said = '';
  #lines = 0;

  /** The proxy said something, or could not be heard for our own doing. */
  heard(): void {
    this.#unheard = 0;
  }

  /** Whether nothing has been heard since the proxy was judged last: who answers pushes is there, and need not be asked. */
  get isQuiet(): boolean {
    return this.#unheard > 0;
  }

  /** Called every PING_MS; `overdue`: the answer to a push is. What is returned is why the stream should end. */
  judge(overdue: boolean): string | undefined {
    const wasOverdue = this.#overdue;
    this.#overdue = overdue;
    if (this.#unheard++ >= SILENCE_MS / PING_MS) return `nothing was heard for ${SILENCE_MS / 1000} s`;
    return wasOverdue && overdue ? 'a push was not answered in time' : undefined;
  }

  /** Whether this beat has to be said: it is another one, or none of the `lines` that were ever written came since the last. */
  isDue(beat: string, lines: number): boolean {
    const due = beat !== this.#said || lines === this.#lines;
    this.#said = beat;
    this.#lines = lines;
    return due;
  }
}
