import type { ROUTE_RANKS, RouteRule } from '../../model/index.ts';
import type { KubeObject } from '../../registry/index.ts';
import type { TranslateContext } from '../dialect.ts';
import { fieldsOf } from '../fields.ts';
import { gatewayTables } from '../gateway-tables.ts';
import { given } from '../given.ts';
import { type LinkerdSettings, readLinkerdAnnotations } from '../linkerd-annotations.ts';
import type { ForeignReference, Part } from '../part.ts';
import type { Report } from '../report.ts';
import { tracedRules } from '../trace-sampling.ts';
import type { RouteContext } from './backends.ts';
import { readHostnames } from './hostnames.ts';
import { type Parent, readParents } from './parents.ts';
import { type ReadRule, type RuleShape, readRule } from './rules.ts';

/** One kind of routes. */
export interface RouteKind {
  readonly group: string;
  readonly kind: string;
  readonly rank: (typeof ROUTE_RANKS)['gateway' | 'gatewayGrpc'];
  /** As what it is attached to Gateways. */
  readonly attached: 'http' | 'grpc';
  shape(report: Report): RuleShape;
  /** Linkerd's: a rule without backends sends to its parent, and other namespaces are not asked for their consent. */
  readonly isLinkerd: boolean;
}

/** The route as one table for each Service that it is attached to, and for each Gateway one for each host. */
export function translateRoute(
  route: RouteKind,
  object: KubeObject,
  context: TranslateContext,
  report: Report,
): readonly Part[] {
  const { name, namespace = '', creationTimestamp = '' } = object.metadata;
  const { group, kind, rank } = route;
  const spec = fieldsOf(object, 'spec', report);
  const parents = readParents(spec, namespace, context, report);
  // Whoever it is for reads the rest; where there is nobody, its author still learns what is wrong with it.
  const { services, gateways } = parents;
  if (services.length + gateways.length === 0 && isForOthers(object)) return [];
  const hosts = gateways.length === 0 ? undefined : readHostnames(spec, report);
  if (gateways.length === 0)
    spec.unsupported(
      'hostnames',
      'routes of a Service hold whatever the Host header says (gateway-api.sigs.k8s.io/geps/gep-1426); match the header host instead',
    );
  spec.text('useDefaultGateways');
  const shape = route.shape(report);
  const from: RouteContext = { report, group, kind, namespace, name, clusterDomain: context.clusterDomain };
  const linkerd = readLinkerdAnnotations(object.metadata.annotations ?? {}, 'route', report);
  const rules = spec
    .objects('rules')
    .map((each, index) => underlaid(readRule(each, index, shape, from), linkerd));
  spec.rest();
  if (!route.isLinkerd) warnWithoutBackends(rules, report);
  const common = {
    tcp: [],
    combine: 'most-specific',
    unmatched: 'not-found',
    rank,
    from: report.object,
    createdAt: creationTimestamp,
  } as const;
  const forServices = services.map(
    (parent): Part => ({
      kind: 'route-table',
      table: {
        host: parent.host,
        ...(parent.visibleTo && { visibleTo: parent.visibleTo }),
        ...(parent.port !== undefined && { port: parent.port }),
        http: tracedRules(
          rules.map(each => (route.isLinkerd ? sentToParent(each, parent) : each.rule)),
          object,
          report,
        ),
        ...common,
      },
      ...(!route.isLinkerd && referencesOf(rules, parent.namespace, { group, kind, namespace })),
    }),
  );
  if (hosts === undefined) return forServices;
  const http = tracedRules(
    rules.map(each => each.rule),
    object,
    report,
  );
  const beside = referencesOf(rules, namespace, { group, kind, namespace });
  const attached = gateways.flatMap(to =>
    gatewayTables({
      attachment: { ...to, kind: route.attached },
      ...{ hosts, namespace, table: { http, ...common }, beside },
    }),
  );
  return [...forServices, ...attached];
}

/** What annotations of Linkerd's say, under what the rule says itself. */
function underlaid(read: ReadRule, { timeoutMs, streamIdleTimeoutMs, retry }: LinkerdSettings): ReadRule {
  const under = given({ timeoutMs, idleTimeoutMs: streamIdleTimeoutMs });
  const both = retry && { retry: { ...retry, ...read.rule.retry } };
  return { ...read, rule: { ...under, ...read.rule, ...both } };
}

/** Whether a controller of Gateways has a say. */
function isForOthers({ spec }: KubeObject): boolean {
  const { parentRefs } = (spec ?? {}) as { parentRefs?: unknown };
  const kinds = Array.isArray(parentRefs)
    ? parentRefs.map(each => (each as { kind?: unknown } | null)?.kind ?? 'Gateway')
    : [];
  return kinds.some(kind => kind !== 'Service');
}

function warnWithoutBackends(rules: readonly ReadRule[], report: Report): void {
  for (const { rule, withoutBackends } of rules) {
    if (!withoutBackends) continue;
    const path = `${rule.path}.backendRefs`;
    report.warn(
      'backends-missing',
      path,
      `${path} is empty, so that requests of this rule are answered 500, as Gateway API wants it; name a Service. Linkerd sends them to the parent: write apiVersion policy.linkerd.io for that`,
    );
  }
}

function sentToParent({ rule, withoutBackends }: ReadRule, { host }: Parent): RouteRule {
  if (!withoutBackends) return rule;
  return { ...rule, action: { kind: 'forward', targets: [{ host, weight: 1 }], ...withoutBackends } };
}

/** `own`: the namespace of a Service as parent, where traffic goes without any route too: nobody is asked for that. */
function referencesOf(
  rules: readonly ReadRule[],
  own: string,
  from: ForeignReference['from'],
): { readonly references?: readonly ForeignReference[] } {
  const references = rules.flatMap(({ foreign }, rule) =>
    foreign.filter(each => each.to.namespace !== own).map(each => ({ rule, ...each, from })),
  );
  return references.length === 0 ? {} : { references };
}
