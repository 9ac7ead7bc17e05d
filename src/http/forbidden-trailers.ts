import { mergesWith } from './bytes.ts';
import { CERTIFICATE_FIELDS } from './certificate-fields.ts';

/**
 * What a trailer must not change after the head was acted on (RFC 9110 section 6.5.1): framing, routing, who the client is, and
 * how the body is read. Servers that merge trailers into headers have been attacked with them.
 */
const forbidden: Uint8Array[] = [
  'content-length',
  'transfer-encoding',
  'host',
  'connection',
  'keep-alive',
  'upgrade',
  'te',
  'trailer',
  'expect',
  'range',
  'content-encoding',
  'content-range',
  'content-type',
  'authorization',
  'proxy-authorization',
  'proxy-connection',
  'cookie',
  'set-cookie',
  'forwarded',
  'x-forwarded-client-cert',
  'x-forwarded-for',
  'x-forwarded-host',
  'x-forwarded-port',
  'x-forwarded-proto',
  'x-original-forwarded-for',
  'x-real-ip',
].map(name => Buffer.from(name, 'latin1'));
forbidden.push(...Object.values(CERTIFICATE_FIELDS));

/** Whether a trailer must not have the name `bytes[start, end)`, in any spelling that servers take for it. */
export function isForbiddenTrailer(bytes: Uint8Array, start: number, end: number): boolean {
  for (let n = 0; n < forbidden.length; n++) if (mergesWith(bytes, start, end, forbidden[n]!)) return true;
  return false;
}
