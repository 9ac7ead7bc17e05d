import type { Flag } from '../errors/index.ts';
import {
  type CancelReason,
  type ClientStream,
  type ClientStreamHandler,
  equalsIgnoreCase,
  Fields,
  Head,
  METHOD,
} from '../http/index.ts';
import { ANOMALY } from './anomalies.ts';
import type { ClientConnection } from './client-connection.ts';
import { list } from './connection.ts';
import { FAULT, faultOf, isLimit } from './faults.ts';
import { ERROR, errorName } from './frames.ts';
import { droppedTrailers, readTrailers } from './read-fields.ts';
import { type AnsweredRequest, readResponse } from './read-response.ts';
import { Stream } from './stream.ts';
import { writeRequest } from './write-head.ts';

/** A server that sends more 1xx answers than this to one request is broken. */
const maxInformational = 32;
const websocket = Buffer.from('websocket', 'latin1');
const webSocketKey = Buffer.from('sec-websocket-key', 'latin1');
const trailers = new Fields();

/** How far the answer is. */
const ANSWER = { NONE: 0, STARTED: 1, DONE: 2 } as const;

/** A request and its answer on the client side. */
export class Http2ClientStream extends Stream implements ClientStream, AnsweredRequest {
  readonly #connection: ClientConnection;
  readonly #head = new Head();
  #handler: ClientStreamHandler | undefined;
  #answer: number = ANSWER.NONE;
  #informational = 0;
  #isFirst = false;
  toHead = false;
  isTunnel = false;
  webSocketKey = '';
  #tunnelOpen = false;
  /** It ended in order, both sides: another request may follow on this object. */
  reusable = false;

  constructor(connection: ClientConnection) {
    super(connection);
    this.#connection = connection;
  }

  /** Taken for a request, whose stream begins with its head. */
  take(handler: ClientStreamHandler): void {
    this.#handler = handler;
    this.#answer = ANSWER.NONE;
    this.#informational = 0;
    this.#tunnelOpen = false;
    this.reusable = false;
    this.webSocketKey = '';
  }

  request(head: Head, end: boolean): void {
    if (this.#handler === undefined) return;
    if (head.isUpgrade && !this.#mayUpgrade(head)) {
      this.#refuse('the upstream takes no upgrade of this kind over HTTP/2; it needs a connection of HTTP/1');
      return;
    }
    const id = this.#connection.beginStream(this);
    if (id < 0) {
      this.#refuse('the connection to the upstream takes no more streams');
      return;
    }
    this.#isFirst = this.#connection.requests === 1;
    this.toHead = head.method === METHOD.HEAD;
    this.isTunnel = head.isUpgrade || head.method === METHOD.CONNECT;
    if (head.isUpgrade) this.webSocketKey = keyOf(head);
    // What an upgrade carries follows its head, whatever the request of HTTP/1 said of its body.
    const ends = end && !this.isTunnel;
    if (ends) this.localOpen = false;
    const { wire, encoder } = this.connection;
    writeRequest(wire, encoder, head, this.#connection.form, id, ends);
  }

  /** Whether an upgrade can be an extended CONNECT (RFC 8441). */
  #mayUpgrade(head: Head): boolean {
    if (!this.connection.peer.extendedConnect) return false;
    if (head.upgrade < 0) return true;
    return equalsIgnoreCase(
      head.bytes,
      head.valueStart(head.upgrade),
      head.valueEnd(head.upgrade),
      websocket,
    );
  }

  /** Nothing of it was sent. */
  #refuse(detail: string): void {
    this.#connection.untake(this);
    this.#fail('UR', detail, true);
  }

  data(bytes: Buffer, start: number, end: number): boolean {
    if (start === end || this.id === 0) return true;
    return this.send(bytes, start, end);
  }

  end(fields: Fields | undefined): void {
    if (this.id !== 0) this.sendEnd(fields);
  }

  cancel(why: CancelReason): void {
    this.#handler = undefined;
    if (this.id === 0) {
      this.#connection.untake(this);
      return;
    }
    const { id } = this;
    this.#answer = ANSWER.DONE;
    this.connection.reset(id, why === 'fault' ? ERROR.INTERNAL_ERROR : ERROR.CANCEL);
    this.connection.release(this);
  }

  pauseResponse(): void {
    if (this.id !== 0) this.pause();
  }

  resumeResponse(): void {
    this.resume();
  }

  onBlock(end: boolean): void {
    if (!this.remoteOpen) {
      this.connection.streamError(
        this,
        ERROR.STREAM_CLOSED,
        FAULT.NONE,
        'headers after the end of the stream',
      );
      return;
    }
    if (this.#answer === ANSWER.STARTED) {
      this.#onTrailers(end);
      return;
    }
    const head = this.#head;
    const fault = list.over ? overFault() : readResponse(list, head, end, this);
    if (fault !== FAULT.NONE) {
      this.connection.streamError(this, ERROR.PROTOCOL_ERROR, fault, faultOf(fault).words);
      return;
    }
    if (head.status < 200 && head.status !== 101) {
      this.#onInformational(head, end);
      return;
    }
    this.#answer = ANSWER.STARTED;
    if (this.isTunnel && (head.status === 101 || head.status < 300)) this.#tunnelOpen = true;
    this.expectedBytes = this.#tunnelOpen || head.contentLength < 0 ? -1 : head.bodyLength;
    const ends = end && !this.#tunnelOpen;
    if (ends) this.remoteOpen = false;
    const { id } = this;
    const handler = this.#handler;
    if (ends) this.#complete();
    handler?.onResponse(head, ends);
    if (end && !ends && this.id === id) this.receiveEnd(undefined);
  }

  #onInformational(head: Head, end: boolean): void {
    if (end || ++this.#informational > maxInformational) {
      const words = end
        ? 'the upstream ended its answer with an informational one'
        : `the upstream sent more than ${maxInformational} informational answers`;
      this.connection.streamError(this, ERROR.PROTOCOL_ERROR, FAULT.BAD_STATUS, words);
      return;
    }
    this.#handler?.onInformational(head);
  }

  #onTrailers(end: boolean): void {
    const fault = !end ? FAULT.TRAILERS_WITHOUT_END : list.over ? overFault() : readTrailers(list, trailers);
    if (fault !== FAULT.NONE) {
      this.connection.streamError(this, ERROR.PROTOCOL_ERROR, fault, faultOf(fault).words);
      return;
    }
    for (let i = 0; i < droppedTrailers.count; i++) this.connection.note(ANOMALY.DROPPED_TRAILER);
    if (this.id === 0) return;
    if (!this.receiveEnd(list.count > 0 ? trailers : undefined)) {
      const { words } = faultOf(FAULT.LENGTH_MISMATCH);
      this.connection.streamError(this, ERROR.PROTOCOL_ERROR, FAULT.LENGTH_MISMATCH, words);
    }
  }

  protected deliver(bytes: Buffer, start: number, end: number): void {
    this.#handler?.onResponseData(bytes, start, end);
  }

  protected deliverEnd(fields: Fields | undefined): void {
    const handler = this.#handler;
    if (this.#tunnelOpen) {
      handler?.onResponseEnd(fields);
      this.#finishTunnel();
      return;
    }
    // Before the handler hears of it, so that its next request finds room.
    this.#complete();
    handler?.onResponseEnd(fields);
  }

  /** The answer is complete: what of the request is still to be sent is nobody's any more. */
  #complete(): void {
    const { id } = this;
    const early = this.localOpen;
    this.#handler = undefined;
    this.#answer = ANSWER.DONE;
    this.reusable = !early;
    if (early) this.connection.reset(id, ERROR.CANCEL);
    this.connection.release(this);
  }

  #finishTunnel(): void {
    if (this.id === 0 || this.localOpen || this.remoteOpen || this.heldEnd) return;
    this.#handler = undefined;
    this.connection.release(this);
  }

  onLocalEnd(): void {
    if (this.#tunnelOpen) this.#finishTunnel();
  }

  onWritable(): void {
    this.#handler?.onRequestWritable();
  }

  onReset(code: number): boolean {
    // RFC 9113 section 8.1: an answer that is complete stands, also where it is held for somebody who is slow. Not so a tunnel,
    // of which this side goes on.
    if (!this.remoteOpen && !(this.#tunnelOpen && this.localOpen)) {
      this.localOpen = false;
      this.connection.out.remove(this);
      this.dropQueue();
      return false;
    }
    // Servers of Node reset streams whose end the window of the connection has held back. Where the length says so, all is here.
    if (code === ERROR.NO_ERROR && this.expectedBytes >= 0 && this.receivedBytes === this.expectedBytes) {
      this.localOpen = false;
      this.receiveEnd(undefined);
      return false;
    }
    const unread = code === ERROR.REFUSED_STREAM || code === ERROR.HTTP_1_1_REQUIRED;
    this.#fail('UR', `the upstream reset the stream (${errorName(code)})`, unread);
    return true;
  }

  onError(_code: number, fault: number, words: string): void {
    const handler = this.#handler;
    this.#handler = undefined;
    const final = isLimit(fault) ? 'everywhere' : fault === FAULT.NONE || !this.#isFirst ? undefined : 'here';
    handler?.onResponseAbort({
      flag: 'UPE',
      detail: words,
      reused: !this.#isFirst,
      unread: false,
      ...(final && { final }),
    });
  }

  onConnectionLost(error: string): void {
    const words =
      error === '' ? 'the connection to the upstream was closed' : `the upstream's connection: ${error}`;
    // Some servers of HTTP/1 say nothing to what they do not know.
    const hint = this.connection.peer.known
      ? ''
      : ' before it said a word of HTTP/2; does it speak that on this port?';
    this.#fail('UC', `${words}${hint}`, false);
  }

  /** The peer has said that it has not looked at this stream, and never will; or has shown that it cannot. */
  onNotTaken(words: string): void {
    this.#fail('UR', words, true);
  }

  #fail(flag: Flag, detail: string, unread: boolean): void {
    const handler = this.#handler;
    this.#handler = undefined;
    this.#answer = ANSWER.DONE;
    handler?.onResponseAbort({ flag, detail, reused: !this.#isFirst, unread });
  }

  /** An error of Weft's own came up on the connection. */
  onFault(): void {
    const handler = this.#handler;
    this.#handler = undefined;
    handler?.onFault?.();
  }
}

/** The `Sec-WebSocket-Key` that goes no further, but whose answer the client of HTTP/1 waits for; '' for none. */
function keyOf(head: Head): string {
  const index = head.find(webSocketKey);
  return index >= 0 ? head.text(index) : head.addedText(webSocketKey);
}

function overFault(): number {
  return list.tooMany ? FAULT.TOO_MANY_HEADERS : FAULT.HEAD_TOO_LARGE;
}
