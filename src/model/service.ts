import type { Labels } from './labels.ts';
import type { ObjectRef } from './object-ref.ts';
import type { Site } from './site.ts';

/** What is spoken on a port. `auto`: found out by looking at the first bytes. */
export type Protocol = 'auto' | 'http' | 'http2' | 'grpc' | 'grpc-web' | 'tls' | 'tcp';

/** One port of a Service. */
export interface ServicePort {
  readonly number: number;
  /** Empty when the port has no name. */
  readonly name: string;
  /** From appProtocol or the port name's prefix where these say it, otherwise `auto`. */
  readonly protocol: Protocol;
  /** Of the pods that the Service selects: their port's number, or its name among a pod's own. Undefined: the same number. */
  readonly target?: number | string;
}

/** A Kubernetes Service, or anything else that traffic is sent to by name. */
export interface Service extends Pick<Site, 'cluster'> {
  readonly namespace: string;
  readonly name: string;
  /** Fully qualified: `reviews.shop.svc.cluster.local`. */
  readonly host: string;
  /** Virtual addresses; empty for headless and ExternalName Services. */
  readonly addresses: readonly string[];
  /**
   * Of a Service of type LoadBalancer: where clients outside of the cluster find it, addresses and names, as its status says.
   * Undefined for any other type.
   */
  readonly balancer?: readonly string[];
  readonly headless: boolean;
  readonly externalName?: string;
  readonly ports: readonly ServicePort[];
  /** Labels of its pods, in its own namespace and cluster; never empty. Undefined: only its endpoints say who they are. */
  readonly selector?: Labels;
  /**
   * What a Service that is not Kubernetes' own has beside: see ExternalService. Its host may then be a wildcard `*.example.com`.
   */
  readonly external?: ExternalSettings;
  /** Endpoints by Service port number, ready or not; resolve decides which are given out. */
  readonly endpoints: ReadonlyMap<number, readonly Endpoint[]>;
  /** Its ports of UDP, which only gateways have a use for; undefined where it has none. */
  readonly datagrams?: Pick<Service, 'ports' | 'endpoints'>;
  readonly from: ObjectRef;
}

/** How a Service outside of Kubernetes' own list is reached. */
export interface ExternalSettings {
  /**
   * `none`: to where the app wanted to go. `dns`: endpoints are names. `static`: addresses. `by-name`: the one endpoint of each
   * request is the name that it asks for (Host, or TLS' server name), looked up by the proxy wherever the app wanted to go.
   */
  readonly resolution: 'none' | 'static' | 'dns' | 'by-name';
  /** `dns` only: of the addresses of a name one at a time is used, instead of all. */
  readonly oneAddress?: boolean;
  /** Whether its endpoints are part of the mesh. */
  readonly location: 'mesh' | 'outside';
  /** Namespaces whose callers know it; undefined for all. */
  readonly visibleTo?: readonly string[];
  /** Names that its certificates must have; empty for any. */
  readonly subjectAltNames?: readonly string[];
}

/** One address behind a Service port. */
export interface Endpoint extends Pick<Site, 'network'> {
  readonly address: string;
  readonly port: number;
  /** May receive new requests. */
  readonly ready: boolean;
  /** Answers, be it terminating; used where no endpoint is ready, as kube-proxy does (KEP-1669). */
  readonly serving: boolean;
  readonly terminating: boolean;
  /** Key into Mesh.workloads, when the source names the pod; it may not be there yet. */
  readonly workload?: string;
  readonly zone?: string;
  readonly hostname?: string;
  readonly labels?: Labels;
  /** Its share among equals; 1 unless told. */
  readonly weight?: number;
  /** ClusterEndpoint.maxRequests */
  readonly maxRequests?: number;
  /** `region/zone/subzone` where the source names it. */
  readonly locality?: string;
  /** Of an endpoint that is no pod: the ServiceAccount that it proves to be. */
  readonly serviceAccount?: string;
}
