// What `weft ca` prints, from facts.
import type { X509Certificate } from 'node:crypto';
import {
  type AuthorityExpiry,
  type AuthorityRecord,
  CertificateAuthority,
  type RotationStage,
  rootOfChain,
  stageOf,
  type WrittenRevocation,
} from '../../ca/index.ts';
import { WeftError } from '../../errors/index.ts';
import { fingerprintOf, principalOf, readCertificates } from '../../identity/index.ts';
import type { Problem } from '../../model/index.ts';
import type { Clock } from '../../time/index.ts';
import { type Screen, shortTime, table } from '../table.ts';
import { notReady, type ProxyIdentity } from './readiness.ts';

/** Everything that `weft ca status` tells. */
export interface AuthorityStatus {
  readonly where: string;
  readonly stage: RotationStage;
  /** Fingerprint of the root that certificates are issued under. */
  readonly issuerRoot: string;
  readonly certificates: readonly AuthorityExpiry[];
  readonly problems: readonly Pick<Problem, 'severity' | 'code' | 'message'>[];
  readonly roots: readonly RootUse[];
  readonly proxies: number;
  /** The proxies for which the next step of a rotation is too early. */
  readonly late: readonly { readonly pod: string; readonly why: string }[];
  readonly distrusted: readonly string[];
  readonly revoked: readonly WrittenRevocation[];
}

/** A root, and how many proxies go by it. */
export interface RootUse {
  readonly fingerprint: string;
  readonly trustedBy: number;
  readonly certifiedUnder: number;
}

/** Puts it together. */
export function statusOf(
  where: string,
  record: AuthorityRecord,
  revoked: readonly WrittenRevocation[],
  proxies: readonly ProxyIdentity[],
  clock: Clock,
): AuthorityStatus {
  const authority = CertificateAuthority.load(record.parts, clock);
  const broken = authority instanceof WeftError ? authority : undefined;
  const certificates = authority instanceof WeftError ? [] : authority.expiries();
  const fingerprints = [
    ...new Set([
      ...record.parts.roots.flatMap(pem => certificatesOf(pem).map(fingerprintOf)),
      ...proxies.flatMap(({ trusts }) => trusts),
    ]),
  ];
  return {
    where,
    stage: stageOf(record),
    issuerRoot: rootOfChain(record.parts),
    certificates,
    problems: broken
      ? [{ severity: 'error', code: broken.code, message: broken.message }]
      : (authority as CertificateAuthority).alarms(),
    roots: fingerprints.map(fingerprint => ({
      fingerprint,
      trustedBy: proxies.filter(({ trusts }) => trusts.includes(fingerprint)).length,
      certifiedUnder: proxies.filter(({ root }) => root === fingerprint).length,
    })),
    proxies: proxies.length,
    late: notReady(record, proxies),
    distrusted: record.distrusted,
    revoked,
  };
}

const stages: Readonly<Record<RotationStage, string>> = {
  settled: 'no rotation is under way',
  announced:
    'a rotation is under way: the new root is trusted, nothing is issued under it yet; next: weft ca rotate',
  issuing:
    'a rotation is under way: certificates are issued under the new root; next: weft ca rotate ends trust in the old one',
};

/** The status as tables. */
export function statusText(status: AuthorityStatus, screen: Screen): string {
  const lines = [`${status.where}: ${stages[status.stage]}`, ''];
  const certificates = status.certificates.map(({ role, subject, serial, expiresInMs, active }) => [
    role,
    active ? 'in use' : 'trusted',
    {
      text: expiresInMs > 0 ? shortTime(expiresInMs / 1000) : 'expired',
      colour: expiresInMs > 0 ? ('green' as const) : ('red' as const),
    },
    serial.slice(0, 16),
    subject,
  ]);
  lines.push(...table(['ROLE', 'STATE', 'EXPIRES', 'SERIAL', 'SUBJECT'], certificates, screen), '');
  const roots = status.roots.map(({ fingerprint, trustedBy, certifiedUnder }) => [
    fingerprint.slice(0, 16),
    `${trustedBy} of ${status.proxies}`,
    `${certifiedUnder} of ${status.proxies}`,
    fingerprint === status.issuerRoot ? 'issues' : '',
  ]);
  lines.push(...table(['ROOT', 'TRUSTED BY', 'CERTIFIED UNDER', ''], roots, screen));
  if (status.late.length > 0) {
    const late = status.late.map(({ pod, why }) => [pod, why]);
    lines.push('', ...table(['NOT READY', 'WHY'], late, screen));
  }
  if (status.revoked.length > 0) lines.push('', ...revokedLines(status.revoked, screen));
  for (const { severity, code, message } of status.problems)
    lines.push('', `${severity}: ${message} (${code})`);
  return lines.join('\n');
}

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

function certificatesOf(pem: string): readonly X509Certificate[] {
  const found = readCertificates(pem, 'a root');
  return found instanceof WeftError ? [] : found;
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
