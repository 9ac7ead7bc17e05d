// Which pods the API server asks a webhook about, as label selectors. Of all configurations, of revisions and of tags, one entry
// at most matches a pod, so that one control plane at most injects it: inject/revision.ts has the rule in words.
import { DEFAULT_REVISION, LABELS } from '../../src/config/index.ts';
import type { AcceptedMesh } from '../inject/foreign/table.ts';
import { WEBHOOK_PATHS } from './paths.ts';

/** What the names of Weft's entries in the configuration end with; those of others are never touched. */
export const ENTRY_SUFFIX = '.inject.weft.dev';

/** What decides the entries. */
export interface EntriesChoice {
  readonly systemNamespace: string;
  /** Never asked about, whatever their labels. */
  readonly ignoredNamespaces: readonly string[];
  readonly failurePolicy: 'Fail' | 'Ignore';
  readonly accept: readonly AcceptedMesh[];
  /** The value of revision labels that is meant: a revision's name, or a tag; `default` unless told, with all who name none. */
  readonly answersTo?: string;
}

/** An expression of a label selector. */
export interface Expression {
  readonly key: string;
  readonly operator: 'In' | 'NotIn' | 'Exists' | 'DoesNotExist';
  readonly values?: readonly string[];
}

/** One entry: a name, what it looks at, and whether labels alone decide. */
export interface WebhookEntry {
  readonly name: string;
  readonly namespaces: readonly Expression[];
  readonly pods: readonly Expression[];
  readonly path: string;
  readonly failurePolicy: 'Fail' | 'Ignore';
}

const yes = ['enabled', 'true'];
const no = ['disabled', 'false'];

const is = (key: string, ...values: readonly string[]): Expression => ({ key, operator: 'In', values });
const hasNot = (key: string): Expression => ({ key, operator: 'DoesNotExist' });
/** Also true of what does not have the label. */
const isNot = (key: string, ...values: readonly string[]): Expression => ({ key, operator: 'NotIn', values });

const { inject, revision, istioInject, istioRevision, sidecarInject } = LABELS;
const saysYes = is(inject, ...yes);
const saysNo = is(inject, ...no);
const saysNotNo = isNot(inject, ...no);
const saysNothing = isNot(inject, ...yes, ...no);

/** Namespaces and pods of an entry, by what its name begins with. */
type Selected = readonly (readonly [
  name: string,
  namespaces: readonly Expression[],
  pods: readonly Expression[],
])[];

/**
 * The entries for a choice. Where one matches, the others do not, so that a pod is asked about once. System namespaces are
 * excluded by the name that Kubernetes 1.21 and newer labels them with; on older ones they are excluded because nobody labels
 * them for injection.
 */
export function webhookEntries(choice: EntriesChoice): WebhookEntry[] {
  const { failurePolicy, accept, answersTo = DEFAULT_REVISION } = choice;
  const excluded = [...new Set([choice.systemNamespace, ...choice.ignoredNamespaces])];
  const outside = isNot('kubernetes.io/metadata.name', ...excluded);
  const istio = accept.includes('istio');
  const isDefault = answersTo === DEFAULT_REVISION;
  const selected: Selected = [
    ...(isDefault ? (istio ? unnamedWithIstio() : unnamed()) : []),
    ...named(answersTo, istio),
    ...(istio ? namedByIstio(answersTo) : []),
  ];
  const entries: WebhookEntry[] = selected.map(([name, namespaces, pods]) => ({
    ...{ name: `${name}${ENTRY_SUFFIX}`, namespaces: [...namespaces, outside], pods },
    ...{ path: WEBHOOK_PATHS.labelled, failurePolicy },
  }));
  if (isDefault && (accept.includes('linkerd') || accept.includes('consul'))) {
    // Linkerd's and Consul's words are annotations, which no selector sees: this entry sees every other namespace, so it must
    // not hold up the pods of a whole cluster when nobody answers.
    const foreign = istio ? [isNot(istioInject, 'enabled'), hasNot(istioRevision)] : [];
    const foreignPods = istio ? [isNot(sidecarInject, 'true'), hasNot(istioRevision)] : [];
    entries.push({
      ...{ name: `annotated${ENTRY_SUFFIX}`, path: WEBHOOK_PATHS.everywhere, failurePolicy: 'Ignore' },
      namespaces: [saysNothing, hasNot(revision), ...foreign, outside],
      pods: [saysNothing, hasNot(revision), ...foreignPods],
    });
  }
  return entries;
}

/** Pods and namespaces that name a revision in Weft's words. */
function named(name: string, istio: boolean): Selected {
  return [
    ['revision-namespace', [is(revision, name), saysNothing], [...namesNone(istio), saysNotNo]],
    ['revision-pod', [], [is(revision, name), saysNotNo]],
  ];
}

/** In Istio's words, where Weft's say nothing. */
function namedByIstio(name: string): Selected {
  const namespace = [
    ...[saysNothing, hasNot(revision)],
    ...[isNot(istioInject, 'enabled', 'disabled'), is(istioRevision, name)],
  ];
  const sidecar = isNot(sidecarInject, 'false');
  return [
    ['istio-revision', namespace, [...namesNone(true), saysNothing, sidecar]],
    ['istio-revision-asked', namespace, [...namesNone(true), saysYes]],
    ['istio-pod-revision', [], [hasNot(revision), is(istioRevision, name), saysNotNo]],
  ];
}

/** Whose namespace, or nobody, decides the revision. */
function namesNone(istio: boolean): readonly Expression[] {
  return istio ? [hasNot(revision), hasNot(istioRevision)] : [hasNot(revision)];
}

/** Those that name no revision, where Weft's words alone count: the default's. */
function unnamed(): Selected {
  return [
    ['namespace', [saysYes], [...namesNone(false), saysNotNo]],
    ['pod', [saysNothing, hasNot(revision)], [...namesNone(false), saysYes]],
    ['pod-in-disabled', [saysNo], [...namesNone(false), saysYes]],
  ];
}

/** The same where Istio's count, too. */
function unnamedWithIstio(): Selected {
  const none = namesNone(true);
  const own = [saysNothing, hasNot(revision)];
  const nothing = [...own, isNot(istioInject, 'enabled', 'disabled'), hasNot(istioRevision)];
  const asksIstio = [...none, saysNothing, is(sidecarInject, 'true')];
  return [
    ['namespace', [saysYes], [...none, saysNotNo]],
    ['pod', nothing, [...none, saysYes]],
    ['pod-in-disabled', [saysNo], [...none, saysYes]],
    ['pod-in-istio', [...own, is(istioInject, 'enabled', 'disabled')], [...none, saysYes]],
    [
      'istio-namespace',
      [...own, is(istioInject, 'enabled')],
      [...none, saysNothing, isNot(sidecarInject, 'false')],
    ],
    ['istio-pod', nothing, asksIstio],
    ['istio-pod-in-disabled', [saysNo, isNot(istioInject, 'disabled')], asksIstio],
  ];
}
