import { type EgressScope, formatRef, matchesLabels, type Service } from '../model/index.ts';
import type { Caller } from './caller.ts';
import { hostCovers } from './hosts.ts';
import type { MeshReader } from './mesh-reader.ts';

/**
 * The scope that holds for the caller: one that selects it before one for its namespace before one for the mesh; of several the
 * oldest (istio.io/latest/docs/reference/config/networking/sidecar). Undefined: it may reach everything.
 */
export function egressScopeOf(reader: MeshReader, caller: Caller): EgressScope | undefined {
  const own = reader.policies('egressScopes', caller.namespace);
  return (
    own.find(({ selector }) => selector && matchesLabels({ matchLabels: selector }, caller.labels)) ??
    own.find(({ selector }) => !selector) ??
    reader.policies('egressScopes', '').find(({ selector }) => !selector)
  );
}

/** Whether the caller knows the Service, by the Service's own word and by its scope. */
export function isKnownTo(
  caller: Caller,
  scope: EgressScope | undefined,
  service: Pick<Service, 'host' | 'namespace' | 'external'>,
): boolean {
  const { visibleTo } = service.external ?? {};
  if (visibleTo && !visibleTo.includes(caller.namespace)) return false;
  return allows(scope, caller.namespace, service.namespace, service.host);
}

/** Whether a scope lets its callers reach a host of a namespace. */
export function allows(
  scope: EgressScope | undefined,
  callerNamespace: string,
  namespace: string,
  host: string,
): boolean {
  if (!scope?.hosts) return true;
  // `~shop/*` takes out what another entry lets in.
  const isOut = scope.hosts.some(
    each => each.startsWith(`~${namespace}/`) && hostCovers(each.slice(each.indexOf('/') + 1), host),
  );
  if (isOut) return false;
  return scope.hosts.some(each => {
    const slash = each.indexOf('/');
    const from = each.slice(0, slash);
    if (from.startsWith('~')) return false;
    const isThere = from === '*' || from === namespace || (from === '.' && namespace === callerNamespace);
    return isThere && hostCovers(each.slice(slash + 1), host);
  });
}

/** Why the caller may not reach what is unknown; undefined where it may. */
export function refusalOf(scope: EgressScope | undefined): string | undefined {
  if (scope?.unknown !== 'refuse') return undefined;
  return `${formatRef({ ...scope.from, origin: undefined })} lets its workloads reach only hosts that the mesh knows and that it names; add a ServiceEntry or a host`;
}
