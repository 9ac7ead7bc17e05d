// The static table of RFC 7541 Appendix A, and names that an HTTP/2 codec knows beside it.

const entries = `:authority|
:method|GET
:method|POST
:path|/
:path|/index.html
:scheme|http
:scheme|https
:status|200
:status|204
:status|206
:status|304
:status|400
:status|404
:status|500
accept-charset|
accept-encoding|gzip, deflate
accept-language|
accept-ranges|
accept|
access-control-allow-origin|
age|
allow|
authorization|
cache-control|
content-disposition|
content-encoding|
content-language|
content-length|
content-location|
content-range|
content-type|
cookie|
date|
etag|
expect|
expires|
from|
host|
if-match|
if-modified-since|
if-none-match|
if-range|
if-unmodified-since|
last-modified|
link|
location|
max-forwards|
proxy-authenticate|
proxy-authorization|
range|
referer|
refresh|
retry-after|
server|
set-cookie|
strict-transport-security|
transfer-encoding|
user-agent|
vary|
via|
www-authenticate|`;

/** The static table's fields; index 1 of HPACK is the first. */
export const STATIC_FIELDS: readonly (readonly [name: string, value: string])[] = entries
  .split('\n')
  .map(line => line.split('|') as [string, string]);

export const STATIC_COUNT: number = STATIC_FIELDS.length;

/**
 * Names by number, so that nobody compares them twice. Those of the static table are known by the first index that has them,
 * which HPACK can also write; `EXTRA` names follow.
 */
export const NAME = {
  OTHER: 0,
  AUTHORITY: 1,
  METHOD: 2,
  PATH: 4,
  SCHEME: 6,
  STATUS: 8,
  AUTHORIZATION: 23,
  CONTENT_LENGTH: 28,
  COOKIE: 32,
  EXPECT: 35,
  HOST: 38,
  PROXY_AUTHENTICATE: 48,
  PROXY_AUTHORIZATION: 49,
  SET_COOKIE: 55,
  TRANSFER_ENCODING: 57,
  WWW_AUTHENTICATE: 61,
  PROTOCOL: 62,
  CONNECTION: 63,
  KEEP_ALIVE: 64,
  PROXY_CONNECTION: 65,
  UPGRADE: 66,
  TE: 67,
  HTTP2_SETTINGS: 68,
  REQUEST_ID: 69,
  FORWARDED_FOR: 70,
  CLIENT_CERTIFICATE: 71,
  PERSISTENT_AUTH: 72,
  WEBSOCKET_KEY: 73,
  WEBSOCKET_ACCEPT: 74,
  HEADER_CASE: 75,
  GRPC_STATUS: 76,
  TRANSLATED: 77,
} as const;

const extraNames = [
  ':protocol',
  'connection',
  'keep-alive',
  'proxy-connection',
  'upgrade',
  'te',
  'http2-settings',
  'x-request-id',
  'x-forwarded-for',
  'x-forwarded-client-cert',
  'persistent-auth',
  'sec-websocket-key',
  'sec-websocket-accept',
  'weft-header-case',
  'grpc-status',
  'x-weft-translated',
];

/** Lowercase bytes of a known name by its number; undefined for numbers that are none. */
export const KNOWN_NAMES: readonly (Buffer | undefined)[] = (() => {
  const names: (Buffer | undefined)[] = [undefined];
  let before = '';
  for (const [name] of STATIC_FIELDS) {
    names.push(name === before ? undefined : Buffer.from(name, 'latin1'));
    before = name;
  }
  for (const name of extraNames) names.push(Buffer.from(name, 'latin1'));
  return names;
})();

const slotCount = 512;
const slots = new Uint8Array(slotCount);

/** Length, first, middle and last byte tell known names apart but for a few. */
function slotOf(length: number, first: number, middle: number, last: number): number {
  return (length * 37 + (first | 0x20) * 5 + (middle | 0x20) * 67 + (last | 0x20) * 131) & (slotCount - 1);
}

for (let id = 1; id < KNOWN_NAMES.length; id++) {
  const name = KNOWN_NAMES[id];
  if (name === undefined) continue;
  let slot = slotOf(name.length, name[0]!, name[name.length >> 1]!, name.at(-1)!);
  while (slots[slot] !== 0) slot = (slot + 1) & (slotCount - 1);
  slots[slot] = id;
}

/** The NAME of `bytes[start, end)`, letters in any case; NAME.OTHER for a name that nobody here knows. */
export function nameId(bytes: Uint8Array, start: number, end: number): number {
  const length = end - start;
  if (length === 0) return NAME.OTHER;
  let slot = slotOf(length, bytes[start]!, bytes[start + (length >> 1)]!, bytes[end - 1]!);
  next: for (;;) {
    const id = slots[slot]!;
    if (id === 0) return NAME.OTHER;
    slot = (slot + 1) & (slotCount - 1);
    const name = KNOWN_NAMES[id]!;
    if (name.length !== length) continue;
    for (let i = 0; i < length; i++) {
      let code = bytes[start + i]!;
      if (code >= 0x41 && code <= 0x5a) code |= 0x20;
      if (code !== name[i]) continue next;
    }
    return id;
  }
}
