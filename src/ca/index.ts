// ca: the certificate authority of the mesh and the proofs it accepts. Lives in the control plane; node-forge writes the ASN.1,
// node:crypto makes keys and signatures, jose reads tokens.
// In: a signing request with a token (or an identity that mutual TLS has proven). Out: a certificate chain and the trusted roots,
// or the reason why not. Refusals are returned, not thrown.
export type { Authority, AuthorityChange } from './authority.interface.ts';
export { type AuthorityExpiry, alarmsOf } from './authority-expiry.ts';
export { AUTHORITY_FILES } from './authority-files.ts';
export {
  loadAuthority,
  loadOrCreateAuthority,
  loadOrCreateTokenIssuer,
  readAuthorityRecord,
  readRevocations,
  writeAuthorityRecord,
  writeRevocations,
} from './authority-folder.ts';
export {
  authorityFromSecret,
  patchOfAuthority,
  type SecretData,
  secretOfAuthority,
} from './authority-secret.ts';
export { CertManagerIssuer, type CertManagerOptions, type KubeRequest } from './cert-manager-issuer.ts';
export { removeLeftovers } from './cert-manager-leftovers.ts';
export {
  BACKDATE_MS,
  CertificateAuthority,
  DEFAULT_LIFETIME_MS,
  DEFAULT_ROOT_LIFETIME_MS,
  type RootOptions,
  type SignedChain,
  type SignOptions,
} from './certificate-authority.ts';
export { type FolderWatchOptions, followFolder } from './folder-watch.ts';
export type { AuthorityParts } from './issuer.ts';
export {
  formatJoinRecord,
  isJoinToken,
  type JoinRecord,
  newJoinToken,
  parseJoinRecord,
  readJoinToken,
} from './join-record.ts';
export { folderJoinStore, joinRecordsOf } from './join-store.ts';
export { type CertifiedMachine, type JoinStore, JoinTokens, type JoinTokensOptions } from './join-tokens.ts';
export { type JsonAnswer, type JsonCall, jsonClient } from './json-client.ts';
export { JwtTokenVerifier, type JwtVerifierOptions } from './jwt-token-verifier.ts';
export { LiveAuthority, type LiveAuthorityOptions } from './live-authority.ts';
export { localSigner } from './local-signer.ts';
export {
  RemoteAuthority,
  type RemoteAuthorityOptions,
  type RemoteIssuer,
  type RemoteSignRequest,
} from './remote-authority.ts';
export {
  formatRevocations,
  MAX_REVOCATIONS,
  parseRevocations,
  RevocationList,
  type WrittenRevocation,
} from './revocations.ts';
export {
  type AuthorityRecord,
  announceNext,
  fingerprintsOf,
  finishRotation,
  issueUnderNext,
  leavingRoots,
  type RotationStage,
  rootOfChain,
  splitRoots,
  stageOf,
  stepBack,
} from './rotation.ts';
export {
  DEFAULT_TOKEN_LIFETIME_MS,
  TokenIssuer,
  type TokenIssuerOptions,
  type TokenRequest,
} from './token-issuer.ts';
export { type ReviewStatus, type TokenReviewOptions, TokenReviewVerifier } from './token-review-verifier.ts';
export { TOKEN_AUDIENCE, type TokenProof, type TokenVerifier } from './token-verifier.ts';
export { type VaultAuth, VaultIssuer, type VaultOptions } from './vault-issuer.ts';
