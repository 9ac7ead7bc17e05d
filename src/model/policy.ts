import type { LabelSelector, Labels } from './labels.ts';
import type { ObjectRef } from './object-ref.ts';
import type { RetryPolicy } from './route.ts';
import type {
  AdaptiveConcurrency,
  BalancerSettings,
  ConnectionLimits,
  Http2Settings,
  OriginatedTls,
  OutlierSettings,
  RetryBudget,
  TcpKeepalive,
} from './traffic.ts';

/** `strict`: mesh TLS only. `permissive`: plaintext too. `disable`: plaintext only. */
export type MtlsMode = 'strict' | 'permissive' | 'disable';

/** Which inbound connections a workload accepts. The narrowest wins: port, then selector, then namespace, then mesh. */
export interface PeerPolicy {
  /** The namespace it applies to; undefined for the whole mesh. */
  readonly namespace?: string;
  /** Undefined for every workload of its scope. */
  readonly selector?: LabelSelector;
  /** Undefined where the policy leaves it to the wider scope (Istio's UNSET). */
  readonly mode?: MtlsMode;
  readonly portModes: ReadonlyMap<number, MtlsMode>;
  readonly from: ObjectRef;
}

/**
 * What users said about traffic to one host; what is undefined keeps its default. Of the policies that came from objects of one
 * kind, only the narrowest counts: its caller namespace, then not mesh-wide, then its exact host, then its port (Istio's order
 * for DestinationRules). Policies of different kinds are merged, field by field, the later in Mesh.trafficPolicies on top.
 */
export interface TrafficPolicy {
  /** A Service's fully qualified host, or a wildcard: `*.shop.svc.cluster.local`, `*`. */
  readonly host: string;
  /** Said for the mesh as a whole, so that one of a Service's own namespace wins. */
  readonly meshWide?: boolean;
  /** Only callers of this namespace; undefined for all. Wins over what is said beside the Service. */
  readonly callerNamespace?: string;
  /** Only callers with these labels (and of callerNamespace); wins over what is said for all of the namespace. */
  readonly callerSelector?: Labels;
  /** Only where the host's Service lives in this namespace; undefined wherever it does. */
  readonly serviceNamespace?: string;
  /** Namespaces whose callers it holds for; undefined for all. Says nothing about precedence. */
  readonly visibleTo?: readonly string[];
  /** Only this Service port; undefined for all. */
  readonly port?: number;
  /** Only this Subset of the host; laid over what is said for the whole host by the same object. Undefined: the whole host. */
  readonly subset?: string;
  readonly balancer?: BalancerSettings;
  readonly limits?: Partial<ConnectionLimits>;
  readonly outlier?: Partial<OutlierSettings>;
  readonly connectTimeoutMs?: number;
  readonly idleTimeoutMs?: number;
  readonly tcpKeepalive?: TcpKeepalive;
  readonly http2?: Http2Settings;
  readonly timeoutMs?: number;
  /** Route.idleTimeoutMs */
  readonly streamIdleTimeoutMs?: number;
  readonly retry?: Partial<RetryPolicy>;
  readonly retryBudget?: RetryBudget;
  readonly adaptiveConcurrency?: AdaptiveConcurrency;
  /** TLS to endpoints that are not meshed. */
  readonly tls?: OriginatedTls;
  /** Whether to originate mesh TLS; undefined: where the endpoint is meshed. */
  readonly mtls?: 'mesh' | 'disable';
  readonly from: ObjectRef;
}

const scopeFields: ReadonlySet<string> = new Set<keyof TrafficPolicy>([
  'host',
  'meshWide',
  'callerNamespace',
  'callerSelector',
  'serviceNamespace',
  'visibleTo',
  'port',
  'subset',
  'from',
]);

/**
 * Whether the policy has any setting beside its scope. One without marks that its object is there: it hides wider ones of its
 * kind.
 */
export function hasSettings(policy: TrafficPolicy): boolean {
  return Object.entries(policy).some(([name, value]) => value !== undefined && !scopeFields.has(name));
}
