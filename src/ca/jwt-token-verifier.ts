import { createLocalJWKSet, errors, type JSONWebKeySet, type JWTVerifyGetKey, jwtVerify } from 'jose';
import { errorMessage, WeftError } from '../errors/index.ts';
import type { Clock } from '../time/index.ts';
import { proofOf } from './service-account-claims.ts';
import { TOKEN_AUDIENCE, type TokenProof, type TokenVerifier } from './token-verifier.ts';

/** Kubernetes' tokens have some 1,200 bytes. */
const maxTokenBytes = 16_384;

/** Signatures with a public key only: with HS256 a known public key would serve as the secret (RFC 8725 section 2.1). */
const algorithms = [
  'ES256',
  'ES384',
  'ES512',
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'EdDSA',
  'Ed25519',
];

export interface JwtVerifierOptions {
  /** Public keys, as `kubectl get --raw /openid/v1/jwks` or TokenIssuer.jwks give them. */
  readonly jwks: unknown;
  /** `iss` that tokens must have. */
  readonly issuer: string;
  /** Trust domain of the identities that tokens prove. */
  readonly trustDomain: string;
  readonly clock: Clock;
  /** Default `weft`. */
  readonly audience?: string;
  /** How far clocks may differ where a token begins or ends. Default 10 s. */
  readonly leewayMs?: number;
}

/** Verifies ServiceAccount tokens with public keys that are known beforehand. */
export class JwtTokenVerifier implements TokenVerifier {
  readonly #options: JwtVerifierOptions;
  readonly #keys: JWTVerifyGetKey;

  private constructor(options: JwtVerifierOptions, keys: JWTVerifyGetKey) {
    this.#options = options;
    this.#keys = keys;
  }

  /** Checks the key set; an error says what is wrong with it. */
  static create(options: JwtVerifierOptions): JwtTokenVerifier | WeftError {
    const wrong = checkKeySet(options.jwks);
    if (wrong !== undefined) {
      return new WeftError(
        'token-keys',
        `the keys for verifying tokens ${wrong}; give a JWKS with the public keys of the token issuer`,
        { source: 'config' },
      );
    }
    return new JwtTokenVerifier(options, createLocalJWKSet(options.jwks as JSONWebKeySet));
  }

  async verify(token: string): Promise<TokenProof | WeftError> {
    const { issuer, audience = TOKEN_AUDIENCE, clock, leewayMs = 10_000, trustDomain } = this.#options;
    if (token.length > maxTokenBytes) {
      return refuse(
        'token-malformed',
        `the token is larger than ${maxTokenBytes} bytes; send a ServiceAccount token`,
      );
    }
    try {
      const { payload } = await jwtVerify(token.trim(), this.#keys, {
        issuer,
        audience,
        algorithms,
        clockTolerance: leewayMs / 1000,
        currentDate: new Date(clock.now()),
        requiredClaims: ['exp', 'sub'],
      });
      return proofOf(payload, trustDomain);
    } catch (thrown) {
      return explain(thrown, issuer, audience);
    }
  }
}

function explain(thrown: unknown, issuer: string, audience: string): WeftError {
  if (thrown instanceof errors.JWTExpired) {
    return refuse(
      'token-expired',
      'the token has expired; send a fresh one, kubelet renews projected tokens by itself',
    );
  }
  if (thrown instanceof errors.JWTClaimValidationFailed) return explainClaim(thrown.claim, issuer, audience);
  if (thrown instanceof errors.JOSEAlgNotAllowed) {
    return refuse(
      'token-algorithm',
      'the token is not signed with a public-key algorithm; send one of the ServiceAccount issuer',
    );
  }
  if (thrown instanceof errors.JWKSNoMatchingKey || thrown instanceof errors.JWKSMultipleMatchingKeys) {
    return refuse(
      'token-unknown-key',
      `the token is signed with a key that is not among those of ${issuer}; update the key set if the issuer changed its keys`,
    );
  }
  if (thrown instanceof errors.JWSSignatureVerificationFailed) {
    return refuse(
      'token-bad-signature',
      'the signature of the token is wrong; send it unchanged, as its issuer made it',
    );
  }
  // What remains is a token that is none. jose's words name parts of the format, never contents of the token.
  const why = thrown instanceof errors.JOSEError ? errorMessage(thrown) : 'unreadable';
  return refuse('token-malformed', `the token is not a signed JWT (${why}); send a ServiceAccount token`);
}

function explainClaim(claim: string, issuer: string, audience: string): WeftError {
  switch (claim) {
    case 'aud':
      return refuse(
        'token-wrong-audience',
        `the token is not for the audience '${audience}'; mount a projected token with that audience`,
      );
    case 'iss':
      return refuse(
        'token-wrong-issuer',
        `the token was not issued by ${issuer}; send one of this cluster's issuer`,
      );
    case 'nbf':
      return refuse(
        'token-not-yet-valid',
        'the token is not valid yet; synchronise the clocks of both machines (NTP)',
      );
    default:
      return refuse(
        'token-claims',
        `the token has no usable '${claim}' claim; send a bound ServiceAccount token`,
      );
  }
}

/** What is wrong with a key set, if anything. A symmetric or private key in it is a mistake with consequences. */
function checkKeySet(jwks: unknown): string | undefined {
  const keys = typeof jwks === 'object' && jwks !== null && 'keys' in jwks ? jwks.keys : undefined;
  if (!Array.isArray(keys)) return "are not a JWKS: there is no list 'keys'";
  if (keys.length === 0) return 'are an empty set';
  for (const [i, key] of keys.entries()) {
    if (typeof key !== 'object' || key === null || typeof key.kty !== 'string')
      return `hold no key at keys[${i}]`;
    if (key.kty === 'oct') return `hold a symmetric key at keys[${i}]`;
    if ('d' in key) return `hold a private key at keys[${i}]`;
  }
  return undefined;
}

function refuse(code: string, message: string): WeftError {
  return new WeftError(code, message, { source: 'downstream' });
}
