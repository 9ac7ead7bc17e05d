// The filters of requests, in the order in which they are asked: a listener's, then one list for each direction. A request meets
// those only that its listener, its port or its route gives something to do; most meet none.
import type { Authenticator } from '../../authentication/index.ts';
import type { Authorizer } from '../../authorization/index.ts';
import type { LocalReply } from '../../http/index.ts';
import type { Route } from '../../model/index.ts';
import type { Cors, RateLimit, Redirect } from '../../routing/index.ts';
import { directAnswers, noRoute, redirects, unusable } from './answers.ts';
import { authorization } from './authorization.ts';
import { cors } from './cors.ts';
import { type EdgeFilters, edgeFilter } from './edge.interface.ts';
import { type ExternalRules, externalAuthorization } from './external-authorization.ts';
import { aborts, delays } from './faults.ts';
import type { FilterKind } from './filter.interface.ts';
import { rateLimits } from './rate-limits.ts';
import { tokens } from './tokens.ts';

/** What the filters of a listener are compiled from, once, when its row is made. */
export interface ListenerRules {
  readonly listener: string;
}

/**
 * Of requests that come in by a listener, whatever they are for and before anything else is asked: what a gateway demands of all
 * its clients. Those of the sidecar demand nothing by themselves.
 */
export const LISTENER_FILTERS: readonly FilterKind<ListenerRules>[] = [];

/** What the filters of a port are compiled from: what policies say of the requests to it, whoever sends them. */
export interface PortRules extends ExternalRules {
  /** Undefined where nobody says anything of tokens. */
  readonly tokens: Authenticator | undefined;
  readonly limits: readonly RateLimit[];
  /** Who may call what; undefined where nobody says anything. */
  readonly authorizer: Authorizer | undefined;
}

/** Of requests to this pod, before a route is looked for. */
export const INBOUND_FILTERS: readonly FilterKind<PortRules>[] = [
  // First, as Istio has it: authorizers that log users in give requests the token that is verified next.
  externalAuthorization,
  // Before all that asks who a request comes from.
  tokens,
  // Its rules ask what tokens say. Before limits: their buckets are for those who may call.
  authorization,
  // Before anything that costs the app something.
  rateLimits,
];

/** What the filters of a route are compiled from. */
export interface RouteRules {
  readonly route: Route;
  readonly cors: Cors | undefined;
  readonly limits: readonly RateLimit[];
  readonly unusable: string | undefined;
  readonly redirect: Redirect | undefined;
  readonly respond: LocalReply | undefined;
  /** Undefined at sidecars. */
  readonly edge: EdgeFilters | undefined;
}

/** Of requests to others, once their route is known. */
export const OUTBOUND_FILTERS: readonly FilterKind<RouteRules>[] = [
  // Pages for errors and compression hold for all answers, those of the filters below among them.
  edgeFilter('edge-answers'),
  // Before anything reads them.
  edgeFilter('field-sizes'),
  // As nginx has it: what is too long is too long, whatever would have become of it.
  edgeFilter('body-size'),
  // Before anybody is asked who he is: a password in clear has been seen already.
  edgeFilter('https'),
  // Whoever has no certificate where one is demanded gets no other answer, a preflight's neither.
  edgeFilter('client-certificates'),
  // A preflight is the browser's question and no request of the app; whether an answer of the filters below may be read by the
  // page that asked is settled here.
  cors,
  // Of each client. nginx's order: what is too much is asked nothing more, so that passwords cannot be tried out.
  edgeFilter('client-limits'),
  edgeFilter('edge-access'),
  // Before faults, so that what is refused costs nothing more and is not delayed first.
  rateLimits,
  // Faults stand for the upstream's own, so behind all that would keep a request from it. The delay first: a slow failure is one,
  // too.
  delays,
  aborts,
  // What is in place of an upstream, and so comes last; of these a route has one at most, but for the first.
  unusable,
  noRoute,
  redirects,
  directAnswers,
];
