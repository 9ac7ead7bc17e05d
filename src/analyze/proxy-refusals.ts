// What proxies refuse, as the control plane has written it into the status of objects: only a cluster can tell.
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
  const { conditions, parents } = (status ?? {}) as { conditions?: unknown; parents?: unknown };
  const list = (value: unknown): readonly { message?: unknown; conditions?: unknown }[] =>
    Array.isArray(value) ? value.filter(each => typeof each === 'object' && each !== null) : [];
  return [...list(conditions), ...list(parents).flatMap(each => list(each.conditions))].map(each =>
    String(each.message),
  );
}
