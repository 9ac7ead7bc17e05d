import { equal, GATEWAY_CONTROLLER, type Mesh, type ObjectRef, type Problem } from '../../model/index.ts';
import { type KubeObject, kindOf, type Stored } from '../../registry/index.ts';
import { backendTlsStatus, GatewayBackends } from './backend-tls-status.ts';
import { gatewayClassStatus, gatewayStatus, listenerSetStatus } from './gateway-status.ts';
import { ingressStatus } from './ingress-status.ts';
import { istioStatus } from './istio-status.ts';
import { missingTargets } from './missing-targets.ts';
import {
  BACKEND_TLS_KIND,
  hasStatus,
  INGRESS_KIND,
  isGatewayKind,
  isRoute,
  type ObjectStatus,
  type StatusContent,
} from './object-status.ts';
import { routeStatus } from './route-status.ts';
import { idOf, TableIndex } from './table-index.ts';
import { isFatal } from './words.ts';

/** What statuses follow from. */
export interface StatusInput {
  /** Objects of policies. */
  readonly objects: Iterable<Stored>;
  /** Translator.problems */
  readonly problems: readonly Problem[];
  readonly mesh: Mesh;
}

/** What became of each object, in the order in which they came. */
export function objectStatuses({ objects, problems, mesh }: StatusInput): readonly ObjectStatus[] {
  const byObject = new Map<string, Problem[]>();
  for (const each of problems) {
    if (!each.object) continue;
    const id = idOf(each.object);
    byObject.set(id, [...(byObject.get(id) ?? []), each]);
  }
  const index = new TableIndex(mesh);
  const backends = new GatewayBackends(mesh);
  return [...objects].map(stored =>
    statusOf(stored, unique(byObject.get(idOf(stored.ref)) ?? []), index, backends, mesh),
  );
}

/** A route with several parents has what is wrong with its rules once for each. */
function unique(problems: readonly Problem[]): readonly Problem[] {
  return problems.filter((each, at) => problems.findIndex(other => equal(other, each)) === at);
}

function statusOf(
  { object, ref }: Stored,
  problems: readonly Problem[],
  index: TableIndex,
  backends: GatewayBackends,
  mesh: Mesh,
): ObjectStatus {
  const kind = kindOf(object.apiVersion, object.kind);
  const tables = index.of(ref);
  if (isRoute(kind)) {
    const { content, found } = routeStatus({ object, ref, problems, tables, mesh });
    const all = [...problems, ...unique(found)];
    const parents = content.shape === 'parents' ? content.parents : [];
    const accepted = parents.filter(each => each.conditions[0]!.status === 'True');
    const effect = accepted.length === 0 ? 'none' : all.length > 0 ? 'part' : 'all';
    return { object, ref, effect, problems: all, content };
  }
  const missing = missingTargets(
    ref,
    tables.map(each => each.table),
    mesh,
  );
  const said = [...problems, ...unique(missing.problems)];
  const hasErrors = problems.some(isFatal);
  const isHidden = tables.length > 0 && tables.every(each => each.hidden !== undefined);
  const isShadowed = tables.length === 0 && problems.some(each => each.code === 'policy-shadowed');
  const isLost = hasErrors || isHidden || isShadowed || missing.all;
  const effect = isLost ? 'none' : said.length > 0 ? 'part' : 'all';
  return {
    object,
    ref,
    effect,
    problems: said,
    ...contentOf(kind, object, ref, mesh, () =>
      kind === BACKEND_TLS_KIND
        ? backendTlsStatus(object, ref, problems, mesh, backends)
        : istioStatus(effect, said, missing.all),
    ),
  };
}

function contentOf(
  kind: string,
  object: KubeObject,
  ref: ObjectRef,
  mesh: Mesh,
  otherwise: () => StatusContent,
): { readonly content?: StatusContent } {
  if (!hasStatus(kind)) return {};
  if (kind === INGRESS_KIND) {
    const content = ingressStatus(object, ref, mesh);
    return content === undefined ? {} : { content };
  }
  if (!isGatewayKind(kind)) return { content: otherwise() };
  const content = kind.startsWith('GatewayClass.')
    ? gatewayClassStatus(object, GATEWAY_CONTROLLER)
    : kind.startsWith('Gateway.')
      ? gatewayStatus(object, ref, mesh)
      : listenerSetStatus(object, ref, mesh);
  return content === undefined ? {} : { content };
}
