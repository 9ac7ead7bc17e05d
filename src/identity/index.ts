// identity: what a workload is known by. A key made here that never leaves, the request to certify it, the credentials that
// come back, their renewal, and the SPIFFE id of a peer's certificate. Light on purpose, because every sidecar loads it:
// node:crypto and a page of DER, no ASN.1 library.
// In: a function that gets requests signed; PEM; peers' certificates. Out: Credentials, principals.
export { CertificateKeeper, type CredentialsListener, type KeeperOptions } from './certificate-keeper.ts';
export { checkTime, followChain, nameOf, readRoots, rootFingerprint } from './chain.ts';
export { clockSkewWarning, MAX_QUIET_SKEW_MS } from './clock-skew.ts';
export { type CredentialParts, type Credentials, readCredentials, readPrivateKey } from './credentials.ts';
export { type DerElement, der, derBitString, derOid, readDer, TAG } from './der.ts';
export type { KeeperNotice, KeeperReport } from './keeper-report.ts';
export type { Held, KeeperState } from './keeper-state.ts';
export { fingerprintOf, type PemBlock, readCertificates, readPem, writePem } from './pem.ts';
export { principalOf, spiffeIdOf } from './principal.ts';
export type { Sign, SignAnswer, SignRequest } from './sign-attempt.ts';
export { type CsrNames, createKeyAndCsr, type KeyAndCsr } from './signing-request.ts';
