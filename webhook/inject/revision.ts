// Which revision of the control plane a pod chooses. The selectors of the webhook configurations (admission/entries.ts) say the
// same to the API server.
import { DEFAULT_REVISION, LABELS } from '../../src/config/index.ts';
import type { Labels } from '../../src/model/index.ts';

/** What a pod chooses, and by which label: `namespace label weft.dev/rev=canary`; no label where none says anything. */
export interface RevisionChoice {
  /** A revision or a tag; there may be none of that name. */
  readonly name: string;
  readonly by?: string;
}

const says = (value: string | undefined, words: readonly string[]): boolean =>
  value !== undefined && words.includes(value);

/**
 * The first of these decides: the pod's label, its namespace's. On a namespace `weft.dev/inject` means the default and goes over
 * `weft.dev/rev`, as Istio's `istio-injection` goes over `istio.io/rev`; on one level Weft's labels go over Istio's, which count
 * where `acceptsIstio`. Says nothing of whether the pod is injected at all.
 */
export function chosenRevision(pod: Labels, namespace: Labels, acceptsIstio: boolean): RevisionChoice {
  const keys = acceptsIstio ? [LABELS.revision, LABELS.istioRevision] : [LABELS.revision];
  for (const key of keys) if (pod[key] !== undefined) return choice(pod[key], `pod label ${key}`);
  if (says(namespace[LABELS.inject], ['enabled', 'true', 'disabled', 'false']))
    return choice(DEFAULT_REVISION, `namespace label ${LABELS.inject}`, namespace[LABELS.inject]);
  const own = namespace[LABELS.revision];
  if (own !== undefined) return choice(own, `namespace label ${LABELS.revision}`);
  if (!acceptsIstio) return { name: DEFAULT_REVISION };
  const istio = namespace[LABELS.istioInject];
  if (says(istio, ['enabled', 'disabled']))
    return choice(DEFAULT_REVISION, `namespace label ${LABELS.istioInject}`, istio);
  const theirs = namespace[LABELS.istioRevision];
  return theirs === undefined
    ? { name: DEFAULT_REVISION }
    : choice(theirs, `namespace label ${LABELS.istioRevision}`);
}

function choice(name: string, key: string, value = name): RevisionChoice {
  return { name, by: `${key}=${value}` };
}
