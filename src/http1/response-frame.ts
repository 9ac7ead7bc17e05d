// How the body of an answer is framed (RFC 9112 section 6), whatever its client understands.
import { type Head, isBodiless, METHOD } from '../http/index.ts';
import { LINES } from './write.ts';

export const FRAME = { EMPTY: 0, PLAIN: 1, CHUNKED: 2, UNTIL_CLOSE: 3, TUNNEL: 4 } as const;

const closeChunked = Buffer.concat([LINES.close, LINES.chunked]);

/** One of FRAME. `end`: there is no body. `old`: for HTTP/1.0, which knows no chunks: what announces them is taken out. */
export function frameOf(head: Head, end: boolean, old: boolean): number {
  if (old && (end || head.bodyLength < 0) && head.transferEncoding >= 0) head.remove(head.transferEncoding);
  if (end) return FRAME.EMPTY;
  if (head.bodyLength >= 0) return FRAME.PLAIN;
  return old ? FRAME.UNTIL_CLOSE : FRAME.CHUNKED;
}

const contentLength = Buffer.from('content-length', 'latin1');
const zero = Buffer.from('0', 'latin1');

/** An answer of HTTP/2 that ends with its head need not say so; a client of HTTP/1 would wait for its body. */
export function endWithoutBody(head: Head, method: number): void {
  if (head.contentLength >= 0 || head.transferEncoding >= 0) return;
  if (!isBodiless(head.status, method === METHOD.HEAD)) head.add(contentLength, zero);
}

/** What the head has to say of that beside its own lines, and of the connection; undefined for nothing. */
export function framingLines(frame: number, head: Head, old: boolean, close: boolean): Buffer | undefined {
  const addsChunked = frame === FRAME.CHUNKED && !head.chunked;
  if (close) return addsChunked ? closeChunked : LINES.close;
  if (old) return LINES.keepAlive;
  return addsChunked ? LINES.chunked : undefined;
}
