// What the control plane may do where gateways are: read what they name, and, where it is told to deploy them, write their
// objects.
import { LABELS, revisionNames } from '../../config/index.ts';
import { PART_OF } from './names.ts';
import type { Manifest } from './objects.ts';
import type { InstallOptions } from './options.ts';
import type { Rule } from './rbac.ts';

const group = 'rbac.authorization.k8s.io';

const readRule: Rule = {
  why: 'gateways: certificates, logins, authorities, fields of headers; which ones, only Gateways and Ingresses say',
  apiGroups: [''],
  resources: ['secrets', 'configmaps'],
  verbs: ['list', 'watch'],
};

/** Where certificates are fetched from ACME servers: accounts, challenges and what was issued are Secrets. */
const writeRule: Rule = {
  why: 'gateways: certificates from ACME servers, their accounts and challenges (CertificateIssuer)',
  apiGroups: [''],
  resources: ['secrets'],
  verbs: ['get', 'create', 'update', 'delete'],
};

/**
 * To read what Gateways name where one is (`own`), and the Secrets and ConfigMaps that its Ingresses name in other namespaces, or
 * in `all` of the cluster. `writes`: and to write them, where certificates are fetched.
 */
export function readRights(
  options: InstallOptions,
  own: string,
  secrets: 'all' | readonly string[],
  writes = false,
): readonly Manifest[] {
  const { injector } = revisionNames(options.revision);
  const metadata = { name: `${injector}-certificates`, labels: labelsOf(options) };
  const others = secrets === 'all' ? [] : secrets;
  const more = writes ? [writeRule] : [];
  return [
    ...pair('Role', { ...metadata, namespace: own }, options, [readRule, ...more]),
    ...others.flatMap(namespace => pair('Role', { ...metadata, namespace }, options, [readRule, ...more])),
    ...(secrets === 'all' ? pair('ClusterRole', metadata, options, [readRule, ...more]) : []),
  ];
}

/** Who may write Deployments can run anything as any ServiceAccount of the namespace: see docs/rights.md. */
export function deployRules(): readonly Rule[] {
  const kept = (apiGroup: string, ...resources: readonly string[]): Rule => ({
    why: 'gateways: their proxies, Service and ServiceAccount, made, kept and taken away',
    apiGroups: [apiGroup],
    resources,
    verbs: ['get', 'list', 'watch', 'create', 'patch', 'delete'],
  });
  return [
    readRule,
    kept('', 'serviceaccounts', 'services'),
    kept('apps', 'deployments'),
    kept('autoscaling', 'horizontalpodautoscalers'),
    kept('policy', 'poddisruptionbudgets'),
  ];
}

/** Where the control plane deploys gateways (`--deploy-gateways`): in some namespaces, or in all. */
export function deployRights(options: InstallOptions): Manifest[] {
  const { deployGateways } = options;
  const name = `${revisionNames(options.revision).injector}-gateways`;
  const labels = labelsOf(options);
  if (deployGateways === '') return [];
  if (deployGateways === 'all') return pair('ClusterRole', { name, labels }, options, deployRules());
  return deployGateways
    .split(',')
    .flatMap(namespace => pair('Role', { name, namespace, labels }, options, deployRules()));
}

/** Of rights of a revision. */
export function labelsOf({ revision }: InstallOptions): Record<string, string> {
  return { ...PART_OF, [LABELS.revision]: revision };
}

/** Rights of Secrets alone, in the namespaces that an option names, whoever deploys the gateways there. */
export interface NamespaceGrant {
  readonly option: 'secretNamespaces' | 'certificateNamespaces';
  /** What the names of the Roles end with. */
  readonly role: string;
  readonly rules: readonly Rule[];
}

const secretsRule: Rule = { ...readRule, resources: ['secrets'] };

/** Every one that there is. */
export const NAMESPACE_GRANTS: readonly NamespaceGrant[] = [
  { option: 'secretNamespaces', role: 'secrets', rules: [secretsRule] },
  {
    option: 'certificateNamespaces',
    role: 'acme',
    rules: [{ ...writeRule, verbs: [...secretsRule.verbs, ...writeRule.verbs] }],
  },
];

/** What its Roles are called. */
export function grantRole({ role }: NamespaceGrant, revision: string): string {
  return `${revisionNames(revision).injector}-${role}`;
}

/** The Roles and bindings of one. */
export function grantedRights(grant: NamespaceGrant, options: InstallOptions): Manifest[] {
  const { option, rules } = grant;
  const name = grantRole(grant, options.revision);
  const labels = labelsOf(options);
  const namespaces = options[option] === '' ? [] : options[option].split(',');
  return namespaces.flatMap(namespace => pair('Role', { name, namespace, labels }, options, rules));
}

/** A role and its binding to the control plane. */
export function pair(
  kind: 'Role' | 'ClusterRole',
  metadata: Manifest['metadata'],
  options: InstallOptions,
  rules: readonly Rule[],
): Manifest[] {
  return [
    { apiVersion: `${group}/v1`, kind, metadata, rules: rules.map(({ why: _, ...rule }) => rule) },
    {
      apiVersion: `${group}/v1`,
      kind: `${kind}Binding`,
      metadata,
      roleRef: { apiGroup: group, kind, name: metadata.name },
      subjects: [
        {
          kind: 'ServiceAccount',
          name: revisionNames(options.revision).injector,
          namespace: options.namespace,
        },
      ],
    },
  ];
}
