// The smallest codec that multiplexes, without bytes: a far end that a test plays, stream by stream. It stands for HTTP/2 where
// only how streams come and go matters.
import type {
  CancelReason,
  ClientCodec,
  ClientStream,
  ClientStreamHandler,
  Fields,
  Head,
  UpstreamConnection,
  UpstreamHost,
} from '../../http/index.ts';
import { responseHead } from '../../http1/testing/heads.ts';
import { MemoryPeer } from '../../http1/testing/memory-wire.ts';
import { NO_SEAT } from '../../sets/index.ts';
import type { Wire } from '../../wire/index.ts';

/** One stream as its far end sees it. */
export class PeerStream implements ClientStream {
  readonly handler: ClientStreamHandler;
  /** The request's target and its body so far. */
  target = '';
  body = '';
  ended = false;
  trailers: Fields | undefined;
  #head: Head | undefined;
  cancelled: CancelReason | undefined;
  readonly #over: (stream: PeerStream, tell: () => void) => void;

  constructor(handler: ClientStreamHandler, over: (stream: PeerStream, tell: () => void) => void) {
    this.handler = handler;
    this.#over = over;
  }

  request(head: Head, end: boolean): void {
    this.target = head.targetText;
    this.#head = head.copy();
    this.ended = end;
  }
  data(bytes: Buffer, start: number, end: number): boolean {
    this.body += bytes.toString('latin1', start, end);
    return true;
  }
  end(trailers: Fields | undefined): void {
    this.ended = true;
    this.trailers = trailers?.copy();
  }
  cancel(why: CancelReason): void {
    this.cancelled ??= why;
    this.#over(this, () => {});
  }
  pauseResponse(): void {}
  resumeResponse(): void {}

  /** The value of a field of the request, in lowercase, as it was sent; '' for none. */
  sent(name: string): string {
    const head = this.#head!;
    const lower = Buffer.from(name, 'latin1');
    return head.find(lower) >= 0 ? head.text(head.find(lower)) : head.addedText(lower);
  }

  /** A whole answer without a body. */
  answer(lines = 'content-length: 0\r\n', status = 200): void {
    this.#over(this, () => this.handler.onResponse(headOf(status, lines), true));
  }

  /** The head of an answer whose body is to come. */
  begin(lines = '', status = 200): void {
    this.handler.onResponse(headOf(status, lines), false);
  }

  send(text: string): void {
    this.handler.onResponseData(Buffer.from(text, 'latin1'), 0, text.length);
  }

  /** The end of an answer that has begun. */
  finish(trailers?: Fields): void {
    this.#over(this, () => this.handler.onResponseEnd(trailers));
  }

  /** The stream breaks. `unread`: the far end says that it has done nothing with the request. */
  break(unread: boolean): void {
    const failure = { flag: 'UR', detail: 'the stream was reset', reused: true, unread } as const;
    this.#over(this, () => this.handler.onResponseAbort(failure));
  }
}

function headOf(status: number, lines: string): Head {
  return responseHead(`HTTP/1.1 ${status} OK\r\n${lines}\r\n`);
}

/** The far end of a connection that carries many streams; made before it is connected. */
export class StreamsPeer implements ClientCodec<Wire>, UpstreamConnection {
  readonly multiplexes = true;
  /** As of a peer that has said so. */
  takesWebSockets: boolean | undefined = false;
  /** What it would be made of. */
  readonly bytes = new MemoryPeer();
  readonly keepAliveTimeoutMs = 0;
  requests = 0;
  openedMs = 0;
  freeSinceMs = 0;
  seat = NO_SEAT;
  place: { release(): void } | undefined = undefined;
  owner: undefined;
  closed = false;
  /** Streams under way, in the order in which they began. */
  readonly streams: PeerStream[] = [];
  #limit: number;
  #draining = false;
  #host!: UpstreamHost;

  constructor(limit: number) {
    this.#limit = limit;
  }

  connect(_wire: Wire, host: UpstreamHost): this {
    this.#host = host;
    return this;
  }

  get room(): number {
    return this.closed || this.#draining ? 0 : this.#limit - this.streams.length;
  }
  get active(): number {
    return this.streams.length;
  }
  get draining(): boolean {
    return this.#draining;
  }

  /** The far end allows so many streams from now on. */
  allow(limit: number): void {
    this.#limit = limit;
    this.#host.onRoom(this);
  }

  /** The far end takes no new streams (GOAWAY), and has not taken the last `untaken`. */
  goAway(untaken = 0): void {
    this.#draining = true;
    this.#host.onDraining(this);
    for (const stream of untaken === 0 ? [] : this.streams.slice(-untaken)) stream.break(true);
    if (this.streams.length === 0) this.#gone();
  }

  /** The far end answers in HTTP/1. */
  misunderstand(): void {
    this.#draining = true;
    this.#host.onSingle?.(this);
    for (const stream of [...this.streams]) stream.break(true);
    this.#gone();
  }

  open(handler: ClientStreamHandler): PeerStream {
    if (this.room <= 0) throw new Error('there is no room');
    this.requests++;
    const stream = new PeerStream(handler, (each, tell) => this.#over(each, tell));
    this.streams.push(stream);
    return stream;
  }

  drain(): void {
    this.#draining = true;
    if (this.streams.length === 0) this.#gone();
  }

  /** Also for the far end: the connection breaks. */
  close(): void {
    this.#draining = true;
    for (const stream of [...this.streams]) stream.break(false);
    this.#gone();
  }

  #over(stream: PeerStream, tell: () => void): void {
    const at = this.streams.indexOf(stream);
    if (at < 0) return;
    this.streams.splice(at, 1);
    this.#host.onRoom(this);
    tell();
    if (this.#draining && this.streams.length === 0) this.#gone();
  }

  #gone(): void {
    if (this.closed) return;
    this.closed = true;
    this.#host.onGone(this);
  }
}
