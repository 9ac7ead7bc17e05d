// For tests: issuers of tokens with real keys.
import { generateKeyPairSync, type KeyObject, type KeyPairKeyObjectResult, sign } from 'node:crypto';

const generators: Readonly<Record<string, () => KeyPairKeyObjectResult>> = {
  RS256: () => generateKeyPairSync('rsa', { modulusLength: 2048 }),
  PS256: () => generateKeyPairSync('rsa', { modulusLength: 2048 }),
  ES256: () => generateKeyPairSync('ec', { namedCurve: 'P-256' }),
  ES384: () => generateKeyPairSync('ec', { namedCurve: 'P-384' }),
  ES512: () => generateKeyPairSync('ec', { namedCurve: 'P-521' }),
  EdDSA: () => generateKeyPairSync('ed25519'),
};

const base64url = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');

/** Somebody who signs tokens. */
export class TestIssuer {
  readonly issuer: string;
  readonly alg: string;
  readonly kid: string;
  readonly #private: KeyObject;
  readonly publicKey: KeyObject;

  constructor(issuer = 'https://issuer.example', alg = 'ES256', kid = `${alg}-1`) {
    this.issuer = issuer;
    this.alg = alg;
    this.kid = kid;
    const pair = generators[alg]!();
    this.#private = pair.privateKey;
    this.publicKey = pair.publicKey;
  }

  /** Its key as a set has it. */
  get jwk(): Record<string, unknown> {
    return { ...this.publicKey.export({ format: 'jwk' }), kid: this.kid, alg: this.alg, use: 'sig' };
  }

  /** Its set of keys. */
  get jwks(): string {
    return JSON.stringify({ keys: [this.jwk] });
  }

  /** A token with these claims beside `iss`; `header`: beside `alg` and `kid`. */
  token(
    claims: Readonly<Record<string, unknown>> = {},
    header: Readonly<Record<string, unknown>> = {},
  ): string {
    return this.signed(
      base64url({ alg: this.alg, kid: this.kid, ...header }),
      base64url({ iss: this.issuer, sub: 'alice', ...claims }),
    );
  }

  /** A token of parts as they stand. */
  signed(header: string, payload: string): string {
    const input = Buffer.from(`${header}.${payload}`);
    const key = { key: this.#private, dsaEncoding: 'ieee-p1363' as const };
    const signature =
      this.alg === 'EdDSA'
        ? sign(null, input, this.#private)
        : sign(
            `sha${this.alg.slice(2)}`,
            input,
            this.alg.startsWith('PS') ? { ...key, padding: 6, saltLength: -1 } : key,
          );
    return `${header}.${payload}.${signature.toString('base64url')}`;
  }
}
