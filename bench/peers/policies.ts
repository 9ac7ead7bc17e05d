// The policies of a job that has some: one issuer of tokens, and twenty rules of ALLOW, of which the last is for the request.
// Said once for Weft and once for Envoy, as Istio would tell it.
import { TestIssuer } from '../../src/authentication/testing/issuer.ts';
import type { AuthorizationTest, InboundResource } from '../../src/model/index.ts';

const issuer = new TestIssuer('https://issuer.bench', 'RS256');
const count = 20;
const from = { apiVersion: 'security.istio.io/v1', namespace: 'bench', name: 'bench' };

/** What a request brings: a token of RS256 with twenty groups, 788 bytes or so. */
export const TOKEN_HEADER = `Authorization: Bearer ${issuer.token({
  aud: 'bench',
  groups: Array.from({ length: 20 }, (_, i) => `group-${i}`),
})}`;

const strangers = Array.from(
  { length: count - 1 },
  (_, i) => `spiffe://cluster.local/ns/bench/sa/other-${i}`,
);

/** For Weft. `client`: who calls. */
export function weftPolicies(client: string): Pick<InboundResource, 'authorization' | 'tokenRules'> {
  const exact = (of: AuthorizationTest['of'], value: string): AuthorizationTest => ({
    of,
    values: [{ kind: 'exact', value }],
  });
  const path = (value: string): AuthorizationTest => ({ of: 'path', values: [{ kind: 'prefix', value }] });
  const rules = [...strangers, client].map((principal, i) => ({
    name: `${i}`,
    clauses: [
      [[exact('principal', principal)]],
      [[exact('method', 'GET'), path(principal === client ? '/' : `/area-${i}/`)]],
      ...(principal === client ? [[[exact('request-principal', `${issuer.issuer}/alice`)]]] : []),
    ],
  }));
  return {
    authorization: [{ action: 'allow', rules, from: { ...from, kind: 'AuthorizationPolicy' } }],
    tokenRules: [
      {
        ...{ issuer: issuer.issuer, audiences: ['bench'], jwks: issuer.jwks },
        from: { ...from, kind: 'RequestAuthentication' },
      },
    ],
  };
}

/** For Envoy: the filters before its router. */
export function envoyPolicies(client: string): readonly object[] {
  const type = (name: string): string => `type.googleapis.com/envoy.extensions.filters.http.${name}`;
  const authenticated = (exact: string): object => ({ authenticated: { principal_name: { exact } } });
  const claim = (name: string, exact: string): object => ({
    metadata: {
      filter: 'envoy.filters.http.jwt_authn',
      path: [{ key: 'payload' }, { key: name }],
      value: { string_match: { exact } },
    },
  });
  const rule = (principal: string, i: number): object => ({
    permissions: [
      {
        and_rules: {
          rules: [
            { header: { name: ':method', string_match: { exact: 'GET' } } },
            { url_path: { path: { prefix: principal === client ? '/' : `/area-${i}/` } } },
          ],
        },
      },
    ],
    principals: [
      principal === client
        ? { and_ids: { ids: [authenticated(principal), claim('iss', issuer.issuer), claim('sub', 'alice')] } }
        : authenticated(principal),
    ],
  });
  const policies = Object.fromEntries(
    [...strangers, client].map((principal, i) => [`${i}`, rule(principal, i)]),
  );
  const provider = {
    ...{ issuer: issuer.issuer, audiences: ['bench'], local_jwks: { inline_string: issuer.jwks } },
    payload_in_metadata: 'payload',
    // Verified tokens are kept; Istio does not ask for it.
    jwt_cache_config: { jwt_cache_size: 100 },
  };
  return [
    {
      name: 'envoy.filters.http.jwt_authn',
      typed_config: {
        '@type': type('jwt_authn.v3.JwtAuthentication'),
        providers: { users: provider },
        rules: [
          {
            match: { prefix: '/' },
            requires: { requires_any: { requirements: [{ provider_name: 'users' }, { allow_missing: {} }] } },
          },
        ],
      },
    },
    {
      name: 'envoy.filters.http.rbac',
      typed_config: { '@type': type('rbac.v3.RBAC'), rules: { action: 'ALLOW', policies } },
    },
  ];
}
