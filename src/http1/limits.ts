/** Bounds on what one message may make us hold. */
export interface Limits {
  /** Bytes of a request target. Over it: 414. */
  readonly maxTargetBytes: number;
  /** Bytes of all header lines together. Over it: 431. */
  readonly maxHeaderBytes: number;
  readonly maxHeaders: number;
  /** Bytes of all trailer lines together. */
  readonly maxTrailerBytes: number;
}

/** Room for 96 KB of headers and a 64 KB URL, which users of other meshes have missed. */
export const DEFAULT_LIMITS: Limits = {
  maxTargetBytes: 64 * 1024 + 512,
  maxHeaderBytes: 128 * 1024,
  maxHeaders: 1000,
  maxTrailerBytes: 64 * 1024,
};

/** For a line or a head that has begun, from its first byte to its last; milliseconds. */
export const LINE_TIMEOUT_MS = 60_000;
