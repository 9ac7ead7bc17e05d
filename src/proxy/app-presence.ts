import { readFileSync } from 'node:fs';
import { PROXY_UID } from '../config/names.ts';

/** TCP states of /proc/net/tcp (include/net/tcp_states.h). */
const ESTABLISHED = '01';
const LISTEN = '0A';

/**
 * Whether anything but the proxy still uses the network of this pod, told from /proc/net/tcp: containers of a pod share it. This
 * is how a sidecar knows that the app is gone, without asking anybody.
 */
export function appIsPresent(
  read: (path: string) => string = path => readFileSync(path, 'latin1'),
  ownUid = PROXY_UID,
): boolean {
  return ['/proc/net/tcp', '/proc/net/tcp6'].some(path => {
    let table: string;
    try {
      table = read(path);
    } catch {
      return false;
    }
    return hasForeignSocket(table, ownUid);
  });
}

/** Whether a table has a listening or established socket of another user. Sockets that are closing (inode 0) have no owner. */
export function hasForeignSocket(table: string, ownUid: number): boolean {
  for (const line of table.split('\n').slice(1)) {
    const fields = line.trim().split(/\s+/);
    if (fields.length < 10) continue;
    const [, , , state, , , , uid, , inode] = fields;
    if ((state === ESTABLISHED || state === LISTEN) && Number(uid) !== ownUid && inode !== '0') return true;
  }
  return false;
}
