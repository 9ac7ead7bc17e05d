import type { Finding, FindingSeverity } from '../../analyze/index.ts';
import { formatRef } from '../../model/index.ts';

/** The findings as people read them. */
export function analysisText(found: readonly Finding[]): string {
  const blocks = found.map(({ severity, code, object, path, reason, remedy }) => {
    const where = [object && formatRef(object), path].filter(each => each !== undefined).join(' ');
    return `${severity.padEnd(7)} ${code}${where === '' ? '' : `  ${where}`}\n    ${reason}\n    remedy: ${remedy}`;
  });
  return [...blocks, summary(found)].join('\n\n');
}

function summary(found: readonly Finding[]): string {
  if (found.length === 0) return 'nothing found';
  const count = (severity: FindingSeverity): number =>
    found.filter(each => each.severity === severity).length;
  const words = (number: number, word: string): string => `${number} ${word}${number === 1 ? '' : 's'}`;
  return `${words(count('error'), 'error')}, ${words(count('warning'), 'warning')}, ${words(count('info'), 'hint')}`;
}
