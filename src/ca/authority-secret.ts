import type { WeftError } from '../errors/index.ts';
import { RECORD_FILES, readRecord, TLS_FILES, writeRecord } from './authority-files.ts';
import type { AuthorityParts } from './issuer.ts';
import type { AuthorityRecord } from './rotation.ts';

/** `data` of a Secret: values in base64. */
export type SecretData = Readonly<Record<string, unknown>>;

/**
 * The authority of a Secret: with the names of Istio's `cacerts` (ca-key.pem, ca-cert.pem, cert-chain.pem, root-cert.pem), which
 * are our own too, or with those of cert-manager (tls.key, tls.crt, ca.crt). `name` is for words. Error: ca-secret.
 */
export function authorityFromSecret(data: SecretData, name: string): AuthorityRecord | WeftError {
  const texts: Record<string, string> = {};
  for (const key of [...RECORD_FILES, ...Object.values(TLS_FILES)]) {
    const value = data[key];
    if (typeof value === 'string') texts[key] = Buffer.from(value, 'base64').toString('utf8');
  }
  return readRecord(texts, `the Secret ${name}`, 'ca-secret');
}

/** The `data` of a Secret that holds this record, or an authority with no rotation under way. */
export function secretOfAuthority(authority: AuthorityRecord | AuthorityParts): Record<string, string> {
  const record = 'parts' in authority ? authority : { parts: authority, distrusted: [] };
  const texts = Object.entries(writeRecord(record)).filter(([, text]) => text !== undefined);
  return Object.fromEntries(
    texts.map(([key, text]) => [key, Buffer.from(text ?? '', 'utf8').toString('base64')]),
  );
}

/** The same as a merge patch: null takes out what a record has no more. */
export function patchOfAuthority(record: AuthorityRecord): Record<string, string | null> {
  const data = secretOfAuthority(record);
  return Object.fromEntries(RECORD_FILES.map(key => [key, data[key] ?? null]));
}
