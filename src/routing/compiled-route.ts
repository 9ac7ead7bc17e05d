import type { LocalReply } from '../http/index.ts';
import type {
  Forward,
  HeaderEdits as HeaderEditsModel,
  Redirect as RedirectModel,
  Respond,
  Route,
  WeightedCluster,
} from '../model/index.ts';
import { Cors } from './cors.ts';
import { checkedAuthority, HeaderEdits } from './header-edits.ts';
import { PathRewrite } from './path-rewrite.ts';
import { type Random, type RateLimit, rateLimits } from './rate-limit.ts';
import { Redirect } from './redirect.ts';
import { checkNumbers, checkReply, checkSession } from './route-values.ts';

/** Header edits of one of several targets. */
export interface ChoiceEdits {
  readonly request: HeaderEdits | undefined;
  readonly response: HeaderEdits | undefined;
}

/** One of a route's targets, as far as it says something about requests. */
export type RouteChoice = Pick<WeightedCluster, 'weight' | 'requestHeaders' | 'responseHeaders'>;

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
}

/**
 * What a route does to requests, ready for use. The one place that decides what a route may say: proxies run it and translation tries
 * it, so that what translation lets through, every proxy of its version takes.
 */
export class CompiledRoute {
  readonly cors: Cors | undefined;
  readonly limits: readonly RateLimit[];
  readonly redirect: Redirect | undefined;
  readonly respond: LocalReply | undefined;
  readonly path: PathRewrite | undefined;
  /** The Host line in place of the client's. */
  readonly authority: Buffer | undefined;
  readonly requestEdits: HeaderEdits | undefined;
  readonly responseEdits: HeaderEdits | undefined;
  /** By choice, as in the route's action; empty when no target has any. */
  readonly choiceEdits: readonly ChoiceEdits[];
  /** Name of the cookie of sticky sessions. */
  readonly sessionCookie: Buffer | undefined;

  /** Throws the WeftError of the first thing that no route may say. */
  constructor(words: RouteWords, { random, nowMs, limitsBefore = [] }: CompileParts) {
    const { action } = words;
    const forward = action.kind === 'forward' ? action : undefined;
    checkNumbers(words);
    this.cors = words.cors && new Cors(words.cors);
    this.limits = rateLimits(words.rateLimits, limitsBefore, random, nowMs);
    this.redirect = action.kind === 'redirect' ? new Redirect(action) : undefined;
    this.respond = action.kind === 'respond' ? replyOf(action) : undefined;
    this.path = forward?.path && new PathRewrite(forward.path);
    this.requestEdits = HeaderEdits.of(words.requestHeaders, 'request');
    this.responseEdits = HeaderEdits.of(words.responseHeaders, 'response');
    this.choiceEdits = choiceEditsOf(words.choices);
    this.authority = authorityLine(this.requestEdits?.authority ?? forward?.authority);
    this.sessionCookie = words.session && checkSession(words.session);
  }
}

function replyOf(respond: Respond): LocalReply {
  checkReply(respond);
  const { status, body, contentType } = respond;
  return { status, body, contentType: body === '' ? '' : contentType, headers: '', close: false };
}

function choiceEditsOf(choices: readonly RouteChoice[]): readonly ChoiceEdits[] {
  const has = (edits: HeaderEditsModel | undefined): boolean => edits !== undefined;
  if (!choices.some(({ requestHeaders, responseHeaders }) => has(requestHeaders) || has(responseHeaders)))
    return [];
  return choices.map(({ requestHeaders, responseHeaders }) => ({
    request: HeaderEdits.of(requestHeaders, 'request'),
    response: HeaderEdits.of(responseHeaders, 'response'),
  }));
}

function authorityLine(authority: string | undefined): Buffer | undefined {
  return authority === undefined
    ? undefined
    : Buffer.from(`host: ${checkedAuthority(authority)}\r\n`, 'latin1');
}
