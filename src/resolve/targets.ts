import {
  type BackendTls,
  type ClusterConfig,
  type DestinationResource,
  formatAddress,
  type Gateway,
  type Mirror,
  type OriginatedTls,
  type RetryBudget,
  type RouteTarget,
  type RuleMirror,
  type Service,
  type TrafficSettings,
  type WeightedCluster,
} from '../model/index.ts';
import { backendTls, originated, withCredential } from './backend-tls.ts';
import { formatClusterName } from './cluster-name.ts';
import { type CallerView, type Found, find } from './find.ts';
import { wildcardsOf } from './hosts.ts';
import { placeOf } from './locality.ts';
import { withOwnCredential } from './own-credential.ts';
import { serviceLabels } from './refs.ts';
import { resolveTraffic } from './traffic.ts';

/** Where a target is, without what becomes of its share. */
type Place = Pick<RouteTarget, 'host' | 'subset' | 'port' | 'portName'>;

/** What was asked for, as far as targets of rules mean it too. */
export interface RoutedHost {
  /** The Service's host, or the host that only tables know. */
  readonly host: string;
  readonly port: number;
  /** The cluster of all that was asked for; undefined where only tables know the host. */
  readonly cluster: string | undefined;
}

/** Who speaks the TLS that BackendTLSPolicies ask for. `nobody`: what goes there is bytes of somebody else's. */
export type Secures = { readonly who: 'sidecar' } | AtGateway;

/** `served`: `namespace/name` of the gateway that the proxy serves, of which `gateway` is a part. */
export interface AtGateway {
  readonly who: 'gateway' | 'nobody';
  readonly gateway: Gateway;
  readonly served: string;
}

/** Gathers the clusters that the routes of one destination name. */
export class Clusters {
  readonly #view: CallerView;
  readonly #place: string | undefined;
  readonly #secures: Secures;
  readonly #configs = new Map<string, ClusterConfig>();

  constructor(view: CallerView, secures: Secures = { who: 'sidecar' }) {
    this.#view = view;
    this.#secures = secures;
    const { reader, caller } = view;
    this.#place = placeOf(caller, caller.node === undefined ? undefined : reader.node(caller.node));
  }

  get configs(): readonly ClusterConfig[] {
    return [...this.#configs.values()];
  }

  /** The targets as clusters with their shares. */
  weighted(
    targets: readonly RouteTarget[],
    routed: RoutedHost,
    { budget, tellInvalid = false }: { budget?: RetryBudget | undefined; tellInvalid?: boolean } = {},
  ): readonly WeightedCluster[] {
    return targets.map(({ host, subset, port, portName, mirrors, ...share }) => {
      const target = {
        host,
        ...(subset !== undefined && { subset }),
        ...(port !== undefined && { port }),
        ...(portName !== undefined && { portName }),
      };
      const invalid = tellInvalid ? this.#invalid(target, routed) : undefined;
      return {
        cluster: this.target(target, routed, budget),
        ...share,
        ...(mirrors && { mirrors: this.mirrors(mirrors, routed) }),
        ...(invalid !== undefined && { invalid }),
      };
    });
  }

  /** The same of copies. */
  mirrors(mirrors: readonly RuleMirror[], routed: RoutedHost): readonly Mirror[] {
    return mirrors.map(({ target, ...mirror }) => ({ cluster: this.target(target, routed), ...mirror }));
  }

  /** Why the reference is one to nothing; a Service without endpoints is something. */
  #invalid(target: Place, routed: RoutedHost): string | undefined {
    if (target.host === routed.host && routed.cluster !== undefined) return undefined;
    const port = this.#portOf(target, routed);
    if (find(this.#view, { host: `${target.host}.`, port }).kind === 'service') return undefined;
    return (
      invalidWords(target.host) ??
      `the backend ${targetText({ ...target, port })} does not exist or may not be referred to`
    );
  }

  /** The same for datagrams: clusters of ports of UDP. What does not exist has a cluster without endpoints. */
  datagrams(targets: readonly RouteTarget[]): readonly WeightedCluster[] {
    return targets.map(({ host, port = 0, weight }) => {
      const name = formatClusterName({ kind: 'service', host, port, datagrams: true });
      this.add(name, this.#view.reader.serviceByHost(host), { host, port });
      return { cluster: name, weight };
    });
  }

  /** The name of the target's cluster. One that does not exist has a cluster too, without endpoints. */
  target(target: Place, routed: RoutedHost, budget?: RetryBudget): string {
    const { host, subset } = target;
    const isItself = host === routed.host && (target.port ?? routed.port) === routed.port;
    if (isItself && subset === undefined && routed.cluster !== undefined) return routed.cluster;
    const port = this.#portOf(target, routed);
    const found = find(this.#view, { host: `${host}.`, port });
    const service = found.kind === 'service' ? found.service : undefined;
    const called = found.kind === 'service' ? nameOfFound(found) : { host, port };
    // A wildcard stands for the very name that was asked for, where that is what decides.
    const isMeant =
      service?.external?.resolution === 'by-name' && wildcardsOf(routed.host).includes(called.host);
    const to = isMeant ? { ...called, host: routed.host } : called;
    const securedBy = this.#securedBy(service, to.port);
    const name = formatClusterName({
      ...(subset === undefined ? { kind: 'service', ...to } : { kind: 'subset', ...to, subset }),
      ...(securedBy && { securedBy }),
    });
    this.add(name, service, { ...to, ...(subset !== undefined && { subset }) }, budget);
    return name;
  }

  #backendTls(service: Service | undefined, port: number): BackendTls | undefined {
    if (service === undefined || this.#secures.who === 'nobody') return undefined;
    return backendTls(this.#view.reader, service, port);
  }

  #securedBy(service: Service | undefined, port: number): string | undefined {
    if (this.#secures.who !== 'gateway' || this.#backendTls(service, port) === undefined) return undefined;
    const { namespace, name } = this.#secures.gateway;
    return `${namespace}/${name}`;
  }

  /** Puts the cluster in, once. */
  add(
    name: string,
    service: Service | undefined,
    scope: { readonly host: string; readonly port: number; readonly subset?: string },
    budget?: RetryBudget,
  ): void {
    const known = this.#configs.get(name);
    if (known) {
      if (budget) this.#configs.set(name, { ...known, settings: { ...known.settings, retryBudget: budget } });
      return;
    }
    const { reader, caller } = this.#view;
    const protocol = service?.ports.find(({ number }) => number === scope.port)?.protocol ?? 'auto';
    const settings = this.#secured(
      resolveTraffic(reader, caller, scope, protocol).settings,
      service,
      scope.port,
    );
    const isOriginal = service?.external?.resolution === 'none';
    this.#configs.set(name, {
      name,
      service: serviceLabels(service),
      ...(protocol !== 'auto' && { protocol }),
      settings: budget ? { ...settings, retryBudget: budget } : settings,
      ...(this.#place !== undefined && { callerLocality: this.#place }),
      ...(isOriginal && { originalDestination: true }),
    });
  }

  #secured(settings: TrafficSettings, service: Service | undefined, port: number): TrafficSettings {
    const policy = this.#backendTls(service, port);
    const gateway = this.#secures.who === 'gateway' ? this.#secures.gateway : undefined;
    const { tls } = settings;
    if (policy === undefined) {
      if (tls?.credential === undefined) return settings;
      const { reader } = this.#view;
      const isOwn = tls.credential.namespace === '';
      return {
        ...settings,
        tls: isOwn ? this.#ownCredential(tls) : withCredential(reader, tls, gateway),
      };
    }
    return { ...settings, tls: originated(this.#view.reader, policy, gateway) };
  }

  #ownCredential(tls: OriginatedTls): OriginatedTls {
    const { reader, caller } = this.#view;
    return withOwnCredential(
      reader,
      caller,
      tls,
      this.#secures.who === 'sidecar' ? undefined : this.#secures,
    );
  }

  /** Without a port in the rule: the one that was called, where the target has it, else its only one. */
  #portOf(
    { host, port, portName }: Pick<RouteTarget, 'host' | 'port' | 'portName'>,
    routed: RoutedHost,
  ): number {
    if (port !== undefined) return port;
    const { reader } = this.#view;
    const service = reader.serviceByHost(host) ?? reader.externals(host)[0];
    const named = portName === undefined ? undefined : service?.ports.find(each => each.name === portName);
    if (named !== undefined) return named.number;
    if (!service || service.ports.some(each => each.number === routed.port)) return routed.port;
    return service.ports.length === 1 ? service.ports[0]!.number : routed.port;
  }
}

/** Host and port that clusters of the found Service are named for. */
export function nameOfFound(found: Extract<Found, { kind: 'service' }>): { host: string; port: number } {
  return { host: found.name ?? found.service.host, port: found.port.number };
}

/** How a target is named to people: `reviews.shop.svc.cluster.local:80 subset v1`. */
export function targetText({ host, port, subset }: Place): string {
  const address = port === undefined ? host : formatAddress(host, port);
  return subset === undefined ? address : `${address} subset ${subset}`;
}

/** Translation writes why requests may not go somewhere into the host: `NAME.NAMESPACE.not-permitted.invalid`. */
function invalidWords(host: string): string | undefined {
  const [, name, why] = /^(.+)\.(not-permitted|not-supported)\.invalid$/.exec(host) ?? [];
  if (why === 'not-permitted')
    return `no ReferenceGrant of its namespace lets this rule send to the backend ${name}`;
  if (why === 'not-supported')
    return `the backend ${name} is no Service, or has a filter that nobody here knows`;
  return undefined;
}

/** Without those that nothing names any more: a proxy follows the endpoints of every cluster it is told of. */
export function used(
  { configs }: Clusters,
  routes: DestinationResource['routes'],
  { tcp, tls = [] }: Pick<DestinationResource, 'tcp' | 'tls'>,
): DestinationResource['clusters'] {
  const weighted: readonly WeightedCluster[] = [
    ...tcp,
    ...tls.flatMap(each => each.clusters),
    ...routes.flatMap(({ action }) => (action.kind === 'forward' ? action.clusters : [])),
  ];
  const mirrors = [...routes, ...weighted].flatMap(each => each.mirrors ?? []);
  const names = new Set([...weighted, ...mirrors].map(each => each.cluster));
  return configs.filter(({ name }) => names.has(name));
}
