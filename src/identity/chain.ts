import type { X509Certificate } from 'node:crypto';
import { WeftError } from '../errors/index.ts';
import { fingerprintOf, readCertificates } from './pem.ts';

/**
 * Follows a chain, leaf first, to one of `roots` and returns that root. Every step's issuer name, key identifiers and signature
 * are checked, and that everything is valid at `nowMs`. The chain may end with the root itself. Errors:
 * certificate-unreadable-time, certificate-expired, certificate-not-yet-valid, certificate-chain-broken, certificate-foreign.
 */
export function followChain(
  chain: readonly X509Certificate[],
  roots: readonly X509Certificate[],
  nowMs: number,
): X509Certificate | WeftError {
  for (const [i, certificate] of chain.entries()) {
    const outOfTime = checkTime(certificate, nowMs);
    if (outOfTime) return outOfTime;
    const issuer = chain[i + 1];
    if (issuer && !issued(issuer, certificate)) {
      return broken(
        `${nameOf(certificate)} was not issued by the next certificate of its chain, ${nameOf(issuer)}; ` +
          'give the leaf first and after each certificate the one that issued it',
      );
    }
    if (issuer && !issuer.ca)
      return broken(`${nameOf(issuer)} stands as an issuer but is not a CA certificate`);
  }
  const top = chain.at(-1)!;
  const candidates = roots.filter(root => root.raw.equals(top.raw) || issued(root, top));
  if (candidates.length === 0) {
    return new WeftError(
      'certificate-foreign',
      `${nameOf(chain[0]!)} leads to none of the ${roots.length} trusted roots (its last issuer is ` +
        `'${oneLine(top.issuer)}'); add that root to the trusted ones, or get a certificate from this mesh's authority`,
      { source: 'config' },
    );
  }
  const good = candidates.find(root => !checkTime(root, nowMs));
  return good ?? checkTime(candidates[0]!, nowMs)!;
}

/** Fingerprint of the root that a chain leads to at `nowMs`; '' where it leads to none of these. */
export function rootFingerprint(chainPem: string, roots: readonly string[], nowMs: number): string {
  const chain = readCertificates(chainPem, 'the certificate chain');
  const trusted = readRoots(roots);
  if (chain instanceof WeftError || trusted instanceof WeftError) return '';
  const root = followChain(chain, trusted, nowMs);
  return root instanceof WeftError ? '' : fingerprintOf(root);
}

/** Reads root certificates: each PEM may hold several, all must be self-signed CA certificates, at least one is needed. */
export function readRoots(roots: readonly string[]): X509Certificate[] | WeftError {
  const certificates: X509Certificate[] = [];
  for (const pem of roots) {
    const some = readCertificates(pem, 'the root certificates');
    if (some instanceof WeftError) return some;
    certificates.push(...some);
  }
  if (certificates.length === 0) return notRoot('there is no root certificate');
  for (const root of certificates) {
    if (!root.ca) return notRoot(`${nameOf(root)} is trusted as a root but is not a CA certificate`);
    if (!issued(root, root)) return notRoot(`${nameOf(root)} is trusted as a root but is not self-signed`);
  }
  return certificates;
}

/** An error when `certificate` is not valid at `nowMs`. */
export function checkTime(certificate: X509Certificate, nowMs: number): WeftError | undefined {
  const fromMs = certificate.validFromDate.getTime();
  const toMs = certificate.validToDate.getTime();
  if (Number.isNaN(fromMs) || Number.isNaN(toMs)) {
    return new WeftError(
      'certificate-unreadable-time',
      `${nameOf(certificate)} has a time that cannot be read, so nobody can say whether it holds; get another one`,
      { source: 'config' },
    );
  }
  if (nowMs >= toMs) {
    return new WeftError(
      'certificate-expired',
      `${nameOf(certificate)} expired at ${isoTime(toMs)}, ${Math.round((nowMs - toMs) / 1000)} s ago; ` +
        'renew it, and check this clock if it is fresh',
      { source: 'config' },
    );
  }
  if (nowMs < fromMs) {
    return new WeftError(
      'certificate-not-yet-valid',
      `${nameOf(certificate)} is valid only from ${isoTime(fromMs)}, in ${Math.round((fromMs - nowMs) / 1000)} s; ` +
        'set this clock right, it is probably behind',
      { source: 'config' },
    );
  }
  return undefined;
}

/** What to call a certificate in a message: its names, or its subject, or its serial number. */
export function nameOf(certificate: X509Certificate): string {
  const name = alternativeNames(certificate) || certificate.subject || `serial ${certificate.serialNumber}`;
  return `certificate '${oneLine(name).slice(0, 200)}'`;
}

/**
 * The certificate's alternative names; undefined where it has none, or such that Node cannot write them down (from 24.22 on it
 * throws then).
 */
function alternativeNames(certificate: X509Certificate): string | undefined {
  try {
    return certificate.subjectAltName;
  } catch {
    return undefined;
  }
}

/** Whether `issuer` issued `subject`: name, key identifiers, key usage, and the signature. */
function issued(issuer: X509Certificate, subject: X509Certificate): boolean {
  if (!subject.checkIssued(issuer)) return false;
  try {
    return subject.verify(issuer.publicKey);
  } catch {
    return false;
  }
}

function broken(message: string): WeftError {
  return new WeftError('certificate-chain-broken', message, { source: 'config' });
}

function notRoot(message: string): WeftError {
  return new WeftError('certificate-not-a-root', `${message}; give the self-signed root of the mesh`, {
    source: 'config',
  });
}

function isoTime(ms: number): string {
  return new Date(ms).toISOString();
}

function oneLine(text: string): string {
  return text.replaceAll(/[\r\n]+/g, ', ');
}
