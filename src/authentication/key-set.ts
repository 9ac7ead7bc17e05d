import type { CryptoKey, JWK } from 'jose';
import { jose } from './jose.ts';

/** More keys than this are not looked at: a token may make each of them be tried. */
const maxKeys = 256;

/** RFC 7518 section 3.1 and RFC 8037, as Envoy takes them; what kind of key each is for, and the curve where it names one. */
const algorithms: Readonly<Record<string, { readonly kty: string; readonly crv?: string }>> = {
  RS256: { kty: 'RSA' },
  RS384: { kty: 'RSA' },
  RS512: { kty: 'RSA' },
  PS256: { kty: 'RSA' },
  PS384: { kty: 'RSA' },
  PS512: { kty: 'RSA' },
  ES256: { kty: 'EC', crv: 'P-256' },
  ES384: { kty: 'EC', crv: 'P-384' },
  ES512: { kty: 'EC', crv: 'P-521' },
  HS256: { kty: 'oct' },
  HS384: { kty: 'oct' },
  HS512: { kty: 'oct' },
  EdDSA: { kty: 'OKP', crv: 'Ed25519' },
};

/** The algorithms that tokens may be signed with; `none` is not among them. */
export const ALGORITHMS: readonly string[] = Object.keys(algorithms);

const kinds = new Set(Object.values(algorithms).map(({ kty }) => kty));

/** A key as jose verifies with it. */
export type VerificationKey = CryptoKey | Uint8Array;

/** The keys of one issuer. */
export class KeySet {
  readonly #keys: readonly JWK[];
  /** By the key and the algorithm. */
  readonly #imported = new Map<string, Promise<VerificationKey | undefined>>();

  private constructor(keys: readonly JWK[]) {
    this.#keys = keys;
  }

  /** Reads a JSON Web Key Set (RFC 7517 section 5). Keys of kinds that are not known are passed over; a text is what is wrong. */
  static read(text: string): KeySet | string {
    let value: unknown;
    try {
      value = JSON.parse(text);
    } catch {
      return /^\s*</.test(text) ? 'is HTML or XML and no JSON Web Key Set' : 'is no JSON';
    }
    const keys = (value as { readonly keys?: unknown } | null)?.keys;
    if (!Array.isArray(keys)) return 'is no JSON Web Key Set: it has no list `keys`';
    if (keys.length > maxKeys) return `has ${keys.length} keys, of which ${maxKeys} are the limit`;
    const known = keys.filter(isKey);
    return known.length === 0
      ? 'has no key of a kind that is known here (RSA, EC, OKP, oct)'
      : new KeySet(known);
  }

  /** How many it has. */
  get size(): number {
    return this.#keys.length;
  }

  /** Whether one of them has this name. */
  has(kid: string): boolean {
    return this.#keys.some(each => each.kid === kid);
  }

  /**
   * The keys that a token of this header may be signed with, as Envoy chooses them: of the algorithm's kind and never another's,
   * so that an RSA key is no secret of HMAC; of its name where both have one.
   */
  async candidates(alg: string, kid: string | undefined): Promise<readonly VerificationKey[]> {
    const wanted = Object.hasOwn(algorithms, alg) ? algorithms[alg] : undefined;
    if (wanted === undefined) return [];
    const fit = this.#keys.filter(
      key =>
        key.kty === wanted.kty &&
        (wanted.crv === undefined || key.crv === wanted.crv) &&
        (key.alg === undefined || key.alg === alg) &&
        (key.use === undefined || key.use === 'sig') &&
        (kid === undefined || key.kid === undefined || key.kid === kid),
    );
    const imported = await Promise.all(fit.map(key => this.#import(key, alg)));
    return imported.filter(each => each !== undefined);
  }

  /** Undefined for one that is malformed: the others hold. */
  #import(key: JWK, alg: string): Promise<VerificationKey | undefined> {
    const at = `${this.#keys.indexOf(key)} ${alg}`;
    let imported = this.#imported.get(at);
    if (imported === undefined) {
      imported = jose()
        .then(({ importJWK }) => importJWK(key, alg))
        .catch(() => undefined);
      this.#imported.set(at, imported);
    }
    return imported;
  }
}

function isKey(value: unknown): value is JWK {
  if (typeof value !== 'object' || value === null) return false;
  const { kty, kid, alg, use } = value as Record<string, unknown>;
  const isTextOrNone = (each: unknown): boolean => each === undefined || typeof each === 'string';
  return typeof kty === 'string' && kinds.has(kty) && [kid, alg, use].every(isTextOrNone);
}
