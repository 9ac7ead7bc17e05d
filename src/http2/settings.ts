import { ERROR, FRAME_BYTES, INITIAL_WINDOW, LARGEST_FRAME_BYTES, LARGEST_WINDOW } from './frames.ts';

/** RFC 9113 section 6.5.2, and RFC 8441 section 3. */
export const SETTING = {
  HEADER_TABLE_SIZE: 1,
  ENABLE_PUSH: 2,
  MAX_CONCURRENT_STREAMS: 3,
  INITIAL_WINDOW_SIZE: 4,
  MAX_FRAME_SIZE: 5,
  MAX_HEADER_LIST_SIZE: 6,
  ENABLE_CONNECT_PROTOCOL: 8,
} as const;

/** Until a peer has said how many streams it takes: what nearly all take at least. */
export const ASSUMED_STREAMS = 100;

/** What the peer wants. */
export class PeerSettings {
  headerTableBytes = 4096;
  maxStreams: number = ASSUMED_STREAMS;
  initialWindow: number = INITIAL_WINDOW;
  maxFrameBytes: number = FRAME_BYTES;
  maxHeaderListBytes: number = Number.POSITIVE_INFINITY;
  /** Whether it takes extended CONNECT (RFC 8441). */
  extendedConnect = false;
  /** Whether it has said anything yet. */
  known = false;

  #saidStreams = false;

  /** Its first SETTINGS are here: what they did not say is as the RFC has it. */
  begin(): void {
    this.known = true;
    if (!this.#saidStreams) this.maxStreams = Number.POSITIVE_INFINITY;
  }

  /** Takes a setting on. The error code of the connection where it is not allowed, else 0. Unknown ones are passed over. */
  set(id: number, value: number, fromServer: boolean): number {
    switch (id) {
      case SETTING.HEADER_TABLE_SIZE:
        this.headerTableBytes = value;
        return 0;
      case SETTING.ENABLE_PUSH:
        return value > (fromServer ? 0 : 1) ? ERROR.PROTOCOL_ERROR : 0;
      case SETTING.MAX_CONCURRENT_STREAMS:
        this.maxStreams = value;
        this.#saidStreams = true;
        return 0;
      case SETTING.INITIAL_WINDOW_SIZE:
        if (value > LARGEST_WINDOW) return ERROR.FLOW_CONTROL_ERROR;
        this.initialWindow = value;
        return 0;
      case SETTING.MAX_FRAME_SIZE:
        if (value < FRAME_BYTES || value > LARGEST_FRAME_BYTES) return ERROR.PROTOCOL_ERROR;
        this.maxFrameBytes = value;
        return 0;
      case SETTING.MAX_HEADER_LIST_SIZE:
        this.maxHeaderListBytes = value;
        return 0;
      case SETTING.ENABLE_CONNECT_PROTOCOL:
        // RFC 8441 section 3: once said, it stays.
        if (value > 1 || (value === 0 && this.extendedConnect)) return ERROR.PROTOCOL_ERROR;
        this.extendedConnect = value === 1;
        return 0;
      default:
        return 0;
    }
  }
}
