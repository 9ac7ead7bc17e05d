import { type ByteRange, type Head, methodOf, queryValue } from '../http/index.ts';
import type { ClaimMatch, NamedMatch, RequestMatch, TextMatch } from '../model/index.ts';
import { PathTest } from './path-test.ts';
import type { RequestParts } from './request-parts.ts';
import { TextTest } from './text-test.ts';

/** The scheme of every request that a sidecar sees in the clear. */
const scheme = Buffer.from('http', 'latin1');

/** A condition on one header or query parameter. */
export interface NamedTest {
  readonly name: Buffer;
  /**
   * `:path` and the like: Envoy's names for what HTTP/2 sends as headers, where a policy uses them as such. '' for real headers.
   */
  readonly pseudo: string;
  readonly test: TextTest;
  readonly invert: boolean;
  readonly absentAsEmpty: boolean;
}

/** A condition on a claim of the request's token. */
interface ClaimTest {
  readonly claim: readonly string[];
  readonly test: TextTest;
  readonly invert: boolean;
}

const noClaims: readonly string[] = [];
const found: ByteRange = { start: 0, end: 0 };

/** A RequestMatch, compiled. Evaluating it allocates nothing unless it has a regex. */
export class Condition {
  readonly path: PathTest | undefined;
  readonly method: TextTest | undefined;
  readonly authority: TextTest | undefined;
  readonly headers: readonly NamedTest[];
  readonly query: readonly NamedTest[];
  readonly claims: readonly ClaimTest[];
  /** METHOD of an exact method, or 0. */
  readonly methodId: number;
  /** None of these may hold. */
  readonly not: readonly Condition[];
  /** Can hold for no request: it wants another scheme than http. */
  readonly impossible: boolean;

  /** Throws the WeftError of a bad pattern. */
  constructor(match: RequestMatch) {
    this.path = match.path && new PathTest(match.path);
    this.method = textTest(match.method);
    this.authority = textTest(match.authority);
    this.headers = (match.headers ?? []).map(namedTest);
    this.query = (match.query ?? []).map(namedTest);
    this.claims = (match.claims ?? []).map(claimTest);
    this.not = (match.not ?? []).map(each => new Condition(each));
    const { method } = this;
    const exact = method?.kind === 'exact' && !method.ignoreCase;
    this.methodId = exact ? methodOf(method.value, 0, method.value.length) : 0;
    this.impossible =
      match.scheme !== undefined && !new TextTest(match.scheme).test(scheme, 0, scheme.length);
  }

  /** Whether nothing is asked of the request. */
  get holdsAlways(): boolean {
    const { path, method, authority, headers, query, claims, not, impossible } = this;
    const anyPath =
      path === undefined || ((path.kind === 'prefix' || path.kind === 'segments') && isRoot(path.value));
    return (
      anyPath &&
      !method &&
      !authority &&
      headers.length === 0 &&
      query.length === 0 &&
      claims.length === 0 &&
      not.length === 0 &&
      !impossible
    );
  }

  test(parts: RequestParts): boolean {
    const { head } = parts;
    if (this.impossible) return false;
    if (this.method !== undefined) {
      if (this.methodId !== 0 ? head.method !== this.methodId : !this.#methodHolds(head)) return false;
    }
    if (this.path !== undefined && !this.path.test(parts)) return false;
    if (this.authority !== undefined && !holdsForAuthority(this.authority, parts)) return false;
    for (let i = 0; i < this.headers.length; i++) if (!headerHolds(this.headers[i]!, parts)) return false;
    for (let i = 0; i < this.query.length; i++) if (!queryHolds(this.query[i]!, parts)) return false;
    for (let i = 0; i < this.claims.length; i++) if (!claimHolds(this.claims[i]!, parts)) return false;
    for (let i = 0; i < this.not.length; i++) if (this.not[i]!.test(parts)) return false;
    return true;
  }

  #methodHolds(head: Head): boolean {
    return this.method!.test(head.bytes, head.methodStart, head.methodEnd);
  }
}

/** A target `*` or of CONNECT has no slash, so a prefix `/` asks for something; every path begins with one. */
function isRoot(value: Buffer): boolean {
  return value.length === 0;
}

function textTest(match: TextMatch | undefined): TextTest | undefined {
  return match && new TextTest(match);
}

function namedTest({ name, match, invert, absentAsEmpty }: NamedMatch): NamedTest {
  const pseudo = name.startsWith(':') ? name : '';
  return {
    name: Buffer.from(name, 'latin1'),
    pseudo,
    test: new TextTest(match),
    invert: invert === true,
    absentAsEmpty: absentAsEmpty === true,
  };
}

function claimTest({ claim, match, invert }: ClaimMatch): ClaimTest {
  return { claim, test: new TextTest(match), invert: invert === true };
}

/** A list has the value where one of its elements has. */
function claimHolds({ claim, test, invert }: ClaimTest, { token }: RequestParts): boolean {
  const values = token?.values(claim) ?? noClaims;
  const holds = values.some(value => {
    const bytes = Buffer.from(value, 'utf8');
    return test.test(bytes, 0, bytes.length);
  });
  return holds !== invert;
}

/** With its port and without: who writes `reviews.shop` means it whatever the client appended. */
function holdsForAuthority(test: TextTest, parts: RequestParts): boolean {
  const { authorityStart: start, authorityEnd, hostEnd } = parts;
  const { bytes } = parts.head;
  if (test.test(bytes, start, authorityEnd)) return true;
  return hostEnd !== authorityEnd && test.test(bytes, start, hostEnd);
}

function headerHolds(named: NamedTest, parts: RequestParts): boolean {
  return headerMatches(named, parts) !== named.invert;
}

function headerMatches({ name, pseudo, test, absentAsEmpty }: NamedTest, parts: RequestParts): boolean {
  const { head } = parts;
  if (pseudo !== '') return pseudoMatches(pseudo, test, parts);
  const index = head.find(name);
  if (index < 0) return absentAsEmpty && test.test(head.bytes, 0, 0);
  return test.test(head.bytes, head.valueStart(index), head.valueEnd(index));
}

function pseudoMatches(name: string, test: TextTest, parts: RequestParts): boolean {
  const { head } = parts;
  switch (name) {
    case ':authority':
      return holdsForAuthority(test, parts);
    case ':method':
      return test.test(head.bytes, head.methodStart, head.methodEnd);
    case ':path':
      return test.test(head.bytes, head.targetStart, head.targetEnd);
    case ':scheme':
      return test.test(scheme, 0, scheme.length);
    default:
      return false;
  }
}

function queryHolds({ name, test, invert }: NamedTest, parts: RequestParts): boolean {
  const { bytes } = parts.head;
  const has = queryValue(bytes, parts.queryStart, parts.queryEnd, name, found);
  return (has && test.test(bytes, found.start, found.end)) !== invert;
}
