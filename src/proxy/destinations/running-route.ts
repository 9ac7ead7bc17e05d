import type { RunningCluster } from '../../cluster/index.ts';
import { WeftError } from '../../errors/index.ts';
import {
  type CopyForm,
  DEFAULT_RETRY,
  equal,
  type Forward,
  formatRef,
  isGrpcCondition,
  type Mirror,
  type ObjectRef,
  type Route,
} from '../../model/index.ts';
import { CompiledRoute, PathNormalizer, type Random, type Redirect } from '../../routing/index.ts';
import type { LimitMetrics, RouteMetrics, RouteSeries } from '../../telemetry/index.ts';
import type { EdgeFilters } from '../filters/edge.interface.ts';
import { compileFilters, type RequestFilter } from '../filters/filter.interface.ts';
import { OUTBOUND_FILTERS } from '../filters/lists.ts';
import { WeightedChoice } from './weighted-choice.ts';

/** What a route is compiled with. */
export interface RouteParts {
  /** A cluster by its name; throws when the destination has none of it. */
  readonly cluster: (name: string) => RunningCluster;
  readonly random: Random;
  /** Monotonic. */
  readonly nowMs: number;
  readonly routeMetrics?: RouteMetrics;
  readonly limitMetrics?: LimitMetrics;
  /** The host that routes are counted under. */
  readonly host: string;
  /** For paths that the route rewrites; as they are where it is not said. */
  readonly paths?: PathNormalizer;
  /** At a gateway. */
  readonly edge?: EdgeFilters;
}

/** Where copies of a share of the requests go. */
export interface RunningMirror extends CopyForm {
  readonly cluster: RunningCluster;
  readonly percent: number;
}

/** A route, compiled: everything that can be known before a request comes. Immutable but for what counts. */
export class RunningRoute extends CompiledRoute {
  readonly route: Route;
  readonly clusters: WeightedChoice;
  /** Nothing to do but to forward; such requests never touch a RouteWork. */
  readonly plain: boolean;
  readonly paths: PathNormalizer;
  /** By index of `clusters`: the copies that are made of what goes there. */
  readonly mirrors: readonly (readonly RunningMirror[])[];
  /** Whether its policy tries gRPC calls again because of their status. */
  readonly retriesCalls: boolean;
  readonly #openSeries: () => RouteSeries | undefined;
  #series: RouteSeries | undefined;
  /** Why the shares of some of `clusters` are answered 500, by their index; undefined where all are sound. */
  readonly invalid: readonly (string | undefined)[] | undefined;
  /** Where the shares of some of `clusters` are redirected instead; undefined where none is. */
  readonly redirects: readonly (Redirect | undefined)[] | undefined;

  /** Why it cannot be carried out; requests are then answered with that. Undefined for every other route. */
  readonly unusable: string | undefined;
  readonly edge: EdgeFilters | undefined;
  readonly #host: string;
  /** What its requests must come through. */
  readonly filters: readonly RequestFilter[];

  /** `before`: the route of this name that ran until now; its rate limits go on with the tokens they have. Throws a WeftError. */
  constructor(route: Route, parts: RouteParts, before?: RunningRoute, unusable?: string) {
    const { cluster, random, nowMs } = parts;
    const { action } = route;
    const forward: Forward | undefined = action.kind === 'forward' ? action : undefined;
    const choices = forward?.clusters ?? [];
    const { limitMetrics } = parts;
    super(
      { ...route, choices },
      {
        random,
        nowMs,
        limitsBefore: before?.limits ?? [],
        ...(limitMetrics && {
          limitCounts: limit => limitMetrics.open(policyName(limit.from ?? route.from)),
        }),
      },
    );
    this.route = route;
    this.retriesCalls = route.retry.attempts > 0 && route.retry.on.some(isGrpcCondition);
    this.paths = parts.paths ?? PathNormalizer.of('NONE');
    this.clusters = new WeightedChoice(choices, cluster, random);
    const invalid = this.clusters.given.map(at => choices[at]!.invalid);
    this.invalid = invalid.some(each => each !== undefined) ? invalid : undefined;
    const redirects = this.clusters.given.map(at => this.shares[at]?.redirect);
    this.redirects = redirects.some(each => each !== undefined) ? redirects : undefined;
    const running = (mirrors: readonly Mirror[] = []): readonly RunningMirror[] =>
      mirrors.map(each => ({ ...each, cluster: cluster(each.cluster) }));
    const common = running(route.mirrors);
    this.mirrors = this.clusters.given.map(at => [...common, ...running(choices[at]!.mirrors)]);
    const { routeMetrics, host } = parts;
    this.#openSeries = () =>
      route.metricsName === undefined ? undefined : routeMetrics?.open(host, route.metricsName);
    this.#series = this.#openSeries();
    this.plain = forward !== undefined && !this.#asksForMore();
    this.unusable = unusable;
    this.edge = parts.edge;
    this.#host = host;
    // What it asks of clients nobody would ask of them.
    if (route.edge !== undefined && parts.edge === undefined && unusable === undefined)
      throw new WeftError('edge-elsewhere', `route ${route.name} is for gateways, and this proxy is none`, {
        source: 'config',
      });
    this.filters = compileFilters(OUTBOUND_FILTERS, this);
  }

  /** In place of a route that this proxy cannot carry out: its requests are refused with the reason. */
  static unusable(route: Route, why: string, parts: RouteParts): RunningRoute {
    const { name, from, matches, timeoutMs, idleTimeoutMs } = route;
    const respond = { kind: 'respond', status: 503, body: '', contentType: '' } as const;
    return new RunningRoute(
      {
        name,
        ...(from && { from }),
        ...(matches && { matches }),
        action: respond,
        timeoutMs,
        idleTimeoutMs,
        retry: DEFAULT_RETRY,
      },
      parts,
      undefined,
      why,
    );
  }

  /** Whether it would be the same if it were compiled again; then it may go on as it is, with all that counts in it. */
  isStill(route: Route, { cluster, host, paths, edge }: RouteParts): boolean {
    if (this.unusable !== undefined || !equal(this.route, route)) return false;
    if (this.#host !== host || this.edge !== edge || this.paths !== (paths ?? PathNormalizer.of('NONE')))
      return false;
    const same = (each: RunningCluster): boolean => cluster(each.config.name) === each;
    return (
      this.clusters.all.every(same) && this.mirrors.every(some => some.every(each => same(each.cluster)))
    );
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
      this.shares.length > 0 ||
      this.mirrors.some(each => each.length > 0) ||
      this.sessionCookie !== undefined ||
      this.route.fault !== undefined ||
      this.route.edge !== undefined
    );
  }
}

/** The policy as a label of limits: without where a file has it. */
export function policyName(from: ObjectRef | undefined): string {
  if (from === undefined) return 'unknown';
  const { origin: _, ...ref } = from;
  return formatRef(ref);
}
