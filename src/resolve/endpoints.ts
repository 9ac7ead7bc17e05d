import {
  type ClusterEndpoint,
  type Endpoint,
  type EndpointsResource,
  formatSpiffe,
  interceptsPort,
  type Labels,
  type Mesh,
  matchesLabels,
  objectKey,
  type Service,
  type Subset,
  type UpstreamTls,
  type Workload,
} from '../model/index.ts';
import type { Caller } from './caller.ts';
import { type ClusterName, parseClusterName } from './cluster-name.ts';
import { endpointAt } from './find.ts';
import { wildcardsOf } from './hosts.ts';
import { distance, isPlaceLabel, placedLabels, placeOf } from './locality.ts';
import { MeshReader, type Resolved } from './mesh-reader.ts';
import { peerMode } from './peer-mode.ts';
import { peerOf } from './refs.ts';
import { subsetOf } from './subsets.ts';
import { resolveTraffic, type Traffic } from './traffic.ts';

/**
 * The endpoints of the cluster that a DestinationResource named: those that are ready, or where none is, those that are
 * terminating and still serve. A Service without endpoints, or one that is gone, has an empty set.
 */
export function resolveEndpoints(mesh: Mesh, caller: Caller, cluster: string): Resolved<EndpointsResource> {
  const reader = new MeshReader(mesh);
  const name = parseClusterName(cluster);
  const set = name ? new EndpointSets(reader, caller, name).all() : empty;
  return { resource: { kind: 'endpoints', key: cluster, ...set }, facts: reader.facts };
}

type EndpointSet = Pick<EndpointsResource, 'endpoints' | 'total' | 'why' | 'ill'>;

const empty: EndpointSet = { endpoints: [], total: 0 };
const noLabels: Labels = {};

/** Makes the endpoints of one cluster for one caller. */
class EndpointSets {
  readonly #reader: MeshReader;
  readonly #caller: Caller;
  readonly #name: ClusterName;
  readonly #traffic: Traffic;
  readonly #priorities: readonly string[];
  readonly #callerPlace: string | undefined;

  constructor(reader: MeshReader, caller: Caller, name: ClusterName) {
    this.#reader = reader;
    this.#caller = caller;
    this.#name = name;
    const scope = name.kind === 'direct' ? name.direct : name;
    this.#traffic = resolveTraffic(reader, caller, scope);
    const { locality } = this.#traffic.settings.balancer;
    this.#priorities = locality?.enabled ? (locality.failoverPriority ?? []) : [];
    const node =
      this.#priorities.length === 0 || caller.node === undefined ? undefined : reader.node(caller.node);
    this.#callerPlace = placeOf(caller, node);
  }

  all(): EndpointSet {
    const name = this.#name;
    if (name.kind === 'direct') return this.#single(name.direct, undefined);
    const service = this.#service(name.host);
    if (name.kind === 'backing') {
      this.#reader.servicesByEndpoint(name.direct.host);
      return this.#single(name.direct, service && endpointAt(service, { number: name.port }, name.direct));
    }
    if (!service) return { ...empty, ...whyOf(absentWords(name.host, this.#reader.mesh)) };
    if ('datagrams' in name && name.datagrams) return this.#datagrams(service, name.port);
    if (service.externalName !== undefined) {
      return { endpoints: [external(service.externalName, name.port)], total: 1 };
    }
    if (service.external?.resolution === 'none')
      return { endpoints: [external(name.host, name.port)], total: 1 };
    if (service.external?.resolution === 'by-name') return this.#named(service, name.host, name.port);
    return this.#ofService(service, name.port, name.kind === 'subset' ? name.subset : undefined);
  }

  /** Whoever names a cluster knows the Service already, so that nothing is asked about who may see it. */
  #service(host: string): Service | undefined {
    const reader = this.#reader;
    const service = reader.serviceByHost(host);
    if (service) return service;
    for (const each of [host, ...wildcardsOf(host)]) {
      const known = reader
        .externals(each)
        .filter(({ external: said }) => said?.visibleTo?.includes(this.#caller.namespace) ?? true);
      const own = known.find(({ namespace }) => namespace === this.#caller.namespace);
      if (known.length > 0) return own ?? known[0];
    }
    return undefined;
  }

  #ofService(service: Service, port: number, subset: string | undefined): EndpointSet {
    this.#reader.endpoints(objectKey(service));
    const all = service.endpoints.get(port) ?? [];
    if (!service.ports.some(each => each.number === port)) return { ...empty, why: portWords(service, port) };
    const defined =
      subset === undefined ? undefined : subsetOf(this.#reader, this.#caller, service.host, subset);
    if (subset !== undefined && !defined) return { ...empty, why: this.#subsetWords(service, subset) };
    const known = defined ? this.#inSubset(defined, all) : all;
    const ready = known.filter(each => each.ready);
    const given = ready.length > 0 ? ready : known.filter(each => each.terminating && each.serving);
    const isIll =
      given.length === 0 && known.length > 0 && known.every(each => this.#workloadOf(each)?.ill === true);
    return {
      endpoints: given.map(each => this.#endpoint(each, service)),
      total: known.length,
      ...(isIll && { ill: true }),
    };
  }

  /** Nobody in the mesh speaks for datagrams: they go to the app as they are. */
  #datagrams(service: Service, port: number): EndpointSet {
    this.#reader.endpoints(objectKey(service));
    const all = service.datagrams?.endpoints.get(port) ?? [];
    const ready = all.filter(each => each.ready);
    const given = ready.length > 0 ? ready : all.filter(each => each.terminating && each.serving);
    const endpoints = given.map(each => ({ ...this.#endpoint(each, service), tls: 'plaintext' as const }));
    return { endpoints, total: all.length };
  }

  /** What was asked for is where it is. */
  #named(service: Service, host: string, port: number): EndpointSet {
    this.#reader.endpoints(`${service.namespace}/${service.name}`);
    const [entry] = service.endpoints.get(port) ?? [];
    if (entry === undefined) return { ...empty, why: portWords(service, port) };
    if (host.startsWith('*')) return { ...empty, why: `the request names no host of ${host}` };
    return { endpoints: [external(host, entry.port)], total: 1 };
  }

  #subsetWords({ host, name, namespace }: Service, subset: string): string {
    const known = [host, ...wildcardsOf(host)].flatMap(each => this.#reader.policies('subsets', each));
    const names = [...new Set(known.map(each => each.name))].join(', ');
    return `no DestinationRule defines subset ${subset} of ${name}.${namespace} for this caller (there are: ${names || 'none'})`;
  }

  #inSubset(subset: Subset, all: readonly Endpoint[]): readonly Endpoint[] {
    const { labels: matchLabels, expressions: matchExpressions = [] } = subset;
    const keys = [...Object.keys(matchLabels), ...matchExpressions.map(({ key }) => key)];
    const byPlace = keys.some(isPlaceLabel);
    return all.filter(each => {
      const workload = this.#workloadOf(each);
      const own = each.labels ?? workload?.labels ?? noLabels;
      const labels = byPlace ? placedLabels(own, this.#placeOf(each, workload), workload?.node) : own;
      return matchesLabels({ matchLabels, matchExpressions }, labels);
    });
  }

  /** Who calls an address itself gets that address, ready or not, as without a mesh. */
  #single(direct: { host: string; port: number }, known: Endpoint | undefined): EndpointSet {
    const endpoint = known ?? { address: direct.host, port: direct.port };
    return { endpoints: [this.#endpoint(endpoint)], total: 1 };
  }

  #workloadOf({
    address,
    network,
    workload,
  }: Pick<Endpoint, 'address' | 'network' | 'workload'>): Workload | undefined {
    return workload === undefined
      ? this.#reader.workloadByAddress(address, network)
      : this.#reader.workload(workload);
  }

  #endpoint(
    endpoint: Pick<Endpoint, 'address' | 'port'> & Partial<Endpoint>,
    service?: Service,
  ): ClusterEndpoint {
    const { address, port, weight, maxRequests } = endpoint;
    const workload = this.#workloadOf(endpoint);
    const zone = endpoint.zone ?? workload?.zone;
    const place = this.#placeOf(endpoint, workload);
    const tls = this.#tlsOf(workload, port, endpoint.serviceAccount);
    const tunnelPort = tls === 'mesh' ? workload?.tunnelPort : undefined;
    const since = this.#traffic.settings.balancer.slowStartMs ? workload?.readySinceMs : undefined;
    const labels = endpoint.labels ?? workload?.labels ?? noLabels;
    const allAddresses = service?.external?.resolution === 'dns' && !service.external.oneAddress;
    return {
      address,
      port,
      tls,
      peer: this.#peerOf(endpoint, workload, service),
      ...(allAddresses && { allAddresses }),
      ...(tunnelPort === undefined ? {} : { tunnelPort }),
      ...(zone === undefined ? {} : { zone }),
      ...(place === undefined ? {} : { locality: place }),
      ...(weight === undefined ? {} : { weight }),
      ...(maxRequests === undefined ? {} : { maxRequests }),
      ...(this.#priorities.length > 0 && { priority: this.#priorityOf(labels, place) }),
      ...(since === undefined ? {} : { readySinceMs: since }),
    };
  }

  #priorityOf(labels: Labels, place: string | undefined): number {
    const caller = { labels: this.#caller.labels, place: this.#callerPlace };
    return distance(this.#priorities, caller, { labels, place });
  }

  #placeOf(endpoint: Partial<Endpoint>, workload: Workload | undefined): string | undefined {
    const node = this.#reader.nodeOf(workload);
    const locality = endpoint.locality ?? workload?.locality;
    const zone = endpoint.zone ?? workload?.zone;
    return placeOf(
      { ...(locality === undefined ? {} : { locality }), ...(zone === undefined ? {} : { zone }) },
      node,
    );
  }

  #peerOf(
    { serviceAccount }: Partial<Endpoint>,
    workload: Workload | undefined,
    service: Service | undefined,
  ): ClusterEndpoint['peer'] {
    const peer = peerOf(workload);
    if (workload || serviceAccount === undefined || !service) return peer;
    const { trustDomain } = this.#reader.mesh;
    const { namespace } = service;
    return { ...peer, namespace, principal: formatSpiffe({ trustDomain, namespace, serviceAccount }) };
  }

  /** Mesh TLS where the workload's proxy takes it, unless a policy of either side decides. */
  #tlsOf(workload: Workload | undefined, port: number, serviceAccount: string | undefined): UpstreamTls {
    const { mtls, settings } = this.#traffic;
    // A gateway's own TLS is with the app: no proxy beside it would know what to make of it.
    if ('securedBy' in this.#name && this.#name.securedBy !== undefined) return 'plaintext';
    // Mutual TLS with a workload of another trust domain, which is no proxy of ours: see OriginatedTls.
    const { tls } = settings;
    const isForeign = !workload && serviceAccount === undefined;
    if (isForeign && tls?.mode === 'mesh' && tls.subjectAltNames !== undefined) return 'plaintext';
    if (mtls !== undefined) return mtls === 'mesh' ? 'mesh' : 'plaintext';
    if (!workload?.meshed || !interceptsPort(workload, port)) return 'plaintext';
    return peerMode(this.#reader, workload, port).mode === 'disable' ? 'plaintext' : 'mesh';
  }
}

function whyOf(why: string | undefined): Pick<EndpointsResource, 'why'> {
  return why === undefined ? {} : { why };
}

/** Hosts that end like this stand for what may not be called: their names say why. */
const nowhere = '.invalid';

function absentWords(host: string, { clusterDomain }: Mesh): string | undefined {
  if (host.endsWith(nowhere)) return undefined;
  const suffix = `.svc.${clusterDomain}`;
  if (host.endsWith(suffix)) return `there is no Service ${host.slice(0, -suffix.length)}`;
  return `the mesh knows no host ${host}; declare it with a ServiceEntry`;
}

function portWords({ name, namespace, ports }: Service, port: number): string {
  const known = ports.map(each => each.number).join(', ') || 'none';
  return `Service ${name}.${namespace} has no port ${port} (it has ${known})`;
}

function external(address: string, port: number): ClusterEndpoint {
  return { address, port, tls: 'plaintext', peer: peerOf(undefined) };
}
