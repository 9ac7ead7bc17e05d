// Random rules about tokens and random requests that bring some: half of what is chosen is what a sound client would send.
import { TestIssuer } from '../../src/authentication/testing/issuer.ts';

/** A jwtRule of Istio's RequestAuthentication. */
export interface TokenRule {
  readonly issuer: string;
  readonly jwks: string;
  readonly audiences?: readonly string[];
  readonly fromHeaders?: readonly { readonly name: string; readonly prefix?: string }[];
  readonly fromParams?: readonly string[];
  readonly fromCookies?: readonly string[];
  readonly forwardOriginalToken?: boolean;
  readonly outputPayloadToHeader?: string;
  readonly outputClaimToHeaders?: readonly { readonly header: string; readonly claim: string }[];
}

/** A request. */
export interface TokenRequest {
  readonly method: string;
  readonly target: string;
  readonly headers: readonly (readonly [name: string, value: string])[];
  /** How many tokens it brings. */
  readonly tokens: number;
}

const algs = ['ES256', 'RS256', 'EdDSA', 'PS256', 'ES384'] as const;
const names = ['https://a.example', 'https://b.example', 'c@example'] as const;
/** Two keys of each issuer, of kinds that differ. */
export const ISSUERS: readonly TestIssuer[] = names.flatMap((name, i) => [
  new TestIssuer(name, algs[i]!),
  new TestIssuer(name, algs[(i + 2) % algs.length]!),
]);
/** Somebody who says that it is one of them. */
const impostors = ISSUERS.map(({ issuer, alg, kid }) => new TestIssuer(issuer, alg, kid));
const audiences = [
  'cart',
  'https://cart.example',
  'https://cart.example/',
  'http://cart.example',
  'books',
  '',
] as const;

/** A generator of tries that a seed repeats (mulberry32). */
export class TokenChance {
  #state: number;

  constructor(seed: number) {
    this.#state = seed;
  }

  #next(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let t = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  }

  #is(chance: number): boolean {
    return this.#next() < chance;
  }

  #of<T>(all: readonly T[]): T {
    return all[Math.floor(this.#next() * all.length)]!;
  }

  /** One to three rules of different issuers. */
  rules(): readonly TokenRule[] {
    const wanted = [...names]
      .sort(() => this.#next() - 0.5)
      .slice(0, this.#is(0.5) ? 1 : this.#is(0.6) ? 2 : 3);
    return wanted.map((issuer, index): TokenRule => {
      const keys = ISSUERS.filter(each => each.issuer === issuer).map(({ jwk }) => jwk);
      return {
        issuer,
        jwks: JSON.stringify({ keys: this.#is(0.7) ? keys : [keys[0]] }),
        ...(this.#is(0.4) && {
          audiences: [this.#of(audiences.slice(0, 5)), ...(this.#is(0.3) ? ['films'] : [])],
        }),
        ...(this.#is(0.25) && {
          fromHeaders: [
            this.#is(0.5) ? { name: 'x-token' } : { name: 'X-Token', prefix: 'JWT ' },
            ...(this.#is(0.3) ? [{ name: 'authorization', prefix: 'Bearer ' }] : []),
          ],
        }),
        ...(this.#is(0.2) && { fromParams: ['token'] }),
        ...(this.#is(0.2) && { fromCookies: ['session'] }),
        ...(this.#is(0.5) && { forwardOriginalToken: true }),
        ...(this.#is(0.3) && { outputPayloadToHeader: `x-payload-${index}` }),
        ...(this.#is(0.4) && {
          outputClaimToHeaders: [
            { header: `x-sub-${index}`, claim: 'sub' },
            { header: `x-deep-${index}`, claim: 'realm.name' },
            { header: `x-odd-${index}`, claim: 'odd' },
          ],
        }),
      };
    });
  }

  /** A token, good or bad. */
  token(): string {
    const by = this.#is(0.9) ? this.#of(ISSUERS) : this.#of(impostors);
    const now = Math.floor(Date.now() / 1000);
    const hour = 3600;
    const claims: Record<string, unknown> = {
      ...(this.#is(0.5) && {
        aud: this.#is(0.5) ? this.#of(audiences) : [this.#of(audiences), this.#of(audiences)],
      }),
      ...(this.#is(0.7) && { exp: this.#is(0.85) ? now + hour : now - hour }),
      ...(this.#is(0.3) && { nbf: this.#is(0.8) ? now - hour : now + hour }),
      ...(this.#is(0.3) && { iat: this.#is(0.9) ? now - hour : now + hour }),
      ...(this.#is(0.4) && { realm: this.#is(0.8) ? { name: this.#of(['x', 'a b', 7, true]) } : 'flat' }),
      ...(this.#is(0.3) && { odd: this.#of<unknown>(['text', 7, true, null]) }),
      ...(this.#is(0.04) && { sub: this.#of<unknown>([7, '', ['a'], null]) }),
      ...(this.#is(0.04) && { iss: this.#of<unknown>([undefined, 'https://evil.example', 7]) }),
      ...(this.#is(0.03) && { exp: this.#of<unknown>(['soon', -1, now + hour + 0.5]) }),
      ...(this.#is(0.03) && { aud: this.#of<unknown>([7, [7], {}, []]) }),
      ...(this.#is(0.02) && { nbf: this.#of<unknown>(['then', null]) }),
    };
    const header: Record<string, unknown> = {
      ...(this.#is(0.2) && {
        kid: this.#of<unknown>([undefined, 'other', '', ...(this.#is(0.2) ? [7] : [])]),
      }),
      ...(this.#is(0.3) && { typ: this.#of(['JWT', 'at+jwt', 'x']) }),
      ...(this.#is(0.04) && { alg: this.#of<unknown>(['none', 'HS256', 'ES256', 'RS256', undefined, 7]) }),
    };
    return this.#broken(by.token(claims, header));
  }

  /** Now and then something of it is changed. */
  #broken(token: string): string {
    if (this.#is(0.9)) return token;
    const parts = token.split('.');
    const at = Math.floor(this.#next() * token.length);
    return this.#of([
      `${token.slice(0, at)}${token[at] === 'A' ? 'B' : 'A'}${token.slice(at + 1)}`,
      `${parts[0]}.${parts[1]}`,
      `${token}.x`,
      `${parts[0]}.${parts[1]}.`,
      'garbage',
      `${token}=`,
      token.slice(0, -4),
    ]);
  }

  /** A request with none, one or two tokens, somewhere. */
  request(): TokenRequest {
    const headers: (readonly [string, string])[] = [];
    let target = '/things';
    const tokens = this.#is(0.1) ? 0 : this.#is(0.85) ? 1 : 2;
    for (let count = tokens; count > 0; count--) {
      const token = this.token();
      // Envoy joins fields of one name to a token that is none: see the differences.
      const has = (name: string): boolean => headers.some(([each]) => each === name);
      const place = this.#next();
      if (place < 0.6 && !has('authorization'))
        headers.push([
          'authorization',
          this.#is(0.95) ? `Bearer ${token}` : this.#of([token, `bearer ${token}`, `Basic ${token}`]),
        ]);
      else if (place < 0.75 && !has('x-token'))
        headers.push(['x-token', this.#is(0.5) ? token : `JWT ${token}`]);
      else if (place < 0.85 || has('cookie'))
        target += `${target.includes('?') ? '&' : '?'}${this.#of(['token', 'access_token'])}=${token}`;
      else headers.push(['cookie', `a=b; session=${token}`]);
    }
    for (const name of ['x-sub-0', 'x-deep-0', 'x-payload-0'])
      if (this.#is(0.1)) headers.push([name, 'forged']);
    return { method: this.#is(0.95) ? 'GET' : 'OPTIONS', target, headers, tokens };
  }
}
