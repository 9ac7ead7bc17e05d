import { WeftError } from '../errors/index.ts';
import { AUTHORITY_FILES } from './authority-folder.ts';
import type { AuthorityParts } from './issuer.ts';

/** `data` of a Secret: values in base64. */
export type SecretData = Readonly<Record<string, unknown>>;

/** Names in a Secret of type kubernetes.io/tls, as cert-manager writes it, for Vault too. */
const tlsNames = { key: 'tls.key', certificate: 'tls.crt', roots: 'ca.crt' } as const;

/**
 * The parts of an authority from a Secret: with the names of Istio's `cacerts` (ca-key.pem, ca-cert.pem, cert-chain.pem,
 * root-cert.pem), which are our own too, or with those of cert-manager (tls.key, tls.crt, ca.crt). `name` is for words.
 */
export function authorityFromSecret(data: SecretData, name: string): AuthorityParts | WeftError {
  const text = (key: string): string => {
    const value = data[key];
    return typeof value === 'string' ? Buffer.from(value, 'base64').toString('utf8').trim() : '';
  };
  const istio = text(AUTHORITY_FILES.key) !== '' || text(AUTHORITY_FILES.certificate) !== '';
  const names: { key: string; certificate: string; roots: string } = istio ? AUTHORITY_FILES : tlsNames;
  const certificate = text(names.certificate);
  const found = { key: text(names.key), certificate, roots: text(names.roots) };
  // A self-signed authority of cert-manager is its own root, and an issuer may leave ca.crt out.
  if (!istio && found.roots === '') found.roots = lastCertificate(certificate);
  const missing = (['key', 'certificate', 'roots'] as const).find(each => found[each] === '');
  if (missing) {
    const all = Object.values(names).join(', ');
    return new WeftError(
      'ca-secret',
      `the Secret ${name} holds no certificate authority: ${names[missing]} is missing; it needs ${all}`,
      { source: 'config' },
    );
  }
  const chain = istio ? text(AUTHORITY_FILES.chain) : '';
  return { keyPem: found.key, chainPem: chain || certificate, roots: [found.roots] };
}

/** The `data` of a Secret that holds these parts, with the names of `cacerts`. */
export function secretOfAuthority(parts: AuthorityParts): Record<string, string> {
  const encode = (text: string): string => Buffer.from(text, 'utf8').toString('base64');
  return {
    [AUTHORITY_FILES.key]: encode(parts.keyPem),
    [AUTHORITY_FILES.certificate]: encode(parts.chainPem),
    [AUTHORITY_FILES.chain]: encode(parts.chainPem),
    [AUTHORITY_FILES.roots]: encode(parts.roots.join('')),
  };
}

function lastCertificate(pem: string): string {
  const at = pem.lastIndexOf('-----BEGIN CERTIFICATE-----');
  return at < 0 ? '' : pem.slice(at);
}
