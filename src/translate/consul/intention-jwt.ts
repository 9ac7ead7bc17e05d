import type { AuthorizationTest, AuthorizationTests } from '../../model/index.ts';
import type { Fields } from '../fields.ts';
import type { Report } from '../report.ts';

/** What tokens are asked for: one of these providers, each with the claims that go with it. */
export interface IntentionJwt {
  /** Names of JWTProviders. */
  readonly providers: readonly string[];
  /** One of them must hold. */
  readonly alternatives: readonly AuthorizationTests[];
}

/** The `jwt` of an entry, of or a permission of it; undefined where it has none. */
export function readJwt(of: Fields, report: Report): IntentionJwt | undefined {
  const jwt = of.object('jwt');
  if (jwt === undefined) return undefined;
  const read = jwt.objects('providers').map(provider => {
    const name = provider.text('name') ?? '';
    if (name === '') {
      const path = provider.at('name');
      report.error('field-invalid', path, `${path} is missing; write the name of a JWTProvider`);
    }
    const claims = provider.objects('verifyClaims').flatMap(each => readClaim(each, report));
    provider.refuseRest();
    return { name, tests: [providedBy(name), ...claims] };
  });
  jwt.refuseRest();
  if (read.length === 0 && !report.refused) {
    const path = jwt.at('providers');
    report.error('field-invalid', path, `${path} is empty; name a JWTProvider, or take jwt out`);
  }
  return { providers: read.map(({ name }) => name), alternatives: read.map(({ tests }) => tests) };
}

function providedBy(name: string): AuthorizationTest {
  return { of: 'token-provider', values: [{ kind: 'exact', value: name }] };
}

/** Of a list one of the elements, as Consul has it. */
function readClaim(claim: Fields, report: Report): readonly AuthorizationTest[] {
  const name = claim.texts('path');
  const value = claim.text('value');
  claim.refuseRest();
  if (name.length > 0 && value !== undefined)
    return [{ of: 'claim', name, values: [{ kind: 'exact', value }] }];
  report.error(
    'field-invalid',
    claim.path,
    `${claim.path} needs a path (a list of names, outermost first) and a value`,
  );
  return [];
}
