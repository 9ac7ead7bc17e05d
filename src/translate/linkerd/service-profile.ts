import { type RetryBudget, ROUTE_RANKS, type RouteTable, type RouteTarget } from '../../model/index.ts';
import type { KubeObject } from '../../registry/index.ts';
import type { KindTranslator, TranslateContext } from '../dialect.ts';
import { fieldsOf } from '../fields.ts';
import type { Part } from '../part.ts';
import type { Report } from '../report.ts';
import { readOverrides } from './overrides.ts';
import { readBudget } from './retries.ts';
import { type ProfileRoute, readRoute } from './route.ts';

/**
 * linkerd.io ServiceProfile, v1alpha1 and v1alpha2 (linkerd.io/2/reference/service-profiles). Its name is the Service's; in
 * another namespace than the Service's it holds for callers of that namespace only, and goes before the Service's own.
 */
export const serviceProfileTranslator: KindTranslator = {
  kind: 'ServiceProfile.linkerd.io',
  translate: translateProfile,
};

/** Over what Services say of themselves and below Consul's and Istio's policies; see docs/policies/linkerd.md. */
const policyRank = 0.2;

type Scope = Pick<RouteTable, 'host' | 'visibleTo'>;

function translateProfile(object: KubeObject, context: TranslateContext, report: Report): readonly Part[] {
  const { creationTimestamp: createdAt = '' } = object.metadata;
  const scope = scopeOf(object, context, report);
  const spec = fieldsOf(object, 'spec', report);
  const routes = spec.objects('routes').flatMap(each => readRoute(each, report) ?? []);
  const overrides = readOverrides(spec, report);
  const budget = budgetOf(readBudget(spec.object('retryBudget'), report), routes, report);
  const ports =
    'the Service says what its ports speak: give it appProtocol tcp, or a port name such as tcp-db';
  spec.unsupported('opaquePorts', ports);
  spec.rest();
  if (!scope || report.refused) return [];
  const parts: Part[] = [];
  const { object: from } = report;
  if (routes.length + overrides.length > 0) {
    const table = { ...tableOf(scope, routes, overrides, budget), from, createdAt };
    parts.push({ kind: 'route-table', table, ...(overrides.length === 0 && { chain: 'smi' as const }) });
  }
  if (budget) {
    const { host, visibleTo } = scope;
    const policy = { host, ...(visibleTo && { callerNamespace: visibleTo[0]! }), retryBudget: budget, from };
    parts.push({ kind: 'policy', of: 'trafficPolicies', policy, rank: policyRank, createdAt });
  }
  return parts;
}

function tableOf(
  scope: Scope,
  routes: readonly ProfileRoute[],
  overrides: readonly RouteTarget[],
  retryBudget: RetryBudget | undefined,
): Omit<RouteTable, 'from' | 'createdAt'> {
  const elsewhere = overrides.length > 0;
  const targets = elsewhere ? overrides : [{ host: scope.host, weight: 1 }];
  const common = { action: { kind: 'forward', targets } as const, ...(retryBudget && { retryBudget }) };
  const path = elsewhere ? 'spec.dstOverrides' : 'spec';
  const tcp = { path, caller: [], serverNames: [], destinationCidrs: [], targets };
  return {
    ...scope,
    // At the end, so that what no route matches is shared out like the rest.
    http: [
      ...routes.map(({ rule }) => ({ ...rule, ...common })),
      { name: 'default', path, matches: [], ...common },
    ],
    tcp: elsewhere ? [tcp] : [],
    combine: 'exclusive',
    unmatched: 'default',
    rank: ROUTE_RANKS.linkerd,
  };
}

function scopeOf(
  { metadata }: KubeObject,
  { clusterDomain }: TranslateContext,
  report: Report,
): Scope | undefined {
  const { namespace = '' } = metadata;
  const host = metadata.name.toLowerCase().replace(/\.$/, '');
  if (!host.includes('.') || host.endsWith('.svc')) {
    const wanted = host.endsWith('.svc')
      ? `${host}.${clusterDomain}`
      : `${host}.${namespace}.svc.${clusterDomain}`;
    const message = `metadata.name: '${metadata.name}' is not fully qualified; name the profile ${wanted}`;
    report.error('field-invalid', 'metadata.name', message);
    return undefined;
  }
  const ownNamespace = host.endsWith(`.${namespace}.svc.${clusterDomain}`);
  return ownNamespace ? { host } : { host, visibleTo: [namespace] };
}

/**
 * Linkerd has one budget for a Service. A budget inside a route is in no version of its API, and in many examples: it counts
 * where the profile has none of its own.
 */
function budgetOf(
  own: RetryBudget | undefined,
  routes: readonly ProfileRoute[],
  report: Report,
): RetryBudget | undefined {
  const [first] = routes.flatMap(each => each.budget ?? []);
  for (const { budget } of routes) {
    if (!budget) continue;
    const counts = own ? 'spec.retryBudget' : budget === first ? 'this one' : first!.path;
    report.warn(
      'field-not-supported',
      budget.path,
      `${budget.path}: retry budgets are for all routes of a Service together; ${counts} holds`,
    );
  }
  return own ?? first?.value;
}
