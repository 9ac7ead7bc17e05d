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
  yield* providersUnknown(mesh);
}

/** The same of entries that ask for tokens of a provider whom no JWTProvider names. */
function* providersUnknown(mesh: Mesh): Iterable<Problem> {
  for (const policies of mesh.requestAuthentications.values()) {
    for (const { providers = [], from } of policies) {
      for (const name of providers) {
        if (name === '' || mesh.jwtProviders.has(name)) continue;
        const path = 'spec.jwt';
        const message = `no JWTProvider is called '${name}', so that nobody has a token of it and who needs one is refused; create it, or correct the name`;
        yield problem('jwt-provider-unknown', message, { object: from, path });
      }
    }
  }
}
