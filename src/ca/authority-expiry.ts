import type { X509Certificate } from 'node:crypto';
import { type Problem, problem } from '../model/index.ts';
import type { Issuer } from './issuer.ts';

/** When one certificate of an authority runs out, for metrics. */
export interface AuthorityExpiry {
  readonly role: 'issuer' | 'root';
  readonly subject: string;
  /** Uppercase hexadecimal. */
  readonly serial: string;
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
  /** Negative when it has run out. */
  readonly expiresInMs: number;
  /** Whether what is issued now leads to it. */
  readonly active: boolean;
}

/** Alarms begin when less than this share of a certificate's life is left. */
const alarmShare = 0.2;

/** When the issuer, what is above it, and every trusted root run out. */
export function expiriesOf({ chain, root, roots }: Issuer, nowMs: number): AuthorityExpiry[] {
  const above = chain.filter(certificate => !certificate.raw.equals(root.raw));
  return [
    ...above.map(certificate => expiryOf('issuer', certificate, true, nowMs)),
    ...roots.map(one => expiryOf('root', one, one.raw.equals(root.raw), nowMs)),
  ];
}

/**
 * What has run out, or will while there is still a fifth of its life to mend it: `ca-expired`, `ca-expiring`. A certificate whose
 * times cannot be read, which a key may sign all the same, is trusted by nobody: `ca-expired` too. `elsewhere`: who has the key,
 * where that is not the control plane.
 */
export function alarmsOf(expiries: readonly AuthorityExpiry[], elsewhere?: string): Problem[] {
  const { soon, now } =
    elsewhere === undefined
      ? { soon: 'rotate to a new one: weft ca rotate --all', now: 'replace it now: weft ca rotate --now' }
      : { soon: `give ${elsewhere} a new one`, now: `give ${elsewhere} a new one now` };
  return expiries.flatMap(({ role, subject, notBeforeMs, notAfterMs, expiresInMs, active }) => {
    if (expiresInMs > (notAfterMs - notBeforeMs) * alarmShare) return [];
    const what = `the ${role} certificate '${subject}' of the mesh's authority`;
    const remedy = active
      ? expiresInMs > 0
        ? soon
        : now
      : 'nothing is issued by it any more: take it out of the trusted roots';
    const severity = active ? 'error' : 'warning';
    if (!Number.isFinite(notBeforeMs) || !Number.isFinite(notAfterMs)) {
      return problem(
        'ca-expired',
        `${what} has times that cannot be read, and proxies refuse it; ${remedy}`,
        { severity },
      );
    }
    const when = new Date(notAfterMs).toISOString();
    if (expiresInMs > 0) {
      return problem('ca-expiring', `${what} expires at ${when}; ${remedy}`, { severity: 'warning' });
    }
    return problem('ca-expired', `${what} expired at ${when}; ${remedy}`, { severity });
  });
}

function expiryOf(
  role: AuthorityExpiry['role'],
  certificate: X509Certificate,
  active: boolean,
  nowMs: number,
): AuthorityExpiry {
  const notAfterMs = certificate.validToDate.getTime();
  return {
    role,
    subject: certificate.subject.replaceAll('\n', ', '),
    serial: certificate.serialNumber,
    notBeforeMs: certificate.validFromDate.getTime(),
    notAfterMs,
    expiresInMs: notAfterMs - nowMs,
    active,
  };
}
