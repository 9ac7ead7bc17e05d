// Everything that `weft install` prints, as one pure function from options to objects, in the order to apply them.
import { stringify } from 'yaml';
import { injectOptions, webhookConfiguration } from '../../../webhook/index.ts';
import { LABELS, PORTS, revisionNames } from '../../config/index.ts';
import { machineRights } from './beyond.ts';
import { policyDefinitions } from './definitions.ts';
import { deployment } from './deployment.ts';
import { deployRights, grantedRights, NAMESPACE_GRANTS } from './gateway-rights.ts';
import { NAMES, PART_OF, selectorOf } from './names.ts';
import { networkPolicy } from './network-policies.ts';
import { hasMinor, type InstallOptions } from './options.ts';
import { clusterRules, ownRules, type Rule, reachRules, userRoles } from './rbac.ts';

/** A Kubernetes object as it is printed. */
export interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string; readonly [key: string]: unknown };
  readonly [key: string]: unknown;
}

/** The objects of an installation. The same options always give the same objects. */
export function installObjects(options: InstallOptions): Manifest[] {
  return [...sharedObjects(options), ...revisionObjects(options)];
}

/** Of every object. */
function labelsOf({ version }: InstallOptions): Record<string, string> {
  return { ...PART_OF, 'app.kubernetes.io/version': version };
}

/** What all revisions have in common: it stays when one of them goes. */
export function sharedObjects(options: InstallOptions): Manifest[] {
  const { namespace } = options;
  const labels = labelsOf(options);
  const group = 'rbac.authorization.k8s.io';
  return [
    namespaceObject(namespace, labels),
    ...policyDefinitions(labels),
    ...userRoles().map(({ name, rules }) => ({
      apiVersion: `${group}/v1`,
      kind: 'ClusterRole',
      metadata: { name, labels },
      rules: rules.map(withoutReason),
    })),
    {
      apiVersion: `${group}/v1`,
      kind: 'Role',
      metadata: { name: NAMES.reach, namespace, labels },
      rules: reachRules().map(withoutReason),
    },
  ];
}

/** What one revision has to itself. Its control plane's rights, too: those of another version are as that needs them. */
export function revisionObjects(options: InstallOptions): Manifest[] {
  const { namespace, revision } = options;
  const names = revisionNames(revision);
  const marks = { [LABELS.revision]: revision };
  const labels = { ...labelsOf(options), ...marks };
  const metadata = { name: names.injector, labels };
  const own = { name: names.injector, namespace, labels };
  const subject = { kind: 'ServiceAccount', name: names.injector, namespace };
  const group = 'rbac.authorization.k8s.io';
  const choice = {
    systemNamespace: namespace,
    ignoredNamespaces: injectOptions().ignoredNamespaces,
    failurePolicy: options.failurePolicy,
    accept: options.acceptLabels,
    revision,
  };
  return [
    { apiVersion: 'v1', kind: 'ServiceAccount', metadata: own },
    {
      apiVersion: `${group}/v1`,
      kind: 'ClusterRole',
      metadata,
      rules: clusterRules(options).map(withoutReason),
    },
    {
      apiVersion: `${group}/v1`,
      kind: 'ClusterRoleBinding',
      metadata,
      roleRef: { apiGroup: group, kind: 'ClusterRole', name: names.injector },
      subjects: [subject],
    },
    { apiVersion: `${group}/v1`, kind: 'Role', metadata: own, rules: ownRules(options).map(withoutReason) },
    {
      apiVersion: `${group}/v1`,
      kind: 'RoleBinding',
      metadata: own,
      roleRef: { apiGroup: group, kind: 'Role', name: names.injector },
      subjects: [subject],
    },
    ...deployRights(options),
    ...NAMESPACE_GRANTS.flatMap(each => grantedRights(each, options)),
    ...machineRights(options),
    {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: names.settings, namespace, labels },
      data: {
        'injection.yaml': settingsText(options),
        ...(options.issuer !== '' && { 'issuer.yaml': options.issuer }),
      },
    },
    service(own, revision),
    deployment(options, labelsOf(options), marks) as unknown as Manifest,
    networkPolicy(options, labels) as unknown as Manifest,
    ...(options.replicas > 1 ? [disruptionBudget(options, own)] : []),
    webhookConfiguration(choice, labels) as unknown as Manifest,
  ];
}

function namespaceObject(name: string, labels: Record<string, string>): Manifest {
  const level = (mode: string) => ({ [`pod-security.kubernetes.io/${mode}`]: 'restricted' });
  return {
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: {
      name,
      labels: {
        ...labels,
        'weft.dev/inject': 'disabled',
        ...level('enforce'),
        ...level('audit'),
        ...level('warn'),
      },
    },
  };
}

function withoutReason({ why: _, ...rule }: Rule): Omit<Rule, 'why'> {
  return rule;
}

/** The text that webhook/'s settings-file reads. */
export function settingsText(options: InstallOptions): string {
  return stringify(
    {
      proxyImage: options.proxyImage,
      imagePullPolicy: options.imagePullPolicy,
      nativeSidecars: options.nativeSidecars,
      redirection: options.redirection,
      acceptLabels: options.acceptLabels,
      refusedPods: options.refusedPods,
      logLevel: options.proxyLogLevel,
      accessLog: options.accessLog,
      proxyResources: options.proxyResources,
    },
    { version: '1.1', lineWidth: 0 },
  );
}

function service(metadata: Manifest['metadata'], revision: string): Manifest {
  const port = (name: string, number: number, targetPort: string) => ({
    name,
    port: number,
    targetPort,
    protocol: 'TCP',
  });
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata,
    spec: {
      selector: { ...selectorOf(revision) },
      ports: [
        port('https-webhook', 443, 'https-webhook'),
        port('tls-discovery', PORTS.discovery, 'tls-discovery'),
        port('http-metrics', PORTS.controlPlaneMetrics, 'http-metrics'),
        port('https-live', PORTS.live, 'https-live'),
      ],
    },
  };
}

function disruptionBudget(options: InstallOptions, metadata: Manifest['metadata']): Manifest {
  return {
    apiVersion: hasMinor(options.kubernetesVersion, 21) ? 'policy/v1' : 'policy/v1beta1',
    kind: 'PodDisruptionBudget',
    metadata,
    spec: { maxUnavailable: 1, selector: { matchLabels: { ...selectorOf(options.revision) } } },
  };
}

/** Objects as YAML documents that every parser reads alike. */
export function manifestText(objects: readonly Manifest[]): string {
  const documents = objects.map(object =>
    stringify(object, { version: '1.1', lineWidth: 0, aliasDuplicateObjects: false }),
  );
  return documents.join('---\n');
}
