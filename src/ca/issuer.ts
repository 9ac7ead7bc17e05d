import type { KeyObject, X509Certificate } from 'node:crypto';
import { WeftError } from '../errors/index.ts';
import { followChain, nameOf, readCertificates, readPrivateKey, readRoots } from '../identity/index.ts';
import { type Asn1, children, contents, fromDer, OID, oidText } from './asn1.ts';
import { keyIdentifier } from './certificate-builder.ts';

/** The parts of a certificate authority as they come from files or a Secret. */
export interface AuthorityParts {
  /** PKCS#8, SEC1 or PKCS#1, unencrypted. */
  readonly keyPem: string;
  /** The issuing certificate first, then what is above it. */
  readonly chainPem: string;
  /** Every root that proxies shall trust, old and new during a rotation. Each PEM may hold several. */
  readonly roots: readonly string[];
}

/** An issuer that was checked and is ready to sign. */
export interface Issuer {
  readonly key: KeyObject;
  /** The issuing certificate first. */
  readonly chain: readonly X509Certificate[];
  /** The one of `roots` that the chain leads to. */
  readonly root: X509Certificate;
  readonly roots: readonly X509Certificate[];
  /** Its subject, byte for byte: what it issues must name it so. */
  readonly name: Asn1;
  readonly keyIdentifier: Buffer;
  /** When the first of the chain and its root runs out. Nothing issued may live longer. */
  readonly notAfterMs: number;
}

/** Reads and checks an authority at `nowMs`; every error (`ca-…`, `certificate-…`) says what to give instead. */
export function readIssuer(parts: AuthorityParts, nowMs: number): Issuer | WeftError {
  const chain = readCertificates(parts.chainPem, 'the chain of the certificate authority');
  if (chain instanceof WeftError) return chain;
  const roots = readRoots(parts.roots);
  if (roots instanceof WeftError) return roots;
  const key = readPrivateKey(parts.keyPem);
  if (key instanceof WeftError) return key;
  const own = chain[0]!;
  const wrong = checkOwn(own, key);
  if (wrong) return wrong;
  const root = followChain(chain, roots, nowMs);
  if (root instanceof WeftError) return root;
  const path = chain.at(-1)!.raw.equals(root.raw) ? chain : [...chain, root];
  const tooLong = checkPathLengths(path);
  if (tooLong) return tooLong;
  const fields = readFields(own);
  if (!fields) return refuse('ca-unreadable', `${nameOf(own)} is not well-formed DER; issue it again`);
  return {
    key,
    chain,
    root,
    roots,
    name: fields.subject,
    keyIdentifier: fields.keyIdentifier,
    notAfterMs: Math.min(...path.map(certificate => certificate.validToDate.getTime())),
  };
}

function checkOwn(own: X509Certificate, key: KeyObject): WeftError | undefined {
  if (!own.ca) {
    return refuse(
      'ca-not-a-ca',
      `${nameOf(own)} may not sign certificates; give one with basicConstraints CA:TRUE and key usage keyCertSign`,
    );
  }
  if (!own.checkPrivateKey(key)) {
    return refuse(
      'ca-key-mismatch',
      `the private key is not the one of ${nameOf(own)}; give the key of the first certificate of the chain`,
    );
  }
  const kind = key.asymmetricKeyType;
  const curve = key.asymmetricKeyDetails?.namedCurve ?? '';
  const bits = key.asymmetricKeyDetails?.modulusLength ?? 0;
  if ((kind === 'ec' && ['prime256v1', 'secp384r1'].includes(curve)) || (kind === 'rsa' && bits >= 2048)) {
    return undefined;
  }
  return refuse(
    'ca-key-unsupported',
    `the key of ${nameOf(own)} is ${kind} ${curve || bits}; use ECDSA P-256 or P-384, or RSA of at least 2048 bits`,
  );
}

/** A root with path length 0 above an intermediate makes every handshake of the mesh fail; better to say so at once. */
function checkPathLengths(path: readonly X509Certificate[]): WeftError | undefined {
  for (const [below, certificate] of path.entries()) {
    const limit = readFields(certificate)?.pathLength;
    if (limit === undefined || below <= limit) continue;
    return refuse(
      'ca-path-too-long',
      `${nameOf(certificate)} allows ${limit} authorities below it and there are ${below}; ` +
        'issue it again with a larger path length, or use an authority that it issues directly',
    );
  }
  return undefined;
}

interface Fields {
  readonly subject: Asn1;
  readonly keyIdentifier: Buffer;
  readonly pathLength?: number;
}

/** What Node's X509Certificate does not tell. */
function readFields(certificate: X509Certificate): Fields | undefined {
  const tbs = children(children(fromDer(certificate.raw))[0]);
  // version [0], serial, signature, issuer, validity, subject, key, …, extensions [3]: a CA certificate is always version 3.
  const subject = tbs[5];
  if (!subject || tbs.length < 8) return undefined;
  const extensions = children(children(tbs.at(-1))[0]);
  const find = (id: string): Asn1 | undefined => {
    const value = contents(extensions.find(one => oidText(children(one)[0]) === id)?.value.at(-1) as Asn1);
    return value && fromDer(value);
  };
  const spki = certificate.publicKey.export({ type: 'spki', format: 'der' });
  const pathLength = contents(children(find(OID.basicConstraints))[1]);
  return {
    subject,
    keyIdentifier: contents(find(OID.subjectKeyIdentifier)) ?? keyIdentifier(spki),
    pathLength: pathLength?.readUIntBE(0, Math.min(pathLength.length, 6)),
  };
}

function refuse(code: string, message: string): WeftError {
  return new WeftError(code, message, { source: 'config' });
}
