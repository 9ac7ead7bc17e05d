import { type ByteRange, type Head, METHOD } from '../http/index.ts';
import type { JwtRule } from '../model/index.ts';
import type { Clock } from '../time/index.ts';
import { TokenClaims } from './claims.ts';
import type { KeyStore, RuleKeys } from './key-store.ts';
import { RepeatedTokens, type TokenSpot } from './repeated-tokens.ts';
import { type KnownToken, TokenCache } from './token-cache.ts';
import type { TokenCounts } from './token-counts.ts';
import { TokenPlaces } from './token-places.ts';
import { claimsFault, type RefusedToken, readToken, refused, signatureFault, skewOf } from './verify.ts';

const spot: TokenSpot = { place: 0, start: 0, end: 0 };
const origin = Buffer.from('origin', 'latin1');
const requestMethod = Buffer.from('access-control-request-method', 'latin1');

/** A token that one rule takes. */
export interface Accepted {
  readonly kind: 'accepted';
  readonly claims: TokenClaims;
  /** As it came. */
  readonly token: string;
  readonly rule: RunningRule;
}

/** A request that is refused for its token. */
export interface Refused extends RefusedToken {
  readonly kind: 'refused';
  readonly rule: JwtRule;
}

/** What is said of a request's tokens; undefined where it brings none. */
export type Judgement = Accepted | Refused | undefined;

/** One rule as it runs: where its tokens stand, which keys they are verified with, and which it knows already. */
export class RunningRule {
  readonly rule: JwtRule;
  readonly places: TokenPlaces;
  readonly #keys: RuleKeys;
  readonly #cache = new TokenCache();
  readonly #repeated = new RepeatedTokens();
  #version = -1;

  constructor(rule: JwtRule, keys: RuleKeys) {
    this.rule = rule;
    this.places = new TokenPlaces(rule);
    this.#keys = keys;
  }

  /** What is known of the token without verifying anything; undefined where that has to be done first. */
  known(token: string, nowSeconds: number): KnownToken | undefined {
    this.#followKeys();
    return this.#cache.get(token, nowSeconds);
  }

  /** The same by the bytes of the value that brings it, where that was remembered. */
  again(bytes: Buffer, spot: TokenSpot, nowSeconds: number): Accepted | undefined {
    this.#followKeys();
    return this.#repeated.get(bytes, spot, nowSeconds);
  }

  /** For `again`: the value at `spot` brings this token and no other. */
  remember(bytes: Buffer, spot: TokenSpot, accepted: Accepted, untilSeconds: number): void {
    this.#repeated.put(bytes, spot, accepted, untilSeconds);
  }

  /** What was verified with other keys is known no longer. */
  #followKeys(): void {
    if (this.#version === this.#keys.version) return;
    this.#version = this.#keys.version;
    this.#cache.clear();
    this.#repeated.clear();
  }

  /** Verifies it. Everything but the signature is looked at first, so that a token for somebody else costs little. */
  async verify(token: string, nowSeconds: number): Promise<TokenClaims | RefusedToken> {
    const known = this.known(token, nowSeconds);
    if (known !== undefined) return known.claims;
    const read = readToken(token);
    if ('fault' in read) return read;
    const fault = claimsFault(read.claims, this.rule, nowSeconds);
    if (fault !== undefined) return fault;
    const { kid } = read;
    const isMissing = this.#keys.keys === undefined || (kid !== undefined && !this.#keys.keys.has(kid));
    if (isMissing) await this.#keys.renew?.();
    const { keys, version } = this.#keys;
    if (keys === undefined) return refused('no-keys', this.#keys.why);
    const wrong = await signatureFault(token, read, keys);
    if (wrong !== undefined) return wrong;
    const claims = new TokenClaims(read.claims, this.rule.spaceDelimitedClaims, this.rule.provider);
    const { exp } = read.claims as { readonly exp?: number };
    // Others may have come while it was being verified.
    if (version === this.#keys.version && this.known(token, nowSeconds) === undefined)
      this.#cache.put(token, claims, exp === undefined ? Number.POSITIVE_INFINITY : exp + skewOf(this.rule));
    return claims;
  }
}

/**
 * Says whom a request comes from by its token, for all rules that hold for a port. Rules are joined as Istio joins them: a token
 * that one of them takes is enough; without any token the request passes and comes from nobody; a token that none takes is
 * refused. Within a rule every token that is found must be good, so that no app is shown one that was not looked at.
 */
export class Authenticator {
  readonly rules: readonly RunningRule[];
  readonly #clock: Clock;
  readonly #counts: TokenCounts;

  constructor(rules: readonly JwtRule[], keys: KeyStore, clock: Clock, counts: TokenCounts) {
    this.#clock = clock;
    this.#counts = counts;
    this.rules = rules.map(rule => new RunningRule(rule, keys.of(rule)));
  }

  /**
   * At once where there is no token or one that is known; a promise, which never rejects for what is in the token, otherwise.
   * `query`: where it is in the head's bytes.
   */
  judge(head: Head, query: ByteRange): Judgement | Promise<Judgement> {
    if (isPreflight(head)) return undefined;
    const nowSeconds = this.#clock.now() / 1000;
    let found: (readonly string[])[] | undefined;
    for (let i = 0; i < this.rules.length; i++) {
      const rule = this.rules[i]!;
      const count = rule.places.count(head, query, spot);
      if (count === 0) continue;
      if (count === 1) {
        const again = rule.again(head.bytes, spot, nowSeconds);
        if (again !== undefined) {
          this.#counts.accepted++;
          return again;
        }
      }
      const tokens = rule.places.find(head, query);
      if (tokens.length === 0) continue;
      const [token] = tokens;
      if (tokens.length === 1) {
        const known = rule.known(token!, nowSeconds);
        if (known !== undefined) {
          this.#counts.accepted++;
          const accepted: Accepted = { kind: 'accepted', claims: known.claims, token: token!, rule };
          // At its second coming: a token that comes once is not worth it.
          if (count === 1) rule.remember(head.bytes, spot, accepted, known.untilSeconds);
          return accepted;
        }
      }
      found ??= this.rules.map(() => []);
      found[i] = tokens;
    }
    return found === undefined ? undefined : this.#verify(found, nowSeconds);
  }

  /** `found`: the tokens of each rule. */
  async #verify(found: readonly (readonly string[])[], nowSeconds: number): Promise<Judgement> {
    let worst: Refused | undefined;
    for (const [i, tokens] of found.entries()) {
      if (tokens.length === 0) continue;
      const rule = this.rules[i]!;
      const outcome = await verifyAll(rule, tokens, nowSeconds);
      if (outcome instanceof TokenClaims) {
        this.#counts.accepted++;
        return { kind: 'accepted', claims: outcome, token: tokens[0]!, rule };
      }
      if (rule.rule.isOptional) continue;
      // As Envoy: that a token is of another issuer is said only where there is nothing else to say.
      if (worst === undefined || (worst.fault === 'issuer' && outcome.fault !== 'issuer'))
        worst = { kind: 'refused', ...outcome, rule: rule.rule };
    }
    if (worst !== undefined) this.#counts.refused(worst.fault);
    return worst;
  }
}

/** What the first of them says, where all are good. */
async function verifyAll(
  rule: RunningRule,
  tokens: readonly string[],
  nowSeconds: number,
): Promise<TokenClaims | RefusedToken> {
  let first: TokenClaims | undefined;
  for (const token of tokens) {
    const outcome = await rule.verify(token, nowSeconds);
    if (!(outcome instanceof TokenClaims)) return outcome;
    first ??= outcome;
  }
  return first!;
}

/** A browser asks before it sends a token, and cannot send one with the question (Fetch standard, section 3.2.2). */
function isPreflight(head: Head): boolean {
  return head.method === METHOD.OPTIONS && hasValue(head, origin) && hasValue(head, requestMethod);
}

function hasValue(head: Head, name: Buffer): boolean {
  const index = head.find(name);
  return index >= 0 && head.valueStart(index) < head.valueEnd(index);
}
