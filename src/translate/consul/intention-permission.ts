import type {
  AuthorizationTest,
  AuthorizationTests,
  NamedMatch,
  TextMatch,
  ValueMatch,
} from '../../model/index.ts';
import type { Fields } from '../fields.ts';
import type { Report } from '../report.ts';
import { readHttpMatch } from './http-match.ts';
import { readJwt } from './intention-jwt.ts';

/** One element of `permissions`: the first that holds decides. */
export interface IntentionPermission {
  readonly action: 'allow' | 'deny';
  /** One of them must hold, all tests of it. A single one without tests: for any request. */
  readonly alternatives: readonly AuthorizationTests[];
  /** Names of the JWTProviders that it asks for. */
  readonly providers: readonly string[];
}

export function readPermission(permission: Fields, report: Report): IntentionPermission {
  const action = permission.choice('action', ['allow', 'deny']);
  const http = permission.object('http');
  if (action === undefined && !report.refused) {
    const path = permission.at('action');
    report.error('field-invalid', path, `${path} is missing; write allow or deny`);
  }
  const jwt = readJwt(permission, report);
  permission.refuseRest();
  const tests = http ? testsOf(http, report) : [];
  const alternatives = jwt?.alternatives.map(each => [...tests, ...each]) ?? [tests];
  return { action: action ?? 'deny', alternatives, providers: jwt?.providers ?? [] };
}

function testsOf(http: Fields, report: Report): readonly AuthorizationTest[] {
  const { matches } = readHttpMatch(http, report);
  const request = matches[0]?.request ?? {};
  const methods = matches.flatMap(each => each.request?.method?.value ?? []);
  const { path, headers = [], query = [] } = request;
  if (query.length > 0) {
    const at = http.at('queryParam');
    report.error('field-invalid', at, `${at}: intentions cannot ask for queries; take it out`);
  }
  return [
    ...(path
      ? [{ of: 'path', values: [matchOf({ ...path, kind: path.kind as TextMatch['kind'] })] } as const]
      : []),
    ...(methods.length > 0
      ? [{ of: 'method', values: methods.map(value => ({ kind: 'exact', value }) as const) } as const]
      : []),
    ...headers.map(headerTest),
  ];
}

function headerTest({ name, match, invert }: NamedMatch): AuthorizationTest {
  return { of: 'header', name, values: [matchOf(match)], ...(invert && { not: true }) };
}

function matchOf({ kind, value, ignoreCase }: TextMatch): ValueMatch {
  return { kind, value, ...(ignoreCase && { ignoreCase: true }) } as ValueMatch;
}
