// What proxies refuse, as the control plane has written it into the status of objects: only a cluster can tell.
import { recordOf, recordsOf } from '../plain/index.ts';
import type { AnalysisContext } from './context.ts';
import type { Finding } from './finding.ts';

const code = 'refused-by-proxies';
/** How the control plane's words go; see translate/status/proxy-refusals.ts. */
const words = /the prox(?:y|ies) of [^:]* not take this [^\n]*?\(weft check\)/;

/** Findings about objects whose status says that proxies do not take what they say. */
export function proxyRefusalFindings({ objects }: AnalysisContext): readonly Finding[] {
  return objects.flatMap(({ object, ref }): readonly Finding[] => {
    const [reason] = words.exec(messagesOf(object.status).join('\n')) ?? [];
    if (reason === undefined) return [];
    const remedy =
      'correct what is named, or restart pods whose proxy is of another version than the control plane';
    return [{ code, severity: 'error', object: ref, reason, remedy }];
  });
}

/** Of conditions of Istio's shape, and of those of each parent. */
function messagesOf(status: unknown): readonly string[] {
  const { conditions, parents } = recordOf(status);
  return [...recordsOf(conditions), ...recordsOf(parents).flatMap(each => recordsOf(each.conditions))].map(
    ({ message }) => String(message),
  );
}
