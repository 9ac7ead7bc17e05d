import {
  CHALLENGES_SECRET,
  type Credential,
  GATEWAY_SETTINGS_KEY,
  ISSUED_MARKS,
  isPasswordHash,
  NAMESPACE_NAME_LABEL,
  type ServedChallenge,
} from '../../model/index.ts';
import { isRecord, recordsOf } from '../../plain/index.ts';
import type { KubeObject } from '../../registry/index.ts';
import type { KindTranslator, TranslateContext } from '../dialect.ts';
import type { Part } from '../part.ts';
import type { Report } from '../report.ts';

/** What gateways have a use for: certificates, authorities, lists of users, settings of their proxies. */
const usedKeys = [
  GATEWAY_SETTINGS_KEY,
  'tls.crt',
  'tls.key',
  'ca.crt',
  'tls.ocsp-staple',
  'auth',
  'users',
  'cert',
  'key',
  'cacert',
  'tls.ca',
];

/** v1 Secret: certificates, keys and logins of gateways. Values that are no base64 are left out, as if they were not there. */
export const secretTranslator: KindTranslator = {
  kind: 'Secret',
  translate: (object, _context, report) =>
    object.type === CHALLENGES_SECRET.type
      ? challengesPart(object, report)
      : credentialPart('Secret', object, secretData(object), report),
};

/** v1 ConfigMap: authorities that clients or upstreams are checked by. */
export const configMapTranslator: KindTranslator = {
  kind: 'ConfigMap',
  translate: (object, _context, report) =>
    credentialPart(
      'ConfigMap',
      object,
      textsOf(object.data, text => text),
      report,
    ),
};

/** v1 Namespace: its labels, by which listeners choose whose routes they take. */
export const namespaceLabelsTranslator: KindTranslator = {
  kind: 'Namespace',
  translate: (object: KubeObject, _context: TranslateContext, report: Report) => {
    const { name, labels = {}, creationTimestamp = '' } = object.metadata;
    const { [NAMESPACE_NAME_LABEL]: _, ...own } = labels;
    const policy = { name, labels: own, from: report.object };
    return [{ kind: 'policy', of: 'namespaces', policy, createdAt: creationTimestamp }];
  },
};

/** What gateways show to servers that look whether names are ours; Weft writes it, and what is broken shows nothing. */
function challengesPart(object: KubeObject, report: Report): readonly Part[] {
  const { namespace = '', creationTimestamp: createdAt = '' } = object.metadata;
  const { key } = CHALLENGES_SECRET;
  const text = { ...decodedOf(object.data, [key]), ...textsOf(object.stringData, each => each, [key]) }[key];
  let read: unknown;
  try {
    read = JSON.parse(text ?? '[]');
  } catch {
    read = [];
  }
  const challenges = recordsOf(read).flatMap((each): readonly ServedChallenge[] => {
    const [host, token, authorization, chain, privateKey] = [
      'host',
      'token',
      'authorization',
      'chain',
      'privateKey',
    ].map(name => String(each[name] ?? '')) as [string, string, string, string, string];
    if (each.kind === 'http-01') return [{ kind: 'http-01', host, token, authorization }];
    return each.kind === 'tls-alpn-01' ? [{ kind: 'tls-alpn-01', host, chain, privateKey }] : [];
  });
  if (challenges.length === 0) return [];
  const policy = { namespace, challenges, from: report.object };
  return [{ kind: 'policy', of: 'servedChallenges', policy, createdAt }];
}

function secretData({ data, stringData }: KubeObject): Record<string, string> {
  return {
    ...decodedOf(data, [
      ...usedKeys,
      ...loginKeys(data, encoded => Buffer.from(encoded, 'base64').toString()),
    ]),
    ...textsOf(stringData, text => text, [...usedKeys, ...loginKeys(stringData, text => text)]),
  };
}

/** Keys that are users (auth-map). All else that Secrets hold is none of our business, and is not kept. */
function loginKeys(values: unknown, read: (text: string) => string): readonly string[] {
  if (!isRecord(values)) return [];
  return Object.entries(values).flatMap(([key, value]) =>
    typeof value === 'string' && isPasswordHash(read(value)) ? [key] : [],
  );
}

function decodedOf(data: unknown, keys: readonly string[]): Record<string, string> {
  const decode = (text: string): string | undefined => {
    const bytes = Buffer.from(text, 'base64');
    return /^[A-Za-z0-9+/=\s]*$/.test(text) ? bytes.toString('utf8') : undefined;
  };
  return textsOf(data, decode, keys);
}

function textsOf(
  data: unknown,
  read: (text: string) => string | undefined,
  keys: readonly string[] = usedKeys,
): Record<string, string> {
  if (!isRecord(data)) return {};
  return Object.fromEntries(
    keys.flatMap(key => {
      const value = data[key];
      const text = typeof value === 'string' ? read(value) : undefined;
      return text === undefined ? [] : [[key, text]];
    }),
  );
}

function credentialPart(
  kind: Credential['kind'],
  object: KubeObject,
  data: Record<string, string>,
  report: Report,
): readonly Part[] {
  const { name, namespace = '', creationTimestamp = '' } = object.metadata;
  const type = typeof object.type === 'string' ? object.type : '';
  // Whoever names a Secret of TLS without a certificate is told what is missing in it, and not that there is none.
  if (Object.keys(data).length === 0 && type !== 'kubernetes.io/tls') return [];
  const failure = object.metadata.annotations?.[ISSUED_MARKS.failure];
  const policy: Credential = {
    ...{ kind, namespace, name, type, data },
    ...(failure !== undefined && { failure }),
    from: report.object,
  };
  return [{ kind: 'policy', of: 'credentials', policy, createdAt: creationTimestamp }];
}
