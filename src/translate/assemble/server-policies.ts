import { type Mesh, type Problem, problem, type ServerAuthorization } from '../../model/index.ts';

/** What Linkerd's authorizations name and is not there: what is for nobody, and what nobody can satisfy. */
export function* serverPolicyProblems(mesh: Mesh): Iterable<Problem> {
  for (const [namespace, all] of mesh.serverPolicies) {
    const servers = all.flatMap(each => (each.is === 'server' ? each.name : []));
    const routes = all.flatMap(each => (each.is === 'route' ? each.key : []));
    for (const each of all) {
      if (each.is !== 'authorization') continue;
      const missing = missingTarget(each, servers, routes);
      if (missing !== undefined)
        yield problem(
          'target-not-found',
          `${missing.path}: ${missing.what} in ${namespace}, so that nobody is authorized to anything`,
          {
            object: each.from,
            path: missing.path,
            severity: 'warning',
          },
        );
      yield* missingRequirements(each, mesh);
    }
  }
}

function missingTarget(
  { target, from }: ServerAuthorization,
  servers: readonly string[],
  routes: readonly string[],
): { readonly path: string; readonly what: string } | undefined {
  if (target.kind === 'server' && !servers.includes(target.name)) {
    const path = from.kind === 'ServerAuthorization' ? 'spec.server.name' : 'spec.targetRef';
    return { path, what: `there is no Server ${target.name}` };
  }
  if (target.kind !== 'route' || routes.includes(target.key)) return undefined;
  const [group, kind, name] = target.key.split('/');
  return { path: 'spec.targetRef', what: `there is no ${kind} ${name} of ${group} whose parent is a Server` };
}

function* missingRequirements({ requires, from }: ServerAuthorization, mesh: Mesh): Iterable<Problem> {
  for (const each of requires) {
    if (each.kind === 'clients') continue;
    const { kind, namespace, name, path } = each;
    const there = (mesh.serverPolicies.get(namespace) ?? []).some(
      other => other.is === 'authentication' && other.name === name && other.from.kind === kind,
    );
    if (there) continue;
    const message = `${path}: there is no ${kind} ${name} in ${namespace}, so that this policy authorizes nobody; create it, or correct the reference`;
    yield problem('authentication-not-found', message, { object: from, path });
  }
}
