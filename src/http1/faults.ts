// Everything that can be wrong with the framing of an HTTP/1 message, by name. Parsers return the (negative) number, so
// that refusing costs nothing; the connection answers with the status and the words.

/** One kind of malformed message. */
export interface Fault {
  readonly code: string;
  /** The status to answer a request with. */
  readonly status: number;
  readonly words: string;
}

/** The head is not complete yet; not a fault. */
export const INCOMPLETE = 0;

export const FAULT = {
  BAD_METHOD: -1,
  BAD_TARGET: -2,
  BAD_VERSION: -3,
  TARGET_TOO_LONG: -4,
  HEAD_TOO_LARGE: -5,
  TOO_MANY_HEADERS: -6,
  BARE_LF: -7,
  BARE_CR: -8,
  OBS_FOLD: -9,
  SPACE_BEFORE_COLON: -10,
  BAD_HEADER_NAME: -11,
  BAD_HEADER_VALUE: -12,
  BAD_CONTENT_LENGTH: -13,
  DUPLICATE_CONTENT_LENGTH: -14,
  BAD_TRANSFER_ENCODING: -15,
  LENGTH_AND_ENCODING: -16,
  NO_HOST: -17,
  DUPLICATE_HOST: -18,
  BAD_HOST: -19,
  BAD_STATUS: -20,
  BAD_CHUNK_SIZE: -21,
  CHUNK_EXTENSION: -22,
  BAD_CHUNK_END: -23,
  TRAILERS_TOO_LARGE: -24,
  FORBIDDEN_TRAILER: -25,
  METHOD_TOO_LONG: -26,
  HOST_MISMATCH: -27,
  CONNECT_WITH_BODY: -28,
  NO_COLON: -30,
  SPACE_IN_NAME: -31,
  DUPLICATE_TRANSFER_ENCODING: -32,
} as const;

const faults: Record<number, Fault> = {
  [FAULT.BAD_METHOD]: fault('bad-method', 400, 'the request does not begin with a method and one space'),
  [FAULT.BAD_TARGET]: fault(
    'bad-target',
    400,
    'the request target is not a path, a URL, host:port for CONNECT or * for OPTIONS, or holds a byte that it may not',
  ),
  [FAULT.BAD_VERSION]: fault('bad-version', 400, 'the start line does not name HTTP/1.x'),
  [FAULT.TARGET_TOO_LONG]: fault('target-too-long', 414, 'the request target is longer than the limit'),
  [FAULT.HEAD_TOO_LARGE]: fault('head-too-large', 431, 'the headers are larger than the limit'),
  [FAULT.TOO_MANY_HEADERS]: fault('too-many-headers', 431, 'there are more headers than the limit'),
  [FAULT.BARE_LF]: fault('bare-lf', 400, 'a line ends with LF alone'),
  [FAULT.BARE_CR]: fault('bare-cr', 400, 'a CR is not followed by LF'),
  [FAULT.OBS_FOLD]: fault('obs-fold', 400, 'a header line begins with a space (obs-fold)'),
  [FAULT.SPACE_BEFORE_COLON]: fault(
    'space-before-colon',
    400,
    'there is a space between a header name and its colon',
  ),
  [FAULT.BAD_HEADER_NAME]: fault(
    'bad-header-name',
    400,
    'a header name is empty or holds a byte that is not a token character',
  ),
  [FAULT.BAD_HEADER_VALUE]: fault('bad-header-value', 400, 'a header value holds a control character'),
  [FAULT.BAD_CONTENT_LENGTH]: fault('bad-content-length', 400, 'Content-Length is not one decimal number'),
  [FAULT.DUPLICATE_CONTENT_LENGTH]: fault(
    'duplicate-content-length',
    400,
    'there is more than one Content-Length; its sender must send it once, even where all say the same',
  ),
  [FAULT.BAD_TRANSFER_ENCODING]: fault(
    'bad-transfer-encoding',
    501,
    'Transfer-Encoding is not exactly "chunked"',
  ),
  [FAULT.LENGTH_AND_ENCODING]: fault(
    'length-and-encoding',
    400,
    'both Content-Length and Transfer-Encoding are there',
  ),
  [FAULT.NO_HOST]: fault('no-host', 400, 'an HTTP/1.1 request has no Host'),
  [FAULT.DUPLICATE_HOST]: fault('duplicate-host', 400, 'there is more than one Host'),
  [FAULT.BAD_HOST]: fault('bad-host', 400, 'Host is not a host with an optional port'),
  [FAULT.BAD_STATUS]: fault('bad-status', 502, 'the status line is not "HTTP/1.x NNN reason"'),
  [FAULT.BAD_CHUNK_SIZE]: fault(
    'bad-chunk-size',
    400,
    'a chunk size is not a hexadecimal number of at most 13 digits',
  ),
  [FAULT.CHUNK_EXTENSION]: fault(
    'chunk-extension',
    400,
    'a chunk size is followed by a space or an extension; its sender must leave them out, see docs/http1.md',
  ),
  [FAULT.BAD_CHUNK_END]: fault('bad-chunk-end', 400, 'the bytes of a chunk are not followed by CRLF'),
  [FAULT.TRAILERS_TOO_LARGE]: fault('trailers-too-large', 431, 'the trailers are larger than the limit'),
  [FAULT.FORBIDDEN_TRAILER]: fault(
    'forbidden-trailer',
    400,
    'a trailer names a header that frames or routes the message or says who sent it',
  ),
  [FAULT.HOST_MISMATCH]: fault(
    'host-mismatch',
    400,
    'the URL in the request line names another host than Host',
  ),
  [FAULT.CONNECT_WITH_BODY]: fault('connect-with-body', 400, 'a CONNECT request has a body'),
  [FAULT.NO_COLON]: fault('no-colon', 400, 'a header line has no colon'),
  [FAULT.SPACE_IN_NAME]: fault('space-in-name', 400, 'there is a space inside a header name'),
  [FAULT.DUPLICATE_TRANSFER_ENCODING]: fault(
    'duplicate-transfer-encoding',
    501,
    'there is more than one Transfer-Encoding; its sender must send it once',
  ),
  [FAULT.METHOD_TOO_LONG]: fault('method-too-long', 501, 'the method is longer than 64 bytes'),
};

function fault(code: string, status: number, words: string): Fault {
  return { code, status, words };
}

/** Where the last head that was refused is wrong; of one result, so that it is never told of another fault. */
const place = { result: 0, byte: 0, position: 0, line: 0 };

/**
 * For parsers: `result` is about the byte at this offset of a line; line 0 is the first one, others are header lines. Returns
 * `result`.
 */
export function faultAt(result: number, byte: number, offset: number, line: number): number {
  place.result = result;
  place.byte = byte;
  place.position = offset + 1;
  place.line = line;
  return result;
}

/** Before a head is parsed: nothing is known to be wrong with it. */
export function forgetPlace(): void {
  place.result = 0;
}

const byteNames: Readonly<Record<number, string>> = {
  0: 'NUL',
  9: 'tab',
  10: 'line feed',
  13: 'carriage return',
  32: 'space',
};

/** `byte 0x23 (#) at position 5 of the first line`. Only what is visible ASCII is repeated. */
function placeText(): string {
  const { byte, position, line } = place;
  const visible = byte > 0x20 && byte < 0x7f ? String.fromCharCode(byte) : undefined;
  const name = byteNames[byte] ?? visible;
  const hex = `0x${byte.toString(16).padStart(2, '0')}`;
  const where = line === 0 ? 'the first line' : `header line ${line}`;
  return `byte ${hex}${name === undefined ? '' : ` (${name})`} at position ${position} of ${where}`;
}

/** The fault behind a parser's negative result; right after the parser, its words also name the byte and its place. */
export function faultOf(result: number): Fault {
  const found = faults[result] ?? fault('malformed', 400, 'the message is malformed');
  if (place.result !== result) return found;
  const words = `${found.words}: ${placeText()}`;
  forgetPlace();
  return { ...found, words };
}

/** Every fault, for the documentation and tests. */
export function allFaults(): readonly Fault[] {
  return Object.values(faults);
}

/** Whether a message has this fault because it is larger than we take, however it is sent. */
export function isLimit(number: number): boolean {
  return (
    number === FAULT.HEAD_TOO_LARGE ||
    number === FAULT.TOO_MANY_HEADERS ||
    number === FAULT.TRAILERS_TOO_LARGE
  );
}

export const LINE_TIMEOUT: Fault = {
  code: 'line-timeout',
  status: 408,
  words: 'a chunk size or the trailers did not arrive in time',
};

export const HEAD_TIMEOUT: Fault = {
  code: 'head-timeout',
  status: 408,
  words: 'the request head did not arrive in time',
};
