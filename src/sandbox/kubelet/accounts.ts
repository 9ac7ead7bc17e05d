// Users and groups by name, for containers: an image brings its own, and programs such as ssh and whoami end where their user has
// none.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Mount } from '../runtime/index.ts';

/** Who a container runs as. */
export interface Account {
  readonly uid: number;
  readonly gid: number;
  /** Its home; / unless the container's environment says so, as with container engines. */
  readonly home?: string | undefined;
}

/** /etc/passwd and /etc/group with an entry for `account`, written into the pod's folder, where the machine's own have none. */
export function accountFiles(folder: string, account: Account): Mount[] {
  const files: Mount[] = [];
  const add = (name: 'passwd' | 'group', id: number, text: string | undefined): void => {
    if (text === undefined) return;
    const source = `${name}-${id}`;
    writeFileSync(join(folder, source), text, { mode: 0o644 });
    files.push({ source, target: `/etc/${name}`, isFile: true, readOnly: false });
  };
  add('passwd', account.uid, withUser(machineFile('/etc/passwd'), account));
  add('group', account.gid, withGroup(machineFile('/etc/group'), account.gid));
  return files;
}

/** `passwd` (passwd(5)) with a line for the account (pure); undefined where its user has one. */
export function withUser(passwd: string, { uid, gid, home = '/' }: Account): string | undefined {
  if (has(passwd, uid)) return undefined;
  const safeHome = /^[^:\n]*$/.test(home) ? home : '/';
  return `${ended(passwd)}user-${uid}:x:${uid}:${gid}::${safeHome}:/bin/sh\n`;
}

/** `group` (group(5)) with a line for the group (pure); undefined where it has one. */
export function withGroup(group: string, gid: number): string | undefined {
  return has(group, gid) ? undefined : `${ended(group)}group-${gid}:x:${gid}:\n`;
}

function has(file: string, id: number): boolean {
  return file.split('\n').some(line => line.split(':')[2] === String(id));
}

function ended(file: string): string {
  return file === '' || file.endsWith('\n') ? file : `${file}\n`;
}

function machineFile(path: string): string {
  return existsSync(path) ? readFileSync(path, 'utf8') : '';
}
