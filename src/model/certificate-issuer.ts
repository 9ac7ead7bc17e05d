// Certificates that Weft itself asks an ACME server for (RFC 8555), so that gateways have some to show.
import type { CredentialRef } from './gateway.ts';
import type { ObjectRef } from './object-ref.ts';
import type { Problem } from './problem.ts';

/** How it is shown that a name is ours: RFC 8555 section 8.3, RFC 8737, RFC 8555 section 8.4. */
export const ACME_CHALLENGES = ['http-01', 'tls-alpn-01', 'dns-01'] as const;
export type AcmeChallengeKind = (typeof ACME_CHALLENGES)[number];

export const CERTIFICATE_KEY_TYPES = ['ecdsa-p256', 'ecdsa-p384', 'rsa-2048', 'rsa-4096'] as const;
export type CertificateKeyType = (typeof CERTIFICATE_KEY_TYPES)[number];

/** An ACME server with what is asked of it, and how. */
export interface CertificateIssuer {
  readonly namespace: string;
  readonly name: string;
  /** URL of the server's directory. */
  readonly server: string;
  readonly emails: readonly string[];
  readonly challenge: AcmeChallengeKind;
  readonly keyType: CertificateKeyType;
  /** Common name at the top of the chain that is wanted where the server has several. */
  readonly preferredChain?: string;
  /** PEM of who vouches for the server; undefined for the system's roots. */
  readonly authorities?: string;
  /** The account belongs to one elsewhere; the Secret has its key under `hmac-key`. */
  readonly externalAccount?: { readonly keyId: string; readonly secret: string };
  /** Who puts TXT records into DNS; see docs/acme.md. The Secret has a token for it under `token`. */
  readonly dnsWebhook?: { readonly url: string; readonly secret?: string; readonly timeoutMs: number };
  /** Before a certificate runs out; undefined: when the server says, else when a third of its life is left. */
  readonly renewBeforeMs?: number;
  readonly problems?: readonly Problem[];
  readonly from: ObjectRef;
}

/** How CertificateIssuers are known. */
export function issuerKey({ namespace, name }: Pick<CertificateIssuer, 'namespace' | 'name'>): string {
  return `${namespace}/${name}`;
}

/** A certificate of a listener that an issuer is to give. */
export interface IssuedCertificate {
  /** Where it goes. */
  readonly secret: CredentialRef;
  /** Lower case; may begin with `*.`. */
  readonly names: readonly string[];
  /** issuerKey */
  readonly issuer: string;
}

/** What gateways show while a server looks whether a name is ours. */
export type ServedChallenge =
  | {
      readonly kind: 'http-01';
      readonly host: string;
      readonly token: string;
      /** The answer. */
      readonly authorization: string;
    }
  | {
      readonly kind: 'tls-alpn-01';
      readonly host: string;
      /** PEM, of the certificate that is shown to who speaks acme-tls/1, and of its key. */
      readonly chain: string;
      readonly privateKey: string;
    };

/** Challenges of one certificate, as all gateways of its namespace show them. */
export interface ServedChallenges {
  readonly namespace: string;
  readonly challenges: readonly ServedChallenge[];
  readonly from: ObjectRef;
}

/** The type of a Secret that holds ServedChallenges as JSON under this key. */
export const CHALLENGES_SECRET = { type: 'weft.dev/acme-challenges', key: 'challenges' } as const;

/** What Weft writes to the Secrets of certificates that it fetches. */
export const ISSUED_MARKS = {
  /** Label: that it may be overwritten. */
  managed: 'weft.dev/certificate',
  /** Annotation: the issuer, `namespace/name`. */
  issuer: 'weft.dev/certificate-issuer',
  /** Annotation: why the last attempt failed, and when there will be another one. */
  failure: 'weft.dev/certificate-failure',
  /** Annotation: JSON of what must outlive a restart. */
  state: 'weft.dev/certificate-state',
} as const;

/** Annotation of Gateways and Ingresses: the name of a CertificateIssuer of their namespace. */
export const ISSUER_ANNOTATION = 'weft.dev/certificate-issuer';
