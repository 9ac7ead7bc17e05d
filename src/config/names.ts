/** Ports of Weft's own, the numbers that mesh users know from Istio. */
export const PORTS = {
  /** Loopback only. */
  admin: 15000,
  outbound: 15001,
  inbound: 15006,
  /** Discovery and certificate signing, on the control plane. */
  discovery: 15012,
  /** Metrics and health of the control plane. */
  controlPlaneMetrics: 15014,
  /** The live API of the control plane: questions of people to running proxies. */
  live: 15016,
  /** Where other trust domains fetch the roots of the mesh, where it is told to (SPIFFE federation). */
  bundle: 15018,
  /** Prometheus and health of the proxy. */
  health: 15020,
  webhook: 8443,
} as const;

/** The user and group id of the proxy; its own traffic is not intercepted. */
export const PROXY_UID = 1337;

/** Where the control plane lives unless told otherwise. */
export const SYSTEM_NAMESPACE = 'weft-system';

/**
 * ConfigMaps with settings of the mesh as a whole, in the namespace of the control plane: Weft's own, and Istio's for those who
 * have it. What an earlier one says goes over what a later one says.
 */
export const MESH_CONFIG = ['weft-mesh', 'istio'] as const;

/** The ConfigMap of ingress-nginx, as its Helm chart calls it: what holds for all Ingresses, in whatever namespace it is. */
export const INGRESS_CONFIG = 'ingress-nginx-controller';

/** The ConfigMap of HAProxy's ingress controller, as its Helm chart calls it: what holds for all Ingresses of its dialect. */
export const HAPROXY_CONFIG = 'haproxy-kubernetes-ingress';

/** Labels on namespaces and pods. */
export const LABELS = {
  /** `enabled` or `disabled`, on a namespace or a pod; the pod's wins. */
  inject: 'weft.dev/inject',
  /** Of a namespace or a pod: the revision of the control plane, or the tag, that injects it. Of Weft's objects: whose. */
  revision: 'weft.dev/rev',
  /** Of a webhook configuration: the tag that it stands for. */
  tag: 'weft.dev/tag',
  istioInject: 'istio-injection',
  linkerdInject: 'linkerd.io/inject',
  sidecarInject: 'sidecar.istio.io/inject',
  /** The same as `revision` where Istio's labels are accepted; a label. */
  istioRevision: 'istio.io/rev',
  /** An annotation of pods: `true` or `false`. */
  consulInject: 'consul.hashicorp.com/connect-inject',
} as const;

/** Annotations on pods. */
export const ANNOTATIONS = {
  /** Written by inject: JSON with version, images and what was added. Its presence says that the pod is meshed. */
  status: 'weft.dev/status',
  inject: 'weft.dev/inject',
  /** Comma-separated ports. Outbound traffic to these is not intercepted. */
  skipOutboundPorts: 'weft.dev/skip-outbound-ports',
  /** Inbound traffic to these is not intercepted. */
  skipInboundPorts: 'weft.dev/skip-inbound-ports',
  /** Comma-separated CIDRs. Outbound traffic to these is not intercepted. */
  skipOutboundCidrs: 'weft.dev/skip-outbound-cidrs',
  /** Comma-separated user ids of containers. What they send is not intercepted. */
  skipOutboundUids: 'weft.dev/skip-outbound-uids',
  /** If set, only outbound traffic to these CIDRs is intercepted. */
  onlyOutboundCidrs: 'weft.dev/only-outbound-cidrs',
  /** Outbound traffic to these ports is intercepted besides; alone, only that. */
  onlyOutboundPorts: 'weft.dev/only-outbound-ports',
  /** If set, only these inbound ports are intercepted. */
  onlyInboundPorts: 'weft.dev/only-inbound-ports',
  /** Where the pod's proxy takes mesh TLS for any of its ports: for pods whose inbound traffic is not redirected. */
  tunnelPort: 'weft.dev/tunnel-port',
  /** Of a WorkloadGroup: ranges in which the addresses of its machines lie, comma-separated. */
  machineAddresses: 'weft.dev/machine-addresses',
  /**
   * `init`: packet rules send traffic to the proxy. `none`: the app does, told by http_proxy; no container needs a capability.
   */
  redirection: 'weft.dev/redirection',
  /** `keep`: apps see their clients' own addresses; `replace`: the proxy's. */
  clientAddresses: 'weft.dev/client-addresses',
  logLevel: 'weft.dev/log-level',
  accessLog: 'weft.dev/access-log',
  /** What of requests the proxy keeps for weft explain: `off`, or how much memory that may take. */
  requestRecord: 'weft.dev/request-record',
  /** From where on a request is slow: `auto`, or a duration. */
  slowRequests: 'weft.dev/slow-requests',
  /** After which clients of HTTP/2 are asked to connect anew: `off`, or a duration; and what their calls have then. */
  maxConnectionAge: 'weft.dev/max-connection-age',
  maxConnectionAgeGrace: 'weft.dev/max-connection-age-grace',
  /** Requests at once that a client may have on a connection of HTTP/2, and bytes of the headers of each. */
  http2MaxStreams: 'weft.dev/http2-max-streams',
  http2MaxHeaders: 'weft.dev/http2-max-headers',
  concurrency: 'weft.dev/concurrency',
  cpuRequest: 'weft.dev/proxy-cpu-request',
  cpuLimit: 'weft.dev/proxy-cpu-limit',
  memoryRequest: 'weft.dev/proxy-memory-request',
  memoryLimit: 'weft.dev/proxy-memory-limit',
  image: 'weft.dev/proxy-image',
  /** `allow`: the control plane may give the pod's proxy a program of another version, without a restart; or `refuse`. */
  liveUpgrade: 'weft.dev/live-upgrade',
} as const;

/** Files in the proxy's container, and a path of its health port. */
export const PATHS = {
  /** Projected ServiceAccount token, audience `weft`. */
  token: '/var/run/secrets/weft/token',
  /** Root certificates (PEM) to trust the control plane with, before it has sent any. */
  rootCertificate: '/var/run/weft/trust/root-cert.pem',
  /** Where the proxy keeps its last snapshot; an emptyDir. */
  state: '/var/run/weft/state',
  /** On the health port: answered when traffic to the app has ended. The preStop hook of apps. */
  drained: '/app-drained',
} as const;

/** Environment variables of `weft-proxy`; each has a flag of the same meaning, which wins. */
export const ENVIRONMENT = {
  podName: 'POD_NAME',
  podNamespace: 'POD_NAMESPACE',
  /** Comma-separated, as the downward API's status.podIPs gives it. */
  podIps: 'POD_IPS',
  serviceAccount: 'SERVICE_ACCOUNT',
  /** Of a machine outside of the cluster: the WorkloadGroup that it joins. */
  workloadGroup: 'WEFT_WORKLOAD_GROUP',
  nodeName: 'NODE_NAME',
  controlPlane: 'WEFT_CONTROL_PLANE',
  controlPlaneIdentity: 'WEFT_CONTROL_PLANE_IDENTITY',
  trustDomain: 'WEFT_TRUST_DOMAIN',
  clusterDomain: 'WEFT_CLUSTER_DOMAIN',
  rootCertificate: 'WEFT_ROOT_CERTIFICATE',
  token: 'WEFT_TOKEN',
  state: 'WEFT_STATE',
  logLevel: 'WEFT_LOG_LEVEL',
  accessLog: 'WEFT_ACCESS_LOG',
  requestRecord: 'WEFT_REQUEST_RECORD',
  slowRequests: 'WEFT_SLOW_REQUESTS',
  maxConnectionAge: 'WEFT_MAX_CONNECTION_AGE',
  maxConnectionAgeGrace: 'WEFT_MAX_CONNECTION_AGE_GRACE',
  http2MaxStreams: 'WEFT_HTTP2_MAX_STREAMS',
  http2MaxHeaders: 'WEFT_HTTP2_MAX_HEADERS',
  concurrency: 'WEFT_CONCURRENCY',
  gateway: 'WEFT_GATEWAY',
  dnsForward: 'WEFT_DNS_FORWARD',
  limitsRedis: 'WEFT_LIMITS_REDIS',
  limitsRedisPassword: 'WEFT_LIMITS_REDIS_PASSWORD',
  limitsRedisCa: 'WEFT_LIMITS_REDIS_CA',
  limitsRedisTimeout: 'WEFT_LIMITS_REDIS_TIMEOUT',
  traceZipkin: 'WEFT_TRACE_ZIPKIN',
  traceOtlp: 'WEFT_TRACE_OTLP',
  traceSampling: 'WEFT_TRACE_SAMPLING',
  /** `allow` or `refuse`. */
  liveUpgrade: 'WEFT_LIVE_UPGRADE',
  /** JSON: what a process that takes over from another begins with. Nobody sets it by hand. */
  handover: 'WEFT_HANDOVER',
  /** `keep` or `replace`; for `weft-proxy init` too. */
  clientAddresses: 'WEFT_CLIENT_ADDRESSES',
  /** JSON, an AppProbes: the app's own probes, which the kubelet asks the proxy about. */
  probes: 'WEFT_PROBES',
  /** JSON, an AppMetrics: where the app serves its metrics, to be merged into the proxy's own. */
  appMetrics: 'WEFT_APP_METRICS',
  /** JSON, an ExitWithApp: in a pod that is meant to end, whose end the proxy follows. */
  exitWithApp: 'WEFT_EXIT_WITH_APP',
  /** `write`: the proxy writes the packet rules of its pod as it starts, where no container weft-init does. */
  packetRules: 'WEFT_PACKET_RULES',
  /**
   * Of the packet rules, whoever writes them: the values of the annotations of the same name, comma-separated. Empty is the same
   * as not set.
   */
  skipOutboundPorts: 'WEFT_SKIP_OUTBOUND_PORTS',
  skipInboundPorts: 'WEFT_SKIP_INBOUND_PORTS',
  skipOutboundCidrs: 'WEFT_SKIP_OUTBOUND_CIDRS',
  skipOutboundUids: 'WEFT_SKIP_OUTBOUND_UIDS',
  onlyOutboundCidrs: 'WEFT_ONLY_OUTBOUND_CIDRS',
  onlyOutboundPorts: 'WEFT_ONLY_OUTBOUND_PORTS',
  onlyInboundPorts: 'WEFT_ONLY_INBOUND_PORTS',
} as const;
