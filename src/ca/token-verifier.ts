import type { WeftError } from '../errors/index.ts';
import type { Identity } from '../model/index.ts';

/** Audience of the tokens that proxies send; a token for another service is worth nothing here, and ours nothing elsewhere. */
export const TOKEN_AUDIENCE = 'weft';

/** What a good token proves. */
export interface TokenProof {
  readonly identity: Identity;
  /** The pod that the token is bound to, when it is bound to one. */
  readonly pod?: string;
  /** Its uid, where the token says it: another pod of the same name has another. */
  readonly podUid?: string;
  /**
   * Where what proves it may be used once: called with the serial of the certificate that was made, before that is sent. An
   * error means that somebody else was faster, or that it cannot be written down, and nothing is sent.
   */
  readonly commit?: (serial: string) => Promise<WeftError | undefined>;
}

/** Tells whom a token speaks for. Implementations: signed tokens with known keys; later the Kubernetes TokenReview API. */
export interface TokenVerifier {
  /**
   * The proof, or why there is none: `token-…` with source `downstream` when the token is at fault, source `internal` when it
   * could not be checked and the sender may try again. Never throws, and never shows the token.
   */
  verify(token: string): Promise<TokenProof | WeftError>;
}
