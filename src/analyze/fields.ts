// Misspelt fields of Kubernetes' own kinds: kubectl refuses them, or the API server drops them without a word, and a probe is
// none.
import { pathText } from '../../webhook/inject/index.ts';
import { unknownFields, unknownWords } from '../schema/index.ts';
import type { AnalysisContext } from './context.ts';
import { type Finding, finding } from './finding.ts';
import { templatesOf } from './pod-templates.ts';

/**
 * Findings about fields that are none, in what files say: a cluster has no such fields, or it is newer than the table of them.
 */
export function fieldFindings({ objects }: AnalysisContext): readonly Finding[] {
  return objects
    .filter(({ ref }) => ref.origin !== undefined)
    .flatMap(stored => {
      const templates = templatesOf(stored).map(({ path }) => pathText(path));
      return unknownFields(stored.object).map(field => {
        const isOfPod = templates.some(path => path === '' || field.path.startsWith(`${path}.`));
        const { path } = field;
        const reason = unknownWords(field);
        return finding(isOfPod ? 'pod-field-unknown' : 'field-unknown', { object: stored.ref, path, reason });
      });
    });
}
