import { posix } from 'node:path';
import { quote, quoteAll } from './quote.ts';

/** A file or folder of this machine that a container sees at a path of its own. */
export interface Mount {
  /** Absolute, or relative to the folder that the script runs in: such a source stays reachable when the folder is covered. */
  readonly source: string;
  /** Absolute path in the container. */
  readonly target: string;
  readonly isFile: boolean;
  readonly readOnly: boolean;
}

/** What the plan must know about the machine's files. */
export interface HostFiles {
  /** The path with every symbolic link resolved; undefined when there is nothing at it. */
  realPath(path: string): string | undefined;
  /** Permission bits, as `755`. */
  mode(path: string): string;
}

/** Lines of sh, to be run as root in a mount namespace of its own. */
export interface MountScript {
  readonly lines: readonly string[];
  /** Where the container's root is afterwards: empty for the machine's own, else to be entered with chroot. */
  readonly root: string;
}

/** Where a shadowed folder's own content is found. */
const original = '.weft-host';

/**
 * How to show `mounts` in a private mount namespace without touching the machine's files (pure). A target that exists is
 * bound over. One that does not exist cannot be made on the machine's disk, so its nearest existing folder is covered by
 * a tmpfs that shows the folder's content through links, and there it is made. When that folder is / itself, a new root
 * is built from bind mounts instead. `scratch` is an empty folder of this container's own.
 */
export function mountScript(mounts: readonly Mount[], host: HostFiles, scratch: string): MountScript {
  const sorted = [...mounts].sort((a, b) => a.target.split('/').length - b.target.split('/').length);
  const covered = new Set<string>();
  const shadows: string[] = [];
  let root = '';
  const binds: string[] = [];
  for (const mount of sorted) {
    const inside = [...covered].some(outer => mount.target.startsWith(`${outer}/`));
    const found = nearest(mount.target, host);
    covered.add(mount.target);
    if (!inside && found.rest !== '') {
      if (found.existing === '/') root = `${scratch}/root`;
      else if (!shadows.includes(found.existing)) shadows.push(found.existing);
    }
    const target = inside ? mount.target : posix.join(found.existing, found.rest);
    binds.push(...bind(mount, target, inside || found.rest !== ''));
  }
  const lines = [
    ...(root === '' ? [] : newRoot(root)),
    ...shadows.flatMap((folder, index) => shadow(folder, `${scratch}/shadow-${index}`, host.mode(folder))),
    ...binds,
  ];
  return { lines: lines.length > 0 ? [`R=${quote(root)}`, ...lines] : [], root };
}

function nearest(target: string, host: HostFiles): { existing: string; rest: string } {
  let existing = posix.normalize(target);
  let rest = '';
  for (;;) {
    const real = host.realPath(existing);
    if (real !== undefined) return { existing: real, rest };
    rest = posix.join(posix.basename(existing), rest).replace(/\/$/, '');
    existing = posix.dirname(existing);
  }
}

function bind(mount: Mount, target: string, make: boolean): string[] {
  const at = `"$R"${quote(target)}`;
  const lines = [];
  if (make && mount.isFile) lines.push(`mkdir -p "$R"${quote(posix.dirname(target))}`, `touch ${at}`);
  if (make && !mount.isFile) lines.push(`mkdir -p ${at}`);
  // -c: mount must not turn a relative source into an absolute one, which may be covered by now.
  lines.push(`mount -c --bind ${quote(mount.source)} ${at}`);
  // A bind mount keeps noexec of the file system that it shows, as /run often has it; programs in volumes run on a node.
  const modes = [...(mount.isFile ? [] : ['exec']), ...(mount.readOnly ? ['ro'] : [])];
  if (modes.length > 0) lines.push(`mount -o remount,bind,${modes.join(',')} ${at}`);
  return lines;
}

/** Links that the folder holds are copied, not linked to: a relative one would lead elsewhere from a level deeper. */
function shadow(folder: string, scratch: string, mode: string): string[] {
  return [
    `mkdir -p ${quote(scratch)}`,
    `mount -t tmpfs -o mode=${mode} weft ${quote(scratch)}`,
    `( cd ${quote(scratch)}`,
    `mkdir ${original}`,
    `mount --rbind "$R"${quote(folder)} ${original}`,
    'set --',
    `for e in ${original}/* ${original}/.[!.]*; do if [ -L "$e" ]; then set -- "$@" "$e"; fi; done`,
    'if [ $# -gt 0 ]; then cp -P "$@" .; fi',
    'set --',
    `for e in ${original}/* ${original}/.[!.]*; do if [ ! -L "$e" ] && [ -e "$e" ]; then set -- "$@" "$e"; fi; done`,
    'if [ $# -gt 0 ]; then ln -s "$@" .; fi )',
    `mount --rbind ${quote(scratch)} "$R"${quote(folder)}`,
  ];
}

function newRoot(root: string): string[] {
  return [
    `mkdir -p ${quote(root)}`,
    `mount -t tmpfs -o mode=755 weft ${quote(root)}`,
    `for e in /* /.[!.]*; do`,
    `  if [ -L "$e" ]; then cp -P "$e" ${quote(root)}/`,
    `  elif [ -d "$e" ]; then mkdir ${quote(root)}"$e"; mount --rbind "$e" ${quote(root)}"$e"`,
    `  elif [ -f "$e" ]; then touch ${quote(root)}"$e"; mount --bind "$e" ${quote(root)}"$e"; fi`,
    'done',
  ];
}

/**
 * The command line that enters `root`, if it is not the machine's own, goes to `folder` and becomes `words`. Descriptor 3 is
 * closed when the process is where it belongs (see startProcess).
 */
export function enterRoot(root: string, folder: string, words: readonly string[]): string[] {
  if (root === '') return ['exec 3>&-', `cd ${quote(folder)}`, `exec ${quoteAll(words)}`];
  const inner = `exec 3>&-; cd ${quote(folder)} && exec ${quoteAll(words)}`;
  return [`exec chroot ${quote(root)} /bin/sh -c ${quote(inner)}`];
}
