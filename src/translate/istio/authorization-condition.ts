// Conditions of AuthorizationPolicy (`when`): a key, and values that it must have or must not have.
import type { AuthorizationTest, AuthorizationTests } from '../../model/index.ts';
import type { Fields } from '../fields.ts';
import {
  type ReadValue,
  readPort,
  readPrincipal,
  readRange,
  readTrustDomain,
  readValues,
  readWildcard,
  serviceAccountIn,
} from './authorization-values.ts';
import type { Reading } from './reading.ts';

interface Key {
  readonly of: AuthorizationTest['of'];
  readonly name?: string | readonly string[];
  readonly read: ReadValue;
}

/** Istio's AuthorizationPolicy Conditions, those without brackets. */
const keys: Readonly<Record<string, Key>> = {
  'source.ip': { of: 'source-address', read: readRange },
  'remote.ip': { of: 'remote-address', read: readRange },
  'source.namespace': { of: 'namespace', read: readWildcard },
  'source.trustDomain': { of: 'trust-domain', read: readTrustDomain },
  'source.principal': { of: 'principal', read: readPrincipal },
  'request.auth.principal': { of: 'request-principal', read: readWildcard },
  'request.auth.audiences': { of: 'audience', read: readWildcard },
  'request.auth.presenter': { of: 'presenter', read: readWildcard },
  'destination.ip': { of: 'destination-address', read: readRange },
  'destination.port': { of: 'destination-port', read: readPort },
  'connection.sni': { of: 'server-name', read: readWildcard },
};

/** What a proxy knows of a request beside its headers. */
const pseudoHeaders = [':authority', ':method', ':path'];

/** One condition: its values and those that it must not have, both of which must hold. Undefined for an unknown key. */
export function readCondition(when: Fields, reading: Reading): AuthorizationTests | undefined {
  const { report } = reading;
  const text = when.text('key') ?? '';
  const key = keyOf(text, reading);
  if (key === undefined) {
    const known = [...Object.keys(keys), 'source.serviceAccount', 'request.headers[NAME]'];
    const remedy = `write one of ${[...known, 'request.auth.claims[NAME]'].join(', ')}`;
    const why = text.startsWith('experimental.envoy.filters.')
      ? 'filters of Envoy are not here'
      : text === ''
        ? 'is missing'
        : `'${text}' is no key that is known here`;
    report.error('field-invalid', when.at('key'), `${when.at('key')}: ${why}; ${remedy}`);
    return undefined;
  }
  const { read, ...of } = key;
  const values = readValues(when, 'values', read, reading);
  const nots = readValues(when, 'notValues', read, reading);
  when.refuseRest();
  if (!when.has('values') && !when.has('notValues'))
    report.error(
      'field-invalid',
      when.path,
      `${when.path} has no values and no notValues, so that it asks for nothing`,
    );
  return [
    ...(values.length > 0 ? [{ ...of, values }] : []),
    ...(nots.length > 0 ? [{ ...of, values: nots, not: true as const }] : []),
  ];
}

function keyOf(text: string, { namespace }: Reading): Key | undefined {
  if (Object.hasOwn(keys, text)) return keys[text];
  if (text === 'source.serviceAccount') return { of: 'service-account', read: serviceAccountIn(namespace) };
  const [, header] = /^request\.headers\[([^[\]]+)\]$/.exec(text) ?? [];
  if (header !== undefined) {
    const name = header.toLowerCase();
    const isName = /^[!#$%&'*+.^_`|~0-9a-z-]+$/.test(name) || pseudoHeaders.includes(name);
    return isName ? { of: 'header', name, read: readWildcard } : undefined;
  }
  const [, claims] = /^request\.auth\.claims((?:\[[^[\]]+\])+)$/.exec(text) ?? [];
  if (claims === undefined) return undefined;
  return { of: 'claim', name: claims.slice(1, -1).split(']['), read: readWildcard };
}
