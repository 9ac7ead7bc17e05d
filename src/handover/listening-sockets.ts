import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import type { ListeningSocket } from '../wire/index.ts';

/** TCP state of /proc/net/tcp (include/net/tcp_states.h). */
const LISTEN = '0A';

/** Every TCP socket that this process listens on, whichever thread made it, in the order of their descriptors. */
export function listeningSockets(): readonly ListeningSocket[] {
  const places = new Map(
    ['tcp', 'tcp6'].flatMap(table => {
      try {
        return listeningPlaces(readFileSync(`/proc/self/net/${table}`, 'latin1'));
      } catch {
        // A kernel without IPv6.
        return [];
      }
    }),
  );
  const found: ListeningSocket[] = [];
  for (const name of readdirSync('/proc/self/fd')) {
    const place = places.get(inodeOf(name));
    if (place !== undefined) found.push({ ...place, fd: Number(name) });
  }
  return found.sort((one, other) => one.fd - other.fd);
}

function inodeOf(fd: string): string {
  try {
    return /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/self/fd/${fd}`))?.[1] ?? '';
  } catch {
    // The descriptor of the listing itself.
    return '';
  }
}

/** Of a table of /proc/net: where each listening socket is bound, by its inode. */
export function listeningPlaces(table: string): [inode: string, Omit<ListeningSocket, 'fd'>][] {
  return table.split('\n').flatMap(line => {
    const [, local = '', , state, , , , , , inode = ''] = line.trim().split(/\s+/);
    const [address = '', port = ''] = local.split(':');
    if (state !== LISTEN) return [];
    return [[inode, { address: addressOf(address), port: Number.parseInt(port, 16) }]];
  });
}

/** The kernel writes addresses as words of four bytes in the order of the machine, which is little-endian on all we run on. */
function addressOf(hex: string): string {
  const bytes = Buffer.from(hex, 'hex');
  for (let at = 0; at < bytes.length; at += 4) bytes.subarray(at, at + 4).reverse();
  if (bytes.length === 4) return bytes.join('.');
  const groups = Array.from({ length: 8 }, (_, i) => bytes.readUInt16BE(i * 2).toString(16)).join(':');
  // As URL has it: the short form that everybody writes.
  return new URL(`http://[${groups}]`).hostname.slice(1, -1);
}
