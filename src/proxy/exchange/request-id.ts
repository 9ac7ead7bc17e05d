import { randomFillSync } from 'node:crypto';
import type { Head } from '../../http/index.ts';

/** Of the header of request ids. */
export const REQUEST_ID: Buffer = Buffer.from('x-request-id', 'latin1');

/** Of ids that are told or kept, characters: clients choose them, and of a longer one this is the beginning. */
export const MAX_ID_LENGTH = 128;

const hex = '0123456789abcdef';
const random = Buffer.allocUnsafeSlow(16 * 256);
let used = random.length;

/** The request's id, cut to MAX_ID_LENGTH; '' when it has none (yet). What was added to its head counts before what came. */
export function requestIdOf(head: Head): string {
  const id = head.addedCount === 0 ? '' : head.addedText(REQUEST_ID);
  return (id === '' ? head.text(head.requestId) : id).slice(0, MAX_ID_LENGTH);
}

/** Sees to it that the request has one. */
export function giveRequestId(head: Head): void {
  if (head.requestId < 0 && !head.has(REQUEST_ID)) head.add(REQUEST_ID, newRequestId());
}

/** A random UUID (RFC 9562 version 4) for it. The random bytes come 256 at a time. */
export function newRequestId(): Buffer {
  if (used === random.length) {
    randomFillSync(random);
    used = 0;
  }
  const id = Buffer.allocUnsafe(36);
  let at = 0;
  for (let i = 0; i < 16; i++) {
    if (i === 4 || i === 6 || i === 8 || i === 10) id[at++] = 0x2d;
    let byte = random[used++]!;
    if (i === 6) byte = (byte & 0x0f) | 0x40;
    else if (i === 8) byte = (byte & 0x3f) | 0x80;
    id[at++] = hex.charCodeAt(byte >> 4);
    id[at++] = hex.charCodeAt(byte & 15);
  }
  return id;
}
