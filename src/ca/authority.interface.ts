import type { WeftError } from '../errors/index.ts';
import type { Identity, Problem } from '../model/index.ts';
import type { AuthorityExpiry } from './authority-expiry.ts';
import type { SignedChain, SignOptions } from './certificate-authority.ts';

/** What subscribers are told of: other roots are trusted, or what is issued now comes from another issuer. */
export type AuthorityChange = 'roots' | 'issuer';

/**
 * Whoever issues the mesh's certificates: our own key (LiveAuthority), or somebody who is asked over the network
 * (RemoteAuthority with a RemoteIssuer: cert-manager, Vault).
 */
export interface Authority {
  /** PEM of every trusted root, one certificate each; those of the issuer in use first. */
  readonly roots: readonly string[];
  /** Those that stay trusted for as long as this authority is used. */
  readonly ownRoots: readonly string[];
  /** Fingerprints of roots that are trusted no more, whoever remembers them. */
  readonly distrusted: readonly string[];
  /** Fingerprint of the root that what is issued now leads to; '' where nobody knows yet. */
  readonly issuerRoot: string;
  /** What it is, for people: `own`, `Vault at …`, `cert-manager's …`. */
  readonly name: string;
  /** Whether its key is somebody else's, so that what changes it is done there. */
  readonly isElsewhere: boolean;
  /** A certificate for an identity that has been proven. */
  sign(
    csrPem: string,
    identity: Identity,
    options?: SignOptions,
  ): SignedChain | WeftError | Promise<SignedChain | WeftError>;
  /** A secret that all replicas with this authority have alike, and nobody else; undefined where its key is elsewhere. */
  secretFor?(purpose: string): Buffer;
  /** When issuer and roots run out. */
  expiries(): readonly AuthorityExpiry[];
  /** What of it has run out, or soon will. */
  alarms(): readonly Problem[];
  /** What is wrong with it now. */
  problems(): readonly Problem[];
  /** Roots that are trusted beside its own: PEM, each may hold several. Unreadable ones are passed over. */
  trustAlso(pems: readonly string[]): void;
  /** Calls `listener` after every change. Returns how to stop. */
  subscribe(listener: (change: AuthorityChange) => void): () => void;
}
