const TYPE_SETTINGS = 4;
/** Of one setting (RFC 9113 section 6.5.1); no server sends more than 42 of them. */
const SETTING_BYTES = 6;
/** Of a frame's header (section 4.1): length, type, flags, stream. */
const HEADER_BYTES = 9;

/**
 * Whether what a server says unasked begins with the frame with which HTTP/2 servers greet whoever connects (section 3.4:
 * SETTINGS on stream 0, no acknowledgement). Such a greeting does not say that the server speaks first: the client says its
 * preface whatever it hears, and says it late where it is busy starting. Servers write it at once; half a header is somebody
 * else's greeting.
 */
export function isHttp2Greeting(bytes: Buffer): boolean {
  if (bytes.length < HEADER_BYTES) return false;
  for (let at = 0; at < HEADER_BYTES; at++) {
    const byte = bytes[at]!;
    if (at === 2 ? byte % SETTING_BYTES !== 0 : byte !== (at === 3 ? TYPE_SETTINGS : 0)) return false;
  }
  return true;
}
