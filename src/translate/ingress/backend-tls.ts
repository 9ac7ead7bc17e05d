import type { OriginatedTls, TlsVersion } from '../../model/index.ts';
import { given, some } from '../given.ts';
import type { Annotations } from './annotations.ts';

/** Those of OpenSSL that Weft speaks; older ones are nobody's any more. */
const versions: Readonly<Record<string, TlsVersion>> = { 'TLSv1.2': 'TLSv1.2', 'TLSv1.3': 'TLSv1.3' };
const older = new Set(['SSLv2', 'SSLv3', 'TLSv1', 'TLSv1.1']);

/**
 * proxy-ssl-*: TLS to the backend. ingress-nginx verifies nobody unless proxy-ssl-verify says so. `isTls`: whether it is spoken
 * at all (backend-protocol).
 */
export function readBackendTls(annotations: Annotations, namespace: string, isTls: boolean): OriginatedTls {
  const secret = secretOf(annotations, namespace);
  const verify = annotations.choice('proxy-ssl-verify', ['on', 'off']) === 'on';
  const name = nameOf(annotations);
  const sends = annotations.choice('proxy-ssl-server-name', ['on', 'off']) === 'on';
  const maxDepth = annotations.count('proxy-ssl-verify-depth') ?? 1;
  const protocols = protocolsOf(annotations);
  const ciphers = some((annotations.text('proxy-ssl-ciphers') ?? '').split(':').filter(Boolean));
  if (!isTls) {
    for (const each of ['proxy-ssl-secret', 'proxy-ssl-verify', 'proxy-ssl-name'])
      if (annotations.has(each)) annotations.tell(each, 'it has no effect without backend-protocol: HTTPS');
  } else if (verify && secret === undefined)
    annotations.wrong('proxy-ssl-verify', 'wants proxy-ssl-secret, the Secret with the authorities (ca.crt)');
  else if (verify && name === undefined)
    annotations.wrong('proxy-ssl-verify', 'wants proxy-ssl-name, the name that the certificate must have');
  return {
    mode: 'simple',
    ...(verify && name !== undefined
      ? { expected: [{ type: 'host', name }] as const, maxDepth }
      : { insecureSkipVerify: true }),
    ...protocols,
    ...given({
      credential: secret === undefined ? undefined : ({ kind: 'Secret', namespace, name: secret } as const),
      serverName: sends ? name : undefined,
      ciphers,
    }),
  };
}

/** Others' Secrets are for others, as for auth-secret. */
function secretOf(annotations: Annotations, namespace: string): string | undefined {
  const named = annotations.text('proxy-ssl-secret');
  if (named === undefined) return undefined;
  const [first = '', second] = named.split('/');
  if (second !== undefined && first !== namespace)
    return annotations.wrong(
      'proxy-ssl-secret',
      `'${named}' is of another namespace; copy it to ${namespace}`,
    );
  return second ?? first;
}

function nameOf(annotations: Annotations): string | undefined {
  const name = annotations.text('proxy-ssl-name')?.toLowerCase();
  if (name === undefined || /^[a-z0-9*]([a-z0-9.-]*[a-z0-9])?$/.test(name)) return name;
  return annotations.wrong('proxy-ssl-name', `'${name}' is no name of a host`);
}

function protocolsOf(annotations: Annotations): Pick<OriginatedTls, 'minVersion' | 'maxVersion'> {
  const words = (annotations.text('proxy-ssl-protocols') ?? '').split(/\s+/).filter(Boolean);
  const unknown = words.find(each => versions[each] === undefined && !older.has(each));
  if (unknown !== undefined)
    annotations.wrong('proxy-ssl-protocols', `'${unknown}' is none of TLSv1.2, TLSv1.3`);
  const known = words.flatMap(each => versions[each] ?? []).sort();
  if (words.length > 0 && known.length === 0 && unknown === undefined)
    annotations.wrong(
      'proxy-ssl-protocols',
      `of '${words.join(' ')}' Weft speaks none: write TLSv1.2 TLSv1.3`,
    );
  return given({ minVersion: known[0], maxVersion: known.at(-1) });
}
