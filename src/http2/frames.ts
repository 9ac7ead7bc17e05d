// What stands in frames of HTTP/2: RFC 9113 sections 4, 6 and 7.

export const FRAME = {
  DATA: 0,
  HEADERS: 1,
  PRIORITY: 2,
  RST_STREAM: 3,
  SETTINGS: 4,
  PUSH_PROMISE: 5,
  PING: 6,
  GOAWAY: 7,
  WINDOW_UPDATE: 8,
  CONTINUATION: 9,
} as const;

export const FLAGS = { END_STREAM: 0x1, ACK: 0x1, END_HEADERS: 0x4, PADDED: 0x8, PRIORITY: 0x20 } as const;

export const FRAME_HEADER_BYTES = 9;
/** What nobody may refuse, and all that we take and send: larger frames only keep other streams waiting. */
export const FRAME_BYTES = 16_384;
export const LARGEST_FRAME_BYTES = 2 ** 24 - 1;
export const LARGEST_WINDOW = 2 ** 31 - 1;
export const LARGEST_STREAM_ID = 2 ** 31 - 1;
/** Of a connection before anybody has said anything, and of streams. */
export const INITIAL_WINDOW = 65_535;

export const ERROR = {
  NO_ERROR: 0,
  PROTOCOL_ERROR: 1,
  INTERNAL_ERROR: 2,
  FLOW_CONTROL_ERROR: 3,
  SETTINGS_TIMEOUT: 4,
  STREAM_CLOSED: 5,
  FRAME_SIZE_ERROR: 6,
  REFUSED_STREAM: 7,
  CANCEL: 8,
  COMPRESSION_ERROR: 9,
  CONNECT_ERROR: 10,
  ENHANCE_YOUR_CALM: 11,
  INADEQUATE_SECURITY: 12,
  HTTP_1_1_REQUIRED: 13,
} as const;

const errorNames = Object.keys(ERROR);

/** `CANCEL` for 8; `error 99` for what the RFC does not know. */
export function errorName(code: number): string {
  return errorNames[code] ?? `error ${code}`;
}

/** What a client sends first (RFC 9113 section 3.4). */
export const PREFACE: Buffer = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 'latin1');
