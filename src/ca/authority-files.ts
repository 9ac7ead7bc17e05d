// How an authority's record is written: named texts, which are files of a folder or keys of a Secret.
import { WeftError } from '../errors/index.ts';
import type { AuthorityParts } from './issuer.ts';
import type { AuthorityRecord } from './rotation.ts';

/** Names as in Istio's Secret `cacerts`, so that one made for Istio can be used as it is. */
export const AUTHORITY_FILES = {
  key: 'ca-key.pem',
  certificate: 'ca-cert.pem',
  /** The certificate and what is above it; optional. */
  chain: 'cert-chain.pem',
  /** Every trusted root. */
  roots: 'root-cert.pem',
} as const;

/** The same names, with this before them, for who is to sign and who signed before. */
const prefixes = { next: 'next-', previous: 'previous-' } as const;

/** Fingerprints, one a line. */
const DISTRUSTED_FILE = 'distrusted-roots';

/** Names in a Secret of type kubernetes.io/tls, as cert-manager writes it, for Vault too. */
export const TLS_FILES = { key: 'tls.key', certificate: 'tls.crt', roots: 'ca.crt' } as const;

/** Every name that a record may use. */
export const RECORD_FILES: readonly string[] = [
  ...Object.values(AUTHORITY_FILES),
  ...Object.values(prefixes).flatMap(prefix => Object.values(AUTHORITY_FILES).map(name => prefix + name)),
  DISTRUSTED_FILE,
];

/**
 * Reads a record from texts with our names, or with those of cert-manager. `where` is for words. Error `code` names what is
 * missing.
 */
export function readRecord(
  texts: Readonly<Record<string, string | undefined>>,
  where: string,
  code: 'ca-secret' | 'ca-folder',
): AuthorityRecord | WeftError {
  const text = (name: string): string => texts[name]?.trim() ?? '';
  const istio = text(AUTHORITY_FILES.key) !== '' || text(AUTHORITY_FILES.certificate) !== '';
  const tls = text(TLS_FILES.key) !== '' || text(TLS_FILES.certificate) !== '' || code === 'ca-secret';
  const names: { readonly key: string; readonly certificate: string; readonly roots: string } =
    istio || !tls ? AUTHORITY_FILES : TLS_FILES;
  const certificate = text(names.certificate);
  // A self-signed authority of cert-manager is its own root, and an issuer may leave ca.crt out.
  const roots = text(names.roots) || (names === TLS_FILES ? lastCertificate(certificate) : '');
  const found = { key: text(names.key), certificate, roots };
  const missing = (['key', 'certificate', 'roots'] as const).find(each => found[each] === '');
  if (missing) {
    if (code === 'ca-folder') return incomplete(where, names[missing]);
    const all = Object.values(names).join(', ');
    const why = `${where} holds no certificate authority: ${names[missing]} is missing; it needs ${all}`;
    return new WeftError(code, why, { source: 'config' });
  }
  const chain = istio ? text(AUTHORITY_FILES.chain) : '';
  const parts = { keyPem: line(found.key), chainPem: line(chain || certificate), roots: [line(roots)] };
  const next = partsAt(text, prefixes.next);
  const previous = partsAt(text, prefixes.previous);
  const distrusted = text(DISTRUSTED_FILE).split(/\s+/).filter(Boolean);
  return { parts, ...(next && { next }), ...(previous && { previous }), distrusted };
}

/** The texts of a record; undefined stands for a text that must not be there. */
export function writeRecord(record: AuthorityRecord): Record<string, string | undefined> {
  const { parts, next, previous, distrusted } = record;
  return {
    ...textsOf('', parts),
    ...textsOf(prefixes.next, next),
    ...textsOf(prefixes.previous, previous),
    [DISTRUSTED_FILE]: distrusted.length > 0 ? `${distrusted.join('\n')}\n` : undefined,
  };
}

function partsAt(text: (name: string) => string, prefix: string): AuthorityParts | undefined {
  const keyPem = text(prefix + AUTHORITY_FILES.key);
  const certificate = text(prefix + AUTHORITY_FILES.certificate);
  const roots = text(prefix + AUTHORITY_FILES.roots);
  if (keyPem === '' || certificate === '' || roots === '') return undefined;
  const chainPem = text(prefix + AUTHORITY_FILES.chain) || certificate;
  return { keyPem: line(keyPem), chainPem: line(chainPem), roots: [line(roots)] };
}

function textsOf(prefix: string, parts: AuthorityParts | undefined): Record<string, string | undefined> {
  return {
    [prefix + AUTHORITY_FILES.roots]: parts?.roots.map(line).join(''),
    [prefix + AUTHORITY_FILES.certificate]: parts && line(parts.chainPem),
    [prefix + AUTHORITY_FILES.chain]: parts && line(parts.chainPem),
    [prefix + AUTHORITY_FILES.key]: parts && line(parts.keyPem),
  };
}

function line(text: string): string {
  return `${text.trim()}\n`;
}

function lastCertificate(pem: string): string {
  const at = pem.lastIndexOf('-----BEGIN CERTIFICATE-----');
  return at < 0 ? '' : pem.slice(at);
}

function incomplete(folder: string, name: string): WeftError {
  const why = `the certificate authority in ${folder} is incomplete: ${name} is missing; put it back, or remove the folder to have a new authority made, which every proxy must then be restarted for`;
  return new WeftError('ca-folder', why, { source: 'config' });
}
