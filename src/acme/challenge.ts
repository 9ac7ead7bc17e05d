import { createHash, generateKeyPairSync, randomBytes, sign } from 'node:crypto';
import { der, derBitString, derOid, TAG, writePem } from '../identity/index.ts';
import type { AcmeChallengeKind, ServedChallenge } from '../model/index.ts';

/** What a server asks to see of who wants a name. */
export interface Challenge {
  readonly kind: AcmeChallengeKind;
  /** Without `*.` */
  readonly host: string;
  readonly token: string;
  /** See AccountKey.authorizationOf. */
  readonly authorization: string;
}

/** The text of the TXT record (RFC 8555 section 8.4). */
export function recordText({ authorization }: Challenge): string {
  return createHash('sha256').update(authorization).digest('base64url');
}

/** What a gateway shows for it; undefined for what gateways cannot show. */
export function servedOf(challenge: Challenge, nowMs: number): ServedChallenge | undefined {
  const { kind, host, token, authorization } = challenge;
  if (kind === 'dns-01') return undefined;
  if (kind === 'http-01') return { kind, host, token, authorization };
  return { kind, host, ...challengeCertificate(challenge, nowMs) };
}

const ecdsaWithSha256 = der(TAG.sequence, derOid('1.2.840.10045.4.3.2'));
/** id-pe-acmeIdentifier (RFC 8737 section 6.1). */
const acmeIdentifier = '1.3.6.1.5.5.7.1.31';
const subjectAltName = '2.5.29.17';
/** dNSName in a GeneralName. */
const dnsNameTag = 0x82;
const utcTime = 0x17;
const utf8String = 0x0c;
const lifeMs = 7 * 86_400_000;

/** A certificate of its own signature that has the name and what is to be shown (RFC 8737 section 3). PEM. */
function challengeCertificate(
  { host, authorization }: Challenge,
  nowMs: number,
): { readonly chain: string; readonly privateKey: string } {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const serial = randomBytes(16);
  serial[0] = (serial[0]! & 0x3f) | 0x40;
  const name = der(
    TAG.sequence,
    der(TAG.set, der(TAG.sequence, derOid('2.5.4.3'), der(utf8String, Buffer.from('ACME challenge')))),
  );
  const shown = createHash('sha256').update(authorization).digest();
  const extensions = [
    extension(subjectAltName, false, der(TAG.sequence, der(dnsNameTag, Buffer.from(host, 'latin1')))),
    extension(acmeIdentifier, true, der(TAG.octetString, shown)),
  ];
  const body = der(
    TAG.sequence,
    der(TAG.context0, der(TAG.integer, Buffer.from([2]))),
    der(TAG.integer, serial),
    ecdsaWithSha256,
    name,
    der(TAG.sequence, time(nowMs - 3_600_000), time(nowMs + lifeMs)),
    name,
    publicKey.export({ type: 'spki', format: 'der' }),
    der(TAG.context3, der(TAG.sequence, ...extensions)),
  );
  const signature = sign('sha256', body, { key: privateKey, dsaEncoding: 'der' });
  return {
    chain: writePem('CERTIFICATE', der(TAG.sequence, body, ecdsaWithSha256, derBitString(signature))),
    privateKey: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
  };
}

function extension(id: string, critical: boolean, value: Buffer): Buffer {
  const mark = critical ? [der(TAG.boolean, Buffer.from([0xff]))] : [];
  return der(TAG.sequence, derOid(id), ...mark, der(TAG.octetString, value));
}

/** UTCTime; right until 2049. */
function time(ms: number): Buffer {
  const digits = new Date(ms).toISOString().replace(/[-:T]|\.\d+/g, '');
  return der(utcTime, Buffer.from(digits.slice(2), 'latin1'));
}
