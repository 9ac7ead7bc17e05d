// Splits of traffic that some of it goes around.
import { formatRef, type RouteRule, type RouteTable, type Service } from '../model/index.ts';
import { fieldAt, recordsOf } from '../plain/index.ts';
import type { AnalysisContext } from './context.ts';
import { type Finding, finding } from './finding.ts';
import { servicesOf } from './known-hosts.ts';
import { objectOf, tablesOf, targetText } from './routed.ts';
import { endpointsOfTarget } from './target-endpoints.ts';

interface Split {
  readonly table: RouteTable;
  readonly rule: RouteRule;
  readonly service: Service;
  /** `reviews.shop (subset v1) 90, …` */
  readonly shares: string;
  /** Keys of workloads, by target. */
  readonly parts: readonly ReadonlySet<string>[];
  /** Hosts that the rule sends to. */
  readonly hosts: ReadonlySet<string>;
}

/** Findings about weighted rules. */
export function canaryFindings(context: AnalysisContext): readonly Finding[] {
  return splitsOf(context).flatMap(split => [
    ...byCallers(split, context),
    ...byServices(split, context),
    ...fromOutside(split, context),
  ]);
}

function splitsOf({ mesh }: AnalysisContext): readonly Split[] {
  return tablesOf(mesh).flatMap(table =>
    table.http.flatMap((rule): Split[] => {
      const [service] = servicesOf(table.host, mesh);
      const targets = rule.action.kind === 'forward' ? rule.action.targets : [];
      const weighted = targets.filter(each => each.weight > 0);
      if (weighted.length < 2 || !service) return [];
      const shares = weighted.map(each => `${targetText(each, mesh)} ${each.weight}`).join(', ');
      const parts = weighted.map(
        each => new Set(endpointsOfTarget(each, mesh).flatMap(({ workload }) => workload ?? [])),
      );
      const hosts = new Set(targets.map(each => each.host));
      return [{ table, rule, service, shares, parts, hosts }];
    }),
  );
}

function byCallers({ table, rule, service, shares }: Split, context: AnalysisContext): readonly Finding[] {
  const { name, namespace } = service;
  return context.outsiders().flatMap(({ ref, mentions }) => {
    if (!mentions.has(`${namespace}/${name}`)) return [];
    const reason = `it has no proxy and calls ${name}.${namespace}, whose traffic ${formatRef(objectOf(table, rule))} splits (${shares}): its requests go to any of its pods instead`;
    return [finding('canary-bypassed-by-caller', { object: ref, reason })];
  });
}

/** One whose endpoints are among those of two or more of the parts, and that has no rules of its own. */
function byServices(split: Split, { mesh, services }: AnalysisContext): readonly Finding[] {
  const { table, rule, service, shares, parts, hosts } = split;
  return services.flatMap(other => {
    if (other === service || hosts.has(other.host) || mesh.routeTables.has(other.host)) return [];
    const keys = new Set([...other.endpoints.values()].flat().flatMap(each => each.workload ?? []));
    const met = parts.filter(part => [...part].some(key => keys.has(key)));
    if (met.length < 2) return [];
    const reason = `it leads to the pods that ${formatRef(objectOf(table, rule))} splits for ${service.name}.${service.namespace} (${shares}); requests to ${other.name}.${other.namespace} reach them by their number instead`;
    return [finding('canary-bypassed-by-service', { object: other.from, reason })];
  });
}

function fromOutside(
  { table, rule, service, shares }: Split,
  { objects }: AnalysisContext,
): readonly Finding[] {
  return objects.flatMap(({ object, ref }) => {
    if (ref.namespace !== service.namespace) return [];
    const what = entryOf(object, service.name);
    if (object.kind === 'Service' && ref.name !== service.name) return [];
    if (what === undefined) return [];
    const reason = `${what} brings requests from outside straight to the pods of ${service.name}, which ${formatRef(objectOf(table, rule))} splits (${shares}): they go to any pod, unless what brings them in has a proxy`;
    return [finding('canary-bypassed-from-outside', { object: ref, reason })];
  });
}

function entryOf(
  object: { readonly kind: string; readonly [field: string]: unknown },
  service: string,
): string | undefined {
  const type = fieldAt(object, 'spec', 'type');
  if (object.kind === 'Service')
    return type === 'LoadBalancer' || type === 'NodePort' ? `its type ${type}` : undefined;
  if (object.kind !== 'Ingress') return undefined;
  const rules = recordsOf(fieldAt(object, 'spec', 'rules'));
  const paths = rules.flatMap(each => recordsOf(fieldAt(each, 'http', 'paths')).map(path => path.backend));
  const named = [...paths, fieldAt(object, 'spec', 'defaultBackend')].some(
    backend => fieldAt(backend, 'service', 'name') === service,
  );
  return named ? 'this Ingress' : undefined;
}
