import type { LocalReply, ServerStream, ServerStreamHandler } from '../http/index.ts';
import type { Wire } from '../wire/index.ts';
import { ANOMALY } from './anomalies.ts';
import { Connection } from './connection.ts';
import type { Fault } from './faults.ts';
import { ERROR } from './frames.ts';
import { KeptStreams } from './kept-streams.ts';
import type { Http2Options } from './options.ts';
import { Http2ServerStream } from './server-stream.ts';
import { SETTING } from './settings.ts';

/** What the engine provides for each connection; that of HTTP/1 but for how often `accept` is asked. */
export interface ServerConnectionHost {
  /**
   * A stream begins: who handles it. The stream and its handler carry further requests of the connection, each after the one
   * before is over in order, as on a connection of HTTP/1.
   */
  accept(stream: ServerStream): ServerStreamHandler;
  /**
   * A request is refused for what it says. The answer to it, which is sent unless another one has begun. `handler`: of its
   * stream, where it has one, which hears afterwards that a request under way is broken off.
   */
  onMalformed(fault: Fault, handler: ServerStreamHandler | undefined): LocalReply;
  /** The handler's stream is over and carries no further request. */
  onDiscarded?(handler: ServerStreamHandler): void;
  /** The connection is gone. */
  onConnectionClosed(): void;
}

/** The server side of one HTTP/2 connection. */
export class ServerConnection extends Connection {
  #host!: ServerConnectionHost;
  readonly #free: KeptStreams<Http2ServerStream>;
  #movedMark = -1;

  constructor(wire: Wire, options: Http2Options) {
    super(wire, options, false);
    this.#free = new KeptStreams(
      options.timers,
      stream => this.#discard(stream),
      () => this.streams.compact(),
      this,
    );
  }

  /** Takes the wire over and begins to read. `first`: bytes that were read already, the preface with them. */
  start(host: ServerConnectionHost, first: Buffer | undefined): void {
    this.#host = host;
    const { limits } = this.options;
    this.begin(
      [
        [SETTING.MAX_CONCURRENT_STREAMS, limits.maxStreams],
        [SETTING.INITIAL_WINDOW_SIZE, limits.streamWindow],
        [SETTING.MAX_HEADER_LIST_SIZE, limits.maxHeaderListBytes],
        [SETTING.ENABLE_CONNECT_PROTOCOL, 1],
      ],
      first,
    );
  }

  /** Whether no request is under way. */
  get idle(): boolean {
    return this.streams.size === 0 && !this.reader.withinBlock;
  }

  /** Takes no more requests, and says so; those under way are answered, then it closes. */
  drain(): void {
    this.announceLeaving();
  }

  /** As of the HTTP/1 connection: memory is short. `hard`: also where nothing has moved since the last such call. */
  relieve(hard: boolean): void {
    if (this.idle) this.leave();
    else {
      this.drain();
      if (hard) this.#giveUpIfStuck();
    }
  }

  #giveUpIfStuck(): void {
    const { bytesRead, bytesWritten, pendingBytes } = this.wire;
    const mark = bytesRead + bytesWritten - pendingBytes;
    const holds = pendingBytes > 0 || this.flow.heldBytes > 0 || this.reader.withinBlock;
    if (holds && mark === this.#movedMark) this.wire.reset('memory');
    this.#movedMark = mark;
  }

  /** For its streams. */
  accept(stream: Http2ServerStream): ServerStreamHandler {
    return this.#host.accept(stream);
  }

  /** For its streams. */
  malformed(fault: Fault, handler: ServerStreamHandler | undefined): LocalReply {
    return this.#host.onMalformed(fault, handler);
  }

  isIdle(streamId: number): boolean {
    return (streamId & 1) === 0 || streamId > this.lastPeerStream;
  }

  protected onFields(streamId: number, end: boolean): void {
    const known = this.streams.get(streamId);
    if (known !== undefined) {
      known.onBlock(end);
      return;
    }
    if (streamId <= this.lastPeerStream || (streamId & 1) === 0) {
      if (!this.wasReset(streamId)) {
        const code = (streamId & 1) === 0 ? ERROR.PROTOCOL_ERROR : ERROR.STREAM_CLOSED;
        this.connectionError(code, 'HEADERS on a stream that is over, or that no client may begin');
      }
      return;
    }
    if (this.refusing) return;
    this.lastPeerStream = streamId;
    if (this.streams.size >= this.options.limits.maxStreams) {
      this.reset(streamId, ERROR.REFUSED_STREAM);
      this.note(ANOMALY.REFUSED_STREAM);
      return;
    }
    const stream = this.#free.take() ?? new Http2ServerStream(this);
    stream.renew();
    this.add(stream, streamId);
    stream.onBlock(end);
  }

  override release(stream: Http2ServerStream): void {
    if (stream.id === 0) return;
    super.release(stream);
    if (stream.reusable && !this.over) this.#free.keep(stream);
    else this.#discard(stream);
  }

  #discard({ handler }: Http2ServerStream): void {
    if (handler !== undefined) this.#host.onDiscarded?.(handler);
  }

  protected onSettings(): void {}
  protected onRoom(): void {}

  /** A client takes no pushes any more: we make none. */
  onGoaway(): void {
    if (this.streams.size === 0) this.leave();
  }

  protected onGone(): void {
    this.#free.stop();
    this.#host.onConnectionClosed();
  }
}
