// Which of the clients that have a good certificate a listener lets in.
import { createHash, type X509Certificate } from 'node:crypto';
import type { AdmittedClients } from '../model/index.ts';
import { typedNamesOf } from './originated.ts';

/** Why the client is not let in; undefined where it is. As in Envoy a name must be one of them, and one digest of either sort. */
export function whyNotAdmitted(
  { names = [], publicKeys = [], certificates = [] }: AdmittedClients,
  certificate: X509Certificate,
): string | undefined {
  if (names.length > 0) {
    const has = typedNamesOf(certificate.subjectAltName ?? '');
    const isNamed = has.some(({ type, name }) =>
      // Names of hosts have no case (RFC 4343); of others every letter counts.
      names.some(each => each === name || (type === 'DNS' && each.toLowerCase() === name.toLowerCase())),
    );
    if (!isNamed) {
      const words = has.map(each => each.name).join(', ') || 'nobody';
      return `the certificate of the client is for ${words}, and let in are ${names.join(', ')}`;
    }
  }
  if (publicKeys.length === 0 && certificates.length === 0) return undefined;
  const isKnown =
    certificates.includes(certificate.fingerprint256.replaceAll(':', '').toLowerCase()) ||
    (publicKeys.length > 0 && publicKeys.includes(digestOfKey(certificate)));
  return isKnown
    ? undefined
    : 'neither the certificate of the client nor its key is one of those that are let in';
}

function digestOfKey({ publicKey }: X509Certificate): string {
  return createHash('sha256')
    .update(publicKey.export({ type: 'spki', format: 'der' }))
    .digest('base64');
}
