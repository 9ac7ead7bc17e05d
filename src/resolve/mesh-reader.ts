import {
  addressKey,
  DEFAULT_PATH_NORMALIZATION,
  type EgressScope,
  fact,
  type InboundRateLimit,
  type Mesh,
  type Node,
  objectKey,
  type PathNormalization,
  type PeerPolicy,
  type RouteTable,
  type Service,
  type Subset,
  type TrafficPolicy,
  type Workload,
} from '../model/index.ts';
import { isInRange } from './ranges.ts';

/** What was resolved, and on which facts (see model/fact.ts) it rests: as long as none of them is touched, it stays as it is. */
export interface Resolved<R> {
  readonly resource: R;
  readonly facts: ReadonlySet<string>;
}

/** Reads a mesh and notes every fact that was asked for, found or not. */
export class MeshReader {
  readonly mesh: Mesh;
  readonly facts = new Set<string>();

  constructor(mesh: Mesh) {
    this.mesh = mesh;
  }

  /** The Service; whoever looks at its endpoints asks for `endpoints` or `backed` too. */
  service(key: string): Service | undefined {
    this.facts.add(fact.service(key));
    return this.mesh.services.get(key);
  }

  /** Notes that the result depends on all endpoints of the Service. */
  endpoints(key: string): void {
    this.facts.add(fact.endpoints(key));
  }

  serviceByHost(host: string): Service | undefined {
    this.facts.add(fact.host(host));
    const key = this.mesh.serviceByHost.get(host);
    return key === undefined ? undefined : this.service(key);
  }

  servicesByAddress(address: string): readonly Service[] {
    this.facts.add(fact.address(address));
    return (this.mesh.servicesByAddress.get(address) ?? []).flatMap(key => this.service(key) ?? []);
  }

  workload(key: string): Workload | undefined {
    this.facts.add(fact.workload(key));
    return this.mesh.workloads.get(key);
  }

  workloadByAddress(address: string, network?: string): Workload | undefined {
    const at = addressKey(address, network);
    this.facts.add(fact.address(at));
    const key = this.mesh.workloadByAddress.get(at);
    return key === undefined ? undefined : this.workload(key);
  }

  /** Services with this address among their endpoints, in order of key. Only that address' endpoints may be looked at. */
  servicesByEndpoint(address: string, network?: string): readonly Service[] {
    const at = addressKey(address, network);
    this.facts.add(fact.backing(at));
    return (this.mesh.servicesByEndpoint.get(at) ?? []).flatMap(key => this.service(key) ?? []);
  }

  /** Those of the whole mesh for ''. */
  peerPolicies(namespace: string): readonly PeerPolicy[] {
    this.facts.add(fact.peerPolicies(namespace));
    return this.mesh.peerPolicies.get(namespace) ?? [];
  }

  trafficPolicies(host: string): readonly TrafficPolicy[] {
    this.facts.add(fact.trafficPolicies(host));
    return this.mesh.trafficPolicies.get(host) ?? [];
  }

  /** External Services of this very host or wildcard, the oldest first. */
  externals(host: string): readonly Service[] {
    this.facts.add(fact.externals(host));
    return (this.mesh.externalsByHost.get(host) ?? []).flatMap(key => this.service(key) ?? []);
  }

  /** External Services that have a range around the address, the narrowest range first. */
  servicesByRange(address: string): readonly Service[] {
    this.facts.add(fact.addressRanges());
    return this.mesh.addressRanges.flatMap(({ range, service }) =>
      isInRange(address, range) ? (this.service(service) ?? []) : [],
    );
  }

  /** Whether requests on this port may name something that its address does not tell. */
  isNamedPort(port: number): boolean {
    this.facts.add(fact.namedPort(port)).add(fact.namedPort(0));
    return this.mesh.namedPorts.has(port) || this.mesh.namedPorts.has(0);
  }

  /** To be spread into a resource: nothing where it is the default, so that nearly all resources stay short. */
  pathNormalization(): { readonly pathNormalization?: PathNormalization } {
    this.facts.add(fact.pathNormalization());
    const { pathNormalization } = this.mesh;
    return pathNormalization === DEFAULT_PATH_NORMALIZATION ? {} : { pathNormalization };
  }

  node(name: string): Node | undefined {
    this.facts.add(fact.node(name));
    return this.mesh.nodes.get(name);
  }

  /** The node that the workload runs on. */
  nodeOf(workload: Workload | undefined): Node | undefined {
    if (workload?.node === undefined) return undefined;
    const { cluster, node: name } = workload;
    return this.node(objectKey({ ...(cluster !== undefined && { cluster }), name }));
  }

  routeTables(host: string): readonly RouteTable[] {
    this.facts.add(fact.routeTables(host));
    return this.mesh.routeTables.get(host) ?? [];
  }

  subsets(host: string): readonly Subset[] {
    this.facts.add(fact.subsets(host));
    return this.mesh.subsets.get(host) ?? [];
  }

  /** Those of the whole mesh for ''. */
  egressScopes(namespace: string): readonly EgressScope[] {
    this.facts.add(fact.egressScopes(namespace));
    return this.mesh.egressScopes.get(namespace) ?? [];
  }

  /** Those of the whole mesh for ''. */
  inboundRateLimits(namespace: string): readonly InboundRateLimit[] {
    this.facts.add(fact.inboundRateLimits(namespace));
    return this.mesh.inboundRateLimits.get(namespace) ?? [];
  }
}
