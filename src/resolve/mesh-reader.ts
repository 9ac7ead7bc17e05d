import {
  addressKey,
  DEFAULT_PATH_NORMALIZATION,
  type ExternalAuthorizer,
  fact,
  isInRange,
  type Mesh,
  type MeshTelemetry,
  matchesLabels,
  type Node,
  objectKey,
  type PathNormalization,
  type PolicyKind,
  type PolicyKinds,
  type PolicyMaps,
  type Service,
  selectorKey,
  type Workload,
} from '../model/index.ts';

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

  /** Services whose selectors match the workload's labels, in no order. */
  servicesBySelector(workload: Workload): readonly Service[] {
    const { labels } = workload;
    return Object.keys(labels).flatMap(label => {
      const key = selectorKey(workload, label, labels[label]!);
      this.facts.add(fact.selecting(key));
      // That others do not match is told by the label's fact: many Services may share a label, such as a release's name.
      return (this.mesh.servicesBySelector.get(key) ?? []).flatMap(each => {
        const selector = this.mesh.services.get(each)?.selector;
        const matches = selector !== undefined && matchesLabels({ matchLabels: selector }, labels);
        return matches ? (this.service(each) ?? []) : [];
      });
    });
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

  /** Whether requests of HTTP/1 go as HTTP/2 between proxies where no policy says otherwise. */
  h2Upgrade(): boolean {
    this.facts.add(fact.h2Upgrade());
    return this.mesh.h2Upgrade;
  }

  /** Every name of the trust domain, its own first; Istio's old default is one in every mesh. */
  trustDomains(): readonly string[] {
    this.facts.add(fact.trustDomains());
    const { trustDomain, trustDomainAliases, federation } = this.mesh;
    // Istio's name for one's own, unless it is somebody else's.
    const usual = federation.some(each => each.trustDomain === 'cluster.local') ? [] : ['cluster.local'];
    return [...new Set([trustDomain, ...trustDomainAliases, ...usual])];
  }

  authorizers(): readonly ExternalAuthorizer[] {
    this.facts.add(fact.authorizers());
    return this.mesh.authorizers;
  }

  telemetrySettings(): MeshTelemetry {
    this.facts.add(fact.telemetrySettings());
    return this.mesh.telemetrySettings;
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

  /** In the order in which they count. Kinds that go by namespace have those of the whole mesh under ''. */
  policies<K extends PolicyKind>(kind: K, group: string): readonly PolicyKinds[K][] {
    this.facts.add(fact.policies(kind, group));
    const groups: PolicyMaps[K] = this.mesh[kind];
    return groups.get(group) ?? [];
  }
}
