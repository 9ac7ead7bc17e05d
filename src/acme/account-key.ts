import {
  createHash,
  createHmac,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  sign,
} from 'node:crypto';

/** A public key as JWS names it (RFC 7517). */
export interface AccountJwk {
  readonly kty: 'EC';
  readonly crv: 'P-256';
  readonly x: string;
  readonly y: string;
}

/** What a message is signed with: the key itself for a new account, its URL afterwards. */
export type Signer = { readonly jwk: AccountJwk } | { readonly kid: string };

/** JWS in its flattened form (RFC 7515 section 7.2.2), the only one that ACME takes. */
export interface SignedMessage {
  readonly protected: string;
  readonly payload: string;
  readonly signature: string;
}

/** The key of an ACME account: ECDSA P-256, whose signatures (ES256) every server takes (RFC 8555 section 6.2). */
export class AccountKey {
  readonly jwk: AccountJwk;
  /** RFC 7638; what answers to challenges are bound to. */
  readonly thumbprint: string;
  readonly #key: KeyObject;

  /** Throws where the text is no key of that kind. */
  constructor(pem: string) {
    this.#key = createPrivateKey(pem);
    const { kty, crv, x, y } = createPublicKey(this.#key).export({ format: 'jwk' });
    if (kty !== 'EC' || crv !== 'P-256' || x === undefined || y === undefined)
      throw new TypeError('an account key is an ECDSA key on P-256');
    this.jwk = { kty, crv, x, y };
    // Members in the order of their names, as the RFC has it.
    const canonical = JSON.stringify({ crv, kty, x, y });
    this.thumbprint = createHash('sha256').update(canonical).digest('base64url');
  }

  /** A new one, as PEM. */
  static createPem(): string {
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    return privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
  }

  /** `payload` undefined: POST-as-GET (RFC 8555 section 6.3). */
  sign(signer: Signer, url: string, nonce: string, payload: unknown): SignedMessage {
    const header = encoded({ alg: 'ES256', ...signer, nonce, url });
    const body = payload === undefined ? '' : encoded(payload);
    const signature = sign('sha256', Buffer.from(`${header}.${body}`), {
      key: this.#key,
      dsaEncoding: 'ieee-p1363',
    });
    return { protected: header, payload: body, signature: signature.toString('base64url') };
  }

  /** What answers a challenge (RFC 8555 section 8.1). */
  authorizationOf(token: string): string {
    return `${token}.${this.thumbprint}`;
  }
}

/** Proof that an account belongs to one elsewhere (RFC 8555 section 7.3.4). `hmacKey`: base64url, as servers give it. */
export function externalAccountBinding(
  jwk: AccountJwk,
  url: string,
  kid: string,
  hmacKey: string,
): SignedMessage {
  const header = encoded({ alg: 'HS256', kid, url });
  const payload = encoded(jwk);
  const signature = createHmac('sha256', Buffer.from(hmacKey, 'base64url'))
    .update(`${header}.${payload}`)
    .digest('base64url');
  return { protected: header, payload, signature };
}

function encoded(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}
