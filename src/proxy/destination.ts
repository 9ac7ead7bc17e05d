import type { Head } from '../http/index.ts';
import type { DestinationResource } from '../model/index.ts';
import { RouteMatcher } from '../routing/index.ts';
import { type RouteParts, RunningRoute } from './running-route.ts';
import { WeightedChoice } from './weighted-choice.ts';

/** A destination as the proxied path uses it: compiled once per resource, immutable afterwards. */
export class RunningDestination {
  readonly resource: DestinationResource;
  readonly tcp: WeightedChoice;
  readonly #routes: readonly RunningRoute[];
  readonly #matcher: RouteMatcher;
  readonly #byServerName: readonly { readonly names: readonly string[]; readonly clusters: WeightedChoice }[];

  /** `before`: what ran under this key until now. Throws a WeftError for what cannot be run; then nothing has changed. */
  constructor(resource: DestinationResource, parts: Omit<RouteParts, 'host'>, before?: RunningDestination) {
    this.resource = resource;
    this.#matcher = new RouteMatcher(resource.routes);
    const old = new Map(before?.routes.map(route => [route.route.name, route]));
    const all = { ...parts, host: resource.host };
    this.#routes = resource.routes.map(route => new RunningRoute(route, all, old.get(route.name)));
    const { cluster, random } = parts;
    this.tcp = new WeightedChoice(resource.tcp, cluster, random);
    this.#byServerName = (resource.tls ?? []).map(({ serverNames, clusters }) => ({
      names: serverNames.map(name => name.toLowerCase()),
      clusters: new WeightedChoice(clusters, cluster, random),
    }));
  }

  /** Whether the server name of a TLS connection decides where it goes. */
  get routesByServerName(): boolean {
    return this.#byServerName.length > 0;
  }

  /** The first route that matches the request. */
  match(head: Head): RunningRoute | undefined {
    return this.#routes[this.#matcher.match(head)];
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

/** `*.example.com` covers every name below it, `*` all. */
function covers(pattern: string, name: string): boolean {
  if (pattern === '*' || pattern === name) return true;
  return pattern.startsWith('*.') && name.endsWith(pattern.slice(1)) && name.length >= pattern.length;
}
