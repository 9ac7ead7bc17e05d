import type { Cluster } from '../cluster/index.ts';
import type { LocalReply } from '../http/index.ts';
import type { Forward, HeaderEdits as HeaderEditsModel, Respond, Route } from '../model/index.ts';
import {
  Cors,
  HeaderEdits,
  PathRewrite,
  type Random,
  type RateLimit,
  Redirect,
  rateLimits,
} from '../routing/index.ts';
import type { RouteMetrics, RouteSeries } from '../telemetry/index.ts';
import { WeightedChoice } from './weighted-choice.ts';

/** What a route is compiled with. */
export interface RouteParts {
  /** A cluster by its name; throws when the destination has none of it. */
  readonly cluster: (name: string) => Cluster;
  readonly random: Random;
  /** Monotonic. */
  readonly nowMs: number;
  readonly routeMetrics?: RouteMetrics;
  /** The host that routes are counted under. */
  readonly host: string;
}

/** Header edits of one of several clusters. */
interface ChoiceEdits {
  readonly request: HeaderEdits | undefined;
  readonly response: HeaderEdits | undefined;
}

/** A route, compiled: everything that can be known before a request comes. Immutable but for what counts. */
export class RunningRoute {
  readonly route: Route;
  readonly clusters: WeightedChoice;
  /** Nothing to do but to forward; such requests never touch a RouteWork. */
  readonly plain: boolean;
  readonly cors: Cors | undefined;
  readonly limits: readonly RateLimit[];
  readonly redirect: Redirect | undefined;
  readonly respond: LocalReply | undefined;
  readonly path: PathRewrite | undefined;
  /** The Host line in place of the client's. */
  readonly authority: Buffer | undefined;
  readonly requestEdits: HeaderEdits | undefined;
  readonly responseEdits: HeaderEdits | undefined;
  /** By choice, as in the route's action; empty when no cluster has any. */
  readonly choiceEdits: readonly ChoiceEdits[];
  readonly mirrors: readonly { readonly cluster: Cluster; readonly percent: number }[];
  /** Name of the cookie of sticky sessions. */
  readonly sessionCookie: Buffer | undefined;
  readonly #openSeries: () => RouteSeries | undefined;
  #series: RouteSeries | undefined;

  /** `before`: the route of this name that ran until now; its rate limits go on with the tokens they have. Throws a WeftError. */
  constructor(route: Route, parts: RouteParts, before?: RunningRoute) {
    const { cluster, random, nowMs } = parts;
    const { action } = route;
    this.route = route;
    const forward: Forward | undefined = action.kind === 'forward' ? action : undefined;
    this.clusters = new WeightedChoice(forward?.clusters ?? [], cluster, random);
    this.cors = route.cors && new Cors(route.cors);
    this.limits = rateLimits(route.rateLimits, before?.limits ?? [], random, nowMs);
    this.redirect = action.kind === 'redirect' ? new Redirect(action) : undefined;
    this.respond = action.kind === 'respond' ? replyOf(action) : undefined;
    this.path = forward?.path && new PathRewrite(forward.path);
    this.requestEdits = HeaderEdits.of(route.requestHeaders, 'request');
    this.responseEdits = HeaderEdits.of(route.responseHeaders, 'response');
    this.choiceEdits = choiceEditsOf(forward);
    this.authority = authorityLine(this.requestEdits?.authority ?? forward?.authority);
    this.mirrors = (route.mirrors ?? []).map(mirror => ({
      cluster: cluster(mirror.cluster),
      percent: mirror.percent,
    }));
    this.sessionCookie = route.session && Buffer.from(route.session.cookie, 'latin1');
    const { routeMetrics, host } = parts;
    this.#openSeries = () =>
      route.metricsName === undefined ? undefined : routeMetrics?.open(host, route.metricsName);
    this.#series = this.#openSeries();
    this.plain = forward !== undefined && !this.#asksForMore();
  }

  /** What a route with a name of its own counts. */
  get series(): RouteSeries | undefined {
    if (this.#series?.expired === true) this.#series = this.#openSeries();
    return this.#series;
  }

  #asksForMore(): boolean {
    return (
      this.cors !== undefined ||
      this.limits.length > 0 ||
      this.path !== undefined ||
      this.authority !== undefined ||
      this.requestEdits !== undefined ||
      this.responseEdits !== undefined ||
      this.choiceEdits.length > 0 ||
      this.mirrors.length > 0 ||
      this.sessionCookie !== undefined ||
      this.route.fault !== undefined
    );
  }
}

function replyOf({ status, body, contentType }: Respond): LocalReply {
  return { status, body, contentType: body === '' ? '' : contentType, headers: '', close: false };
}

function choiceEditsOf(forward: Forward | undefined): readonly ChoiceEdits[] {
  const has = (edits: HeaderEditsModel | undefined): boolean => edits !== undefined;
  const clusters = forward?.clusters ?? [];
  if (!clusters.some(({ requestHeaders, responseHeaders }) => has(requestHeaders) || has(responseHeaders)))
    return [];
  return clusters.map(({ requestHeaders, responseHeaders }) => ({
    request: HeaderEdits.of(requestHeaders, 'request'),
    response: HeaderEdits.of(responseHeaders, 'response'),
  }));
}

function authorityLine(authority: string | undefined): Buffer | undefined {
  return authority === undefined ? undefined : Buffer.from(`host: ${authority}\r\n`, 'latin1');
}
