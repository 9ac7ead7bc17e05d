/** Bounds on what one connection may make us hold or do. docs/http2.md says what each is against. */
export interface Http2Limits {
  /** Streams at once that the peer may begin; beyond them REFUSED_STREAM, which it may repeat. */
  readonly maxStreams: number;
  /** Of a block of headers or trailers, as RFC 9113 section 6.5.2 counts it, crumbs and dropped fields included. Over it: 431. */
  readonly maxHeaderListBytes: number;
  readonly maxFields: number;
  /** Bytes of `:path`. Over it: 414. */
  readonly maxTargetBytes: number;
  /** Frames of one block behind its first. */
  readonly maxContinuations: number;
  /** Answers to SETTINGS and PING, resets and window updates that wait because the peer does not read. */
  readonly maxQueuedControlFrames: number;
  readonly maxSettingsEntries: number;
  /** What is odd without being an error (anomalies.ts): so many at once, and so many more each second. */
  readonly anomalyBurst: number;
  readonly anomaliesPerSecond: number;
  /** Bytes that a stream may send before we have passed them on; and to what that grows while whoever takes them keeps up. */
  readonly streamWindow: number;
  readonly maxStreamWindow: number;
  /** The same for all streams of a connection together: the most that it can make us hold. */
  readonly connectionWindow: number;
  readonly maxConnectionWindow: number;
  /** Bytes for a peer that does not read; beyond them no more of its requests are read. */
  readonly maxOutputBytes: number;
  /** A stream whose peer takes next to nothing of what waits for it ends after so long, milliseconds. */
  readonly stallTimeoutMs: number;
  /**
   * Whether streams are connections of apps: what these say comes in pieces as small as they like, and is read when they like.
   * Then neither tiny DATA is odd nor a stream stalled, only a connection of which nothing at all is read.
   */
  readonly carriesSessions?: boolean;
}

/** For strangers. */
export const EDGE_LIMITS: Http2Limits = {
  maxStreams: 100,
  maxHeaderListBytes: 64 * 1024,
  maxFields: 100,
  maxTargetBytes: 32 * 1024,
  maxContinuations: 8,
  maxQueuedControlFrames: 1000,
  maxSettingsEntries: 32,
  anomalyBurst: 1000,
  anomaliesPerSecond: 33,
  streamWindow: 64 * 1024,
  maxStreamWindow: 256 * 1024,
  connectionWindow: 1024 * 1024,
  maxConnectionWindow: 4 * 1024 * 1024,
  maxOutputBytes: 512 * 1024,
  stallTimeoutMs: 60_000,
};

/**
 * For apps and proxies of the mesh: as large headers as HTTP/1 takes, many calls on one connection, and clients whose calls time
 * out by the hundred because a server is slow.
 */
export const MESH_LIMITS: Http2Limits = {
  ...EDGE_LIMITS,
  maxStreams: 1000,
  maxHeaderListBytes: 256 * 1024,
  maxFields: 1000,
  maxTargetBytes: 64 * 1024 + 512,
  maxContinuations: 20,
  anomalyBurst: 10_000,
  anomaliesPerSecond: 1000,
  maxStreamWindow: 1024 * 1024,
  maxConnectionWindow: 16 * 1024 * 1024,
};

/** Bytes that an app's connection may send before the other app has read them, at most. */
const SESSION_WINDOW = 256 * 1024;
const SESSIONS = 100;

/**
 * For connections of apps that share one between two proxies. The windows of all together are as large as each by itself, so that
 * a reader that has stopped keeps nobody but its own sender waiting; that is why there are not more.
 */
export const SESSION_LIMITS: Http2Limits = {
  ...MESH_LIMITS,
  maxStreams: SESSIONS,
  maxHeaderListBytes: 4096,
  maxFields: 20,
  maxStreamWindow: SESSION_WINDOW,
  connectionWindow: SESSIONS * SESSION_WINDOW,
  maxConnectionWindow: SESSIONS * SESSION_WINDOW,
  carriesSessions: true,
};
