import { GATEWAY_CONTROLLER, type Mesh, type ObjectRef, type Problem, problem } from '../../model/index.ts';
import { recordsOf } from '../../plain/index.ts';
import type { KubeObject } from '../../registry/index.ts';
import { fieldsOf } from '../fields.ts';
import { gatewayOf, isGateway, type ParentRef, readParentRefs, serviceOf } from '../gateway/index.ts';
import { Report } from '../report.ts';
import { missingBackends, whyMissing } from './backends.ts';
import { attachedCondition } from './gateway-status.ts';
import type { Condition, ParentStatus, StatusContent } from './object-status.ts';
import type { IndexedTable } from './table-index.ts';
import { isFatal, joined, messagesOf } from './words.ts';

/** A route of Gateway API, and what was made of it. */
export interface RouteFacts {
  readonly object: KubeObject;
  readonly ref: ObjectRef;
  readonly problems: readonly Problem[];
  readonly tables: readonly IndexedTable[];
  readonly mesh: Mesh;
}

/** Codes of problems with what was left out while the rest took effect. */
const ignored = [
  'rule-refused',
  'refused-by-proxies',
  'field-not-supported',
  'filter-not-supported',
  'backends-missing',
];

/** What status.parents says, for parents that are Services or Gateways of ours, and what was found out about them on the way. */
export function routeStatus(facts: RouteFacts): {
  readonly content: StatusContent;
  readonly found: readonly Problem[];
} {
  const { object, ref } = facts;
  const spec = fieldsOf(object, 'spec', new Report(ref));
  const written = rawParents(object);
  const found: Problem[] = [];
  const parents = readParentRefs(spec, ref.namespace).flatMap((parent, index) => {
    if (isGateway(parent)) return gatewayParent(parent, written[index], facts, found);
    const host = isStreamRoute(object) ? undefined : serviceOf(parent, facts.mesh.clusterDomain);
    if (host === undefined) {
      const accepted = serverAccepted(parent, facts, found);
      return accepted === undefined ? [] : [{ parentRef: written[index], conditions: [accepted] }];
    }
    const tables = facts.tables.filter(
      ({ table }) => table.host === host && (parent.port === undefined || table.port === parent.port),
    );
    const accepted = acceptedOf(parent, host, tables, facts, found);
    const resolved = resolvedOf(tables, facts, found);
    const partial = accepted.status === 'True' ? partialOf(facts.problems) : [];
    return [{ parentRef: written[index], conditions: [accepted, resolved, ...partial] }];
  });
  return { content: { shape: 'parents', parents }, found };
}

/** Whether it is for connections that are not HTTP: at a Service it has no effect. */
function isStreamRoute({ kind }: KubeObject): boolean {
  return kind === 'TLSRoute' || kind === 'TCPRoute' || kind === 'UDPRoute';
}

/** Nothing where the Gateway is another controller's. */
function gatewayParent(
  parent: ParentRef,
  parentRef: unknown,
  facts: RouteFacts,
  found: Problem[],
): readonly ParentStatus[] {
  const { sectionName: section, port } = parent;
  const gateway = gatewayOf(parent);
  const place = {
    ref: facts.ref,
    ...(section !== undefined && { section }),
    ...(port !== undefined && { port }),
  };
  const attached = attachedCondition(gateway, place, facts.mesh);
  if (attached === undefined) return [];
  const tables = facts.tables.filter(({ table: { attachment } }) => attachment?.gateway === gateway);
  const accepted = refusedFor(facts, tables) ?? shadowed(attached, tables);
  const partial = accepted.status === 'True' ? partialOf(facts.problems) : [];
  const conditions = [accepted, resolvedOf(tables.slice(0, 1), facts, found), ...partial];
  return [{ parentRef, controllerName: GATEWAY_CONTROLLER, conditions }];
}

/** The standard accepts the younger of two routes as well, of which the older has the connections: the message tells. */
function shadowed(attached: Condition, tables: readonly IndexedTable[]): Condition {
  const hidden = [...new Set(tables.flatMap(each => each.hidden ?? []))];
  if (attached.status !== 'True' || hidden.length === 0) return attached;
  return { ...attached, message: `${attached.message}, but ${joined(hidden)}` };
}

/** Why the object does not take effect as it stands, whatever its parent is; undefined where it does. */
function refusedFor({ problems }: RouteFacts, tables: readonly IndexedTable[]): Condition | undefined {
  const errors = problems.filter(isFatal);
  if (errors.length === 0) return undefined;
  const incompatible = errors.every(each => each.code === 'filters-incompatible');
  const kept = tables.length > 0 ? '; what was said before holds on' : '';
  return {
    ...{ type: 'Accepted', status: 'False' },
    reason: incompatible ? 'IncompatibleFilters' : 'UnsupportedValue',
    message: `${joined(errors.map(each => each.message))}${kept}`,
  };
}

function rawParents({ spec }: KubeObject): readonly unknown[] {
  const refs = (spec as { parentRefs?: unknown } | undefined)?.parentRefs;
  // The same as Fields.objects leaves out.
  return recordsOf(refs);
}

function acceptedOf(
  parent: ParentRef,
  host: string,
  tables: readonly IndexedTable[],
  facts: RouteFacts,
  found: Problem[],
): Condition {
  const { problems, ref, mesh, object } = facts;
  const refused = (reason: string, message: string): Condition => ({
    type: 'Accepted',
    status: 'False',
    reason,
    message,
  });
  const fatal = refusedFor(facts, tables);
  if (fatal !== undefined) return fatal;
  const here = problems.filter(each => each.code === 'parent-not-supported' && each.path === parent.path);
  if (here.length > 0) return refused('NoMatchingParent', joined(here.map(each => each.message)));
  const missing = whyMissing({ host, ...(parent.port !== undefined && { port: parent.port }) }, mesh);
  if (missing !== undefined) {
    const message = `${parent.path}: ${missing}`;
    found.push(problem('parent-not-found', message, { object: ref, path: parent.path, severity: 'warning' }));
    return refused('NoMatchingParent', message);
  }
  const hidden = tables.flatMap(each => each.hidden ?? []);
  if (hidden.length > 0 && hidden.length === tables.length) return refused('Conflicted', joined(hidden));
  const who =
    parent.namespace === ref.namespace
      ? 'callers of every namespace'
      : `callers of namespace ${ref.namespace}`;
  const message = `holds for ${who}${isSentOn(object) ? '; rules without backendRefs send to the parent, as in Linkerd' : ''}`;
  return { type: 'Accepted', status: 'True', reason: 'Accepted', message };
}

/** Of a parent that is a Server of Linkerd's, whose requests are authorized apart; undefined for what is none. */
function serverAccepted(
  { kind, group, namespace, name, path }: ParentRef,
  { problems, ref, mesh }: RouteFacts,
  found: Problem[],
): Condition | undefined {
  if (kind !== 'Server' || group !== 'policy.linkerd.io') return undefined;
  const refused = (reason: string, message: string): Condition => ({
    type: 'Accepted',
    status: 'False',
    reason,
    message,
  });
  const errors = problems.filter(isFatal);
  if (errors.length > 0) return refused('UnsupportedValue', joined(errors.map(each => each.message)));
  const here = problems.filter(each => each.code === 'parent-not-supported' && each.path === path);
  if (here.length > 0) return refused('NoMatchingParent', joined(here.map(each => each.message)));
  const all = mesh.serverPolicies.get(namespace) ?? [];
  if (!all.some(each => each.is === 'server' && each.name === name)) {
    const message = `${path}: there is no Server ${name} in ${namespace}`;
    found.push(problem('parent-not-found', message, { object: ref, path, severity: 'warning' }));
    return refused('NoMatchingParent', message);
  }
  const message = 'these requests are authorized apart; the Server takes no others than its routes match';
  return { type: 'Accepted', status: 'True', reason: 'Accepted', message };
}

/** What the object's author means by a rule without backends follows from whose kind it is. */
function isSentOn({ apiVersion, spec }: KubeObject): boolean {
  const { rules } = (spec ?? {}) as { rules?: unknown };
  if (!apiVersion.startsWith('policy.linkerd.io/') || !Array.isArray(rules)) return false;
  return rules.some(rule => {
    const { backendRefs, filters } = (rule ?? {}) as { backendRefs?: unknown; filters?: unknown };
    const redirects =
      Array.isArray(filters) &&
      filters.some(each => (each as { type?: unknown } | null)?.type === 'RequestRedirect');
    return !redirects && !(Array.isArray(backendRefs) && backendRefs.length > 0);
  });
}

function resolvedOf(
  tables: readonly IndexedTable[],
  { problems, mesh, ref }: RouteFacts,
  found: Problem[],
): Condition {
  const missing = tables.flatMap(({ table }) => missingBackends(table, mesh));
  for (const { path, message } of missing)
    found.push(problem('backend-not-found', message, { object: ref, path, severity: 'warning' }));
  const reasons: readonly (readonly [string, readonly string[]])[] = [
    ['RefNotPermitted', messagesOf(problems, ['reference-not-permitted'])],
    ['InvalidKind', messagesOf(problems, ['reference-kind-invalid', 'filter-not-supported'])],
    ['BackendNotFound', missing.map(each => each.message)],
  ];
  const [first] = reasons.filter(([, messages]) => messages.length > 0);
  if (!first) {
    return {
      type: 'ResolvedRefs',
      status: 'True',
      reason: 'ResolvedRefs',
      message: 'every backend is there',
    };
  }
  const message = joined(reasons.flatMap(([, messages]) => messages));
  return { type: 'ResolvedRefs', status: 'False', reason: first[0], message };
}

/** Only where it is so: the condition is never False (gateway-api.sigs.k8s.io/geps/gep-1364). */
function partialOf(problems: readonly Problem[]): readonly Condition[] {
  const messages = messagesOf(problems, ignored);
  if (messages.length === 0) return [];
  return [
    { type: 'PartiallyInvalid', status: 'True', reason: 'UnsupportedValue', message: joined(messages) },
  ];
}
