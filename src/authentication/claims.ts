import type { VerifiedToken } from '../model/index.ts';

/** What a payload says; see RFC 7519 section 4. */
export type Claims = Readonly<Record<string, unknown>>;

const nothing: readonly string[] = [];
/** Lists with blanks between, whatever a rule says (RFC 8693 section 4.2; Istio splits both). */
const alwaysDelimited = ['scope', 'permission'];

/** What a token says whose signature has been verified. Made once for a token, however often it comes. */
export class TokenClaims implements VerifiedToken {
  readonly issuer: string;
  readonly subject: string;
  readonly principal: string;
  readonly audiences: readonly string[];
  readonly presenter: string;
  readonly provider: string;
  readonly #claims: Claims;
  /** By the name of the claim: its elements. */
  readonly #delimited = new Map<string, readonly string[]>();

  /** `spaceDelimited`: JwtRule.spaceDelimitedClaims; `provider`: JwtRule.provider. */
  constructor(claims: Claims, spaceDelimited: readonly string[] = nothing, provider = '') {
    this.provider = provider;
    this.#claims = claims;
    this.issuer = textOf(claims.iss);
    this.subject = textOf(claims.sub);
    this.principal = this.issuer === '' || this.subject === '' ? '' : `${this.issuer}/${this.subject}`;
    this.audiences = stringsOf(claims.aud);
    this.presenter = textOf(claims.azp);
    for (const name of [...alwaysDelimited, ...spaceDelimited]) {
      const value = ownValue(claims, name);
      if (typeof value === 'string' && value.includes(' '))
        this.#delimited.set(
          name,
          value.split(' ').filter(each => each !== ''),
        );
    }
  }

  values(path: readonly string[]): readonly string[] {
    if (path.length === 1) {
      const split = this.#delimited.get(path[0]!);
      if (split !== undefined) return split;
    }
    return stringsOf(this.#at(path));
  }

  /**
   * The claim as the value of a header: texts, numbers and booleans; `path` has dots between. Undefined for what is none of these
   * and for what cannot stand in a header. Each character of it is a byte.
   */
  headerValue(path: string): string | undefined {
    // A claim may have dots in its name (`https://example.com/roles`).
    const value = ownValue(this.#claims, path) ?? this.#at(path.split('.'));
    const isPlain = typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean';
    if (!isPlain) return undefined;
    const text = Buffer.from(String(value), 'utf8').toString('latin1');
    return text !== '' && isFieldValue(text) ? text : undefined;
  }

  #at(path: readonly string[]): unknown {
    let value: unknown = this.#claims;
    for (const name of path) value = ownValue(value, name);
    return value;
  }
}

/** Not what objects have of themselves, `constructor` and the like. */
function ownValue(of: unknown, name: string): unknown {
  if (typeof of !== 'object' || of === null || Array.isArray(of) || !Object.hasOwn(of, name))
    return undefined;
  return (of as Record<string, unknown>)[name];
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

function stringsOf(value: unknown): readonly string[] {
  if (typeof value === 'string') return [value];
  return Array.isArray(value) ? value.filter(each => typeof each === 'string') : nothing;
}

/** RFC 9110 section 5.5, without a blank at either end. */
function isFieldValue(text: string): boolean {
  if (text.trim() !== text) return false;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code < 0x20 ? code !== 0x09 : code === 0x7f) return false;
  }
  return true;
}
