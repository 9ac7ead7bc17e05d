import { createPrivateKey, type KeyObject, type X509Certificate } from 'node:crypto';
import { errorMessage, WeftError } from '../errors/index.ts';
import { followChain, nameOf, readRoots } from './chain.ts';
import { readCertificates, writePem } from './pem.ts';
import { principalOf } from './principal.ts';

/** What a workload proves its identity with, and whom it trusts. Immutable: a renewal makes new ones. */
export interface Credentials {
  /** PKCS#8 or SEC1. Never logged, never sent. */
  readonly keyPem: string;
  /** Leaf first, then intermediates. */
  readonly chainPem: string;
  /** Every root that is good now, one PEM certificate each. */
  readonly roots: readonly string[];
  /** SPIFFE id. */
  readonly principal: string;
  readonly notBeforeMs: number;
  /** When the first certificate of the chain expires, the leaf or an intermediate. */
  readonly notAfterMs: number;
  /** Of the leaf, uppercase hexadecimal. */
  readonly serial: string;
}

/** The parts of Credentials as they come from files or from the control plane. */
export interface CredentialParts {
  readonly keyPem: string;
  readonly chainPem: string;
  /** Each may hold several certificates. */
  readonly roots: readonly string[];
}

const serverAuth = '1.3.6.1.5.5.7.3.1';
const clientAuth = '1.3.6.1.5.5.7.3.2';

/**
 * Checks everything that would otherwise show as an obscure TLS alert: that the key belongs to the leaf, the chain leads to one
 * of the roots, the leaf names exactly one SPIFFE id of our layout, is no CA, may be used by clients and servers, and that all
 * of it is valid at `nowMs`. Errors have codes `certificate-…`; each message ends with the remedy.
 */
export function readCredentials(parts: CredentialParts, nowMs: number): Credentials | WeftError {
  const chain = readCertificates(parts.chainPem, 'the certificate chain');
  if (chain instanceof WeftError) return chain;
  const roots = readRoots(parts.roots);
  if (roots instanceof WeftError) return roots;
  const key = readPrivateKey(parts.keyPem);
  if (key instanceof WeftError) return key;
  const leaf = chain[0]!;
  if (!leaf.checkPrivateKey(key)) {
    return refuse(
      'certificate-key-mismatch',
      `the private key is not the one of ${nameOf(leaf)}; give the key that its signing request was made with`,
    );
  }
  const principal = checkLeaf(leaf);
  if (principal instanceof WeftError) return principal;
  const root = followChain(chain, roots, nowMs);
  if (root instanceof WeftError) return root;
  return {
    keyPem: parts.keyPem,
    chainPem: parts.chainPem,
    roots: roots.map(certificate => writePem('CERTIFICATE', certificate.raw)),
    principal,
    notBeforeMs: leaf.validFromDate.getTime(),
    notAfterMs: Math.min(...chain.map(certificate => certificate.validToDate.getTime())),
    serial: leaf.serialNumber,
  };
}

/** Reads an unencrypted private key; the error never shows any of it. */
export function readPrivateKey(pem: string): KeyObject | WeftError {
  try {
    return createPrivateKey(pem);
  } catch (thrown) {
    const encrypted = pem.includes('ENCRYPTED');
    return refuse(
      'certificate-key-unreadable',
      encrypted
        ? 'the private key is encrypted; give it without a passphrase, in a file only its owner can read'
        : `the private key cannot be read (${errorMessage(thrown)}); give it as PEM: PKCS#8, SEC1 or PKCS#1`,
    );
  }
}

function checkLeaf(leaf: X509Certificate): string | WeftError {
  if (leaf.ca) {
    return refuse(
      'certificate-is-a-ca',
      `${nameOf(leaf)} is a CA certificate; a workload needs one of its own, with the leaf first in its chain`,
    );
  }
  const principal = principalOf(leaf);
  if (principal === undefined) {
    return refuse(
      'certificate-without-identity',
      `${nameOf(leaf)} does not have exactly one name of the form ` +
        'spiffe://<trust-domain>/ns/<namespace>/sa/<service-account>; issue it with that URI as its only one',
    );
  }
  // Node calls the extended key usages keyUsage; undefined means that the certificate has none and any use is fine.
  const purposes: readonly string[] | undefined = leaf.keyUsage;
  if (purposes && !(purposes.includes(serverAuth) && purposes.includes(clientAuth))) {
    return refuse(
      'certificate-wrong-purpose',
      `${nameOf(leaf)} may not be used by both TLS clients and servers; issue it with both extended key usages`,
    );
  }
  return principal;
}

function refuse(code: string, message: string): WeftError {
  return new WeftError(code, message, { source: 'config' });
}
