import { type LocalReply, NO_FIELDS } from '../http/index.ts';
import {
  type Forward,
  type Redirect as RedirectModel,
  type Respond,
  type Route,
  type ShareWork,
  saysMore,
} from '../model/index.ts';
import { Cors } from './cors.ts';
import { checkedAuthority, HeaderEdits } from './header-edits.ts';
import { PathRewrite } from './path-rewrite.ts';
import { type LimitCounts, type Random, type RateLimit, rateLimits } from './rate-limit.ts';
import { Redirect } from './redirect.ts';
import { checkNumbers, checkReply, checkSession } from './route-values.ts';

/** What becomes of the requests that one of several targets gets. */
export interface CompiledShare {
  readonly request: HeaderEdits | undefined;
  readonly response: HeaderEdits | undefined;
  /** The route's, unless it has one of its own. */
  readonly path: PathRewrite | undefined;
  /** The Host in place of the client's: the route's, unless it has one of its own. */
  readonly authority: Buffer | undefined;
  readonly redirect: Redirect | undefined;
}

/** One of a route's targets, as far as it says something about requests. */
export interface RouteChoice extends ShareWork {
  readonly weight: number;
  readonly mirrors?: readonly { readonly percent: number }[];
}

type Settings =
  | 'requestHeaders'
  | 'responseHeaders'
  | 'mirrors'
  | 'fault'
  | 'cors'
  | 'session'
  | 'rateLimits'
  | 'responseClasses';

/**
 * All that a route says about requests, be it the resource of a proxy or a rule of a policy whose targets are not resolved yet.
 * Conditions are apart: see RouteMatcher.
 */
export interface RouteWords extends Omit<Pick<Route, Settings>, 'mirrors'> {
  readonly action: Omit<Forward, 'clusters'> | RedirectModel | Respond;
  readonly choices: readonly RouteChoice[];
  readonly mirrors?: readonly { readonly percent: number }[];
  readonly timeoutMs?: number;
  readonly idleTimeoutMs?: number;
  readonly retry?: Partial<Route['retry']>;
}

/** What compiling needs beside the words. */
export interface CompileParts {
  readonly random: Random;
  /** Monotonic. */
  readonly nowMs: number;
  /** Rate limits that ran until now; those that stay the same go on with the tokens that they have. */
  readonly limitsBefore?: readonly RateLimit[];
  /** Where a limit counts; nowhere unless told. */
  readonly limitCounts?: (limit: RateLimit['limit']) => LimitCounts;
}

/**
 * What a route does to requests, ready for use. The one place that decides what a route may say: proxies run it and translation
 * tries it, so that what translation lets through, every proxy of its version takes.
 */
export class CompiledRoute {
  readonly cors: Cors | undefined;
  readonly limits: readonly RateLimit[];
  readonly redirect: Redirect | undefined;
  readonly respond: LocalReply | undefined;
  readonly path: PathRewrite | undefined;
  /** The Host in place of the client's. */
  readonly authority: Buffer | undefined;
  readonly requestEdits: HeaderEdits | undefined;
  readonly responseEdits: HeaderEdits | undefined;
  /** By choice, as in the route's action; empty when no target says anything of its own. */
  readonly shares: readonly CompiledShare[];
  /** Name of the cookie of sticky sessions. */
  readonly sessionCookie: Buffer | undefined;

  /** Throws the WeftError of the first thing that no route may say. */
  constructor(words: RouteWords, { random, nowMs, limitsBefore = [], limitCounts }: CompileParts) {
    const { action } = words;
    const forward = action.kind === 'forward' ? action : undefined;
    checkNumbers(words);
    this.cors = words.cors && new Cors(words.cors);
    this.limits = rateLimits(words.rateLimits, limitsBefore, random, nowMs, limitCounts);
    this.redirect = action.kind === 'redirect' ? new Redirect(action) : undefined;
    this.respond = action.kind === 'respond' ? replyOf(action) : undefined;
    this.path = forward?.path && new PathRewrite(forward.path);
    this.requestEdits = HeaderEdits.of(words.requestHeaders, 'request');
    this.responseEdits = HeaderEdits.of(words.responseHeaders, 'response');
    this.authority = authorityBytes(this.requestEdits?.authority ?? forward?.authority);
    this.shares = words.choices.some(saysMore) ? words.choices.map(each => this.#share(each)) : [];
    this.sessionCookie = words.session && checkSession(words.session);
  }

  #share({ requestHeaders, responseHeaders, path, authority, redirect }: ShareWork): CompiledShare {
    const request = HeaderEdits.of(requestHeaders, 'request');
    return {
      request,
      response: HeaderEdits.of(responseHeaders, 'response'),
      path: path ? new PathRewrite(path) : this.path,
      // A host among its headers gives way to what the route says, as in Envoy; a rewrite of its own does not.
      authority: authorityBytes(authority) ?? this.authority ?? authorityBytes(request?.authority),
      redirect: redirect && new Redirect(redirect),
    };
  }
}

function replyOf(respond: Respond): LocalReply {
  checkReply(respond);
  const { status, body, contentType } = respond;
  return { status, body, contentType: body === '' ? '' : contentType, fields: NO_FIELDS, close: false };
}

function authorityBytes(authority: string | undefined): Buffer | undefined {
  return authority === undefined ? undefined : Buffer.from(checkedAuthority(authority), 'latin1');
}
