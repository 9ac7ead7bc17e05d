import { generateKeyPairSync } from 'node:crypto';
import { WeftError } from '../errors/index.ts';
import { checkTime, writePem } from '../identity/index.ts';
import { formatSpiffe, type Identity, type Problem, parseSpiffe } from '../model/index.ts';
import type { Clock } from '../time/index.ts';
import { type AuthorityExpiry, alarmsOf, expiriesOf } from './authority-expiry.ts';
import {
  distinguishedName,
  extension,
  keyIdentifier,
  podName,
  randomSerial,
  signCertificate,
} from './certificate-builder.ts';
import { type AuthorityParts, type Issuer, readIssuer } from './issuer.ts';
import { readSigningRequest } from './signing-request.ts';

/** How long a certificate lives unless told otherwise: a day. */
export const DEFAULT_LIFETIME_MS = 24 * 3600_000;

/** How long a root of our own lives: ten years. */
export const DEFAULT_ROOT_LIFETIME_MS = 10 * 365 * 24 * 3600_000;

/** NotBefore lies this far back: five minutes of wrong clocks and one of margin. */
export const BACKDATE_MS = 360_000;

/** What a workload's certificate shall say. */
export interface SignOptions {
  /** At least one second. The certificate never outlives its issuer, whatever is asked. Default a day. */
  readonly lifetimeMs?: number;
  /** DNS names beside the SPIFFE id, for servers that are called by name, such as the control plane. */
  readonly dnsNames?: readonly string[];
  /** The uid of the pod that it is for, which then stands in its subject; left out where it is no uid. */
  readonly podUid?: string | undefined;
}

/** A certificate that was issued. */
export interface SignedChain {
  /** PEM, leaf first, then intermediates without the root. */
  readonly chainPem: string;
  /** Uppercase hexadecimal. */
  readonly serial: string;
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
  /** Whether it is shorter than asked because the issuer itself runs out. */
  readonly shortened: boolean;
}

export interface RootOptions {
  readonly trustDomain: string;
  readonly clock: Clock;
  readonly lifetimeMs?: number;
  /** How many authorities may stand below it. Default 1, so that an intermediate can be slipped in later. */
  readonly pathLength?: number;
}

const dnsNamePattern = /^(\*\.)?([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)*[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/i;

/**
 * Issues workload certificates: a key that signs, its chain, and every root that proxies shall trust. Immutable: another issuer
 * or other roots mean another CertificateAuthority.
 */
export class CertificateAuthority {
  readonly #issuer: Issuer;
  readonly #clock: Clock;
  /** What it was made from, for keeping it in files. Holds the private key. */
  readonly parts: AuthorityParts;
  /** PEM of every trusted root, one certificate each. */
  readonly roots: readonly string[];

  private constructor(parts: AuthorityParts, issuer: Issuer, clock: Clock) {
    this.parts = parts;
    this.#issuer = issuer;
    this.#clock = clock;
    this.roots = issuer.roots.map(root => writePem('CERTIFICATE', root.raw));
  }

  /** A new self-signed root with a fresh ECDSA P-256 key that signs workload certificates directly. */
  static createRoot({ trustDomain, clock, lifetimeMs, pathLength = 1 }: RootOptions): CertificateAuthority {
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const spki = publicKey.export({ type: 'spki', format: 'der' });
    const serial = randomSerial();
    // Part of the serial number, so that two roots of one trust domain, as in a rotation, can be told apart by name.
    const name = distinguishedName(`${trustDomain} root ${serial.toString('hex', 0, 4)}`);
    const nowMs = clock.now();
    const der = signCertificate(
      {
        serial,
        issuer: name,
        subject: name,
        notBeforeMs: nowMs - BACKDATE_MS,
        notAfterMs: nowMs + (lifetimeMs ?? DEFAULT_ROOT_LIFETIME_MS),
        publicKey: spki,
        extensions: [
          extension.certificateAuthority(pathLength),
          extension.signsCertificates(),
          extension.subjectKey(keyIdentifier(spki)),
        ],
      },
      privateKey,
    );
    const pem = writePem('CERTIFICATE', der);
    const keyPem = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
    const authority = CertificateAuthority.load({ keyPem, chainPem: pem, roots: [pem] }, clock);
    if (authority instanceof WeftError) throw authority;
    return authority;
  }

  /** An authority from its parts: a root, or an intermediate of cert-manager, Vault or one's own. All of it is checked. */
  static load(parts: AuthorityParts, clock: Clock): CertificateAuthority | WeftError {
    const issuer = readIssuer(parts, clock.now());
    return issuer instanceof WeftError ? issuer : new CertificateAuthority(parts, issuer, clock);
  }

  /**
   * Issues a certificate for `identity` and the key of the request. Whether the sender may have that identity must have been
   * proven before (see TokenVerifier). Errors: csr-…, identity-malformed, dns-name-malformed, lifetime-invalid,
   * certificate-expired.
   */
  sign(csrPem: string, identity: Identity, options: SignOptions = {}): SignedChain | WeftError {
    const publicKey = readSigningRequest(csrPem);
    if (publicKey instanceof WeftError) return publicKey;
    const wrong = checkOptions(identity, options) ?? this.#checkTime();
    if (wrong) return wrong;
    const nowMs = this.#clock.now();
    const askedMs = Math.ceil((nowMs + (options.lifetimeMs ?? DEFAULT_LIFETIME_MS)) / 1000) * 1000;
    const notAfterMs = Math.min(askedMs, this.#issuer.notAfterMs);
    const notBeforeMs = Math.floor((nowMs - BACKDATE_MS) / 1000) * 1000;
    const serial = randomSerial();
    const leaf = signCertificate(
      {
        serial,
        issuer: this.#issuer.name,
        subject: isPodUid(options.podUid) ? podName(options.podUid) : distinguishedName(),
        notBeforeMs,
        notAfterMs,
        publicKey,
        extensions: [
          extension.notAnAuthority(),
          extension.signsHandshakes(),
          extension.clientsAndServers(),
          extension.subjectKey(keyIdentifier(publicKey)),
          extension.authorityKey(this.#issuer.keyIdentifier),
          extension.names(formatSpiffe(identity), options.dnsNames ?? []),
        ],
      },
      this.#issuer.key,
    );
    return {
      chainPem: writePem('CERTIFICATE', leaf) + this.#intermediates(),
      serial: serial.toString('hex').toUpperCase(),
      notBeforeMs,
      notAfterMs,
      shortened: notAfterMs < askedMs,
    };
  }

  /** When the issuer, what is above it, and every trusted root run out. */
  expiries(): AuthorityExpiry[] {
    return expiriesOf(this.#issuer, this.#clock.now());
  }

  /** What of the authority has run out, or will while there is still a fifth of its life to mend it. */
  alarms(): Problem[] {
    return alarmsOf(this.expiries());
  }

  #checkTime(): WeftError | undefined {
    const { chain, root } = this.#issuer;
    for (const certificate of [...chain, root]) {
      const wrong = checkTime(certificate, this.#clock.now());
      if (wrong) return wrong;
    }
    return undefined;
  }

  /** The chain without the root: peers have that. */
  #intermediates(): string {
    const { chain, root } = this.#issuer;
    return chain
      .filter(certificate => !certificate.raw.equals(root.raw))
      .map(certificate => writePem('CERTIFICATE', certificate.raw))
      .join('');
  }
}

/** As Kubernetes makes them, static pods included (a hash without hyphens). */
function isPodUid(uid: string | undefined): uid is string {
  return uid !== undefined && /^[0-9a-f-]{1,64}$/i.test(uid);
}

function checkOptions(identity: Identity, options: SignOptions): WeftError | undefined {
  const spiffe = formatSpiffe(identity);
  if (!parseSpiffe(spiffe)) {
    return new WeftError(
      'identity-malformed',
      `${JSON.stringify(spiffe)} is not a SPIFFE id of the form spiffe://<trust-domain>/ns/<namespace>/sa/<service-account>; ` +
        'use lowercase DNS names for its parts',
    );
  }
  const bad = options.dnsNames?.find(name => name.length > 253 || !dnsNamePattern.test(name));
  if (bad !== undefined) {
    return new WeftError(
      'dns-name-malformed',
      `${JSON.stringify(bad)} is not a DNS name; leave it out of the certificate`,
    );
  }
  if (options.lifetimeMs !== undefined && !(options.lifetimeMs >= 1000)) {
    return new WeftError(
      'lifetime-invalid',
      `a certificate cannot live ${options.lifetimeMs} ms; give at least one second (1000)`,
      { source: 'config' },
    );
  }
  return undefined;
}
