import type { LabelSelector } from './labels.ts';

/** How a text is compared. Regexes are RE2 and must match the whole text; `suffix` is for wildcard hosts. */
export interface TextMatch {
  readonly kind: 'exact' | 'prefix' | 'suffix' | 'regex' | 'present';
  /** '' for `present`. */
  readonly value: string;
  readonly ignoreCase?: boolean;
}

/** How a path is compared, without its query. `segments`: a prefix of whole segments, `/a` matches `/a/b` and not `/ab`. */
export interface PathMatch {
  readonly kind: 'exact' | 'prefix' | 'segments' | 'regex';
  readonly value: string;
  readonly ignoreCase?: boolean;
}

/** One header or query parameter. Of several of one name, the first counts. */
export interface NamedMatch {
  /** Headers: lowercase. */
  readonly name: string;
  readonly match: TextMatch;
  /** Must not match; an absent one then satisfies it. */
  readonly invert?: boolean;
  /** An absent one is compared as if it were there and empty (Istio's withoutHeaders). */
  readonly absentAsEmpty?: boolean;
}

/**
 * One claim of the token that a gateway verified before it looks for a route (see VerifiedToken.values). Whoever brings no token
 * has none, and so has every request elsewhere than at a gateway.
 */
export interface ClaimMatch extends Omit<NamedMatch, 'absentAsEmpty'> {
  /** In words: `roles`, `address[city]`. */
  readonly name: string;
  /** Its path, outermost first. */
  readonly claim: readonly string[];
}

/** Conditions on a request; all that are given must hold. */
export interface RequestMatch {
  readonly path?: PathMatch;
  readonly method?: TextMatch;
  readonly authority?: TextMatch;
  readonly scheme?: TextMatch;
  readonly headers?: readonly NamedMatch[];
  readonly query?: readonly NamedMatch[];
  readonly claims?: readonly ClaimMatch[];
  /** None of these may hold. With `not` inside `not`, any condition can be written. */
  readonly not?: readonly RequestMatch[];
}

/** Conditions on who asks and where, which resolve/ decides before a proxy is told of the route. */
export interface CallerMatch {
  readonly namespace?: string;
  readonly labels?: LabelSelector;
  /** The Service port that was called. */
  readonly port?: number;
}
