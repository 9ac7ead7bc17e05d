import type { AuthorizationTest, NamedMatch, TextMatch, ValueMatch } from '../../model/index.ts';
import type { Fields } from '../fields.ts';
import type { Report } from '../report.ts';
import { readHttpMatch } from './http-match.ts';

/** One element of `permissions`: the first whose tests all hold decides. */
export interface IntentionPermission {
  readonly action: 'allow' | 'deny';
  /** None for any request. */
  readonly tests: readonly AuthorizationTest[];
}

export function readPermission(permission: Fields, report: Report): IntentionPermission {
  const action = permission.choice('action', ['allow', 'deny']);
  const http = permission.object('http');
  if (action === undefined && !report.refused) {
    const path = permission.at('action');
    report.error('field-invalid', path, `${path} is missing; write allow or deny`);
  }
  if (permission.has('jwt')) {
    permission.object('jwt');
    const path = permission.at('jwt');
    report.error(
      'field-not-supported',
      path,
      `${path}: jwt-provider entries are not read; write a RequestAuthentication, and an AuthorizationPolicy with requestPrincipals`,
    );
  }
  permission.refuseRest();
  return { action: action ?? 'deny', tests: http ? testsOf(http, report) : [] };
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
