import { errorMessage } from '../errors/index.ts';
import type { JwtRule } from '../model/index.ts';
import type { Claims } from './claims.ts';
import { jose } from './jose.ts';
import { ALGORITHMS, type KeySet } from './key-set.ts';

/** Longer ones are refused unread; no issuer makes them, and no server takes them. */
export const MAX_TOKEN_BYTES = 32 * 1024;
/** What clocks may differ by (jwt_verify_lib's kClockSkewInSecond). */
export const CLOCK_SKEW_SECONDS = 60;
/** For the rule, seconds. */
export function skewOf({ clockSkewSeconds = CLOCK_SKEW_SECONDS }: JwtRule): number {
  return clockSkewSeconds;
}

/** Keys that are tried for a token without `kid`; each costs a verification. */
const maxTries = 16;

/** Why a token is not taken. `audience` is answered 403 and every other 401, as Envoy does. */
export type TokenFault =
  | 'malformed'
  | 'algorithm'
  | 'issuer'
  | 'expired'
  | 'not-yet-valid'
  | 'audience'
  | 'no-keys'
  | 'unknown-key'
  | 'signature';

/** A token that is not taken, and why; the words tell its issuer, audience and key alone. */
export interface RefusedToken {
  readonly fault: TokenFault;
  readonly words: string;
}

/** What a token says before its signature has been verified: for nothing but to find the key. */
export interface UnverifiedToken {
  readonly alg: string;
  readonly kid: string | undefined;
  readonly claims: Claims;
}

/** Takes a token apart; what is wrong with it otherwise. */
export function readToken(token: string): UnverifiedToken | RefusedToken {
  if (token.length > MAX_TOKEN_BYTES)
    return refused(
      'malformed',
      `the token has ${token.length} bytes, of which ${MAX_TOKEN_BYTES} are the limit`,
    );
  const parts = token.split('.');
  if (parts.length !== 3 || !parts.every(each => /^[\w-]+$/.test(each)))
    return refused('malformed', 'the token is no JSON Web Token of three parts');
  let header: unknown;
  let claims: unknown;
  try {
    header = jsonOf(parts[0]!);
    claims = jsonOf(parts[1]!);
  } catch {
    return refused('malformed', 'header or payload of the token are no JSON');
  }
  if (typeof header !== 'object' || header === null)
    return refused('malformed', 'its header is no JSON object');
  const { alg, kid, crit } = header as {
    readonly alg?: unknown;
    readonly kid?: unknown;
    readonly crit?: unknown;
  };
  // RFC 7515 section 4.1.11: what has to be understood and is not. Nothing of the kind is for tokens of this use.
  if (crit !== undefined)
    return refused('malformed', 'the token needs extensions (crit) that nobody here knows');
  if (typeof claims !== 'object' || claims === null || Array.isArray(claims))
    return refused('malformed', 'the payload of the token is no JSON object');
  if (typeof alg !== 'string' || !ALGORITHMS.includes(alg))
    return refused('algorithm', `the token's algorithm is none of ${ALGORITHMS.join(', ')}`);
  if (kid !== undefined && typeof kid !== 'string')
    return refused('malformed', 'the name of its key (kid) is no text');
  // An empty name is none, as to Envoy.
  return { alg, kid: kid === '' ? undefined : kid, claims: claims as Claims };
}

/** What is wrong with the claims for a rule at this time, seconds since the epoch; in Envoy's order. */
export function claimsFault(claims: Claims, rule: JwtRule, nowSeconds: number): RefusedToken | undefined {
  for (const name of ['iss', 'sub'] as const)
    if (claims[name] !== undefined && typeof claims[name] !== 'string')
      return refused('malformed', `the claim ${name} of the token is no text`);
  for (const name of ['exp', 'nbf', 'iat'] as const) {
    const value = claims[name];
    if (value !== undefined && !(typeof value === 'number' && Number.isFinite(value) && value >= 0))
      return refused('malformed', `the claim ${name} of the token is no time`);
  }
  const audiences = audiencesOf(claims.aud);
  if (audiences === undefined)
    return refused('malformed', 'the claim aud of the token is no text and no list of them');
  if (claims.iss !== rule.issuer)
    return refused('issuer', `no rule takes tokens of the issuer ${quote(claims.iss)}`);
  const { nbf, exp } = claims as { readonly nbf?: number; readonly exp?: number };
  if (nbf !== undefined && nbf > nowSeconds + skewOf(rule))
    return refused('not-yet-valid', `the token is not valid before ${timeText(nbf)}`);
  // 0 is no time of expiry to Envoy; to everybody else it is long ago.
  if (exp !== undefined && nowSeconds > exp + skewOf(rule))
    return refused('expired', `the token has expired at ${timeText(exp)}`);
  if (rule.audiences === undefined || rule.audiences.length === 0) return undefined;
  const wanted = new Set(rule.audiences.map(plainAudience));
  if (audiences.some(each => wanted.has(plainAudience(each)))) return undefined;
  const came = audiences.length === 0 ? 'for nobody' : `for ${audiences.slice(0, 4).map(quote).join(', ')}`;
  return refused('audience', `the token is ${came} and not for ${rule.audiences.join(' or ')}`);
}

/** Whether the token is signed with one of the keys; undefined where it is. */
export async function signatureFault(
  token: string,
  { alg, kid }: UnverifiedToken,
  keys: KeySet,
): Promise<RefusedToken | undefined> {
  const { compactVerify, errors } = await jose();
  const candidates = await keys.candidates(alg, kid);
  if (candidates.length === 0)
    return refused(
      'unknown-key',
      `the issuer has no key ${kid === undefined ? '' : `${quote(kid)} `}for ${alg}`,
    );
  for (const key of candidates.slice(0, maxTries)) {
    try {
      await compactVerify(token, key, { algorithms: [alg] });
      return undefined;
    } catch (thrown) {
      // Another key may fit. What is wrong with the token itself is wrong with every key.
      if (thrown instanceof errors.JWSSignatureVerificationFailed) continue;
      if (thrown instanceof errors.JOSEError)
        return refused('malformed', `the token cannot be verified: ${errorMessage(thrown)}`);
      // The key is of no use, too short for example.
    }
  }
  return refused('signature', 'the signature of the token is not by a key of its issuer');
}

/** Throws for what is no JSON. The last of two members of one name counts, for every reader of the token here. */
function jsonOf(part: string): unknown {
  return JSON.parse(Buffer.from(part, 'base64url').toString('utf8'));
}

export function refused(fault: TokenFault, words: string): RefusedToken {
  return { fault, words };
}

/** Undefined for what is no audience. */
function audiencesOf(aud: unknown): readonly string[] | undefined {
  if (aud === undefined) return [];
  if (typeof aud === 'string') return [aud];
  return Array.isArray(aud) && aud.every(each => typeof each === 'string') ? aud : undefined;
}

/** Audiences are compared without the scheme and without a slash at the end, as Envoy does it. */
function plainAudience(audience: string): string {
  return audience.replace(/^https?:\/\//, '').replace(/\/$/, '');
}

/** For the log: short, and of characters that a terminal shows. */
function quote(value: unknown): string {
  if (typeof value !== 'string') return 'none';
  const text = value.length > 128 ? `${value.slice(0, 128)}…` : value;
  return `'${text.replace(/[^\x20-\x7e]/g, '?')}'`;
}

function timeText(seconds: number): string {
  const ms = seconds * 1000;
  return ms <= 8.64e15 ? new Date(ms).toISOString() : `${seconds} s`;
}
