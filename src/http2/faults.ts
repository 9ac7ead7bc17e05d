// Everything that can be wrong with a message of HTTP/2 whose frames are right, by name: a stream ends, the connection goes on.
// Codes that HTTP/1 has too mean the same there.

/** One kind of malformed message. */
export interface Fault {
  readonly code: string;
  /** The status to answer a request with. */
  readonly status: number;
  readonly words: string;
}

const faults = [
  ['', 0, ''],
  ['duplicate-pseudo-header', 400, 'a pseudo-header field is there twice'],
  ['unknown-pseudo-header', 400, 'there is a pseudo-header field that this message cannot have'],
  ['late-pseudo-header', 400, 'a pseudo-header field comes after other fields'],
  ['missing-pseudo-header', 400, 'one of :method, :scheme and :path is missing, or :status'],
  ['uppercase-name', 400, 'a header name has an uppercase letter, which HTTP/2 forbids'],
  ['bad-header-name', 400, 'a header name is empty or holds a byte that is not a token character'],
  ['bad-header-value', 400, 'a header value holds a control character'],
  ['connection-header', 400, 'there is a header of HTTP/1 connections, which HTTP/2 forbids'],
  ['bad-te', 400, 'TE says something else than trailers'],
  ['bad-method', 400, 'the method is not a token'],
  ['bad-target', 400, 'the path does not begin with /, is empty, or holds a byte that it may not'],
  ['bad-scheme', 400, 'the scheme is not one'],
  ['no-host', 400, 'there is neither :authority nor Host'],
  ['duplicate-host', 400, 'there is more than one Host'],
  ['bad-host', 400, ':authority or Host is not a host with an optional port; user information is not taken'],
  ['host-mismatch', 400, ':authority and Host name different hosts'],
  ['bad-content-length', 400, 'Content-Length is not one decimal number'],
  ['duplicate-content-length', 400, 'there is more than one Content-Length; its sender must send it once'],
  ['length-mismatch', 400, 'the body is longer or shorter than Content-Length says'],
  ['head-too-large', 431, 'the headers are larger than the limit'],
  ['too-many-headers', 431, 'there are more headers than the limit'],
  ['target-too-long', 414, 'the request target is longer than the limit'],
  ['method-too-long', 501, 'the method is longer than 64 bytes'],
  ['bad-protocol', 501, ':protocol is none that is known here: websocket is'],
  ['trailers-without-end', 400, 'a second block of headers does not end the stream'],
  ['pseudo-header-in-trailers', 400, 'there is a pseudo-header field among the trailers'],
  ['bad-status', 502, ':status is not a number of three digits, or is 101'],
] as const;

/** Numbers of faults; 0 is none. */
export const FAULT = {
  NONE: 0,
  DUPLICATE_PSEUDO: 1,
  UNKNOWN_PSEUDO: 2,
  LATE_PSEUDO: 3,
  MISSING_PSEUDO: 4,
  UPPERCASE_NAME: 5,
  BAD_HEADER_NAME: 6,
  BAD_HEADER_VALUE: 7,
  CONNECTION_HEADER: 8,
  BAD_TE: 9,
  BAD_METHOD: 10,
  BAD_TARGET: 11,
  BAD_SCHEME: 12,
  NO_HOST: 13,
  DUPLICATE_HOST: 14,
  BAD_HOST: 15,
  HOST_MISMATCH: 16,
  BAD_CONTENT_LENGTH: 17,
  DUPLICATE_CONTENT_LENGTH: 18,
  LENGTH_MISMATCH: 19,
  HEAD_TOO_LARGE: 20,
  TOO_MANY_HEADERS: 21,
  TARGET_TOO_LONG: 22,
  METHOD_TOO_LONG: 23,
  BAD_PROTOCOL: 24,
  TRAILERS_WITHOUT_END: 25,
  PSEUDO_IN_TRAILERS: 26,
  BAD_STATUS: 27,
} as const;

const all: readonly Fault[] = faults.map(([code, status, words]) => ({ code, status, words }));

/** The fault of that number. */
export function faultOf(number: number): Fault {
  return all[number]!;
}

/** Every fault, for documentation and tests. */
export function allFaults(): readonly Fault[] {
  return all.slice(1);
}

/** Whether a message has this fault because it is larger than we take, however it is sent. */
export function isLimit(number: number): boolean {
  return number === FAULT.HEAD_TOO_LARGE || number === FAULT.TOO_MANY_HEADERS;
}
