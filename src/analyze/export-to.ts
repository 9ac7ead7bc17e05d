// Namespaces in exportTo that do not exist: what is exported to them is seen by nobody.

import { fieldAt } from '../plain/index.ts';
import type { AnalysisContext } from './context.ts';
import { type Finding, finding } from './finding.ts';

const annotation = 'networking.istio.io/exportTo';
const special: readonly string[] = ['.', '*', '~', ''];

/** Findings about exportTo. Of policies alone nothing is said: their namespaces stand elsewhere. */
export function exportFindings({ objects, knowsServices }: AnalysisContext): readonly Finding[] {
  const isNamespace = ({ object }: (typeof objects)[number]): boolean => object.kind === 'Namespace';
  if (!knowsServices && !objects.some(isNamespace)) return [];
  const known = new Set(objects.map(each => (isNamespace(each) ? each.ref.name : each.ref.namespace)));
  return objects.flatMap(({ object, ref }) => {
    const said = object.apiVersion.includes('istio.io/') ? fieldAt(object, 'spec', 'exportTo') : undefined;
    const service = object.kind === 'Service' ? object.metadata.annotations?.[annotation] : undefined;
    const named = Array.isArray(said)
      ? said.map(String)
      : (service?.split(',').map(each => each.trim()) ?? []);
    return named.flatMap((name, index) => {
      if (special.includes(name) || known.has(name)) return [];
      const path = service === undefined ? `spec.exportTo[${index}]` : `metadata.annotations[${annotation}]`;
      const reason = `there is no namespace ${name}, to which it is exported`;
      return [finding('namespace-unknown', { object: ref, path, reason })];
    });
  });
}
