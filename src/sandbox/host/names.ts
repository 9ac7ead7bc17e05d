import { basename, dirname } from 'node:path';

/** Names of folders that say nothing about what is in them; their parent's does. */
const generic = new Set(['kubernetes', 'k8s', 'manifests', 'manifest', 'deploy', 'yaml', 'kube', 'base']);

/** Environment variable that every process of a sandbox has: the sandbox's folder. `down` finds processes by it. */
export const MARKER = 'WEFT_SANDBOX';

/** A sandbox's name made from its folder's; `sandbox` when that has no usable one. */
export function defaultName(dir: string): string {
  const own = basename(dir);
  const chosen = generic.has(own.toLowerCase()) ? basename(dirname(dir)) : own;
  const name = chosen
    .toLowerCase()
    .replace(/[^a-z0-9-]+/g, '-')
    .replace(/^-+|-+$/g, '')
    .slice(0, 30);
  return name === '' ? 'sandbox' : name;
}

/** Whether a name can be one: it becomes part of file and namespace names, and the socket's path must stay short. */
export function isSandboxName(name: string): boolean {
  return /^[a-z0-9]([a-z0-9-]{0,28}[a-z0-9])?$/.test(name);
}

/** What the names of a sandbox's network namespaces begin with. The dot keeps sandbox `a` apart from sandbox `a-b`. */
export function netnsPrefix(name: string): string {
  return `weft-${name}.`;
}

/** The network namespace of the node: where the agent lives. */
export function nodeNetns(name: string): string {
  return `${netnsPrefix(name)}node`;
}
