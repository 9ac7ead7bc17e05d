import { type Flag, INTERNAL_ERROR } from '../errors/index.ts';
import {
  type Fields,
  Head,
  type LocalReply,
  METHOD,
  type ServerStream,
  type ServerStreamHandler,
} from '../http/index.ts';
import { Deadline } from '../time/index.ts';
import { crowding, Progress, type Wire, type WireHandler } from '../wire/index.ts';
import { BodyReader, type BodySink } from './body-reader.ts';
import { EarlyBytes } from './early-bytes.ts';
import { EmptyLine } from './empty-line.ts';
import { type Fault, faultOf, HEAD_TIMEOUT, LINE_TIMEOUT } from './faults.ts';
import { isTunnel } from './framing.ts';
import { HeadBuffer } from './head-buffer.ts';
import { LineDeadline } from './line-deadline.ts';
import { parseRequestHead } from './parse-head.ts';
import { endWithoutBody, FRAME, frameOf, framingLines } from './response-frame.ts';
import { NO_MEMORY, type ServerConnectionHost, type ServerOptions } from './server-host.ts';
import { ANSWER, READ } from './server-phases.ts';
import { TUNNEL_OPEN, writeChunk, writeLastChunk, writeLocalReply, writeResponseHead } from './write.ts';

/** The server side of one HTTP/1 connection: reads requests, one after the other, and writes their answers. */
export class ServerConnection implements WireHandler, ServerStream, BodySink {
  readonly wire: Wire;
  readonly #options: ServerOptions;
  readonly #head = new Head();
  readonly #headBuffer: HeadBuffer;
  readonly #body: BodyReader;
  #host!: ServerConnectionHost;
  #streams!: ServerStreamHandler;
  #read: number = READ.HEAD;
  #answer: number = ANSWER.NONE;
  #frame: number = FRAME.EMPTY;
  #method = 0;
  #minor = 1;
  #closeAfter = false;
  readonly #lead = new EmptyLine();
  #expecting = false;
  #draining = false;
  readonly #progress: Progress;
  #consuming = false;
  #requestPaused = false;
  /** Bytes of requests that came before the answer to this one was complete. */
  readonly #early = new EarlyBytes();
  /** The next request waits until the client has taken answers: it may send without reading. */
  #heldBack = false;
  readonly #deadline: Deadline;
  readonly #lineDeadline: LineDeadline;

  constructor(wire: Wire, options: ServerOptions) {
    this.wire = wire;
    this.#progress = new Progress(wire);
    this.#options = options;
    const { limits } = options;
    this.#headBuffer = new HeadBuffer(
      (head, bytes, start, end) => parseRequestHead(head, bytes, start, end, limits),
      limits.maxTargetBytes + limits.maxHeaderBytes + 256,
    );
    this.#body = new BodyReader(this, limits);
    this.#deadline = new Deadline(() => this.#timedOut(), this);
    const late = (): void => this.#refuseBody(LINE_TIMEOUT);
    this.#lineDeadline = new LineDeadline(options.timers, wire, options.headTimeoutMs, late, this);
  }

  /** Takes the wire over and begins to read. `first`: bytes that were read already. */
  start(host: ServerConnectionHost, first: Buffer | undefined): void {
    this.#host = host;
    this.#streams = host.accept(this);
    this.wire.handler = this;
    this.#options.timers.schedule(this.#deadline, this.#options.idleTimeoutMs);
    if (first !== undefined) this.onData(first, 0, first.length);
    const mayRead = !this.#requestPaused && !this.#heldBack && this.#early.empty;
    if (!this.wire.closed && mayRead) this.wire.resume();
  }

  /** Whether no request is under way. */
  get idle(): boolean {
    return (
      this.#read === READ.HEAD && this.#answer === ANSWER.NONE && !this.#headBuffer.partial && !this.#heldBack
    );
  }

  /** The answer under way, and those to come, tell the client to close. Idle connections are left to the client. */
  drain(): void {
    this.#draining = true;
    if (this.#answer === ANSWER.DUE) this.#closeAfter = true;
  }

  /**
   * Memory is short: drains, and closes now if no request is under way. `hard`: also where part of a head has come, which nobody
   * has seen, and where nothing has moved since the last such call and bytes are held for a client or an upstream, or the client
   * has ended its side.
   */
  relieve(hard: boolean): void {
    this.drain();
    if (this.idle) this.#linger();
    else if (hard) this.#giveUpIfStuck();
  }

  #giveUpIfStuck(): void {
    // A client that has ended its side may wait for its answer; most are gone.
    const holds = this.wire.pendingBytes > 0 || this.#requestPaused || this.wire.ended;
    const moved = this.#progress.moved();
    if (holds && !moved) this.wire.reset('memory');
    else if (this.#headBuffer.partial) this.#refuse(NO_MEMORY);
  }

  onData(bytes: Buffer, start: number, end: number): void {
    this.#consuming = true;
    let at = start;
    while (at < end) {
      if (this.#read === READ.HEAD && !this.#heldBack) at = this.#readHead(bytes, at, end);
      else if (this.#read === READ.BODY) at = this.#readBody(bytes, at, end);
      else if (this.#read === READ.TUNNEL) {
        this.#streams.onRequestData(bytes, at, end);
        break;
      } else if (this.#read === READ.WAIT || this.#heldBack) {
        // Of the next request while this one is not answered. Reading stops, so that they are bounded by one read.
        this.#early.keep(bytes, at, end);
        this.wire.pause();
        break;
      } else break;
      if (at < 0) break;
    }
    this.#consuming = false;
  }

  onEnd(): void {
    if (this.#read === READ.TUNNEL) {
      this.#streams.onRequestEnd(undefined);
      return;
    }
    // Reading and sending end apart (RFC 9112 section 9.6): a client that has sent its whole request gets its answer. One that
    // has given up breaks the connection; what only ended looks the same from here until something is sent to it.
    if (this.#read === READ.WAIT && (this.#closeAfter || this.#options.givesUpAtEnd !== true)) {
      if (this.#early.empty) this.#closeAfter = true;
      return;
    }
    // What was answered and is still on its way arrives; the wire closes by itself when both sides have ended.
    if (this.#read === READ.DISCARD) return;
    if (this.#read === READ.HEAD && this.wire.pendingBytes > 0) this.#linger();
    else this.wire.destroy();
  }

  onDrain(): void {
    if (this.#heldBack) {
      this.#heldBack = false;
      this.#goOn();
    } else if (this.#answer === ANSWER.STARTED) this.#streams.onResponseWritable();
  }

  onClose(error: string): void {
    // A tunnel whose two directions have both ended is not broken.
    const over = this.#read === READ.TUNNEL && error === '' && this.wire.ended && this.wire.ending;
    const open = !over && (this.#answer === ANSWER.DUE || this.#answer === ANSWER.STARTED);
    this.#read = READ.CLOSED;
    this.#answer = ANSWER.DONE;
    this.#body.abandon();
    this.#options.timers.cancel(this.#deadline);
    this.#lineDeadline.cancel();
    if (open)
      this.#streams.onRequestAbort(
        'DC',
        error === '' ? 'the client closed the connection' : `the client's connection: ${error}`,
      );
    this.#host.onConnectionClosed();
  }

  /** Of a deadline; after an event the wire does the same. */
  onFault(): void {
    this.wire.reset(INTERNAL_ERROR);
  }

  informational(head: Head): void {
    if (this.#answer !== ANSWER.DUE || this.#minor === 0) return;
    if (head.status === 100) this.#expecting = false;
    writeResponseHead(this.wire, head, undefined);
  }

  respond(head: Head, end: boolean): void {
    if (this.#answer !== ANSWER.DUE) return;
    this.#answer = ANSWER.STARTED;
    // A body that is not wanted, or that the client holds back, ends the connection; better to say so than to surprise.
    if (this.#draining || (this.#read === READ.BODY && (end || this.#expecting))) this.#closeAfter = true;
    if (isTunnel(this.#method, head.status)) {
      writeResponseHead(this.wire, head, undefined);
      this.#openTunnel();
      return;
    }
    if (end) endWithoutBody(head, this.#method);
    const old = this.#minor === 0;
    this.#frame = frameOf(head, end, old);
    if (this.#frame === FRAME.UNTIL_CLOSE) this.#closeAfter = true;
    writeResponseHead(this.wire, head, framingLines(this.#frame, head, old, this.#closeAfter));
    if (end) this.#answered();
  }

  respondLocal(reply: LocalReply): void {
    if (this.#answer !== ANSWER.DUE) return;
    this.#answer = ANSWER.STARTED;
    // An HTTP/1.0 client takes an answer that does not promise to keep the connection for one that ends it.
    if (reply.close || this.#draining || this.#read === READ.BODY || this.#minor === 0)
      this.#closeAfter = true;
    if (isTunnel(this.#method, reply.status)) {
      this.wire.write(TUNNEL_OPEN, 0, TUNNEL_OPEN.length);
      this.#openTunnel();
      return;
    }
    const sent = this.#closeAfter === reply.close ? reply : { ...reply, close: this.#closeAfter };
    writeLocalReply(this.wire, sent, this.#method !== METHOD.HEAD);
    this.#answered();
  }

  data(bytes: Buffer, start: number, end: number): boolean {
    if (this.#answer !== ANSWER.STARTED || start === end) return true;
    if (this.#frame === FRAME.CHUNKED) writeChunk(this.wire, bytes, start, end);
    else if (this.#frame !== FRAME.EMPTY) this.wire.write(bytes, start, end);
    return this.wire.writable();
  }

  end(trailers: Fields | undefined): void {
    if (this.#answer !== ANSWER.STARTED) return;
    if (this.#frame === FRAME.TUNNEL) {
      this.wire.end();
      return;
    }
    if (this.#frame === FRAME.CHUNKED) writeLastChunk(this.wire, trailers);
    this.#answered();
  }

  /** HTTP/1 has no words for why: the connection ends without the end of the answer. */
  abort(_why: Flag): void {
    if (this.#answer === ANSWER.DUE || this.#answer === ANSWER.STARTED) this.#breakOff();
  }

  finish(): void {
    if (this.#answer === ANSWER.DUE || this.#answer === ANSWER.STARTED) this.#closeAfter = true;
    else if (this.#answer === ANSWER.NONE && this.#read === READ.HEAD) this.#linger();
  }

  pauseRequest(): void {
    this.#requestPaused = true;
    this.wire.pause();
  }

  resumeRequest(): void {
    if (!this.#requestPaused) return;
    this.#requestPaused = false;
    if (this.#early.empty) this.wire.resume();
  }

  onBodyData(bytes: Buffer, start: number, end: number): void {
    this.#streams.onRequestData(bytes, start, end);
  }

  onBodyEnd(trailers: Fields | undefined): void {
    this.#read = READ.WAIT;
    this.#streams.onRequestEnd(trailers);
  }

  #readHead(bytes: Buffer, start: number, end: number): number {
    let at = start;
    if (!this.#headBuffer.partial) {
      at = this.#lead.skip(bytes, at, end);
      if (at < 0) this.#refuse(faultOf(at));
      if (at < 0 || at === end) return at;
    }
    const wasPartial = this.#headBuffer.partial;
    const offered = this.#headBuffer.offer(this.#head, bytes, at, end);
    if (offered.result < 0) {
      this.#refuse(faultOf(offered.result));
      return -1;
    }
    if (offered.result === 0) {
      if (crowding.crowded) {
        this.#refuse(NO_MEMORY);
        return -1;
      }
      if (!wasPartial) this.#options.timers.schedule(this.#deadline, this.#options.headTimeoutMs);
      return end;
    }
    this.#begin();
    return offered.next;
  }

  #begin(): void {
    const head = this.#head;
    this.#lead.forget();
    this.#expecting = head.expectContinue;
    this.#options.timers.cancel(this.#deadline);
    this.#method = head.method;
    this.#minor = head.minor;
    this.#closeAfter = this.#draining || !head.keepAlive;
    this.#answer = ANSWER.DUE;
    const hasBody = this.#body.begin(head);
    this.#read = hasBody ? READ.BODY : READ.WAIT;
    this.#streams.onRequest(head, !hasBody);
  }

  #readBody(bytes: Buffer, start: number, end: number): number {
    const at = this.#body.read(bytes, start, end);
    this.#lineDeadline.watch(at >= 0 && this.#read === READ.BODY && this.#body.withinLine);
    if (at < 0) this.#refuseBody(faultOf(at));
    return at;
  }

  #refuseBody(fault: Fault): void {
    const reply = this.#host.onMalformed(fault);
    const due = this.#answer === ANSWER.DUE;
    this.#answer = ANSWER.DONE;
    this.#streams.onRequestAbort('DPE', fault.words);
    if (due) this.#refuseWith(reply);
    else this.#breakOff();
  }

  #openTunnel(): void {
    this.#frame = FRAME.TUNNEL;
    this.#read = READ.TUNNEL;
    this.#early.read((bytes, start, end) => this.#streams.onRequestData(bytes, start, end));
    if (this.wire.ended) this.#streams.onRequestEnd(undefined);
    else if (!this.#requestPaused) this.wire.resume();
  }

  /** The answer is complete. */
  #answered(): void {
    if (this.#read === READ.BODY) {
      // The client is still sending what nobody wants any more; it gets time to read its answer before the connection goes.
      this.#body.abandon();
      this.#linger();
      return;
    }
    if (this.#closeAfter) {
      this.#linger();
      return;
    }
    this.#answer = ANSWER.NONE;
    this.#read = READ.HEAD;
    this.#requestPaused = false;
    this.#options.timers.schedule(this.#deadline, this.#options.idleTimeoutMs);
    if (!this.wire.writable()) {
      this.#heldBack = true;
      this.wire.pause();
    } else this.#goOn();
  }

  /** To the next request, where it has come already. */
  #goOn(): void {
    if (this.#early.empty || this.#consuming) {
      if (this.#early.empty) this.wire.resume();
      return;
    }
    this.#early.read((bytes, start, end) => this.onData(bytes, start, end));
    if (!this.#early.empty || this.wire.closed) return;
    if (this.wire.ended) this.onEnd();
    else if (!this.#requestPaused && !this.#heldBack) this.wire.resume();
  }

  #linger(): void {
    this.#lineDeadline.cancel();
    this.#answer = ANSWER.DONE;
    this.#read = READ.DISCARD;
    this.#early.clear();
    this.#heldBack = false;
    this.wire.end();
    if (this.wire.closed) return;
    this.wire.resume();
    this.#options.timers.schedule(this.#deadline, this.#options.lingerMs);
  }

  /** Ends in a way that the client cannot take for the orderly end of an answer. */
  #breakOff(): void {
    this.#answer = ANSWER.DONE;
    if (this.#frame === FRAME.UNTIL_CLOSE) this.wire.reset();
    else this.wire.destroy();
  }

  #timedOut(): void {
    if (this.#headBuffer.partial) this.#refuse(HEAD_TIMEOUT);
    else if (this.#read === READ.DISCARD && this.#progress.stillReads())
      this.#options.timers.schedule(this.#deadline, this.#options.lingerMs);
    else this.wire.destroy();
  }

  /** Answers a request that cannot be read. */
  #refuse(fault: Fault): void {
    this.#refuseWith(this.#host.onMalformed(fault));
  }

  #refuseWith(reply: LocalReply): void {
    this.#read = READ.DISCARD;
    this.#method = METHOD.OTHER;
    this.#headBuffer.clear();
    this.#answer = ANSWER.DUE;
    this.respondLocal({ ...reply, close: true });
  }
}
