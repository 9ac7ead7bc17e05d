// The MutatingWebhookConfiguration: which pods the API server asks about. In: what was chosen at install time. Out: the object.
// The caBundle is not in it: the control plane writes that (ca-bundle.ts), and nobody else touches it.
import { LABELS } from '../../src/config/index.ts';
import type { AcceptedMesh } from '../inject/foreign/table.ts';
import { WEBHOOK_PATHS } from './paths.ts';

/** Name of the configuration object, of the Service it calls, and of Weft's ServiceAccount. */
export const INJECTOR = 'weft-injector';

/** What the names of Weft's entries in the configuration end with; those of others are never touched. */
export const ENTRY_SUFFIX = '.inject.weft.dev';

/** What decides the configuration. */
export interface ConfigurationChoice {
  readonly systemNamespace: string;
  /** Never asked about, whatever their labels. */
  readonly ignoredNamespaces: readonly string[];
  readonly failurePolicy: 'Fail' | 'Ignore';
  readonly accept: readonly AcceptedMesh[];
}

/** An expression of a label selector. */
interface Expression {
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

const is = (key: string, values: readonly string[]): Expression => ({ key, operator: 'In', values });
const has = (key: string): Expression => ({ key, operator: 'Exists' });
const hasNot = (key: string): Expression => ({ key, operator: 'DoesNotExist' });
/** Also true of what does not have the label. */
const isNot = (key: string, values: readonly string[]): Expression => ({ key, operator: 'NotIn', values });

/**
 * The entries for a choice. Where one matches, the others do not, so that a pod is asked about once. System namespaces are
 * excluded by the name that Kubernetes 1.21 and newer labels them with; on older ones they are excluded because nobody labels
 * them for injection.
 */
export function webhookEntries(choice: ConfigurationChoice): WebhookEntry[] {
  const { failurePolicy, accept } = choice;
  const excluded = [...new Set([choice.systemNamespace, ...choice.ignoredNamespaces])];
  const outside = isNot('kubernetes.io/metadata.name', excluded);
  const base = { path: WEBHOOK_PATHS.labelled, failurePolicy };
  const entries: WebhookEntry[] = [
    {
      ...base,
      name: `namespace${ENTRY_SUFFIX}`,
      namespaces: [is(LABELS.inject, yes), outside],
      pods: [isNot(LABELS.inject, no)],
    },
    {
      ...base,
      name: `pod${ENTRY_SUFFIX}`,
      namespaces: [isNot(LABELS.inject, yes), outside],
      pods: [is(LABELS.inject, yes)],
    },
  ];
  const foreign: Expression[] = [];
  const foreignPods: Expression[] = [];
  if (accept.includes('istio')) {
    entries.push(
      {
        ...base,
        name: `istio-namespace${ENTRY_SUFFIX}`,
        namespaces: [is(LABELS.istioInject, ['enabled']), isNot(LABELS.inject, [...yes, ...no]), outside],
        pods: [isNot(LABELS.inject, [...yes, ...no]), isNot(LABELS.sidecarInject, ['false'])],
      },
      {
        ...base,
        name: `istio-pod${ENTRY_SUFFIX}`,
        namespaces: [isNot(LABELS.istioInject, ['enabled']), isNot(LABELS.inject, yes), outside],
        pods: [isNot(LABELS.inject, [...yes, ...no]), is(LABELS.sidecarInject, ['true'])],
      },
    );
    const noWord = isNot(LABELS.sidecarInject, ['true', 'false']);
    entries.push(
      {
        ...base,
        name: `istio-revision${ENTRY_SUFFIX}`,
        namespaces: [
          has(LABELS.istioRevision),
          isNot(LABELS.istioInject, ['enabled', 'disabled']),
          isNot(LABELS.inject, [...yes, ...no]),
          outside,
        ],
        pods: [isNot(LABELS.inject, [...yes, ...no]), noWord],
      },
      {
        ...base,
        name: `istio-pod-revision${ENTRY_SUFFIX}`,
        namespaces: [
          hasNot(LABELS.istioRevision),
          isNot(LABELS.istioInject, ['enabled', 'disabled']),
          isNot(LABELS.inject, yes),
          outside,
        ],
        pods: [isNot(LABELS.inject, [...yes, ...no]), noWord, has(LABELS.istioRevision)],
      },
    );
    foreign.push(isNot(LABELS.istioInject, ['enabled']), hasNot(LABELS.istioRevision));
    foreignPods.push(isNot(LABELS.sidecarInject, ['true']), hasNot(LABELS.istioRevision));
  }
  if (accept.includes('linkerd') || accept.includes('consul')) {
    // Linkerd's and Consul's words are annotations, which no selector sees: this entry sees every other namespace, so it must
    // not hold up the pods of a whole cluster when nobody answers.
    entries.push({
      name: `annotated${ENTRY_SUFFIX}`,
      path: WEBHOOK_PATHS.everywhere,
      failurePolicy: 'Ignore',
      namespaces: [isNot(LABELS.inject, [...yes, ...no]), ...foreign, outside],
      pods: [isNot(LABELS.inject, [...yes, ...no]), ...foreignPods],
    });
  }
  return entries;
}

/** The whole object; `labels` for its metadata. */
export function webhookConfiguration(
  choice: ConfigurationChoice,
  labels: Readonly<Record<string, string>>,
): Record<string, unknown> {
  return {
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind: 'MutatingWebhookConfiguration',
    metadata: { name: INJECTOR, labels: { ...labels } },
    webhooks: webhookEntries(choice).map(entry => ({
      name: entry.name,
      clientConfig: {
        service: { name: INJECTOR, namespace: choice.systemNamespace, path: entry.path, port: 443 },
      },
      rules: [
        {
          operations: ['CREATE'],
          apiGroups: [''],
          apiVersions: ['v1'],
          resources: ['pods'],
          scope: 'Namespaced',
        },
      ],
      namespaceSelector: { matchExpressions: entry.namespaces },
      objectSelector: { matchExpressions: entry.pods },
      failurePolicy: entry.failurePolicy,
      matchPolicy: 'Equivalent',
      sideEffects: 'NoneOnDryRun',
      reinvocationPolicy: 'IfNeeded',
      timeoutSeconds: 5,
      admissionReviewVersions: ['v1', 'v1beta1'],
    })),
  };
}
