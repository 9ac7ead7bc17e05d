import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';

/** What this machine lets a sandbox do. */
export interface MachineCapabilities {
  readonly mode: 'namespaces' | 'loopback';
  /** Why it is loopback and what would make it namespaces; empty otherwise. */
  readonly reasons: readonly string[];
}

const needed: readonly (readonly [command: string, from: string])[] = [
  ['ip', 'iproute2'],
  ['iptables-restore', 'iptables'],
  ['nsenter', 'util-linux'],
  ['unshare', 'util-linux'],
  ['setpriv', 'util-linux'],
];

/** Root's usual folders, which the PATH of other users often lacks. */
const usual = ['/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin', '/sbin', '/bin'];

/** Finds out whether pods can have network namespaces of their own. */
export function machineCapabilities(): MachineCapabilities {
  const reasons: string[] = [];
  if (process.platform !== 'linux')
    reasons.push(`this is ${process.platform}, and network namespaces are of Linux`);
  else if (process.getuid?.() !== 0) reasons.push('not root: run it with sudo');
  const folders = [...(process.env.PATH ?? '').split(delimiter), ...usual];
  const missing = needed.filter(([command]) => !folders.some(folder => existsSync(join(folder, command))));
  if (missing.length > 0) {
    const packages = [...new Set(missing.map(([, from]) => from))].join(' and ');
    reasons.push(`${missing.map(([command]) => command).join(', ')} missing: install ${packages}`);
  }
  if (reasons.length === 0) reasons.push(...refusals());
  return { mode: reasons.length === 0 ? 'namespaces' : 'loopback', reasons };
}

/** What the kernel refuses even to root: inside containers without the capabilities, or without the modules. */
function refusals(): string[] {
  const attempt =
    "mount -t tmpfs weft /tmp && printf '*nat\\nCOMMIT\\n*filter\\nCOMMIT\\n' | iptables-restore";
  const { status, stderr } = spawnSync(
    'unshare',
    ['--net', '--mount', '--pid', '--fork', '--', 'sh', '-c', attempt],
    {
      encoding: 'utf8',
      env: { ...process.env, PATH: fullPath() },
    },
  );
  if (status === 0) return [];
  const why = stderr.trim().split('\n').at(-1) ?? '';
  return [
    `root, but not allowed to make network namespaces with packet rules (${why}); in a container add --privileged`,
  ];
}

/** The machine's PATH with root's usual folders, for the commands that the sandbox itself runs. */
export function fullPath(): string {
  return [...new Set([...(process.env.PATH ?? '').split(delimiter), ...usual])]
    .filter(Boolean)
    .join(delimiter);
}
