import { readFileSync } from 'node:fs';
import { errorMessage, WeftError } from '../../errors/index.ts';
import { formatProblem, type KdlProblem } from '../../kdl/index.ts';
import { readFiles, readSentinelFiles } from '../../translate/sentinel/index.ts';
import { certificateProblems } from './certificates.ts';
import { folderProblems } from './folders.ts';
import { sentinelFiles } from './sentinel-files.ts';

/** How `weft validate` and `weft lint` were called. */
export interface KdlFlags {
  readonly output: 'text' | 'json';
  /** Whether the files that it names are looked at. */
  readonly files: boolean;
}

/**
 * Everything that is found in the files, in their order; `files`: in certificates and folders that they name, too. Throws a
 * WeftError for one that cannot be read.
 */
export function problemsOf(names: readonly string[], files: boolean): readonly KdlProblem[] {
  return names.flatMap(name => {
    const texts = readFiles(name, {
      ...sentinelFiles,
      read: each => (each === name ? textOf(name) : sentinelFiles.read(each)),
    });
    const { configuration, problems } = readSentinelFiles(texts);
    return configuration && files
      ? [...problems, ...certificateProblems(configuration), ...folderProblems(configuration)]
      : problems;
  });
}

/** As people read it, or as programs do. */
export function problemsText(problems: readonly KdlProblem[], output: KdlFlags['output']): string {
  if (output === 'json') return JSON.stringify(problems, undefined, 2);
  if (problems.length === 0) return 'nothing found';
  return problems.map(formatProblem).join('\n');
}

function textOf(name: string): string {
  try {
    return readFileSync(name === '-' ? 0 : name, 'utf8');
  } catch (error) {
    const why = errorMessage(error).replace(/^(E[A-Z]+): ([^,]+),.*$/, '$2');
    throw new WeftError('unreadable-input', `cannot read ${name}: ${why}`, {
      source: 'config',
      cause: error,
    });
  }
}
