import { Deadline, type TimerWheel } from '../../time/index.ts';
import { ByteCollector, crowding, type Wire, type WireHandler } from '../../wire/index.ts';
import { MAX_SNIFF_BYTES, type Sniffed, sniff } from './sniff.ts';

/** A client that says nothing for this long may be waiting for a server that speaks first. */
export const QUIET_MS = 20;
/** The same for a client from whose address mesh TLS has come to this port: then its ClientHello is late, on a busy node. */
export const MESHED_QUIET_MS = 2000;
/**
 * A client that says nothing for this long, where only its first bytes can let it in, waits for a server that it will not hear.
 */
export const SILENCE_MS = 10_000;
/** First bytes that say too little may be all that the client has to say before it hears something. */
export const UNDECIDED_MS = 50;
/** Few bytes are looked at each time that more come; of many only line ends and doubling can change what they are. */
const alwaysLookBytes = 64;
/** Where there is no room at all, more than that at once is not kept: a ClientHello and most heads are shorter. */
const crowdedBytes = 2048;

/**
 * How long is waited for what, milliseconds; 0 for ever. None of them begins anew because bytes came: a client that sends one at
 * a time gets no more time than one that sends none.
 */
export interface DetectionTimes {
  /** Until `onQuiet`, from the start; with 0 it is never called. */
  readonly quietMs: number;
  /** For the first byte, from the start or, where it is held, from `release`. */
  readonly silentMs: number;
  /** Until it is clear what the bytes are, from the first one. */
  readonly unclearMs: number;
}

/**
 * What a detection may find out. Every detection that is not stopped ends with one of onDetected, onSilent, onUnclear and onGone.
 */
export interface DetectionWaiter {
  /** Decided; `first` is all that was read, and reading is stopped. */
  onDetected(kind: Exclude<Sniffed, 'more'>, first: Buffer): void;
  /** Nothing came yet. At most once, before anything else. */
  onQuiet(): void;
  /**
   * What came after UNDECIDED_MS says too little still: told then, and again with all that came whenever there is more. Reading
   * goes on.
   */
  onUndecided(first: Buffer): void;
  /** No byte came in time. */
  onSilent(): void;
  /** Bytes came, and too few of them in time. Reading is stopped. */
  onUnclear(first: Buffer): void;
  /** The client has gone, or ended without a byte. */
  onGone(): void;
}

type Phase = 'quiet' | 'silent' | 'undecided' | 'unclear';

/** Collects the first bytes of a connection until it is clear what they are: at most MAX_SNIFF_BYTES and one read. */
export class Detection implements WireHandler {
  readonly #wire: Wire;
  readonly #timers: TimerWheel;
  readonly #waiter: DetectionWaiter;
  readonly #deadline: Deadline;
  readonly #collected = new ByteCollector();
  #times: DetectionTimes = { quietMs: 0, silentMs: 0, unclearMs: 0 };
  #phase: Phase = 'silent';
  #lookAt = 0;
  #held = false;
  #over = false;

  constructor(wire: Wire, timers: TimerWheel, waiter: DetectionWaiter) {
    this.#wire = wire;
    this.#timers = timers;
    this.#waiter = waiter;
    this.#deadline = new Deadline(() => this.#timeIsUp(), wire);
  }

  /** Begins to read. `first`: bytes that were read already. */
  start(times: DetectionTimes, first?: Buffer): void {
    this.#times = times;
    this.#wire.handler = this;
    if (first !== undefined) this.onData(first, 0, first.length);
    else if (times.quietMs > 0) this.#wait('quiet', times.quietMs);
    else if (!this.#held) this.#wait('silent', times.silentMs);
    if (!this.#over) this.#wire.resume();
  }

  /** While held, nothing is told: it is not known yet where the connection goes. */
  hold(): void {
    this.#held = true;
  }

  /** `times`: as they are now that it is known; `quietMs` is left as it was. */
  release(times: DetectionTimes): void {
    this.#held = false;
    this.#times = { ...times, quietMs: this.#times.quietMs };
    if (this.#collected.length > 0) this.#decide(false);
    else if (this.#phase === 'silent') this.#wait('silent', times.silentMs);
  }

  /** Stops; whoever takes the wire sets its handler. */
  stop(): void {
    this.#over = true;
    this.#timers.cancel(this.#deadline);
  }

  /** Memory is short: whoever has sent something, and not yet enough to be told apart, is cut off. */
  shed(): void {
    if (!this.#over && this.#collected.length > 0) this.#wire.reset();
  }

  /** What has been read so far. */
  get taken(): Buffer | undefined {
    return this.#collected.bytes;
  }

  onData(bytes: Buffer, start: number, end: number): void {
    const before = this.#collected.length;
    if (crowding.crowded && (before > 0 || end - start > crowdedBytes)) {
      this.#wire.reset();
      return;
    }
    this.#collected.add(bytes, start, end);
    const { length } = this.#collected;
    if (before === 0) this.#wait('undecided', UNDECIDED_MS);
    if (length <= alwaysLookBytes || length >= this.#lookAt || hasLineEnd(bytes, start, end)) {
      this.#lookAt = length * 2;
      this.#decide(false);
    }
    if (this.#over) return;
    if (length >= MAX_SNIFF_BYTES) this.#wire.pause();
    if (this.#phase === 'unclear' && !this.#held) this.#waiter.onUndecided(this.#collected.bytes!);
  }

  onEnd(): void {
    if (this.#collected.length === 0) this.#gone();
    else this.#decide(true);
  }

  onDrain(): void {}

  onClose(): void {
    this.#gone();
  }

  #decide(final: boolean): void {
    const first = this.#collected.bytes;
    if (this.#over || this.#held || first === undefined) return;
    const kind = sniff(first);
    if (kind === 'more' && !final) return;
    this.stop();
    this.#wire.pause();
    this.#waiter.onDetected(kind === 'more' ? 'tcp' : kind, first);
  }

  #wait(phase: Phase, delayMs: number): void {
    this.#phase = phase;
    if (delayMs > 0) this.#timers.schedule(this.#deadline, delayMs);
    else this.#timers.cancel(this.#deadline);
  }

  #timeIsUp(): void {
    const { quietMs, silentMs, unclearMs } = this.#times;
    const first = this.#collected.bytes;
    // Until it is known where the connection goes, which has a deadline of its own.
    if (this.#held) this.#wait(this.#phase, first === undefined ? quietMs : UNDECIDED_MS);
    else if (this.#phase === 'quiet') {
      this.#wait('silent', silentMs === 0 ? 0 : Math.max(1, silentMs - quietMs));
      this.#waiter.onQuiet();
    } else if (this.#phase === 'undecided') {
      this.#wait('unclear', unclearMs === 0 ? 0 : Math.max(1, unclearMs - UNDECIDED_MS));
      this.#waiter.onUndecided(first!);
    } else {
      this.stop();
      this.#wire.pause();
      if (first === undefined) this.#waiter.onSilent();
      else this.#waiter.onUnclear(first);
    }
  }

  #gone(): void {
    if (this.#over) return;
    this.stop();
    this.#waiter.onGone();
  }
}

function hasLineEnd(bytes: Buffer, start: number, end: number): boolean {
  for (let at = start; at < end; at++) if (bytes[at] === 0x0a || bytes[at] === 0x0d) return true;
  return false;
}
