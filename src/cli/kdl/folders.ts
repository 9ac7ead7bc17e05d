import { statSync } from 'node:fs';
import { errorMessage } from '../../errors/index.ts';
import type { KdlProblem } from '../../kdl/index.ts';
import type { SentinelConfiguration } from '../../translate/sentinel/index.ts';

/** Folders of static-files that are none: all that is asked of their routes would be answered 404. */
export function folderProblems({ routes }: SentinelConfiguration): readonly KdlProblem[] {
  return routes.flatMap(({ action }) => {
    if (action.kind !== 'files') return [];
    const { root, at } = action.files;
    const why = folderFault(root);
    const message = `root ${root} of static-files cannot be served: ${why}`;
    return why === undefined ? [] : [{ severity: 'error', code: 'sentinel-folder', message, at }];
  });
}

function folderFault(root: string): string | undefined {
  try {
    return statSync(root).isDirectory() ? undefined : 'it is no folder';
  } catch (error) {
    return errorMessage(error);
  }
}
