// Upstreams that a gateway finds by itself: where their endpoints come from, and how it is seen which of them are well.

/** Where endpoints of an upstream come from beside those that are written down. Times are milliseconds. */
export type UpstreamDiscovery =
  | DnsDiscovery
  | { readonly kind: 'dns-srv'; readonly service: string; readonly refreshMs: number }
  | ConsulDiscovery
  | KubernetesDiscovery
  | { readonly kind: 'file'; readonly path: string; readonly refreshMs: number };

/** Every address of a name, on one port. */
export interface DnsDiscovery {
  readonly kind: 'dns';
  readonly hostname: string;
  readonly port: number;
  /** An answer is asked for again when its TTL is over, and at the latest after this. */
  readonly refreshMs: number;
}

/** Instances of a service in Consul's catalog. */
export interface ConsulDiscovery {
  readonly kind: 'consul';
  /** URL of the HTTP API: `http://consul:8500`. */
  readonly address: string;
  readonly service: string;
  readonly datacenter?: string;
  /** Only those whose checks pass. */
  readonly onlyPassing: boolean;
  readonly tag?: string;
  readonly token?: string;
  readonly tokenFile?: string;
  /** PEM of the authorities that its certificate is believed from. */
  readonly caFile?: string;
  /** How long a failed question waits before it is asked again, at first; changes are heard of at once. */
  readonly refreshMs: number;
}

/** Endpoints of a Service, from the API server. */
export interface KubernetesDiscovery {
  readonly kind: 'kubernetes';
  readonly namespace: string;
  readonly service: string;
  /** The Service's first port unless told. */
  readonly portName?: string;
  /** File; undefined: the account of this pod, or what kubectl would use. */
  readonly kubeconfig?: string;
  readonly refreshMs: number;
}

/** A target that is written down. */
export interface UpstreamTarget {
  /** An address, or a name that is looked up. */
  readonly host: string;
  readonly port: number;
  readonly weight: number;
  readonly zone?: string;
  /** ClusterEndpoint.maxRequests */
  readonly maxRequests?: number;
}

/** Questions that endpoints are asked to see whether they are well. Times are milliseconds. */
export interface HealthCheck {
  readonly probe:
    | { readonly kind: 'tcp' }
    | {
        readonly kind: 'http';
        readonly path: string;
        readonly host?: string;
        /** Both ends included. */
        readonly statuses: readonly { readonly min: number; readonly max: number }[];
      }
    | { readonly kind: 'grpc'; readonly service: string };
  readonly intervalMs: number;
  readonly timeoutMs: number;
  /** Good answers in a row that bring an endpoint back. */
  readonly healthyThreshold: number;
  /** Bad ones in a row that take it out. */
  readonly unhealthyThreshold: number;
  /** Whether connections are TLS, and how (the upstream's own settings). */
  readonly tls?: {
    readonly serverName?: string;
    readonly caFile?: string;
    readonly certificateFile?: string;
    readonly keyFile?: string;
    readonly insecureSkipVerify: boolean;
  };
}

/** An upstream, as far as its endpoints are concerned. */
export interface UpstreamSettings {
  /** Unique within its gateway. */
  readonly name: string;
  readonly targets: readonly UpstreamTarget[];
  readonly discovery?: UpstreamDiscovery;
  /** Whether `targets` stay when discovery has answered; otherwise they serve until then. */
  readonly keepTargets: boolean;
  readonly healthCheck?: HealthCheck;
}
