import { createHash, createPrivateKey, X509Certificate } from 'node:crypto';
import {
  type CertificateIssuer,
  type CredentialRef,
  ISSUED_MARKS,
  issuerKey,
  type ObjectRef,
} from '../model/index.ts';
import { fieldAt } from '../plain/index.ts';
import type { StoredSecret } from './secret-store.interface.ts';

/** A certificate that is to be had, and kept fresh. */
export interface CertificateWish {
  readonly secret: CredentialRef;
  readonly names: readonly string[];
  readonly issuer: CertificateIssuer;
  /** What is known of the Secret, in any form: when it changes it is looked at again. */
  readonly seen: string;
  /** Who wants it. */
  readonly from: ObjectRef;
}

/** How a certificate stands. */
export type Standing =
  /** Somebody else's: it is not touched. */
  | { readonly is: 'foreign' }
  | { readonly is: 'good'; readonly certificate: X509Certificate; readonly renewAtMs: number }
  /** The last attempt failed. */
  | { readonly is: 'waiting'; readonly untilMs: number; readonly code: string; readonly why: string }
  | { readonly is: 'due'; readonly failures: number; readonly replaces?: X509Certificate };

/** What of attempts outlives a restart. */
interface Attempts {
  /** Of which wish; those of another one do not count. */
  readonly of: string;
  readonly failures: number;
  readonly nextMs: number;
  /** Of the last failure. */
  readonly code: string;
}

/** Changes with what an attempt depends on. */
function fingerprintOf({ names, issuer }: CertificateWish): string {
  const { server, emails, challenge, keyType, externalAccount, dnsWebhook, authorities } = issuer;
  const all = [names, server, emails, challenge, keyType, externalAccount, dnsWebhook, authorities];
  return createHash('sha256').update(JSON.stringify(all)).digest('base64url').slice(0, 16);
}

/** When the server would have a certificate renewed; `of`: its fingerprint (SHA-256). */
export interface RenewalTime {
  readonly of: string;
  readonly atMs: number;
}

/** `window`: of the certificate that was there last. */
export function standingOf(
  secret: StoredSecret | undefined,
  wish: CertificateWish,
  nowMs: number,
  window?: RenewalTime,
): Standing {
  if (secret === undefined) return { is: 'due', failures: 0 };
  const chain = secret.data['tls.crt'] ?? '';
  if (secret.labels[ISSUED_MARKS.managed] === undefined && chain !== '') return { is: 'foreign' };
  const certificate = certificateOf(secret);
  const renewAtMs = certificate === undefined ? 0 : renewalOf(certificate, wish.issuer.renewBeforeMs, window);
  const fits = certificate !== undefined && isFor(certificate, secret, wish);
  if (fits && renewAtMs > nowMs) return { is: 'good', certificate, renewAtMs };
  const { of, failures, nextMs, code } = attemptsOf(secret);
  const counts = of === fingerprintOf(wish);
  if (counts && nextMs > nowMs)
    return { is: 'waiting', untilMs: nextMs, code, why: secret.annotations[ISSUED_MARKS.failure] ?? '' };
  return { is: 'due', failures: counts ? failures : 0, ...(fits && { replaces: certificate }) };
}

/** The certificate, if its key is beside it: no gateway could show it with another one. Undefined where there is none. */
function certificateOf({ data }: StoredSecret): X509Certificate | undefined {
  try {
    const certificate = new X509Certificate(data['tls.crt'] ?? '');
    return certificate.checkPrivateKey(createPrivateKey(data['tls.key'] ?? '')) ? certificate : undefined;
  } catch {
    return undefined;
  }
}

function isFor(
  certificate: X509Certificate,
  secret: StoredSecret,
  { names, issuer }: CertificateWish,
): boolean {
  const has = (certificate.subjectAltName ?? '').split(', ');
  return (
    secret.annotations[ISSUED_MARKS.issuer] === issuerMark(issuer) &&
    has.length === names.length &&
    names.every(name => has.includes(`DNS:${name}`))
  );
}

/** When the server says; else a third of its life before it runs out, or as the issuer is told. */
function renewalOf(
  { validFrom, validTo, fingerprint256 }: X509Certificate,
  beforeMs: number | undefined,
  window: RenewalTime | undefined,
): number {
  if (window?.of === fingerprint256) return window.atMs;
  const [fromMs, toMs] = [Date.parse(validFrom), Date.parse(validTo)];
  const third = (toMs - fromMs) / 3;
  // One that lives shorter than it should be renewed before its end would be renewed all the time.
  return toMs - (beforeMs === undefined || beforeMs > third * 2 ? third : beforeMs);
}

/** Another server, another certificate. */
function issuerMark(issuer: CertificateIssuer): string {
  return `${issuerKey(issuer)} ${issuer.server}`;
}

function attemptsOf({ annotations }: StoredSecret): Attempts {
  let state: unknown;
  try {
    state = JSON.parse(annotations[ISSUED_MARKS.state] ?? '{}');
  } catch {
    state = {};
  }
  return {
    of: String(fieldAt(state, 'of') ?? ''),
    failures: Number(fieldAt(state, 'failures') ?? 0) || 0,
    code: String(fieldAt(state, 'code') ?? 'acme-refused'),
    nextMs: Date.parse(String(fieldAt(state, 'next'))) || 0,
  };
}

/** Five minutes, then three times as long each time, a day at most: servers count failed attempts by the hour. */
export function backOffMs(failures: number, random: () => number): number {
  const fullMs = Math.min(86_400_000, 300_000 * 3 ** Math.min(failures, 8));
  return fullMs * (1 - random() / 10);
}

/** The Secret with a certificate. */
export function issuedSecret(
  before: StoredSecret | undefined,
  wish: CertificateWish,
  { chain, privateKey }: { readonly chain: string; readonly privateKey: string },
): Omit<StoredSecret, 'version'> {
  const { [ISSUED_MARKS.failure]: _, [ISSUED_MARKS.state]: __, ...annotations } = before?.annotations ?? {};
  return {
    type: before?.type ?? 'kubernetes.io/tls',
    labels: { ...before?.labels, [ISSUED_MARKS.managed]: 'issued' },
    annotations: { ...annotations, [ISSUED_MARKS.issuer]: issuerMark(wish.issuer) },
    data: { ...before?.data, 'tls.crt': chain, 'tls.key': privateKey },
  };
}

/** One that failed. */
export interface Attempt {
  readonly code: string;
  readonly why: string;
  /** In a row, with this one. */
  readonly failures: number;
  /** When there will be another one. */
  readonly nextMs: number;
}

/** The Secret after a failed attempt: with the certificate that it had, and otherwise without one. */
export function failedSecret(
  before: StoredSecret | undefined,
  wish: CertificateWish,
  { code, why, failures, nextMs }: Attempt,
): Omit<StoredSecret, 'version'> {
  const next = new Date(nextMs).toISOString();
  const attempts = JSON.stringify({ of: fingerprintOf(wish), failures, code, next });
  return {
    type: before?.type ?? 'kubernetes.io/tls',
    labels: { ...before?.labels, [ISSUED_MARKS.managed]: before?.labels[ISSUED_MARKS.managed] ?? 'failed' },
    annotations: {
      ...before?.annotations,
      [ISSUED_MARKS.failure]: `${why}; tried again at ${next}`,
      [ISSUED_MARKS.state]: attempts,
    },
    data: before?.data ?? { 'tls.crt': '', 'tls.key': '' },
  };
}
