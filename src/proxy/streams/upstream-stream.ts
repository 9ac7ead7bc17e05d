import type { SessionPool, SessionWaiter } from '../../cluster/index.ts';
import {
  type Flag,
  type Guarded,
  giveUp,
  guarded,
  INTERNAL_ERROR,
  internalError,
} from '../../errors/index.ts';
import type {
  ClientStream,
  ClientStreamHandler,
  Head,
  StreamFailure,
  UpstreamConnection,
} from '../../http/index.ts';
import { Deadline, type TimerWheel } from '../../time/index.ts';
import type { ByteStream, Wire } from '../../wire/index.ts';
import { SESSION_STATUS } from './session-status.ts';
import { RESET, StreamBytes } from './stream-bytes.ts';

/**
 * What an attempt says that has failed before any byte of the app was sent.
 * - `unreachable`: the endpoint, or its app, cannot be reached.
 * - `missed`: it could not be reached once more, while other connections to it are open: that counts against it, and another
 *   attempt may be as good there.
 * - `repeat`: nothing about the endpoint, and another attempt may be as good there.
 * - `refused`: whoever asks is not let in, here or anywhere else.
 */
export type SessionFailure = 'unreachable' | 'missed' | 'repeat' | 'refused';

/** Hears how it went; exactly one of them is called, once, maybe before `start` returns. */
export interface SessionOutcome extends Guarded {
  /** The app behind the endpoint is reached. `bytes` is a stream, or a whole connection; it does not read yet. */
  onBytes(bytes: ByteStream): void;
  onFailed(failure: SessionFailure, flag: Flag, detail: string): void;
  /** No stream is to be had: a connection has to be opened. */
  onAlone(): void;
}

/** What is wanted. */
export interface SessionRequest {
  readonly pool: SessionPool;
  readonly timers: TimerWheel;
  /** From the request for the stream to its answer. */
  readonly timeoutMs: number;
  /** See connectHead. */
  readonly head: Head;
  /** The endpoint, for messages. */
  readonly where: string;
}

/** A connection of an app on its way to another proxy, as a stream of a connection that is kept there. */
export class UpstreamStream extends StreamBytes implements SessionWaiter, ClientStreamHandler {
  readonly repeatable = true;
  readonly exclusive = false;
  readonly isHttp2 = true;
  readonly needsHttp2 = true;
  readonly #request: SessionRequest;
  readonly #outcome: SessionOutcome;
  readonly #deadline: Deadline;
  #stream: ClientStream | undefined;
  #connection: UpstreamConnection | undefined;
  /** Somebody has heard how it went, or nobody wants to. */
  #settled = false;

  constructor(request: SessionRequest, outcome: SessionOutcome) {
    super();
    this.#request = request;
    this.#outcome = outcome;
    this.#deadline = new Deadline(() => this.#timedOut(), this);
    // As for dials: time in which this process did not run is nobody's fault.
    this.#deadline.graceMs = request.timeoutMs;
  }

  start(): void {
    this.#request.pool.acquire(this);
  }

  /** Withdraws what is not open yet; nobody is told. */
  cancel(): void {
    if (this.#settled) return;
    this.#settle();
    this.#request.pool.cancel(this);
    this.reset();
  }

  get streamHandler(): ClientStreamHandler {
    return this;
  }

  onStream(stream: ClientStream, connection: UpstreamConnection): void {
    this.#stream = stream;
    this.#connection = connection;
    const { timers, timeoutMs, head } = this.#request;
    timers.schedule(this.#deadline, timeoutMs);
    stream.request(head, false);
    // What comes with the answer waits until somebody reads.
    this.#stream?.pauseResponse();
  }

  onNoConnection(flag: Flag, detail: string, removed = false): void {
    // An endpoint is taken out of its cluster, where another is to be found when that is done.
    if (removed) setImmediate(guarded('tcp-session', () => this.#fail('repeat', flag, detail), this));
    // There may be others that show that the endpoint is there; or that it was.
    else this.#fail(this.#request.pool.figures.open > 0 ? 'missed' : 'unreachable', flag, detail);
  }

  onWire(wire: Wire): void {
    if (!this.#settle()) wire.destroy();
    else this.#tell(() => this.#outcome.onBytes(wire));
  }

  onAlone(): void {
    if (this.#settle()) this.#tell(() => this.#outcome.onAlone());
  }

  onInformational(): void {}

  onResponse(head: Head, end: boolean): void {
    const { status } = head;
    if (status === SESSION_STATUS.OPEN) {
      if (this.#settle()) this.#tell(() => this.#outcome.onBytes(this));
      return;
    }
    // One that has ended is not ours any more.
    if (end) this.#stream = undefined;
    else this.reset();
    this.#refused(status);
  }

  #refused(status: number): void {
    const { where, pool } = this.#request;
    switch (status) {
      case SESSION_STATUS.ALONE:
        pool.onNoStreams();
        this.onAlone();
        break;
      case SESSION_STATUS.NO_APP:
        this.#fail('unreachable', 'UF', `${where}: its proxy is there, and cannot reach the app`);
        break;
      case SESSION_STATUS.DENIED:
        this.#fail('refused', 'UAEX', `${where}: its policies do not let this workload in`);
        break;
      default:
        this.#fail('refused', 'UPE', `${where}: its proxy answered ${status} to a connection`);
    }
  }

  onResponseAbort({ detail, unread, reused, flag }: StreamFailure): void {
    this.#stream = undefined;
    if (this.#settled) {
      this.lost(flag === 'UR' ? RESET : detail);
      return;
    }
    // A connection that was kept may have been dead for long, and nobody has done anything with what was not looked at.
    const mayRepeat = unread || (reused && flag === 'UC');
    this.#fail(mayRepeat ? 'repeat' : 'unreachable', 'UF', `${this.#request.where}: ${detail}`);
  }

  /** An error of Weft's own, on the connection or in a deadline. */
  onFault(): void {
    this.reset(INTERNAL_ERROR);
    this.#fail('unreachable', 'UF', INTERNAL_ERROR);
  }

  onResponseData(bytes: Buffer, start: number, end: number): void {
    this.received(bytes, start, end);
  }
  onResponseEnd(): void {
    this.receivedEnd();
  }
  onRequestWritable(): void {
    this.drained();
  }

  #timedOut(): void {
    const { where, timeoutMs } = this.#request;
    // Whoever comes next is to find out on another connection.
    this.#connection?.drain();
    this.reset();
    this.#fail('unreachable', 'UF', `${where}: no answer of its proxy within ${timeoutMs} ms`);
  }

  #fail(failure: SessionFailure, flag: Flag, detail: string): void {
    if (this.#settle()) this.#tell(() => this.#outcome.onFailed(failure, flag, detail));
  }

  /** In an event that is not the session's own. */
  #tell(tell: () => void): void {
    try {
      tell();
    } catch (thrown) {
      internalError('tcp-session', thrown);
      giveUp('tcp-session', this.#outcome);
      this.reset(INTERNAL_ERROR);
    }
  }

  /** Whether it was not settled before. */
  #settle(): boolean {
    if (this.#settled) return false;
    this.#settled = true;
    this.#request.timers.cancel(this.#deadline);
    return true;
  }

  protected send(bytes: Buffer, start: number, end: number): boolean {
    return this.#stream!.data(bytes, start, end);
  }
  protected sendEnd(): void {
    this.#stream!.end(undefined);
  }
  protected sendReset(): void {
    this.#stream?.cancel('client-gone');
  }
  protected hold(): void {
    this.#stream!.pauseResponse();
  }
  protected letGo(): void {
    this.#stream!.resumeResponse();
  }
  protected forget(): void {
    this.#stream = undefined;
    this.#connection = undefined;
  }
}
