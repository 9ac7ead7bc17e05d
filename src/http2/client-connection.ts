import type {
  ClientStream,
  ClientStreamHandler,
  ConnectionOwner,
  UpstreamConnection,
  UpstreamHost,
} from '../http/index.ts';
import { NO_SEAT } from '../sets/index.ts';
import type { Wire } from '../wire/index.ts';
import { Http2ClientStream } from './client-stream.ts';
import { Connection } from './connection.ts';
import { ERROR, LARGEST_STREAM_ID } from './frames.ts';
import { KeepalivePings } from './keepalive.ts';
import { KeptStreams } from './kept-streams.ts';
import type { Http2Options } from './options.ts';
import { SETTING } from './settings.ts';
import type { Stream } from './stream.ts';
import type { RequestForm } from './write-head.ts';

/** How a server of HTTP/1 answers what it takes for a request of a method that it does not know. */
const http1Answer = Buffer.from('HTTP/1.', 'latin1');
const MISUNDERSTOOD =
  'it answered in HTTP/1, so it does not speak HTTP/2 here; name its port http, or switch h2c on in the server';

/** What a client says of itself beside the limits that both sides have. */
export interface Http2ClientOptions extends Http2Options {
  /** Whether requests say https: TLS that the origin's own clients would use, not that of the mesh. */
  readonly secure: boolean;
  /** Whether the peer is a proxy, and hears what the client spoke. */
  readonly peerIsProxy: boolean;
}

/** The client side of one HTTP/2 connection: as many requests at once as the peer takes. */
export class ClientConnection extends Connection implements UpstreamConnection {
  readonly multiplexes = true;
  requests = 0;
  readonly keepAliveTimeoutMs = 0;
  openedMs = 0;
  freeSinceMs = 0;
  seat = NO_SEAT;
  place: { release(): void } | undefined = undefined;
  owner: ConnectionOwner | undefined = undefined;
  readonly form: RequestForm;
  readonly #host: UpstreamHost;
  readonly #free: KeptStreams<Http2ClientStream>;
  /** Taken, and their request not written yet. */
  #taken = 0;
  #nextId = 1;
  /** The peer takes no more, or we want no more. */
  #draining = false;
  readonly #pings: KeepalivePings | undefined;

  constructor(wire: Wire, options: Http2ClientOptions, host: UpstreamHost) {
    super(wire, options, true);
    this.#host = host;
    this.#free = new KeptStreams(
      options.timers,
      () => {},
      () => this.streams.compact(),
      this,
    );
    this.form = {
      secure: options.secure,
      splitCookies: options.encoder.tableBytes > 0,
      tellsClient: options.peerIsProxy,
    };
    const { keepalive } = host;
    this.#pings =
      keepalive === undefined ? undefined : new KeepalivePings(keepalive, options.timers, wire, this);
    const { limits } = options;
    this.begin(
      [
        [SETTING.ENABLE_PUSH, 0],
        [SETTING.INITIAL_WINDOW_SIZE, limits.streamWindow],
        [SETTING.MAX_HEADER_LIST_SIZE, limits.maxHeaderListBytes],
      ],
      undefined,
    );
  }

  get room(): number {
    if (this.#draining || this.over || this.wire.closed || this.wire.ended) return 0;
    return Math.min(this.peer.maxStreams, this.options.limits.maxStreams) - this.active;
  }

  get active(): number {
    return this.streams.size + this.#taken;
  }

  /** By its first SETTINGS (RFC 8441). */
  get takesWebSockets(): boolean | undefined {
    return this.peer.known ? this.peer.extendedConnect : undefined;
  }

  open(handler: ClientStreamHandler): ClientStream {
    const stream = this.#free.take() ?? new Http2ClientStream(this);
    this.#taken++;
    stream.take(handler);
    return stream;
  }

  override onData(bytes: Buffer, start: number, end: number): void {
    if (!this.peer.known && isHttp1(bytes, start, end)) this.#misunderstood();
    else super.onData(bytes, start, end);
  }

  /** The server takes the preface of HTTP/2 for a request that it does not know, and has done nothing with ours. */
  #misunderstood(): void {
    this.#draining = true;
    this.#host.onSingle?.(this);
    for (const stream of this.streams.list()) {
      (stream as Http2ClientStream).onNotTaken(MISUNDERSTOOD);
      this.release(stream);
    }
    this.wire.destroy();
  }

  override onPong(bytes: Buffer, start: number): void {
    this.#pings?.onPong(bytes, start);
    super.onPong(bytes, start);
  }

  override onClose(error: string): void {
    this.#pings?.stop();
    super.onClose(error);
    this.#free.stop();
  }

  /** For its streams: one that was taken sends its head now. Its id, or -1 where no more may begin. */
  beginStream(stream: Http2ClientStream): number {
    this.#taken--;
    if (this.over || this.#nextId > LARGEST_STREAM_ID) {
      this.#taken++;
      return -1;
    }
    const id = this.#nextId;
    this.#nextId += 2;
    this.requests++;
    this.add(stream, id);
    // Nobody can begin one after it: the connection ends in order with the last.
    if (this.#nextId > LARGEST_STREAM_ID) this.#drainNow();
    return id;
  }

  /** For its streams: one that was taken sends nothing. */
  untake(stream: Http2ClientStream): void {
    stream.reusable = false;
    this.#taken--;
    this.onRoom();
  }

  drain(): void {
    this.#draining = true;
    if (this.active === 0) this.leave();
  }

  #drainNow(): void {
    if (this.#draining) return;
    this.#draining = true;
    this.#host.onDraining(this);
  }

  close(): void {
    this.wire.destroy();
  }

  isIdle(streamId: number): boolean {
    return (streamId & 1) === 0 || streamId >= this.#nextId;
  }

  protected onFields(streamId: number, end: boolean): void {
    const stream = this.streams.get(streamId);
    if (stream !== undefined) stream.onBlock(end);
    else if (this.isIdle(streamId))
      this.connectionError(ERROR.PROTOCOL_ERROR, 'HEADERS on a stream that was not begun');
    else if (!this.wasReset(streamId))
      this.connectionError(ERROR.STREAM_CLOSED, 'HEADERS on a stream that is over');
  }

  override release(stream: Stream): void {
    if (stream.id === 0) return;
    const kept = stream as Http2ClientStream;
    if (kept.reusable && !this.over) this.#free.keep(kept);
    super.release(stream);
  }

  /** RFC 9113 section 6.8: what is above the last one that the peer looks at goes out again elsewhere. */
  onGoaway(lastStreamId: number, _code: number, words: string): void {
    this.#drainNow();
    for (const stream of this.streams.list()) {
      if (stream.id <= lastStreamId) continue;
      (stream as Http2ClientStream).onNotTaken(`the upstream takes no more streams (${words})`);
      this.release(stream);
    }
    if (this.active === 0) this.leave();
  }

  protected onSettings(): void {
    this.onRoom();
  }

  protected onRoom(): void {
    if (this.over) return;
    if (this.#draining) {
      if (this.active === 0) this.leave();
    } else this.#host.onRoom(this);
  }

  protected onGone(): void {
    this.#host.onGone(this);
  }

  override onFault(): void {
    for (const stream of this.streams.list()) (stream as Http2ClientStream).onFault();
    super.onFault();
  }
}

function isHttp1(bytes: Buffer, start: number, end: number): boolean {
  return (
    end - start >= http1Answer.length && http1Answer.equals(bytes.subarray(start, start + http1Answer.length))
  );
}
