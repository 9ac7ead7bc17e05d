// Certificates of every kind, right and wrong, for tests. Nothing here checks anything.
import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { writePem } from '../../identity/index.ts';
import { type Asn1, boolean, OID, octetString, oid, sequence, taggedBytes, toDer } from '../asn1.ts';
import {
  distinguishedName,
  extension,
  keyIdentifier,
  randomSerial,
  signCertificate,
} from '../certificate-builder.ts';

/** A certificate with its key, as `certify` makes them. */
export interface Certified {
  readonly keyPem: string;
  readonly pem: string;
  readonly der: Buffer;
  readonly name: string | undefined;
}

export interface OddCertificate {
  /** Common name; undefined for an empty subject. */
  readonly name?: string;
  /** Undefined: self-signed. */
  readonly issuer?: Certified;
  readonly key?: KeyObject;
  readonly uris?: readonly string[];
  readonly dnsNames?: readonly string[];
  /** Path length, or true for a CA without a limit. */
  readonly ca?: number | true;
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
  /** Replaces the extensions altogether. */
  readonly extensions?: readonly Asn1[];
  /** Replaces the extended key usages; an empty list leaves the extension out. */
  readonly purposes?: readonly string[];
}

/** Issues a certificate exactly as told. */
export function certify(odd: OddCertificate): Certified {
  const key = odd.key ?? generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
  const publicKey = createPublicKey(key).export({ type: 'spki', format: 'der' });
  const signer = odd.issuer ? createPrivateKey(odd.issuer.keyPem) : key;
  const signerPublic = createPublicKey(signer).export({ type: 'spki', format: 'der' });
  const der = signCertificate(
    {
      serial: randomSerial(),
      issuer: distinguishedName(odd.issuer ? odd.issuer.name : odd.name),
      subject: distinguishedName(odd.name),
      notBeforeMs: odd.notBeforeMs,
      notAfterMs: odd.notAfterMs,
      publicKey,
      extensions: odd.extensions ?? [
        ...(odd.ca === undefined
          ? [extension.notAnAuthority(), extension.signsHandshakes(), ...purposes(odd.purposes)]
          : [
              extension.certificateAuthority(odd.ca === true ? undefined : odd.ca),
              extension.signsCertificates(),
            ]),
        extension.subjectKey(keyIdentifier(publicKey)),
        extension.authorityKey(keyIdentifier(signerPublic)),
        ...(odd.uris || odd.dnsNames ? [alternativeNames(odd.uris ?? [], odd.dnsNames ?? [])] : []),
      ],
    },
    signer,
  );
  return {
    keyPem: key.export({ type: 'pkcs8', format: 'pem' }).toString(),
    pem: writePem('CERTIFICATE', der),
    der,
    name: odd.name,
  };
}

/** A subjectAltName extension with any names, in any number, checked by nobody. */
export function alternativeNames(uris: readonly string[], dnsNames: readonly string[] = []): Asn1 {
  const names = [
    ...dnsNames.map(name => taggedBytes(2, Buffer.from(name, 'latin1'))),
    ...uris.map(uri => taggedBytes(6, Buffer.from(uri, 'latin1'))),
  ];
  return rawExtension(OID.subjectAltName, toDer(sequence(...names)));
}

/** A critical extension with any value. */
export function rawExtension(id: string, value: Uint8Array): Asn1 {
  return sequence(oid(id), boolean(true), octetString(value));
}

function purposes(list: readonly string[] | undefined): Asn1[] {
  if (list === undefined) return [extension.clientsAndServers()];
  if (list.length === 0) return [];
  return [sequence(oid(OID.extKeyUsage), octetString(toDer(sequence(...list.map(oid)))))];
}
