// What `weft ca status` tells, from facts.
import {
  type AuthorityExpiry,
  type AuthorityRecord,
  CertificateAuthority,
  fingerprintsOf,
  type RotationStage,
  rootOfChain,
  stageOf,
  type WrittenRevocation,
} from '../../ca/index.ts';
import { WeftError } from '../../errors/index.ts';
import type { Problem } from '../../model/index.ts';
import type { Clock } from '../../time/index.ts';
import { type Screen, shortTime, table } from '../table.ts';
import { type InForce, notInForce } from './in-force.ts';
import { notReady, type ProxyIdentity } from './readiness.ts';
import { revokedLines } from './text.ts';

/** Everything that `weft ca status` tells. */
export interface AuthorityStatus {
  readonly where: string;
  /** `elsewhere`: whoever has the key rotates it. */
  readonly stage: RotationStage | 'elsewhere';
  /** Fingerprint of the root that certificates are issued under. */
  readonly issuerRoot: string;
  readonly certificates: readonly AuthorityExpiry[];
  readonly problems: readonly Pick<Problem, 'severity' | 'code' | 'message'>[];
  readonly roots: readonly RootUse[];
  readonly proxies: number;
  /** The proxies for which the next step of a rotation is too early, or that lack a trusted root. */
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

/** What is known of an authority whose key the control plane has itself. */
export interface OwnFacts {
  readonly where: string;
  readonly record: AuthorityRecord;
  /** What the control plane says, where it was asked. */
  readonly inForce: InForce | undefined;
  readonly list: readonly WrittenRevocation[];
  readonly proxies: readonly ProxyIdentity[];
}

/** The status of an authority whose key is kept in a Secret or folder. */
export function ownStatus(
  { where, record, inForce, list, proxies }: OwnFacts,
  clock: Clock,
): AuthorityStatus {
  const authority = CertificateAuthority.load(record.parts, clock);
  const isBroken = authority instanceof WeftError;
  const issuerRoot = rootOfChain(record.parts);
  const problems = isBroken
    ? [{ severity: 'error' as const, code: authority.code, message: authority.message }]
    : authority.alarms();
  return {
    ...{ where, issuerRoot, stage: stageOf(record), certificates: isBroken ? [] : authority.expiries() },
    problems: [...problems, ...notInForce(inForce, where, { issuerRoot, roots: record.parts.roots })],
    roots: rootUse(fingerprintsOf(record.parts.roots), proxies),
    ...{ proxies: proxies.length, late: notReady(record, proxies) },
    ...{ distrusted: record.distrusted, revoked: list },
  };
}

/** The status where somebody else signs. */
export function elsewhereStatus(
  inForce: InForce,
  list: readonly WrittenRevocation[],
  proxies: readonly ProxyIdentity[],
): AuthorityStatus {
  const { issuer, issuerRoot, expiries, problems, roots, distrusted } = inForce;
  return {
    ...{ where: issuer, issuerRoot, stage: 'elsewhere', certificates: expiries, problems },
    roots: rootUse(roots, proxies),
    ...{ proxies: proxies.length, late: lateFor(roots, proxies), distrusted, revoked: list },
  };
}

/** Who lacks a root that is trusted: certificates may be issued under it at any time. */
function lateFor(roots: readonly string[], proxies: readonly ProxyIdentity[]): AuthorityStatus['late'] {
  return proxies.flatMap(({ pod, trusts, trouble }) => {
    if (trouble !== undefined) return [{ pod, why: `it could not be asked: ${trouble}` }];
    const missing = roots.find(each => !trusts.includes(each));
    return missing === undefined ? [] : [{ pod, why: `it does not trust ${missing.slice(0, 16)} yet` }];
  });
}

function rootUse(trusted: readonly string[], proxies: readonly ProxyIdentity[]): readonly RootUse[] {
  return [...new Set([...trusted, ...proxies.flatMap(({ trusts }) => trusts)])].map(fingerprint => ({
    fingerprint,
    trustedBy: proxies.filter(({ trusts }) => trusts.includes(fingerprint)).length,
    certifiedUnder: proxies.filter(({ root }) => root === fingerprint).length,
  }));
}

const stages: Readonly<Record<AuthorityStatus['stage'], string>> = {
  settled: 'no rotation is under way',
  announced:
    'a rotation is under way: the new root is trusted, nothing is issued under it yet; next: weft ca rotate',
  issuing:
    'a rotation is under way: certificates are issued under the new root; next: weft ca rotate ends trust in the old one',
  elsewhere: 'signs (--issuer); the control plane has no key, and rotations are done there',
};

/** The status as tables. */
export function statusText(status: AuthorityStatus, screen: Screen): string {
  const lines = [`${status.where}${status.stage === 'elsewhere' ? ' ' : ': '}${stages[status.stage]}`, ''];
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
