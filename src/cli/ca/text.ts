// What `weft ca` prints of certificates and revocations, from facts.
import type { X509Certificate } from 'node:crypto';
import type { WrittenRevocation } from '../../ca/index.ts';
import { WeftError } from '../../errors/index.ts';
import { fingerprintOf, principalOf, readCertificates } from '../../identity/index.ts';
import { type Screen, shortTime, table } from '../table.ts';

/** What is revoked, as a table. */
export function revokedLines(list: readonly WrittenRevocation[], screen: Screen): string[] {
  if (list.length === 0) return ['nobody is revoked'];
  return table(
    ['REVOKED', 'SINCE', 'WHY'],
    list.map(({ principal, serial, at = '', why = '' }) => [principal ?? serial ?? '', at, why]),
    screen,
  );
}

/** One certificate, as `weft ca inspect -o json` prints it. */
export interface Inspected {
  readonly subject: string;
  readonly issuer: string;
  readonly principal?: string;
  readonly dnsNames: readonly string[];
  readonly serial: string;
  readonly fingerprint: string;
  readonly key: string;
  readonly isAuthority: boolean;
  readonly notBefore: string;
  readonly notAfter: string;
  readonly expiresSeconds: number;
}

/** What each certificate of a PEM text says. Throws a WeftError where there is none. */
export function inspect(pem: string, nowMs: number): readonly Inspected[] {
  const found = readCertificates(pem, 'the input');
  if (found instanceof WeftError) throw found;
  return found.map(each => {
    const principal = principalOf(each);
    const notAfterMs = each.validToDate.getTime();
    return {
      subject: each.subject?.replaceAll('\n', ', ') ?? '',
      issuer: each.issuer.replaceAll('\n', ', '),
      ...(principal !== undefined && { principal }),
      dnsNames: dnsNamesOf(each),
      serial: each.serialNumber,
      fingerprint: fingerprintOf(each),
      key: keyOf(each),
      isAuthority: each.ca,
      notBefore: each.validFromDate.toISOString(),
      notAfter: each.validToDate.toISOString(),
      expiresSeconds: Math.floor((notAfterMs - nowMs) / 1000),
    };
  });
}

/** The same for people. */
export function inspectText(certificates: readonly Inspected[]): string {
  return certificates
    .map((each, at) =>
      [
        `certificate ${at}${each.isAuthority ? ', of an authority' : ''}`,
        ...(each.principal === undefined ? [] : [`  identity     ${each.principal}`]),
        ...(each.dnsNames.length === 0 ? [] : [`  names        ${each.dnsNames.join(', ')}`]),
        `  subject      ${each.subject || '(none)'}`,
        `  issuer       ${each.issuer}`,
        `  serial       ${each.serial}`,
        `  fingerprint  ${each.fingerprint}`,
        `  key          ${each.key}`,
        `  good         ${each.notBefore} to ${each.notAfter}`,
        `  expires      ${each.expiresSeconds > 0 ? `in ${shortTime(each.expiresSeconds)}` : 'it has run out'}`,
      ].join('\n'),
    )
    .join('\n');
}

function dnsNamesOf(certificate: X509Certificate): readonly string[] {
  try {
    return [...(certificate.subjectAltName ?? '').matchAll(/DNS:([^,\s"]+)/g)].map(([, name]) => name!);
  } catch {
    return [];
  }
}

function keyOf({ publicKey }: X509Certificate): string {
  const { namedCurve, modulusLength } = publicKey.asymmetricKeyDetails ?? {};
  return `${publicKey.asymmetricKeyType ?? 'unknown'} ${namedCurve ?? modulusLength ?? ''}`.trim();
}
