// Connections to upstreams, as pools know them whatever their protocol: how much each takes now, and when that changes.
import type { ClientStream, ClientStreamHandler } from './stream.ts';

/**
 * One connection to an upstream. Implemented by client codecs: HTTP/1 carries one stream at a time, a codec that multiplexes as
 * many as its peer allows.
 */
export interface UpstreamConnection {
  /** Whether it carries many streams at once. */
  readonly multiplexes: boolean;
  /**
   * How many streams more it takes now; 0 when it is full, takes none any more (`drain`, or the peer says so), or is closed. May
   * be below 0 while more are under way than the peer has come to allow. A new one has room before its peer has said how much:
   * what that refuses is `unread`, and goes out again.
   */
  readonly room: number;
  /**
   * Whether an upgrade to WebSocket may be one of its streams beside others; undefined before its peer has said. Only where it
   * multiplexes.
   */
  readonly takesWebSockets?: boolean | undefined;
  /** Streams under way: begun, and neither complete, broken nor cancelled. */
  readonly active: number;
  /** Streams begun on it so far. */
  readonly requests: number;
  /** How long the upstream has said that it keeps an idle connection, milliseconds; 0 when it said nothing. */
  readonly keepAliveTimeoutMs: number;
  /** When it was opened, on the pool's clock. For the pool alone. */
  openedMs: number;
  /** When it last became idle, on the pool's clock. For the pool alone. */
  freeSinceMs: number;
  /** Its seat among those of its pool; for the pool alone. */
  seat: number;
  /** What it takes up of its cluster's limits, to be given back when it is gone; for the pool alone. */
  place: { release(): void } | undefined;
  /** Whose it is for good; undefined: everybody's. Never set where it multiplexes. */
  owner: ConnectionOwner | undefined;
  /** Begins a stream; only while there is room. Its `request` is to be called in the same turn. */
  open(handler: ClientStreamHandler): ClientStream;
  /** Takes no streams any more, and closes in order when the last one is complete: at once where there is none. */
  drain(): void;
  /** Closes now. Streams under way break. */
  close(): void;
}

/** PINGs that find out whether a peer is still there, milliseconds. */
export interface Keepalive {
  readonly intervalMs: number;
  /** For the answer. */
  readonly timeoutMs: number;
}

/** Where connections have their place: the pool. What it is told may come from within a call to one of its streams. */
export interface UpstreamHost {
  /** For protocols that have PINGs; undefined: none. Read when a connection is made. */
  readonly keepalive?: Keepalive | undefined;
  /**
   * There may be more room than before, or nothing under way any more: a stream is over, or the peer allows more. A stream that
   * is complete is told so only after this, so that the next request of the same client finds the connection warm.
   */
  onRoom(connection: UpstreamConnection): void;
  /** The peer takes no new streams on it (GOAWAY). Those under way go on, and it closes by itself after the last. */
  onDraining(connection: UpstreamConnection): void;
  /** Its peer has shown that it speaks HTTP/1 and nothing else. The connection closes. Before the streams on it hear so. */
  onSingle?(connection: UpstreamConnection): void;
  /** It is closed. After the streams on it have heard so. */
  onGone(connection: UpstreamConnection): void;
}

/** Who has a connection for itself: it never goes back to the pool. */
export interface ConnectionOwner {
  /** Its exchange is complete and it can carry another. */
  onOwnedFree(connection: UpstreamConnection): void;
  /** It is closed. */
  onOwnedGone(connection: UpstreamConnection): void;
}

/** Makes connections of one protocol; one object for all of them. `Wire`: what they are made of, see wire/. */
export interface ClientCodec<Wire> {
  readonly multiplexes: boolean;
  /** Takes the wire over, on which nothing has been sent or read. */
  connect(wire: Wire, host: UpstreamHost): UpstreamConnection;
}
