// Tokens are taken out of what goes on to the app, wherever they stood: Envoy leaves them in cookies, which an app may log.
import type { Head } from '../http/index.ts';

const QUESTION = 0x3f;
const AMPERSAND = 0x26;
const cookieName = Buffer.from('cookie', 'latin1');

/** Takes every parameter of this name out of the request's target. The head's bytes must be its own (Head.retain). */
export function removeParameter(head: Head, name: Buffer): void {
  const { bytes, targetStart, targetEnd } = head;
  const question = bytes.subarray(targetStart, targetEnd).indexOf(QUESTION);
  if (question < 0) return;
  const query = targetStart + question + 1;
  let to = query;
  for (let from = query; from < targetEnd; ) {
    let stop = from;
    while (stop < targetEnd && bytes[stop] !== AMPERSAND) stop++;
    if (!isNamed(bytes, from, stop, name)) {
      if (to > query) bytes[to++] = AMPERSAND;
      bytes.copyWithin(to, from, stop);
      to += stop - from;
    }
    from = stop + 1;
  }
  // Where nothing is left of the query the question mark goes too.
  head.targetEnd = to === query && to < targetEnd ? query - 1 : to;
}

/** Takes every cookie of this name out of the request. */
export function removeCookie(head: Head, name: Buffer): void {
  const fields: string[] = [];
  let isFound = false;
  head.eachValue(cookieName, (bytes, start, end) => {
    const pairs = bytes.toString('latin1', start, end).split(';');
    const kept = pairs.filter(each => each.trim().split('=', 1)[0] !== name.toString('latin1'));
    isFound ||= kept.length < pairs.length;
    if (kept.length > 0) fields.push(kept.join(';').trim());
    return true;
  });
  if (!isFound) return;
  head.removeAll(cookieName);
  for (const field of fields) head.add(cookieName, Buffer.from(field, 'latin1'));
}

function isNamed(bytes: Uint8Array, start: number, end: number, name: Uint8Array): boolean {
  if (end - start < name.length) return false;
  for (let i = 0; i < name.length; i++) if (bytes[start + i] !== name[i]) return false;
  return end - start === name.length || bytes[start + name.length] === 0x3d;
}
