import type { Flag } from '../errors/index.ts';
import {
  type CancelReason,
  type ClientStream,
  type ClientStreamHandler,
  type ConnectionOwner,
  type Fields,
  type Final,
  Head,
  METHOD,
  UNKNOWN_LENGTH,
  type UpstreamConnection,
  type UpstreamHost,
} from '../http/index.ts';
import { NO_SEAT } from '../sets/index.ts';
import { Deadline, type TimerWheel } from '../time/index.ts';
import { acknowledgedBytes, type Wire, type WireHandler } from '../wire/index.ts';
import { BodyReader, type BodySink } from './body-reader.ts';
import { faultOf, isLimit } from './faults.ts';
import { isTunnel } from './framing.ts';
import { HeadBuffer } from './head-buffer.ts';
import { LINE_TIMEOUT_MS, type Limits } from './limits.ts';
import { LineDeadline } from './line-deadline.ts';
import { parseResponseHead } from './parse-head.ts';
import { LINES, writeChunk, writeLastChunk, writeRequestHead } from './write.ts';

const STATE = { IDLE: 0, HEAD: 1, BODY: 2, TUNNEL: 3, CLOSED: 4 } as const;

/** A server that sends more 1xx answers than this to one request is broken. */
const maxInformational = 32;
const tooSlow = `the head, a chunk size or the trailers of the answer were not complete ${LINE_TIMEOUT_MS} ms after their first byte`;
/** How often and for how long to look for the reset that proves that a request was not read. */
const proofWaitMs = 10;
const proofLooks = 3;

/** The client side of one HTTP/1 connection: one request at a time. */
export class ClientConnection implements WireHandler, ClientStream, UpstreamConnection, BodySink {
  readonly multiplexes = false;
  readonly wire: Wire;
  requests = 0;
  /** As its last `Keep-Alive` header told it. */
  keepAliveTimeoutMs = 0;
  openedMs = 0;
  freeSinceMs = 0;
  seat = NO_SEAT;
  place: { release(): void } | undefined = undefined;
  owner: ConnectionOwner | undefined = undefined;
  readonly #host: UpstreamHost;
  readonly #timers: TimerWheel;
  readonly #head = new Head();
  readonly #headBuffer: HeadBuffer;
  readonly #body: BodyReader;
  readonly #proof: Deadline;
  readonly #lineDeadline: LineDeadline;
  #handler: ClientStreamHandler | undefined;
  /** Of the exchange that is being completed: it may not have heard of that when something goes wrong. */
  #leaving: ClientStreamHandler | undefined;
  #state: number = STATE.IDLE;
  #method = 0;
  #chunked = false;
  #upgrading = false;
  #sent = false;
  #keep = true;
  #draining = false;
  #informational = 0;
  #answerBytes = 0;
  #writtenBefore = 0;
  #trailers: Fields | undefined;
  #looks = 0;

  constructor(wire: Wire, limits: Limits, timers: TimerWheel, host: UpstreamHost) {
    this.wire = wire;
    this.#host = host;
    this.#timers = timers;
    this.#headBuffer = new HeadBuffer(
      (head, bytes, start, end) =>
        parseResponseHead(head, bytes, start, end, limits, this.#method === METHOD.HEAD),
      limits.maxHeaderBytes + 1024,
    );
    this.#body = new BodyReader(this, limits, { blanks: true });
    this.#proof = new Deadline(() => this.#endedUnanswered(), this);
    this.#lineDeadline = new LineDeadline(
      timers,
      wire,
      LINE_TIMEOUT_MS,
      () => this.#broken('UPE', tooSlow, false),
      this,
    );
    wire.handler = this;
    wire.resume();
  }

  /** 1 while it is free. */
  get room(): number {
    return this.#state === STATE.IDLE && !this.#draining && !this.wire.ended && !this.wire.closed ? 1 : 0;
  }

  get active(): number {
    return this.#state === STATE.IDLE || this.#state === STATE.CLOSED ? 0 : 1;
  }

  /** The exchange under way is the last. */
  drain(): void {
    this.#draining = true;
    if (this.#state !== STATE.IDLE) return;
    this.wire.end();
    this.wire.destroy();
  }

  close(): void {
    this.wire.destroy();
  }

  /** Takes the connection for one exchange. */
  open(handler: ClientStreamHandler): ClientStream {
    this.#handler = handler;
    this.#state = STATE.HEAD;
    this.#sent = false;
    this.#keep = true;
    this.#informational = 0;
    this.#looks = 0;
    this.#answerBytes = 0;
    this.#writtenBefore = this.wire.bytesWritten;
    this.requests++;
    return this;
  }

  request(head: Head, end: boolean): void {
    this.#method = head.method;
    this.#chunked = head.bodyLength === UNKNOWN_LENGTH;
    this.#upgrading = head.isUpgrade;
    this.#sent = end;
    if (head.host < 0) addEmptyHost(head);
    // What came over HTTP/1 says itself that it is chunked, and goes on as it said it.
    writeRequestHead(this.wire, head, this.#chunked && !head.chunked ? LINES.chunked : undefined);
  }

  data(bytes: Buffer, start: number, end: number): boolean {
    if (start === end || this.#state === STATE.IDLE) return true;
    if (this.#chunked) writeChunk(this.wire, bytes, start, end);
    else this.wire.write(bytes, start, end);
    return this.wire.writable();
  }

  end(trailers: Fields | undefined): void {
    if (this.#state === STATE.TUNNEL) {
      this.wire.end();
      return;
    }
    if (this.#chunked) writeLastChunk(this.wire, trailers);
    this.#sent = true;
  }

  /** HTTP/1 has no words for why. */
  cancel(_why: CancelReason): void {
    this.#handler = undefined;
    // Not an orderly end: a server may take that for a client that has sent everything and waits for its answer.
    this.wire.reset();
  }

  pauseResponse(): void {
    this.wire.pause();
  }

  resumeResponse(): void {
    this.wire.resume();
  }

  onData(bytes: Buffer, start: number, end: number): void {
    let at = start;
    this.#answerBytes += end - start;
    while (at < end) {
      if (this.#state === STATE.HEAD) at = this.#readHead(bytes, at, end);
      else if (this.#state === STATE.BODY) at = this.#readBody(bytes, at, end);
      else if (this.#state === STATE.TUNNEL) {
        this.#handler?.onResponseData(bytes, at, end);
        return;
      } else {
        // Bytes that no request asked for: whatever they are, the connection cannot be trusted any more.
        this.wire.destroy();
        return;
      }
      if (at < 0) return;
    }
    const isWithin =
      this.#state === STATE.HEAD
        ? this.#headBuffer.partial
        : this.#state === STATE.BODY && this.#body.withinLine;
    this.#lineDeadline.watch(isWithin);
  }

  onEnd(): void {
    if (this.#state === STATE.TUNNEL) {
      this.#handler?.onResponseEnd(undefined);
      return;
    }
    if (this.#state === STATE.BODY && this.#body.endsWithConnection) {
      this.#keep = false;
      this.#body.abandon();
      this.#complete(false);
      return;
    }
    if (this.#state === STATE.HEAD && this.#answerBytes === 0) {
      this.#endedUnanswered();
      return;
    }
    this.#broken('UC', 'the upstream closed the connection in the middle of its answer', false);
  }

  onDrain(): void {
    this.#handler?.onRequestWritable();
  }

  onClose(error: string): void {
    // A tunnel whose two directions have both ended is not broken.
    if (this.#state === STATE.TUNNEL && error === '' && this.wire.ended && this.wire.ending)
      this.#handler = undefined;
    // EPIPE is a reset that came after the upstream's end; any other reset proves nothing, see #isUnread.
    const endedBefore = error === 'EPIPE' || this.wire.ended;
    const unread =
      endedBefore && this.#state === STATE.HEAD && this.#answerBytes === 0 && this.#isUnread() === true;
    this.#fail(
      'UR',
      error === '' ? 'the connection to the upstream was closed' : `the upstream's connection: ${error}`,
      unread,
    );
    this.#host.onGone(this);
  }

  onFault(): void {
    const handler = this.#handler ?? this.#leaving;
    this.#leaving = undefined;
    handler?.onFault?.();
    this.wire.destroy();
  }

  onBodyData(bytes: Buffer, start: number, end: number): void {
    this.#handler?.onResponseData(bytes, start, end);
  }

  onBodyEnd(trailers: Fields | undefined): void {
    this.#trailers = trailers;
  }

  #readHead(bytes: Buffer, start: number, end: number): number {
    const offered = this.#headBuffer.offer(this.#head, bytes, start, end);
    if (offered.result < 0) {
      this.#broken('UPE', faultOf(offered.result).words, false, this.#final(offered.result));
      return -1;
    }
    if (offered.result === 0) return end;
    const { next } = offered;
    const head = this.#head;
    if (head.status < 200 && head.status !== 101) {
      if (++this.#informational > maxInformational) {
        const words = `the upstream sent more than ${maxInformational} informational answers`;
        this.#broken('UPE', words, false, 'here');
        return -1;
      }
      if (!head.keepAlive) this.#keep = false;
      this.#handler?.onInformational(head);
      return next;
    }
    if (head.status === 101 && !(this.#upgrading && head.isUpgrade)) {
      this.#broken(
        'UPE',
        'the upstream switched protocols without having been asked to or saying to which',
        false,
        'here',
      );
      return -1;
    }
    this.#answered(head, next < end);
    return next;
  }

  #answered(head: Head, more: boolean): void {
    if (head.keepAliveTimeoutMs > 0) this.keepAliveTimeoutMs = head.keepAliveTimeoutMs;
    if (isTunnel(this.#method, head.status)) {
      this.#state = STATE.TUNNEL;
      this.#keep = false;
      this.#chunked = false;
      // RFC 9110 section 9.3.6: they mean nothing there, and must not mean anything to the next one.
      if (head.contentLength >= 0) head.remove(head.contentLength);
      if (head.transferEncoding >= 0) head.remove(head.transferEncoding);
      this.#handler?.onResponse(head, false);
      return;
    }
    if (!head.keepAlive) this.#keep = false;
    const hasBody = this.#body.begin(head);
    this.#state = STATE.BODY;
    this.#trailers = undefined;
    this.#handler?.onResponse(head, !hasBody);
    if (!hasBody && this.#state === STATE.BODY) this.#complete(more, true);
  }

  #readBody(bytes: Buffer, start: number, end: number): number {
    const at = this.#body.read(bytes, start, end);
    if (at < 0) this.#broken('UPE', faultOf(at).words, false, this.#final(at));
    else if (this.#body.done && this.#state === STATE.BODY) this.#complete(at < end);
    return at;
  }

  /** The answer is complete. `more`: bytes follow that no request asked for. */
  #complete(more: boolean, told = false): void {
    const handler = this.#handler;
    const trailers = this.#trailers;
    this.#handler = undefined;
    this.#leaving = told ? undefined : handler;
    this.#trailers = undefined;
    const reusable =
      this.#keep && !this.#draining && this.#sent && !more && !this.wire.ended && !this.wire.ending;
    this.#state = STATE.IDLE;
    // A body that was paused in its last bytes must not leave the connection deaf for the next exchange.
    if (reusable) this.wire.resume();
    // Free before the handler hears of it, so that the next request of the same client finds it warm.
    if (reusable) this.#host.onRoom(this);
    if (!told) handler?.onResponseEnd(trailers);
    this.#leaving = undefined;
    if (!reusable) this.wire.destroy();
  }

  /** The upstream closed before the first byte of its answer: the idle keep-alive race, or a crash. */
  #endedUnanswered(): void {
    const unread = this.#isUnread();
    if (unread === undefined && this.#looks++ < proofLooks) this.#timers.schedule(this.#proof, proofWaitMs);
    else this.#broken('UC', 'the upstream closed the connection without an answer', unread === true);
  }

  /**
   * Whether it is certain that the upstream took no byte of the request: its kernel acknowledged none, and never will because the
   * connection is over. Undefined while that is still open. TLS hides it. Only to be asked when the upstream's end was seen
   * before the reset: an end acknowledges all that was read before it, while a reset leaves the delayed acknowledgement of bytes
   * that the application has read unsent.
   */
  #isUnread(): boolean | undefined {
    if (this.wire.secure) return false;
    const acknowledged = acknowledgedBytes(this.wire.native.fd);
    if (acknowledged === undefined || acknowledged.bytes > this.#writtenBefore) return false;
    return acknowledged.closed ? true : undefined;
  }

  /** Other faults may come from what an earlier answer left on a connection; the first answer on one is what the app says. */
  #final(fault: number): Final | undefined {
    if (isLimit(fault)) return 'everywhere';
    return this.requests === 1 ? 'here' : undefined;
  }

  #broken(flag: Flag, detail: string, unread: boolean, final?: Final): void {
    this.#fail(flag, detail, unread, final);
    this.wire.destroy();
  }

  #fail(flag: Flag, detail: string, unread: boolean, final?: Final): void {
    this.#timers.cancel(this.#proof);
    this.#lineDeadline.cancel();
    const handler = this.#handler;
    this.#handler = undefined;
    this.#state = STATE.CLOSED;
    this.#body.abandon();
    this.#leaving = handler;
    handler?.onResponseAbort({ flag, detail, reused: this.requests > 1, unread, ...(final && { final }) });
    this.#leaving = undefined;
  }
}

const hostName = Buffer.from('host', 'latin1');
const emptyHost = Buffer.alloc(0);

/**
 * An HTTP/1.0 request needs no Host, but it goes on as HTTP/1.1, which does: RFC 9112 section 3.2, unless the engine named one.
 */
function addEmptyHost(head: Head): void {
  if (!head.has(hostName)) head.add(hostName, emptyHost);
}
