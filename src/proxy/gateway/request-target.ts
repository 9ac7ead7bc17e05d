// The target of a request that came to a gateway (RFC 9112 section 3.2): whose host it is for, and what upstreams get of it.
import { type Head, METHOD } from '../../http/index.ts';

const slash = 0x2f;
const asterisk = 0x2a;
const hostName = Buffer.from('host', 'latin1');

/** Why the target is none that a gateway takes. */
export function targetFault(head: Head): string | undefined {
  if (head.method === METHOD.CONNECT) return 'a gateway takes requests for what is behind it, and no CONNECT';
  const first = head.bytes[head.targetStart]!;
  if (head.major === 2 || first === slash || first === asterisk) return undefined;
  const end = absoluteEnd(head);
  if (end === 0) return 'the target is neither a path nor a URL of http or https';
  // Whoever is in front may have looked at one of the two, and whoever is behind at the other.
  return head.host < 0 || sameText(head) ? undefined : 'the target names another host than the field Host';
}

function sameText(head: Head): boolean {
  return authorityOf(head).toLowerCase() === head.authority.toLowerCase();
}

/** Of the target where it is a URL (RFC 9112 section 3.2.2), else of Host. */
export function authorityOf(head: Head): string {
  const first = head.bytes[head.targetStart]!;
  if (head.major === 2 || first === slash || first === asterisk) return head.authority;
  const end = absoluteEnd(head);
  if (end === 0) return head.authority;
  const text = head.bytes.toString('latin1', head.targetStart, end);
  return text.slice(text.indexOf('//') + 2);
}

/** Where the authority of an absolute-form target ends; 0 when the target has another form. */
function absoluteEnd(head: Head): number {
  const { bytes, targetStart, targetEnd } = head;
  const begin = bytes.toString('latin1', targetStart, Math.min(targetEnd, targetStart + 8)).toLowerCase();
  const length = begin.startsWith('http://') ? 7 : begin === 'https://' ? 8 : 0;
  if (length === 0) return 0;
  let end = targetStart + length;
  while (end < targetEnd && bytes[end] !== slash && bytes[end] !== 0x3f) end++;
  return end;
}

/** A URL as target becomes its path: upstreams are no proxies. */
export function originForm(head: Head): void {
  const { bytes, targetStart, targetEnd } = head;
  const first = bytes[targetStart]!;
  if (first === slash || first === asterisk || head.newTarget !== undefined) return;
  const end = absoluteEnd(head);
  if (end === 0) return;
  const authority = authorityOf(head);
  const path = bytes.subarray(end, targetEnd);
  head.newTarget = path[0] === slash ? Buffer.from(path) : Buffer.concat([Buffer.from('/'), path]);
  if (head.host >= 0) head.remove(head.host);
  head.add(hostName, Buffer.from(authority, 'latin1'));
}
