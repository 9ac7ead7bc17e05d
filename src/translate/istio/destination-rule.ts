import type { Subset, TrafficPolicy } from '../../model/index.ts';
import type { KubeObject } from '../../registry/index.ts';
import type { KindTranslator, TranslateContext } from '../dialect.ts';
import { type Fields, fieldsOf } from '../fields.ts';
import { given } from '../given.ts';
import type { Part } from '../part.ts';
import type { Report } from '../report.ts';
import { readExportTo } from './export-to.ts';
import { qualifiedHost } from './host.ts';
import type { Reading } from './reading.ts';
import { readTrafficPolicy, type TrafficPart } from './traffic-policy.ts';

/** networking.istio.io DestinationRule, v1alpha3, v1beta1 and v1. */
export const destinationRuleTranslator: KindTranslator = {
  kind: 'DestinationRule.networking.istio.io',
  translate: translateDestinationRule,
};

/** Of DestinationRules among the kinds of traffic policies: above a Service's annotations, below TrafficSettings. */
const RANK = 1;

type Scope = Pick<
  TrafficPolicy,
  'host' | 'callerNamespace' | 'callerSelector' | 'meshWide' | 'serviceNamespace' | 'visibleTo'
>;

function translateDestinationRule(
  object: KubeObject,
  context: TranslateContext,
  report: Report,
): readonly Part[] {
  const { namespace = '', creationTimestamp: createdAt = '' } = object.metadata;
  const reading: Reading = { namespace, context, report };
  const spec = fieldsOf(object, 'spec', report);
  const hostText = spec.text('host');
  if (hostText === undefined && !spec.has('host'))
    report.error(
      'field-invalid',
      'spec.host',
      'spec.host is missing; name the service that this rule is for',
    );
  const host =
    hostText === undefined ? undefined : qualifiedHost(hostText, namespace, 'spec.host', context, report);
  const visibleTo = readExportTo(spec, reading);
  const callerSelector = readSelector(spec);
  const general = readTrafficPolicy(spec.object('trafficPolicy'), report);
  const subsets = readSubsets(spec, report);
  spec.rest();
  if (host === undefined) return [];
  const scopes = scopesOf(host, visibleTo, callerSelector, reading);
  const from = report.object;
  // One without settings says that this rule is there: rules of a wider scope then do not count, as in Istio.
  const said: readonly TrafficPart[] = general.some(each => each.port === undefined)
    ? general
    : [{}, ...general];
  const written = [...said, ...subsets.flatMap(each => each.policies)];
  const policies = callerSelector ? written.map(forSidecars) : written;
  const named = new Set(policies.flatMap(({ tls }) => tls?.credential?.name ?? []));
  const credentials = [...named].map(
    (name): Part => ({
      kind: 'policy',
      of: 'upstreamCredentials',
      policy: { name, namespace, ...given({ selector: callerSelector }), path: 'spec.trafficPolicy', from },
      createdAt,
    }),
  );
  const parts = scopes.flatMap((scope): readonly Part[] => [
    ...policies.map(
      (policy): Part => ({
        kind: 'policy',
        of: 'trafficPolicies',
        policy: { ...scope, ...policy, from },
        rank: RANK,
        createdAt,
      }),
    ),
    ...subsets.map(
      ({ name, labels }): Part => ({
        kind: 'policy',
        of: 'subsets',
        policy: { ...ofSubset(scope), name, labels, from },
        createdAt,
      }),
    ),
  ]);
  return [...parts, ...credentials];
}

/** Istio: credentialName holds at sidecars only where the rule has a workloadSelector. */
function forSidecars(policy: TrafficPart): TrafficPart {
  const { tls } = policy;
  if (tls?.credential === undefined) return policy;
  return { ...policy, tls: { ...tls, credential: { ...tls.credential, forSidecars: true } } };
}

/**
 * Whose traffic a rule is about. Istio looks for a rule in the caller's namespace, then in the Service's, then in the root's: so
 * one that lives beside the Service or in a root namespace is for everybody, any other for callers in its own namespace. For
 * hosts that may be ServiceEntries (and wildcards), where the Service lives is known only when somebody calls it.
 */
function scopesOf(
  host: string,
  visibleTo: readonly string[] | undefined,
  callerSelector: TrafficPolicy['callerSelector'],
  { namespace, context }: Reading,
): readonly Scope[] {
  const cluster = `.svc.${context.clusterDomain}`;
  // A selector is about the workloads of the rule's own namespace, and goes over what is said for all of them.
  if (callerSelector) return [{ host, callerNamespace: namespace, callerSelector }];
  const base = { host, ...given({ visibleTo }) };
  if (context.rootNamespaces.includes(namespace)) return [{ ...base, meshWide: true }];
  if (host.endsWith(`.${namespace}${cluster}`)) return [base];
  const own: Scope[] =
    visibleTo && !visibleTo.includes(namespace) ? [] : [{ host, callerNamespace: namespace }];
  const onlyOwn = visibleTo?.every(each => each === namespace) ?? false;
  const elsewhere = host.endsWith(cluster) && !host.startsWith('*');
  return onlyOwn || elsewhere ? own : [...own, { ...base, serviceNamespace: namespace }];
}

function ofSubset({
  host,
  callerNamespace,
  meshWide,
  visibleTo,
}: Scope): Omit<Subset, 'name' | 'labels' | 'from'> {
  return { host, ...given({ callerNamespace, meshWide, visibleTo }) };
}

function readSelector(spec: Fields): TrafficPolicy['callerSelector'] {
  const selector = spec.object('workloadSelector');
  const labels = selector?.strings('matchLabels');
  selector?.refuseRest();
  return labels && Object.keys(labels).length > 0 ? labels : undefined;
}

interface ReadSubset {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly policies: readonly TrafficPart[];
}

function readSubsets(spec: Fields, report: Report): readonly ReadSubset[] {
  const names = new Set<string>();
  return spec.objects('subsets').flatMap(each => {
    const subset = each.text('name');
    const labels = each.strings('labels') ?? {};
    const policies = readTrafficPolicy(each.object('trafficPolicy'), report);
    each.rest();
    const path = each.at('name');
    if (subset === undefined || !/^[A-Za-z0-9._-]+$/.test(subset)) {
      if (subset !== undefined || !each.has('name'))
        report.error('field-invalid', path, `${path} must be a name of letters, digits, '-', '_' and '.'`);
      return [];
    }
    if (names.has(subset)) {
      report.error('field-invalid', path, `${path}: there are two subsets '${subset}'; keep one`);
      return [];
    }
    names.add(subset);
    return [{ name: subset, labels, policies: policies.map(policy => ({ subset, ...policy })) }];
  });
}
