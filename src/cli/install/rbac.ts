// What the control plane may do, as little as it can be, each rule with its reason. docs/install.md says the same in prose.
import { HAPROXY_CONFIG, INGRESS_CONFIG, MESH_CONFIG, revisionNames } from '../../config/index.ts';
import { dialects } from '../../translate/dialects.ts';
import { hasStatus } from '../../translate/status/index.ts';
import { issuerRules } from './issuer.ts';
import { NAMES } from './names.ts';
import { type InstallOptions, installOptions } from './options.ts';

/** A PolicyRule, and why it is there. */
export interface Rule {
  readonly why: string;
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly resourceNames?: readonly string[];
  readonly verbs: readonly string[];
}

const follow = ['list', 'watch'];

/** In the whole cluster, of the control plane of a revision. */
export function clusterRules({ revision }: InstallOptions = installOptions()): Rule[] {
  return [
    {
      why: 'discovery: who is where',
      apiGroups: [''],
      resources: ['services', 'endpoints', 'pods', 'namespaces', 'nodes'],
      verbs: follow,
    },
    {
      why: 'discovery: endpoints where the server has slices',
      apiGroups: ['discovery.k8s.io'],
      resources: ['endpointslices'],
      verbs: follow,
    },
    {
      why: 'discovery: settings of the mesh, and of Ingresses, as a whole',
      apiGroups: [''],
      resources: ['configmaps'],
      resourceNames: [...MESH_CONFIG, INGRESS_CONFIG, HAPROXY_CONFIG],
      verbs: follow,
    },
    ...policyRules(),
    ...statusRules(),
    {
      why: 'injection: the labels of a namespace at this moment, and pods that injection missed',
      apiGroups: [''],
      resources: ['namespaces', 'pods'],
      verbs: ['get'],
    },
    {
      why: "injection: the annotations of a pod's workload",
      apiGroups: ['apps'],
      resources: ['replicasets', 'statefulsets', 'daemonsets'],
      verbs: ['get'],
    },
    {
      why: "injection: the annotations of a pod's workload",
      apiGroups: ['batch'],
      resources: ['jobs', 'cronjobs'],
      verbs: ['get'],
    },
    {
      why: 'injection: why a pod was left out',
      apiGroups: [''],
      resources: ['events'],
      verbs: ['create'],
    },
    {
      why: 'identity: whom the token of a proxy, or of a user of the live API, speaks for',
      apiGroups: ['authentication.k8s.io'],
      resources: ['tokenreviews'],
      verbs: ['create'],
    },
    {
      why: 'live API: whether who asks running proxies (weft tap) may',
      apiGroups: ['authorization.k8s.io'],
      resources: ['subjectaccessreviews'],
      verbs: ['create'],
    },
    {
      why: 'live API: who signs the client certificates of users, whom it knows by these',
      apiGroups: [''],
      resources: ['configmaps'],
      resourceNames: ['extension-apiserver-authentication'],
      verbs: ['get'],
    },
    {
      why: 'trust: the roots of the mesh, in every meshed namespace',
      apiGroups: [''],
      resources: ['configmaps'],
      verbs: ['create'],
    },
    {
      why: 'trust: the roots of the mesh, in every meshed namespace',
      apiGroups: [''],
      resources: ['configmaps'],
      resourceNames: [NAMES.trust],
      verbs: ['list', 'watch', 'patch'],
    },
    {
      why: 'webhook: which labels choose which revision, and which tags there are',
      apiGroups: ['admissionregistration.k8s.io'],
      resources: ['mutatingwebhookconfigurations'],
      verbs: ['list'],
    },
    {
      why: 'webhook: its caBundle',
      apiGroups: ['admissionregistration.k8s.io'],
      resources: ['mutatingwebhookconfigurations'],
      resourceNames: [revisionNames(revision).injector],
      verbs: ['get', 'patch'],
    },
  ];
}

/** A ClusterRole for people, which nobody has before somebody binds it. */
export interface UserRole {
  readonly name: string;
  readonly rules: readonly Rule[];
}

/** What people may be given, in one namespace with a RoleBinding, or in all with a ClusterRoleBinding. */
export function userRoles(): UserRole[] {
  const figures: Rule = {
    why: 'golden signals and who calls whom, of the pods of the namespace: the dashboard',
    apiGroups: ['weft.dev'],
    resources: ['pods/figures'],
    verbs: ['get'],
  };
  return [
    { name: NAMES.viewer, rules: [figures] },
    {
      name: NAMES.tap,
      rules: [
        {
          why: 'live requests of the pods of the namespace: weft tap, weft top',
          apiGroups: ['weft.dev'],
          resources: ['pods/tap'],
          verbs: ['create'],
        },
        {
          why: 'the record that proxies keep of requests: weft explain',
          apiGroups: ['weft.dev'],
          resources: ['pods/requests'],
          verbs: ['get'],
        },
        figures,
      ],
    },
    {
      name: NAMES.upgrade,
      rules: [
        {
          why: 'proxies of the pods of the namespace take the program of the control plane: weft upgrade proxies',
          apiGroups: ['weft.dev'],
          resources: ['pods/upgrade'],
          verbs: ['create'],
        },
      ],
    },
  ];
}

/** What everybody who asks the live API needs in the namespace of the control plane: the way there. Bound by no one as well. */
export function reachRules(): Rule[] {
  return [
    {
      why: 'which pods are the control plane',
      apiGroups: [''],
      resources: ['pods'],
      verbs: ['list'],
    },
    {
      why: 'a connection to them; kubectl port-forward makes the same',
      apiGroups: [''],
      resources: ['pods/portforward'],
      verbs: ['get', 'create'],
    },
    {
      why: 'the roots by which the control plane proves who it is',
      apiGroups: [''],
      resources: ['configmaps'],
      resourceNames: [NAMES.trust],
      verbs: ['get'],
    },
  ];
}

/** The key of the mesh, where that is the control plane's own. Names cannot limit `create`. */
const ownKey: readonly Rule[] = [
  {
    why: 'identity: makes the root of the mesh once',
    apiGroups: [''],
    resources: ['secrets'],
    verbs: ['create'],
  },
  {
    why: 'identity: the root of the mesh, and an intermediate of your own',
    apiGroups: [''],
    resources: ['secrets'],
    resourceNames: [NAMES.authority, NAMES.ownAuthority],
    verbs: ['get', 'list', 'watch'],
  },
];

/** In the namespace of the control plane. `options`: who signs; the control plane itself unless told. */
export function ownRules(options: InstallOptions = installOptions()): Rule[] {
  return [
    // Where somebody else signs, it has no business with Secrets.
    ...(options.issuer === '' ? ownKey : issuerRules(options)),
    {
      why: 'identity: who is revoked (weft ca revoke)',
      apiGroups: [''],
      resources: ['configmaps'],
      resourceNames: [NAMES.revoked],
      verbs: ['get', 'list', 'watch'],
    },
    {
      why: 'identity: machines outside of the cluster, each joins once (weft token)',
      apiGroups: [''],
      resources: ['configmaps'],
      resourceNames: [NAMES.joinTokens],
      verbs: ['get', 'patch'],
    },
    {
      why: 'leader election: one of the replicas does what must be done once',
      apiGroups: ['coordination.k8s.io'],
      resources: ['leases'],
      verbs: ['create'],
    },
    {
      why: 'leader election: one of the replicas does what must be done once; the Lease of the default is for what all revisions share',
      apiGroups: ['coordination.k8s.io'],
      resources: ['leases'],
      resourceNames: [...new Set([NAMES.injector, revisionNames(options.revision).injector])],
      verbs: ['get', 'update'],
    },
  ];
}

/** One rule for each group of policies that a dialect reads. */
function policyRules(): Rule[] {
  return byGroup(policyKinds()).map(({ group, resources }) => ({
    why: 'policies that you have already',
    apiGroups: [group],
    resources,
    verbs: follow,
  }));
}

/** One for each group with statuses. */
function statusRules(): Rule[] {
  return byGroup(policyKinds().filter(hasStatus)).map(({ group, resources }) => ({
    why: 'status: what became of your policies, in their own status',
    apiGroups: [group],
    resources: resources.map(each => `${each}/status`),
    verbs: ['get', 'patch'],
  }));
}

function policyKinds(): readonly string[] {
  return dialects.map(each => each.kind).filter(kind => !['', 'discovery.k8s.io'].includes(groupOf(kind)));
}

function groupOf(kind: string): string {
  const dot = kind.indexOf('.');
  return dot < 0 ? '' : kind.slice(dot + 1);
}

function byGroup(
  kinds: readonly string[],
): readonly { readonly group: string; readonly resources: readonly string[] }[] {
  const groups = new Map<string, Set<string>>();
  for (const kind of kinds) {
    const resources = groups.get(groupOf(kind)) ?? new Set<string>();
    groups.set(groupOf(kind), resources.add(pluralOf(kind.slice(0, kind.indexOf('.')))));
  }
  return [...groups.keys()].sort().map(group => ({ group, resources: [...groups.get(group)!].sort() }));
}

/** As Kubernetes and the makers of these kinds form it: `serviceentries`, `gatewayclasses`, `ingresses`. */
export function pluralOf(kind: string): string {
  const word = kind.toLowerCase();
  // Many already: TrafficSettings of ours, and ServiceDefaults, ProxyDefaults and ServiceIntentions of Consul.
  if (/(settings|defaults|intentions)$/.test(word)) return word;
  if (/(s|x|ch|sh)$/.test(word)) return `${word}es`;
  if (/[^aeiou]y$/.test(word)) return `${word.slice(0, -1)}ies`;
  return `${word}s`;
}
