// Rules of AuthorizationPolicy: from, to and when, field by field.
import type { AuthorizationRule, AuthorizationTest, AuthorizationTests } from '../../model/index.ts';
import type { Fields } from '../fields.ts';
import { readCondition } from './authorization-condition.ts';
import {
  type ReadValue,
  readHost,
  readPath,
  readPort,
  readPrincipal,
  readRange,
  readTrustDomain,
  readValues,
  readWildcard,
  serviceAccountIn,
} from './authorization-values.ts';
import type { Reading } from './reading.ts';

/** What a field asks, and how its values are read. */
interface Field {
  readonly name: string;
  readonly negation: string;
  readonly of: AuthorizationTest['of'];
  readonly read: ReadValue;
}

/** Istio takes no more of them. */
const maxServiceAccounts = 16;

function sourceFields(namespace: string): readonly Field[] {
  return [
    { name: 'principals', negation: 'notPrincipals', of: 'principal', read: readPrincipal },
    {
      name: 'requestPrincipals',
      negation: 'notRequestPrincipals',
      of: 'request-principal',
      read: readWildcard,
    },
    { name: 'namespaces', negation: 'notNamespaces', of: 'namespace', read: readWildcard },
    {
      name: 'serviceAccounts',
      negation: 'notServiceAccounts',
      of: 'service-account',
      read: serviceAccountIn(namespace),
    },
    { name: 'trustDomains', negation: 'notTrustDomains', of: 'trust-domain', read: readTrustDomain },
    { name: 'ipBlocks', negation: 'notIpBlocks', of: 'source-address', read: readRange },
    { name: 'remoteIpBlocks', negation: 'notRemoteIpBlocks', of: 'remote-address', read: readRange },
  ];
}

const operationFields: readonly Field[] = [
  { name: 'hosts', negation: 'notHosts', of: 'host', read: readHost },
  { name: 'ports', negation: 'notPorts', of: 'destination-port', read: readPort },
  { name: 'methods', negation: 'notMethods', of: 'method', read: readWildcard },
  { name: 'paths', negation: 'notPaths', of: 'path', read: readPath },
];

/** One rule, whose name is its index. */
export function readRule(rule: Fields, name: string, reading: Reading): AuthorizationRule {
  const { namespace } = reading;
  const from = readPieces(rule, 'from', 'source', sourceFields(namespace), reading);
  const to = readPieces(rule, 'to', 'operation', operationFields, reading);
  const when = rule.objects('when').map(each => readCondition(each, reading));
  if (rule.isList('when') && when.length === 0) emptyList(rule, 'when', reading);
  rule.refuseRest();
  // One that cannot be read has refused the object.
  const conditions = when.flatMap(each => (each === undefined ? [] : [[each]]));
  return { name, clauses: [...(from ? [from] : []), ...(to ? [to] : []), ...conditions] };
}

/** `from` or `to`: one of its elements must hold. Undefined where the rule does not have it. */
function readPieces(
  rule: Fields,
  list: 'from' | 'to',
  piece: 'source' | 'operation',
  fields: readonly Field[],
  reading: Reading,
): readonly AuthorizationTests[] | undefined {
  if (!rule.has(list)) return undefined;
  const elements = rule.objects(list);
  if (rule.isList(list) && elements.length === 0) emptyList(rule, list, reading);
  return elements.map(element => {
    const found = element.object(piece);
    element.refuseRest();
    const tests = found ? readTests(found, fields, reading) : [];
    found?.refuseRest();
    if (tests.length === 0 && !reading.report.refused) {
      const remedy = `say who or what in ${piece}, or leave ${list} out for everything`;
      reading.report.error('field-invalid', element.path, `${element.path} asks for nothing; ${remedy}`);
    }
    if (found && piece === 'source') checkServiceAccounts(found, reading);
    return tests;
  });
}

function readTests(piece: Fields, fields: readonly Field[], reading: Reading): AuthorizationTests {
  return fields.flatMap(({ name, negation, of, read }) => {
    const values = readValues(piece, name, read, reading);
    const nots = readValues(piece, negation, read, reading);
    return [
      ...(values.length > 0 ? [{ of, values }] : []),
      ...(nots.length > 0 ? [{ of, values: nots, not: true as const }] : []),
    ];
  });
}

function checkServiceAccounts(source: Fields, { report }: Reading): void {
  for (const name of ['serviceAccounts', 'notServiceAccounts']) {
    if (!source.has(name)) continue;
    const path = source.at(name);
    if (source.texts(name).length > maxServiceAccounts)
      report.error(
        'field-invalid',
        path,
        `${path} has more than ${maxServiceAccounts} values; split the rule`,
      );
    const others = ['principals', 'notPrincipals', 'namespaces', 'notNamespaces'].filter(each =>
      source.has(each),
    );
    if (others.length > 0)
      report.error(
        'field-invalid',
        path,
        `${path} cannot stand beside ${others.join(' and ')}; keep one of them`,
      );
  }
}

function emptyList(rule: Fields, name: string, { report }: Reading): void {
  report.error('field-invalid', rule.at(name), `${rule.at(name)} is empty; say something, or leave it out`);
}
