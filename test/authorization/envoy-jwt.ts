// RequestAuthentication as Envoy's jwt_authn filter, translated by hand from Istio's reference and its
// pilot/pkg/security/authn/policy_applier.go, with nothing of Weft's own translation.
import type { TokenRule } from './random-tokens.ts';

/** The filter's configuration for sets of rules, each a requirement by its index. */
export function jwtAuthnOf(sets: readonly (readonly TokenRule[])[]): object {
  const providers: Record<string, object> = {};
  const requirements: Record<string, object> = {};
  for (const [set, rules] of sets.entries()) {
    const names = rules.map((rule, index) => {
      const name = `${set}-${index}`;
      providers[name] = providerOf(rule);
      return name;
    });
    requirements[String(set)] = requirementOf(names);
  }
  return {
    '@type': 'type.googleapis.com/envoy.extensions.filters.http.jwt_authn.v3.JwtAuthentication',
    providers,
    requirement_map: requirements,
    bypass_cors_preflight: true,
  };
}

function providerOf(rule: TokenRule): object {
  const headers = (rule.fromHeaders ?? []).map(({ name, prefix = '' }) => ({ name, value_prefix: prefix }));
  return {
    issuer: rule.issuer,
    audiences: rule.audiences ?? [],
    local_jwks: { inline_string: rule.jwks },
    forward: rule.forwardOriginalToken ?? false,
    from_headers: headers,
    from_params: rule.fromParams ?? [],
    from_cookies: rule.fromCookies ?? [],
    ...(rule.outputPayloadToHeader && { forward_payload_header: rule.outputPayloadToHeader }),
    claim_to_headers: (rule.outputClaimToHeaders ?? []).map(({ header, claim }) => ({
      header_name: header,
      claim_name: claim,
    })),
    payload_in_metadata: 'payload',
  };
}

/**
 * One: it, or no token. Several: any of them, or, since tokens of several may stand in one place, all of them where each is
 * content without a token.
 */
function requirementOf(names: readonly string[]): object {
  const missing = { allow_missing: {} };
  const one = (name: string): object => ({ provider_name: name });
  const any = (requirements: readonly object[]): object => ({ requires_any: { requirements } });
  const orMissing = names.map(name => any([one(name), missing]));
  if (orMissing.length === 1) return orMissing[0]!;
  return any([...names.map(one), { requires_all: { requirements: orMissing } }]);
}
