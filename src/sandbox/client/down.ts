import { readFileSync, rmdirSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';
import { endProcesses, fullPath, netnsPrefix, SandboxFolder, sandboxProcesses } from '../host/index.ts';
import { namespacesWith } from '../network/index.ts';
import { run } from '../runtime/index.ts';

/** Apps of a sandbox that is taken down get this long after SIGTERM; preStop hooks are not run. */
const graceMs = 1500;

/**
 * Removes all of a sandbox: processes, network namespaces with their links, mounts, files. Needs neither an agent nor a record:
 * it asks the kernel what there is, so it also cleans up after crashes and interrupted starts. Doing it again does nothing.
 * What could not be removed, in words; empty when nothing is left.
 */
export async function takeDown(name: string): Promise<readonly string[]> {
  process.env.PATH = fullPath();
  const folder = new SandboxFolder(name);
  const left: string[] = [];
  await stopAgent(name, folder);
  const processes = await endProcesses(() => sandboxProcesses(name, folder.path), graceMs);
  for (const pid of processes) left.push(`process ${pid} does not end`);
  for (const netns of namespacesWith(netnsPrefix(name))) {
    const { code, output } = await run(['ip', 'netns', 'del', netns]);
    if (code !== 0) left.push(`network namespace ${netns}: ${output}`);
  }
  for (const mount of mountsBelow(folder.path)) {
    const { code, output } = await run(['umount', '--lazy', mount]);
    if (code !== 0) left.push(`mount ${mount}: ${output}`);
  }
  try {
    rmSync(folder.path, { recursive: true, force: true });
  } catch (error) {
    left.push(`${folder.path}: ${(error as Error).message}`);
  }
  removeIfEmpty(dirname(folder.path));
  return left;
}

/** The last sandbox takes the folder of all sandboxes with it. */
function removeIfEmpty(path: string): void {
  try {
    rmdirSync(path);
  } catch {
    // Another sandbox is in it, or it never was there.
  }
}

/** The agent first: it would start again what is ended. */
async function stopAgent(name: string, folder: SandboxFolder): Promise<void> {
  const isAgent = (pid: number): boolean => commandOf(pid).join(' ').includes(` sandbox agent ${name}`);
  const find = (): number[] => sandboxProcesses(name, folder.path).filter(isAgent);
  await endProcesses(find, graceMs);
}

function commandOf(pid: number): string[] {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'latin1').split('\0');
  } catch {
    return [];
  }
}

/** Deepest first. */
function mountsBelow(path: string): string[] {
  const points = readFileSync('/proc/self/mounts', 'utf8')
    .split('\n')
    .map(line => (line.split(' ')[1] ?? '').replace(/\\040/g, ' '));
  return points.filter(point => point.startsWith(`${path}/`)).sort((a, b) => b.length - a.length);
}
