// How the body of an answer is framed (RFC 9112 section 6), whatever its client understands.
import type { Head } from '../http/index.ts';
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

/** What the head has to say of that beside its own lines, and of the connection; undefined for nothing. */
export function framingLines(frame: number, head: Head, old: boolean, close: boolean): Buffer | undefined {
  const addsChunked = frame === FRAME.CHUNKED && !head.chunked;
  if (close) return addsChunked ? closeChunked : LINES.close;
  if (old) return LINES.keepAlive;
  return addsChunked ? LINES.chunked : undefined;
}
