import { errorMessage } from '../../errors/index.ts';
import type { Head } from '../../http/index.ts';
import {
  type ClusterConfig,
  DEFAULT_PATH_NORMALIZATION,
  DEFAULT_RETRY,
  type DestinationResource,
  equal,
  formatRef,
  isGatewayKey,
  type Route,
  type VerifiedToken,
} from '../../model/index.ts';
import { conditionFault, PathNormalizer, RouteMatcher, withSlashes } from '../../routing/index.ts';
import { type PortSpeech, type RequestRules, speechOf, UNKNOWN_SPEECH } from '../detection/port-speech.ts';
import type { RequestFilter } from '../filters/filter.interface.ts';
import { type RouteParts, RunningRoute } from './running-route.ts';
import { WeightedChoice } from './weighted-choice.ts';

/** What holds for all requests to a destination, whatever their route. */
export interface RequestPolicy {
  readonly filters: readonly RequestFilter[];
  /** What of it may refuse requests, for what the port is taken to speak. */
  readonly rules: RequestRules;
}

const noFilters: readonly RequestFilter[] = [];

/** A destination as the proxied path uses it: compiled once per resource, immutable afterwards. */
export class RunningDestination {
  readonly resource: DestinationResource;
  readonly tcp: WeightedChoice;
  /** Whether calls of gRPC-Web are made calls of gRPC. */
  readonly translatesWeb: boolean;
  /** What requests must come through before their route is looked for. */
  readonly filters: readonly RequestFilter[];
  readonly #speech: PortSpeech;
  /** Whose requests it answers that no cluster was chosen for, for metrics. */
  readonly service: ClusterConfig['service'];
  /** Runs before `match`, and after a route has rewritten the path. */
  readonly paths: PathNormalizer;
  #routes: readonly RunningRoute[];
  readonly #matcher: RouteMatcher;
  /** Whether an escaped slash must not choose the route: see ListenerOptions.escapedSlashes. */
  readonly guardsSlashes: boolean;
  /**
   * Why some or all of it cannot be used, for discovery and the log; undefined where all can. Routes then answer with the reason.
   */
  refused: string | undefined;
  /** Whether none of it can be used. */
  unusable = false;
  /** For the listener that it was last asked for; nearly always there is one. */
  #behind:
    | { readonly listeners: readonly RequestFilter[]; readonly all: readonly RequestFilter[] }
    | undefined;
  readonly #byServerName: readonly { readonly names: readonly string[]; readonly clusters: WeightedChoice }[];

  /**
   * `before`: what ran under this key until now. A route that cannot be run does not hold up the others: it is what it was
   * before, as long as it is met by the same requests, or refuses them. Throws a WeftError where it cannot be told which requests
   * are meant, or for what is no route; then nothing has changed.
   */
  constructor(
    resource: DestinationResource,
    parts: Omit<RouteParts, 'host' | 'paths'>,
    before?: RunningDestination,
    policy?: RequestPolicy,
  ) {
    this.resource = resource;
    this.service = serviceOf(resource);
    this.translatesWeb = resource.protocol === 'grpc-web';
    this.filters = policy?.filters ?? noFilters;
    const { protocol, routes } = resource;
    this.#speech = speechOf(protocol, policy === undefined ? routes : [...routes, policy.rules]);
    this.paths = PathNormalizer.of(resource.pathNormalization);
    this.#matcher = matcherOf(resource);
    this.guardsSlashes = routes.length > 1 && guardsSlashes(resource);
    const old = new Map(before?.routes.map(route => [route.route.name, route]));
    const all = { ...parts, host: resource.host, paths: this.paths };
    const refused: string[] = [];
    this.#routes = resource.routes.map(route =>
      runningRoute(route, old.get(route.name), all, resource.clusters, refused),
    );
    this.refused = refused.length === 0 ? undefined : refused.join('; ');
    const { cluster, random } = parts;
    this.tcp = new WeightedChoice(resource.tcp, cluster, random);
    this.#byServerName = (resource.tls ?? []).map(({ serverNames, clusters }) => ({
      names: serverNames.map(name => name.toLowerCase()),
      clusters: new WeightedChoice(clusters, cluster, random),
    }));
  }

  /**
   * In place of a destination that cannot be used at all: requests are refused with the reason, and so are other connections. It
   * has no clusters. Never pass-through: what is known to be a Service is not called as if it were none.
   */
  static unusable(
    resource: DestinationResource,
    why: string,
    parts: Omit<RouteParts, 'host' | 'paths'>,
  ): RunningDestination {
    const { tls: _, ...rest } = resource;
    const from = resource.routes.find(each => each.from !== undefined)?.from;
    const route: Route = {
      name: 'unusable',
      ...(from && { from }),
      action: { kind: 'respond', status: 503, body: '', contentType: '' },
      timeoutMs: 0,
      idleTimeoutMs: 0,
      retry: DEFAULT_RETRY,
    };
    const made = new RunningDestination({ ...rest, routes: [route], tcp: [], clusters: [] }, parts);
    made.#routes = [RunningRoute.unusable(route, why, { ...parts, host: resource.host })];
    made.refused = why;
    made.unusable = true;
    return made;
  }

  /** What requests to it meet that come in by a listener with filters of its own: those first. */
  filtersBehind(listeners: readonly RequestFilter[]): readonly RequestFilter[] {
    if (listeners.length === 0) return this.filters;
    if (this.#behind?.listeners !== listeners)
      this.#behind = { listeners, all: [...listeners, ...this.filters] };
    return this.#behind.all;
  }

  /** What is spoken there, and who says so. Where nothing can be used, whatever is spoken is refused in its own way. */
  get speech(): PortSpeech {
    return this.unusable ? UNKNOWN_SPEECH : this.#speech;
  }

  /** Whether the server name of a TLS connection decides where it goes. */
  get routesByServerName(): boolean {
    return this.#byServerName.length > 0;
  }

  /** The first route that matches the request. `token`: see RouteMatcher.match. */
  match(head: Head, token?: VerifiedToken): RunningRoute | undefined {
    return this.#routes[this.#matcher.match(head, token)];
  }

  /** Whether servers that take `%2F` for a slash would see a request that another route than `route` is for. */
  isAmbiguous(head: Head, route: RunningRoute, token?: VerifiedToken): boolean {
    const seen = withSlashes(head);
    return seen !== undefined && this.match(seen, token) !== route;
  }

  /** Where a TLS connection that asks for this server name goes; '' for none. */
  forServerName(serverName: string): WeightedChoice {
    const name = serverName.toLowerCase();
    return (
      this.#byServerName.find(({ names }) => names.some(each => covers(each, name)))?.clusters ?? this.tcp
    );
  }

  /** The routes, in order; for the admin pages. */
  get routes(): readonly RunningRoute[] {
    return this.#routes;
  }
}

/** At a gateway, unless paths are left as they are or such slashes have been decoded before. */
function guardsSlashes({ key, escapedSlashes, pathNormalization }: DestinationResource): boolean {
  const mode = pathNormalization ?? DEFAULT_PATH_NORMALIZATION;
  return isGatewayKey(key) && escapedSlashes !== 'keep' && (mode === 'BASE' || mode === 'MERGE_SLASHES');
}

function matcherOf({ routes }: DestinationResource): RouteMatcher {
  try {
    return new RouteMatcher(routes);
  } catch (thrown) {
    const culprit = routes.find(each => conditionFault(each.matches ?? []) !== undefined);
    if (culprit === undefined) throw thrown;
    throw new Error(faultOf(culprit, thrown));
  }
}

/** The route, or what takes its place; then `refused` is told why. */
function runningRoute(
  route: Route,
  before: RunningRoute | undefined,
  parts: RouteParts,
  clusters: DestinationResource['clusters'],
  refused: string[],
): RunningRoute {
  // Of the thousands that a gateway may have, one change compiles one.
  if (before?.isStill(route, parts)) return before;
  try {
    return new RunningRoute(route, parts, before);
  } catch (thrown) {
    const why = faultOf(route, thrown);
    refused.push(why);
    if (before === undefined || !canStay(before, route, clusters))
      return RunningRoute.unusable(route, why, parts);
    return new RunningRoute(before.route, parts, before);
  }
}

/** Who asked for it and what is wrong, for its author. */
function faultOf({ name, from }: Route, thrown: unknown): string {
  return `${from ? `${formatRef(from)}, ` : ''}route ${name}: ${errorMessage(thrown)}`;
}

/** Whether the same requests meet it, and everything that it sends to is still there. */
function canStay(
  { route, unusable, clusters: to, mirrors }: RunningRoute,
  now: Route,
  clusters: DestinationResource['clusters'],
): boolean {
  if (unusable !== undefined || !equal(route.matches, now.matches)) return false;
  const names = new Set(clusters.map(each => each.name));
  return [...to.all, ...mirrors.flat().map(each => each.cluster)].every(each => names.has(each.config.name));
}

/** `*.example.com` covers every name below it, `*-a.example.com` those that end so, `*` all. */
function covers(pattern: string, name: string): boolean {
  if (pattern === '*' || pattern === name) return true;
  return pattern.startsWith('*') && name.endsWith(pattern.slice(1)) && name.length >= pattern.length;
}

/** That of its clusters which has its host; what it is without any cluster, its host alone says. */
function serviceOf({ found, host, clusters }: DestinationResource): ClusterConfig['service'] {
  if (found === 'unknown') return { host: '', name: '', namespace: '' };
  const own = clusters.find(({ service }) => service.host === host)?.service;
  if (own !== undefined) return own;
  const [, name = '', namespace = ''] = /^([^.]+)\.([^.]+)\.svc(?:\.|$)/.exec(host) ?? [];
  return { host, name, namespace };
}
