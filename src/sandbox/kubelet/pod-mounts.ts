import { chmodSync, mkdirSync } from 'node:fs';
import { dirname, join, posix, relative } from 'node:path';
import type { Container } from '../kube/index.ts';
import { type Mount, machineFiles } from '../runtime/index.ts';
import type { PodVolumes } from './volumes.ts';

/** What a container sees in its file system beside the machine's own files: its volumes, and the pod's /etc files. */
export function containerMounts(container: Container, folder: string, volumes: PodVolumes): Mount[] {
  const own: Mount[] = ['resolv.conf', 'hosts'].map(name => ({
    source: name,
    target: `/etc/${name}`,
    isFile: true,
    readOnly: false,
  }));
  const mounted = (container.volumeMounts ?? []).map(({ name, mountPath, subPath, readOnly }) => {
    const source = join(volumes.pathOf(name), subPath ?? '');
    const isFile = machineFiles.realPath(source) !== undefined && !isFolder(source);
    if (subPath && machineFiles.realPath(source) === undefined) {
      mkdirSync(source, { recursive: true });
      chmodSync(source, 0o777);
    }
    // What is the sandbox's own is named from the pod's folder on (see Mount.source).
    const sandbox = dirname(dirname(folder));
    const near = source.startsWith(`${sandbox}/`) ? relative(folder, source) : source;
    return { source: near, target: normalTarget(mountPath), isFile, readOnly: readOnly === true };
  });
  return [...own, ...mounted];
}

/** Shows a folder in its place even when a volume is mounted over one above it: weft-init has one at /run. */
export function keepVisible(
  mounts: readonly Mount[],
  folder: string,
  path: string | undefined,
): readonly Mount[] {
  if (path === undefined || !mounts.some(({ target }) => path.startsWith(`${target}/`))) return mounts;
  return [...mounts, { source: relative(folder, path), target: path, isFile: false, readOnly: true }];
}

/** A path as the others are compared with it: absolute, without a slash at its end. */
function normalTarget(path: string): string {
  return posix.join('/', path).replace(/(?<=.)\/+$/, '');
}

/** Whether a path of the container lies in one of its volumes. */
export function isInVolume(path: string, mounts: readonly Mount[]): boolean {
  const normal = normalTarget(path);
  return mounts.some(
    ({ target, isFile }) => normal === target || (!isFile && normal.startsWith(`${target}/`)),
  );
}

/**
 * A volume mounted over a file or folder of this machine that stands for one of the image would hide it: on a real node the image
 * would not be there.
 */
export function hiddenBy(
  mounts: readonly Mount[],
  paths: readonly string[],
): { problem: string } | undefined {
  for (const { target } of mounts) {
    const path = paths.find(candidate => candidate.startsWith(`${target}/`));
    if (path)
      return {
        problem: `its volume at ${target} hides ${path}, which it runs from; mount the volume elsewhere`,
      };
  }
  return undefined;
}

function isFolder(path: string): boolean {
  return machineFiles.realPath(join(path, '.')) !== undefined;
}
