import type { Flag } from '../errors/index.ts';
import {
  Fields,
  Head,
  type LocalReply,
  METHOD,
  type ServerStream,
  type ServerStreamHandler,
} from '../http/index.ts';
import { ANOMALY } from './anomalies.ts';
import { list } from './connection.ts';
import { FAULT, faultOf, isLimit } from './faults.ts';
import { ERROR, errorName } from './frames.ts';
import { writeLocalReply } from './local-reply.ts';
import { droppedTrailers, readTrailers } from './read-fields.ts';
import { readRequest } from './read-request.ts';
import type { ServerConnection } from './server-connection.ts';
import { Stream } from './stream.ts';
import { writeResponse } from './write-head.ts';

/** Where the answer stands. */
const ANSWER = { NONE: 0, DUE: 1, STARTED: 2, DONE: 3 } as const;

const trailers = new Fields();

/** A request and its answer on the server side; carries one after the other. */
export class Http2ServerStream extends Stream implements ServerStream {
  readonly #connection: ServerConnection;
  readonly #head = new Head();
  /** Of its requests; undefined before the first. */
  handler: ServerStreamHandler | undefined;
  #answer: number = ANSWER.NONE;
  /** CONNECT, or an upgrade: DATA goes through when the answer has opened it. */
  #isTunnel = false;
  #tunnelOpen = false;
  #bodiless = false;
  /** The request ended before the answer did, in order: another may follow on this object. */
  reusable = true;

  constructor(connection: ServerConnection) {
    super(connection);
    this.#connection = connection;
  }

  /** The fields of the request are in `list`. */
  onBlock(end: boolean): void {
    if (this.#answer !== ANSWER.NONE) {
      this.#onTrailers(end);
      return;
    }
    const head = this.#head;
    const { limits } = this.connection.options;
    const fault = list.over ? overFault() : readRequest(list, head, end, limits.maxTargetBytes);
    this.#answer = ANSWER.DUE;
    this.#bodiless = false;
    this.#isTunnel = false;
    if (fault !== FAULT.NONE) {
      this.#refuse(fault);
      return;
    }
    this.#bodiless = head.method === METHOD.HEAD;
    this.#isTunnel = head.isUpgrade || head.method === METHOD.CONNECT;
    this.#tunnelOpen = false;
    this.expectedBytes = this.#isTunnel || head.contentLength < 0 ? -1 : head.bodyLength;
    if (end) this.remoteOpen = false;
    // What comes before a tunnel is open is nobody's yet.
    if (this.#isTunnel) this.pause();
    if (this.#isTunnel && end) this.heldEnd = true;
    this.handler ??= this.#connection.accept(this);
    this.handler.onRequest(head, end || this.#isTunnel);
  }

  #onTrailers(end: boolean): void {
    if (!this.remoteOpen) {
      this.connection.streamError(
        this,
        ERROR.STREAM_CLOSED,
        FAULT.NONE,
        'headers after the end of the stream',
      );
      return;
    }
    const fault = end ? readTrailers(list, trailers) : FAULT.TRAILERS_WITHOUT_END;
    if (fault !== FAULT.NONE || list.over) {
      const number = list.over ? overFault() : fault;
      this.connection.streamError(this, ERROR.PROTOCOL_ERROR, number, faultOf(number).words);
      return;
    }
    for (let i = 0; i < droppedTrailers.count; i++) this.connection.note(ANOMALY.DROPPED_TRAILER);
    if (this.id === 0) return;
    if (!this.receiveEnd(list.count > 0 ? trailers : undefined))
      this.connection.streamError(
        this,
        ERROR.PROTOCOL_ERROR,
        FAULT.LENGTH_MISMATCH,
        faultOf(FAULT.LENGTH_MISMATCH).words,
      );
  }

  /** Answers a request that cannot be read, and ends its stream. */
  #refuse(fault: number): void {
    const { id } = this;
    this.reusable = false;
    // The reset below is the one that it gets.
    this.remoteOpen = false;
    this.respondLocal(this.#connection.malformed(faultOf(fault), this.handler));
    if (this.id === id) this.connection.release(this);
    this.connection.reset(id, isLimit(fault) ? ERROR.NO_ERROR : ERROR.PROTOCOL_ERROR);
    this.connection.note(ANOMALY.STREAM_ERROR);
  }

  protected deliver(bytes: Buffer, start: number, end: number): void {
    this.handler?.onRequestData(bytes, start, end);
  }

  protected deliverEnd(fields: Fields | undefined): void {
    this.handler?.onRequestEnd(fields);
    this.#finishIfDone();
  }

  onLocalEnd(): void {
    this.#finishIfDone();
  }

  /** When the answer is complete, what is still to come of the request is nobody's any more. */
  #finishIfDone(): void {
    if (this.id === 0 || this.localOpen) return;
    const { id } = this;
    if (this.#tunnelOpen && (this.remoteOpen || this.held !== undefined || this.heldEnd)) return;
    const early = this.remoteOpen;
    if (early || this.held !== undefined || this.heldEnd) this.reusable = false;
    this.#answer = ANSWER.DONE;
    this.connection.release(this);
    // RFC 9113 section 8.1: the answer stands, and the client may stop.
    if (early) this.connection.reset(id, ERROR.NO_ERROR);
  }

  onWritable(): void {
    if (this.#answer === ANSWER.STARTED) this.handler?.onResponseWritable();
  }

  onReset(code: number): boolean {
    // What is answered and only waits for its place is no loss for anybody but the client.
    if (this.#answer !== ANSWER.STARTED) this.connection.note(ANOMALY.EARLY_RESET);
    this.#giveUp('DC', `the client gave the stream up (${errorName(code)})`);
    return true;
  }

  onError(_code: number, fault: number, words: string): void {
    const { id } = this;
    const due = this.#answer === ANSWER.DUE;
    const reply = fault === FAULT.NONE ? undefined : this.#connection.malformed(faultOf(fault), this.handler);
    this.#giveUp('DPE', words);
    if (!due || reply === undefined || this.id !== id) return;
    this.#answer = ANSWER.DUE;
    this.remoteOpen = false;
    this.respondLocal(reply);
  }

  onConnectionLost(error: string): void {
    this.#giveUp(
      'DC',
      error === '' ? 'the client closed the connection' : `the client's connection: ${error}`,
    );
  }

  #giveUp(flag: Flag, detail: string): void {
    this.reusable = false;
    const open = this.#answer === ANSWER.DUE || this.#answer === ANSWER.STARTED;
    this.#answer = ANSWER.DONE;
    if (open) this.handler?.onRequestAbort(flag, detail);
  }

  informational(head: Head): void {
    if (this.#answer === ANSWER.DUE)
      writeResponse(this.connection.wire, this.connection.encoder, head, this.id, false);
  }

  respond(head: Head, end: boolean): void {
    if (this.#answer !== ANSWER.DUE) return;
    this.#answer = ANSWER.STARTED;
    const opens = this.#isTunnel && (head.status === 101 || (head.status >= 200 && head.status < 300));
    const ends = end && !opens;
    if (ends) this.localOpen = false;
    writeResponse(this.connection.wire, this.connection.encoder, head, this.id, ends);
    if (opens) this.#openTunnel();
    else if (ends) this.onLocalEnd();
  }

  respondLocal(reply: LocalReply): void {
    if (this.#answer !== ANSWER.DUE) return;
    this.#answer = ANSWER.STARTED;
    const { wire, encoder } = this.connection;
    if (this.#isTunnel && reply.status >= 200 && reply.status < 300) {
      writeLocalReply(wire, encoder, reply, this.id, undefined);
      this.#openTunnel();
      return;
    }
    const body = this.#bodiless || reply.status === 204 || reply.status === 304 ? '' : reply.body;
    const bytes = Buffer.from(body, 'utf8');
    if (bytes.length === 0) this.localOpen = false;
    writeLocalReply(wire, encoder, reply, this.id, bytes);
    const { id } = this;
    if (bytes.length === 0) this.onLocalEnd();
    else {
      this.send(bytes, 0, bytes.length);
      if (this.id === id) this.sendEnd(undefined);
    }
    if (reply.close) this.#connection.drain();
  }

  #openTunnel(): void {
    this.#tunnelOpen = true;
    this.resume();
  }

  data(bytes: Buffer, start: number, end: number): boolean {
    if (this.#answer !== ANSWER.STARTED || start === end) return true;
    if (this.#bodiless) return true;
    return this.send(bytes, start, end);
  }

  end(fields: Fields | undefined): void {
    if (this.#answer === ANSWER.STARTED) this.sendEnd(fields);
  }

  abort(why: Flag, code?: number): void {
    if (this.#answer !== ANSWER.DUE && this.#answer !== ANSWER.STARTED) return;
    this.#answer = ANSWER.DONE;
    this.reusable = false;
    const { id } = this;
    this.connection.reset(
      id,
      code ?? (why === 'UT' || why === 'SI' || why === 'DC' ? ERROR.CANCEL : ERROR.INTERNAL_ERROR),
    );
    this.connection.release(this);
  }

  finish(): void {
    this.#connection.drain();
  }

  pauseRequest(): void {
    if (this.id !== 0) this.pause();
  }

  resumeRequest(): void {
    if (!this.#isTunnel || this.#tunnelOpen) this.resume();
  }

  /** Before it carries another request. */
  renew(): void {
    this.#answer = ANSWER.NONE;
    this.reusable = true;
  }

  /** Lets go of what the last request left, for connections that wait long for the next. */
  shrink(): void {
    this.#head.release();
  }
}

/** Which of the two limits the block is beyond. */
function overFault(): number {
  return list.tooMany ? FAULT.TOO_MANY_HEADERS : FAULT.HEAD_TOO_LARGE;
}
