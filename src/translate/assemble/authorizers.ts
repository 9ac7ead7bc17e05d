import { type Mesh, type Problem, problem } from '../../model/index.ts';

/** One problem for each policy that has somebody asked whom the mesh's settings do not name: it lets nobody in. */
export function* authorizerProblems(mesh: Mesh): Iterable<Problem> {
  const known = new Set(mesh.authorizers.map(({ name }) => name));
  for (const policies of mesh.authorizationPolicies.values()) {
    for (const { action, provider, from } of policies) {
      if (action !== 'custom' || provider === undefined || known.has(provider)) continue;
      const path = 'spec.provider.name';
      const message = `${path}: no external authorizer is called '${provider}', so that what this policy is about is refused; name one of extensionProviders in the ConfigMap istio or weft-mesh with envoyExtAuthzHttp or envoyExtAuthzGrpc`;
      yield problem('authorizer-unknown', message, { object: from, path });
    }
  }
}
