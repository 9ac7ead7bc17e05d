import type { ExternalAuthorizer } from './authentication.ts';
import type { FederatedDomain } from './federation.ts';
import type { GatewayPorts } from './gateway.ts';
import { DEFAULT_PATH_NORMALIZATION, type PathNormalization } from './path-normalization.ts';
import { emptyPolicies, type PolicyMaps } from './policy-kinds.ts';
import type { Service } from './service.ts';
import { ShardedMap } from './sharded-map.ts';
import { DEFAULT_MESH_TELEMETRY, type MeshTelemetry } from './telemetry.ts';
import type { Node, Workload } from './workload.ts';

/**
 * Everything Weft knows, at one moment. Immutable; a change makes a new one that shares what did not change. The maps of policies
 * are those of POLICY_KINDS: of trafficPolicies the weaker kind comes first, of routeTables the highest rank, then the oldest.
 */
export interface Mesh extends PolicyMaps {
  readonly trustDomain: string;
  /** Other names of it, that it had or will have: policies that name one of them mean all. */
  readonly trustDomainAliases: readonly string[];
  /** Trust domains of others whose workloads are let in. */
  readonly federation: readonly FederatedDomain[];
  /** Who outside of proxies may be asked whether requests pass, each name once. */
  readonly authorizers: readonly ExternalAuthorizer[];
  /** `cluster.local` */
  readonly clusterDomain: string;
  /** Undefined where nobody knows. */
  readonly gatewayPorts?: GatewayPorts;
  readonly pathNormalization: PathNormalization;
  /** Whether requests of HTTP/1 go as HTTP/2 between proxies where no policy says otherwise. */
  readonly h2Upgrade: boolean;
  /** What Telemetry objects rest on: providers, and what holds where none speaks. */
  readonly telemetrySettings: MeshTelemetry;
  /** By `objectKey`: `namespace/name`. */
  readonly services: ReadonlyMap<string, Service>;
  /** By `objectKey`: `namespace/name`. */
  readonly workloads: ReadonlyMap<string, Workload>;
  /** By `objectKey`: the name. */
  readonly nodes: ReadonlyMap<string, Node>;
  /** Service key by fully qualified host. Of several clusters' the control plane's own counts, then the first by name. */
  readonly serviceByHost: ReadonlyMap<string, string>;
  /** Keys of external Services by host or wildcard; the oldest first. Where serviceByHost has the host too, that one counts. */
  readonly externalsByHost: ReadonlyMap<string, readonly string[]>;
  /** Ranges of addresses of external Services, the narrowest first. */
  readonly addressRanges: readonly AddressRange[];
  /** Ports on which only the name in a request tells destinations apart (external Services); 0 stands for every port. */
  readonly namedPorts: ReadonlySet<number>;
  /**
   * Service keys by virtual address (`addressKey` with the cluster, whose they are), in order of key; several where external
   * addresses are shared.
   */
  readonly servicesByAddress: ReadonlyMap<string, readonly string[]>;
  /** Keys of the Services that have this address (`addressKey`) among their endpoints, in order of key. */
  readonly servicesByEndpoint: ReadonlyMap<string, readonly string[]>;
  /**
   * Keys of the Services that select pods, in order of key, each under one of the labels that it asks for (`selectorKey`):
   * whoever looks for the Services of a pod looks under each of the pod's labels, and then at the whole selector.
   */
  readonly servicesBySelector: ReadonlyMap<string, readonly string[]>;
  /** Workload key by pod address (`addressKey`). */
  readonly workloadByAddress: ReadonlyMap<string, string>;
  /** Keys of labels of callers that any rule looks at, in order: callers that are alike in these get the same answers. */
  readonly callerLabels: readonly string[];
}

/** Addresses of an external Service, as `10.0.0.0/8`. */
export interface AddressRange {
  readonly range: string;
  /** Into Mesh.services. */
  readonly service: string;
}

/** A mesh without anything in it. */
export function emptyMesh(trustDomain = 'cluster.local', clusterDomain = 'cluster.local'): Mesh {
  return {
    trustDomain,
    trustDomainAliases: [],
    federation: [],
    authorizers: [],
    clusterDomain,
    pathNormalization: DEFAULT_PATH_NORMALIZATION,
    h2Upgrade: false,
    telemetrySettings: DEFAULT_MESH_TELEMETRY,
    services: ShardedMap.empty(),
    workloads: ShardedMap.empty(),
    nodes: ShardedMap.empty(),
    serviceByHost: ShardedMap.empty(),
    externalsByHost: ShardedMap.empty(),
    addressRanges: [],
    namedPorts: new Set(),
    servicesByAddress: ShardedMap.empty(),
    servicesByEndpoint: ShardedMap.empty(),
    servicesBySelector: ShardedMap.empty(),
    workloadByAddress: ShardedMap.empty(),
    ...emptyPolicies(),
    callerLabels: [],
  };
}
