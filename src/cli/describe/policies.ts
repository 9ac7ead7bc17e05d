// Which objects hold for a workload or a host, and what each comes to.
import {
  type EgressScope,
  formatRef,
  type LabelSelector,
  type Labels,
  type Mesh,
  type MtlsMode,
  matchesLabels,
  type ObjectRef,
  type PeerPolicy,
  type RateLimit,
  type TrafficPolicy,
  type Workload,
} from '../../model/index.ts';
import { type Caller, explainTraffic, resolveInbound } from '../../resolve/index.ts';
import { outlierWords, timeWords } from '../proxy-config/words.ts';
import type { PolicyFact, SettingFact } from './facts.ts';

const modes: Readonly<Record<MtlsMode, string>> = {
  strict: 'mutual TLS only',
  permissive: 'mutual TLS and plaintext',
  disable: 'plaintext only',
};

/** What a mode lets in, in words. */
export function modeWords(mode: MtlsMode): string {
  return modes[mode];
}

/** Everything that selects the workload: what comes in, what it may reach, what is told of it. */
export function policiesOfWorkload(mesh: Mesh, workload: Workload): readonly PolicyFact[] {
  const { namespace, labels } = workload;
  const inbound = resolveInbound(mesh, `${namespace}/${workload.name}`).resource;
  const deciders = new Set(
    [inbound?.defaultFrom, ...(inbound?.ports ?? []).map(({ from }) => from)].flatMap(each =>
      each ? [idOf(each)] : [],
    ),
  );
  const peers = scoped(mesh.peerPolicies, namespace, labels).map(
    (policy): PolicyFact => ({
      object: policy.from,
      says: peerWords(policy),
      ...(!deciders.has(idOf(policy.from)) && { without: 'narrower ones say otherwise' }),
    }),
  );
  const limits = scoped(mesh.inboundRateLimits, namespace, labels).map(({ from, port, limit }) => ({
    object: from,
    says: `lets in ${limitWords(limit)}${port === undefined ? '' : ` on port ${port}`}`,
  }));
  const scopes = scoped(mesh.egressScopes, namespace, labels);
  const held = scopeThatHolds(scopes);
  const reach = scopes.map(
    (scope): PolicyFact => ({
      object: scope.from,
      says: scopeWords(scope),
      ...(scope !== held && {
        without: `${formatRef({ ...held!.from, origin: undefined })} is narrower or older`,
      }),
    }),
  );
  const telemetry = scoped(mesh.telemetry, namespace, labels).map(({ from }) => ({
    object: from,
    says: 'says what is logged, counted and traced of it',
  }));
  return once([...peers, ...limits, ...reach, ...telemetry]);
}

/** Those of the mesh as a whole, then those of the namespace, that select these labels. */
function scoped<P extends { readonly selector?: LabelSelector | Labels; readonly from: ObjectRef }>(
  map: ReadonlyMap<string, readonly P[]>,
  namespace: string,
  labels: Labels,
): readonly P[] {
  return [...(map.get('') ?? []), ...(map.get(namespace) ?? [])].filter(({ selector }) => {
    if (selector === undefined) return true;
    const isFull = 'matchLabels' in selector || 'matchExpressions' in selector;
    return matchesLabels(isFull ? (selector as LabelSelector) : { matchLabels: selector as Labels }, labels);
  });
}

/** One that selects before one for the namespace before one for the mesh, as resolve/ has it. */
function scopeThatHolds(scopes: readonly EgressScope[]): EgressScope | undefined {
  const own = scopes.filter(({ namespace }) => namespace !== '');
  return own.find(({ selector }) => selector) ?? own[0] ?? scopes[0];
}

function peerWords({ mode, portModes, namespace, selector }: PeerPolicy): string {
  const ports = [...portModes].map(([port, each]) => `port ${port}: ${modes[each]}`);
  const general = mode === undefined ? [] : [modes[mode]];
  const where = selector ? 'for these pods' : namespace === undefined ? 'for the mesh' : 'for the namespace';
  return `${[...general, ...ports].join(', ') || 'says nothing by itself'} (${where})`;
}

function scopeWords({ hosts, unknown }: EgressScope): string {
  const reach =
    hosts === undefined ? 'it may reach everything the mesh knows' : `it knows ${hosts.join(', ')} alone`;
  return `${reach}; what the mesh does not know is ${unknown === 'allow' ? 'passed through' : 'refused'}`;
}

/** `10 each 1s, 20 at once` */
export function limitWords({ bucket, matches, status }: RateLimit): string {
  const some = matches.length > 0 ? ' of some requests' : '';
  return `${bucket.perFill} each ${timeWords(bucket.fillIntervalMs)}${some}, ${bucket.maxTokens} at once, over it ${status}`;
}

/** The objects that speak of traffic to one host: those that count for this caller, and those that do not. */
export function policiesOfHost(
  mesh: Mesh,
  caller: Caller,
  host: string,
  ports: readonly number[],
  subsets: readonly string[],
): readonly PolicyFact[] {
  const counting = new Set<string>();
  const facts: PolicyFact[] = [];
  for (const port of ports) {
    for (const subset of [undefined, ...subsets]) {
      const scope = { host, port, ...(subset !== undefined && { subset }) };
      for (const policy of explainTraffic(mesh, caller, scope)) {
        const says = trafficWords(policy);
        counting.add(idOf(policy.from));
        if (says === '') continue;
        const which = policy.subset === undefined ? '' : `subset ${policy.subset}: `;
        facts.push({ object: policy.from, says: `${which}${says}` });
      }
    }
  }
  const spoken = hostNames(host).flatMap(each => mesh.trafficPolicies.get(each) ?? []);
  for (const { from, subset } of spoken) {
    if (counting.has(idOf(from)) || (subset !== undefined && !subsets.includes(subset))) continue;
    facts.push({
      object: from,
      says: 'speaks of this host',
      without: 'another one goes before it, or it is for other callers',
    });
  }
  for (const { from, host: named } of hostNames(host).flatMap(each => mesh.routeTables.get(each) ?? []))
    facts.push({
      object: from,
      says: named === host ? 'routes its requests' : `routes requests to ${named}`,
    });
  return once(facts);
}

/** The host, and wildcards that cover it. */
function hostNames(host: string): readonly string[] {
  const parts = host.split('.');
  return [host, ...parts.slice(1).map((_, at) => `*.${parts.slice(at + 1).join('.')}`), '*'];
}

/** What a policy says, '' for nothing. */
function trafficWords(policy: TrafficPolicy): string {
  const {
    balancer,
    limits = {},
    outlier,
    connectTimeoutMs,
    idleTimeoutMs,
    timeoutMs,
    retry,
    tls,
    mtls,
  } = policy;
  return [
    balancer && `balanced by ${balancer.kind}${balancer.locality?.enabled ? ', near ones first' : ''}`,
    ...Object.entries(limits).map(([name, value]) => `${name} ${value}`),
    outlier && (outlier.enabled === false ? 'no outlier detection' : 'outlier detection'),
    connectTimeoutMs !== undefined && `connects within ${timeWords(connectTimeoutMs)}`,
    idleTimeoutMs !== undefined && `idle connections close after ${timeWords(idleTimeoutMs)}`,
    timeoutMs !== undefined && `time limit ${timeWords(timeoutMs)}`,
    retry && `retries ${retry.attempts ?? ''}`.trim(),
    tls && `TLS to what is outside (${tls.mode})`,
    mtls && (mtls === 'mesh' ? 'mutual TLS' : 'no mutual TLS'),
  ]
    .filter(each => typeof each === 'string' && each !== '')
    .join('; ');
}

/** The settings that result for one host, port and subset, each with the objects that say so. */
export function settingsOf(
  mesh: Mesh,
  caller: Caller,
  scope: { readonly host: string; readonly port: number; readonly subset?: string },
  settings: {
    readonly balancer: { readonly kind: string };
    readonly limits: object;
    readonly outlier: Parameters<typeof outlierWords>[0];
    readonly connectTimeoutMs: number;
    readonly idleTimeoutMs: number;
  },
): readonly SettingFact[] {
  const policies = explainTraffic(mesh, caller, scope);
  const from = (...fields: (keyof TrafficPolicy)[]): readonly ObjectRef[] =>
    policies.filter(each => fields.some(field => each[field] !== undefined)).map(each => each.from);
  const limits = settings.limits as Readonly<Record<string, number>>;
  return [
    { name: 'balancer', value: settings.balancer.kind, from: from('balancer') },
    { name: 'outlier detection', value: outlierWords(settings.outlier), from: from('outlier') },
    {
      name: 'limits',
      value: `${limits.maxConnections} connections, ${limits.maxRequests} requests, ${limits.maxPendingRequests} waiting`,
      from: from('limits'),
    },
    { name: 'connects within', value: timeWords(settings.connectTimeoutMs), from: from('connectTimeoutMs') },
    { name: 'idle after', value: timeWords(settings.idleTimeoutMs), from: from('idleTimeoutMs') },
  ];
}

/** `Kind namespace/name`, whatever the version. */
export function idOf({ kind, namespace, name }: ObjectRef): string {
  return `${kind} ${namespace}/${name}`;
}

function once(facts: readonly PolicyFact[]): readonly PolicyFact[] {
  const seen = new Map<string, PolicyFact>();
  for (const fact of facts) {
    const key = `${idOf(fact.object)} ${fact.says}`;
    if (!seen.has(key)) seen.set(key, fact);
  }
  return [...seen.values()];
}
