import type { ClientValidation } from '../../model/index.ts';
import type { KubeObject } from '../../registry/index.ts';
import { type Fields, fieldsOf } from '../fields.ts';
import { given, some } from '../given.ts';
import type { Report } from '../report.ts';
import { OPENSSL_CIPHERS } from '../tls-ciphers.ts';
import type { TlsOptionWords } from './model.ts';

/** What a TLSOption asks of connections. */
export function readTlsOption(object: KubeObject, report: Report): TlsOptionWords['tls'] {
  const { namespace = '' } = object.metadata;
  const spec = fieldsOf(object, 'spec', report);
  const [minVersion, maxVersion] = [
    versionOf(spec, 'minVersion', report),
    versionOf(spec, 'maxVersion', report),
  ];
  const ciphers = spec.texts('cipherSuites').flatMap(each => {
    const name = OPENSSL_CIPHERS[each];
    // Those of TLS 1.3 cannot be chosen in Go either.
    if (name !== undefined || /^TLS_(AES|CHACHA20)_/.test(each)) return name ?? [];
    const at = spec.at('cipherSuites');
    report.error(
      'field-invalid',
      at,
      `${at}: '${each}' is none of ${Object.keys(OPENSSL_CIPHERS).join(', ')}`,
    );
    return [];
  });
  const offered = spec.texts('alpnProtocols');
  const alpn = (['h2', 'http/1.1'] as const).filter(each => offered.includes(each));
  const clients = readClients(spec.object('clientAuth'), namespace, report);
  spec.unsupported('curvePreferences', 'curves are those of OpenSSL');
  // Names without a certificate of their own are refused in any case.
  for (const each of ['sniStrict', 'preferServerCipherSuites', 'disableSessionTickets']) spec.pass(each);
  spec.rest();
  return given({
    ...{ minVersion, maxVersion, clients, ciphers: some(ciphers) },
    alpn: offered.length === 0 ? undefined : some(alpn),
  });
}

function versionOf(
  spec: Fields,
  name: 'minVersion' | 'maxVersion',
  report: Report,
): 'TLSv1.2' | 'TLSv1.3' | undefined {
  const text = spec.text(name);
  if (text === undefined || text === '') return undefined;
  if (text === 'VersionTLS13') return 'TLSv1.3';
  if (text === 'VersionTLS12') return 'TLSv1.2';
  const at = spec.at(name);
  if (name === 'minVersion' && (text === 'VersionTLS10' || text === 'VersionTLS11')) {
    report.warn('field-not-supported', at, `${at}: '${text}' is not spoken; TLS 1.2 is the lowest`);
    return 'TLSv1.2';
  }
  report.error('field-invalid', at, `${at}: '${text}' is none of VersionTLS12, VersionTLS13`);
  return undefined;
}

const modes: Readonly<Record<string, ClientValidation['mode'] | undefined>> = {
  NoClientCert: undefined,
  RequestClientCert: 'insecure',
  VerifyClientCertIfGiven: 'optional',
  RequireAndVerifyClientCert: 'require',
};

function readClients(
  fields: Fields | undefined,
  namespace: string,
  report: Report,
): ClientValidation | undefined {
  if (fields === undefined) return undefined;
  const type = fields.text('clientAuthType') || 'NoClientCert';
  const at = fields.at('clientAuthType');
  const secrets = fields.texts('secretNames');
  fields.rest();
  if (!(type in modes)) {
    report.error(
      'field-invalid',
      at,
      `${at}: '${type}' cannot be carried out; write one of ${Object.keys(modes).join(', ')}`,
    );
    return undefined;
  }
  const mode = modes[type];
  if (mode === undefined) return undefined;
  if (secrets.length === 0 && mode !== 'insecure')
    report.error(
      'field-invalid',
      fields.at('secretNames'),
      `${fields.at('secretNames')} names no Secret with authorities`,
    );
  return { mode, authorities: secrets.map(name => ({ kind: 'Secret', namespace, name })) };
}
