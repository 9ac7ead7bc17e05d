// The MutatingWebhookConfiguration of a revision or a tag: which pods the API server asks that revision about. In: what was
// chosen at install time. Out: the object. The caBundle is not in it: the control plane writes that (ca-bundle.ts), and nobody
// else touches it.
import { DEFAULT_REVISION, LABELS, revisionNames, tagName } from '../../src/config/index.ts';
import { type EntriesChoice, webhookEntries } from './entries.ts';

/** What decides the configuration. `answersTo` another name than the revision's own: a tag. */
export interface ConfigurationChoice extends EntriesChoice {
  /** Whose webhook is called; the default's unless told. */
  readonly revision?: string;
}

/** The configuration's name, and the labels by which the control plane that it calls knows it. */
function identityOf({ revision = DEFAULT_REVISION, answersTo = revision }: ConfigurationChoice): {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
} {
  const isTag = answersTo !== revision;
  return {
    name: isTag ? tagName(answersTo) : revisionNames(revision).injector,
    labels: { [LABELS.revision]: revision, ...(isTag && { [LABELS.tag]: answersTo }) },
  };
}

/** The whole object; `labels` for its metadata. */
export function webhookConfiguration(
  choice: ConfigurationChoice,
  labels: Readonly<Record<string, string>>,
): Record<string, unknown> {
  const { revision = DEFAULT_REVISION, answersTo = revision } = choice;
  const { name, labels: own } = identityOf(choice);
  const service = { name: revisionNames(revision).injector, namespace: choice.systemNamespace };
  return {
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind: 'MutatingWebhookConfiguration',
    metadata: { name, labels: { ...labels, ...own } },
    webhooks: webhookEntries({ ...choice, answersTo }).map(entry => ({
      name: entry.name,
      clientConfig: { service: { ...service, path: entry.path, port: 443 } },
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
