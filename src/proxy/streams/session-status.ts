// What the proxies at both ends of a stream of bytes say to each other before the bytes: CONNECT, and a status without a body.
import { Head, METHOD, UNKNOWN_LENGTH } from '../../http/index.ts';

/** Answers to CONNECT. */
export const SESSION_STATUS = {
  /** The app's connection is open. */
  OPEN: 200,
  /** The request names another port than the connection is for, or is none for a stream of bytes. */
  BAD: 400,
  /** Whoever calls may send no bytes to this port. */
  DENIED: 403,
  /** The port takes bytes, if at all, on connections of their own: what they are has to be seen (RFC 9110 section 15.5.20). */
  ALONE: 421,
  /** The app takes no connection. */
  NO_APP: 503,
} as const;

/** The head of `CONNECT authority`. It is never edited, and may be sent any number of times. */
export function connectHead(authority: string): Head {
  const head = new Head();
  const line = `CONNECT ${authority} `;
  head.reset(Buffer.from(line, 'latin1'), 0);
  head.major = 2;
  head.method = METHOD.CONNECT;
  head.methodEnd = 'CONNECT'.length;
  head.targetStart = head.methodEnd + 1;
  head.targetEnd = head.targetStart + authority.length;
  head.headersStart = line.length;
  head.end = line.length;
  head.bodyLength = UNKNOWN_LENGTH;
  return head;
}

/** What `CONNECT` asks for; undefined where the request is something else. */
export function authorityOf(head: Head): string | undefined {
  return head.method === METHOD.CONNECT ? head.targetText : undefined;
}

/** The head of an answer that says no more than its status. */
export function statusHead(status: number): Head {
  const head = new Head();
  head.reset(Buffer.alloc(0), 0);
  head.major = 2;
  head.end = 0;
  head.status = status;
  head.bodyLength = status === SESSION_STATUS.OPEN ? UNKNOWN_LENGTH : 0;
  return head;
}
