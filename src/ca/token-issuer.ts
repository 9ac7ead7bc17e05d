import { createHash, createPublicKey, generateKeyPairSync, type KeyObject, randomUUID } from 'node:crypto';
import { type JSONWebKeySet, type JWK, SignJWT } from 'jose';
import { WeftError } from '../errors/index.ts';
import { readPrivateKey } from '../identity/index.ts';
import type { Clock } from '../time/index.ts';
import { SERVICE_ACCOUNT_CLAIM, type ServiceAccountClaims, subjectOf } from './service-account-claims.ts';
import { TOKEN_AUDIENCE } from './token-verifier.ts';

/** As Kubernetes gives projected tokens unless told otherwise. */
export const DEFAULT_TOKEN_LIFETIME_MS = 3600_000;

export interface TokenIssuerOptions {
  /** `iss` of the tokens. */
  readonly issuer: string;
  readonly clock: Clock;
  /** An ECDSA P-256 key to go on with; a fresh one otherwise. */
  readonly keyPem?: string;
}

/** For whom a token is. */
export interface TokenRequest {
  readonly namespace: string;
  readonly serviceAccount: string;
  readonly pod?: string;
  /** Default `weft`. */
  readonly audience?: string;
  /** Default an hour. */
  readonly lifetimeMs?: number;
}

/** Makes tokens as Kubernetes' API server makes them for ServiceAccounts, for where there is none: the sandbox and tests. */
export class TokenIssuer {
  readonly issuer: string;
  readonly #key: KeyObject;
  readonly #keyId: string;
  readonly #clock: Clock;

  private constructor(issuer: string, key: KeyObject, clock: Clock) {
    this.issuer = issuer;
    this.#key = key;
    this.#clock = clock;
    const spki = createPublicKey(key).export({ type: 'spki', format: 'der' });
    this.#keyId = createHash('sha256').update(spki).digest('base64url').slice(0, 16);
  }

  /** An error when the given key cannot be read or is not ECDSA P-256. */
  static create({ issuer, clock, keyPem }: TokenIssuerOptions): TokenIssuer | WeftError {
    if (keyPem === undefined) {
      return new TokenIssuer(issuer, generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey, clock);
    }
    const key = readPrivateKey(keyPem);
    if (key instanceof WeftError) return key;
    if (key.asymmetricKeyDetails?.namedCurve !== 'prime256v1') {
      return new WeftError(
        'token-keys',
        'the key for signing tokens is not ECDSA P-256; remove it to get a fresh one',
        {
          source: 'config',
        },
      );
    }
    return new TokenIssuer(issuer, key, clock);
  }

  /** A token for a ServiceAccount, bound to its pod when one is named. */
  issue(request: TokenRequest): Promise<string> {
    const { namespace, serviceAccount, pod, audience = TOKEN_AUDIENCE } = request;
    const nowSeconds = Math.floor(this.#clock.now() / 1000);
    const lifetimeSeconds = Math.ceil((request.lifetimeMs ?? DEFAULT_TOKEN_LIFETIME_MS) / 1000);
    const claims: ServiceAccountClaims = {
      namespace,
      serviceaccount: { name: serviceAccount },
      ...(pod === undefined ? {} : { pod: { name: pod } }),
    };
    return new SignJWT({ [SERVICE_ACCOUNT_CLAIM]: claims })
      .setProtectedHeader({ alg: 'ES256', kid: this.#keyId })
      .setIssuer(this.issuer)
      .setAudience([audience])
      .setSubject(subjectOf(namespace, serviceAccount))
      .setIssuedAt(nowSeconds)
      .setNotBefore(nowSeconds)
      .setExpirationTime(nowSeconds + lifetimeSeconds)
      .setJti(randomUUID())
      .sign(this.#key);
  }

  /** The public key, for JwtTokenVerifier. */
  jwks(): JSONWebKeySet {
    const jwk = createPublicKey(this.#key).export({ format: 'jwk' }) as JWK;
    return { keys: [{ ...jwk, kid: this.#keyId, alg: 'ES256', use: 'sig' }] };
  }

  /** The private key, PKCS#8 PEM, for keeping it in a file. */
  exportKey(): string {
    return this.#key.export({ type: 'pkcs8', format: 'pem' }).toString();
  }
}
