// What users said about routing, before anybody asks: objects of every dialect become these, resolve/ turns them into the Routes
// and ClusterConfigs of one caller's destination. Targets are Services by host, with a subset where one is named.
import type { EdgePolicy } from './edge.ts';
import type { GatewayAttachment } from './gateway.ts';
import type { LabelSelector, Labels } from './labels.ts';
import type { ObjectRef } from './object-ref.ts';
import type { CallerMatch, RequestMatch } from './request-match.ts';
import type {
  CopyForm,
  CorsPolicy,
  FaultInjection,
  HeaderEdits,
  PathRewrite,
  RateLimit,
  Redirect,
  Respond,
  ResponseClass,
  RetryPolicy,
  ShareWork,
  StickySession,
} from './route.ts';
import type { ExternalSettings, Protocol } from './service.ts';
import type { RetryBudget } from './traffic.ts';

/** Where traffic goes. */
export interface RouteTarget extends ShareWork {
  /** Fully qualified. */
  readonly host: string;
  /** A Subset of that host. */
  readonly subset?: string;
  /** Undefined: the port that was called, or the Service's only one. */
  readonly port?: number;
  /** Instead of a number: the name of the Service's port. */
  readonly portName?: string;
  readonly weight: number;
  /** Copies of what it gets, beside the rule's. */
  readonly mirrors?: readonly RuleMirror[];
}

/** Where a copy of a share of the requests goes; percent. */
export interface RuleMirror extends CopyForm {
  readonly target: RouteTarget;
  readonly percent: number;
}

/** Send to targets; none at all, or a target that does not exist, answers 503 (and the object's status says so). */
export interface ForwardTo {
  readonly kind: 'forward';
  readonly targets: readonly RouteTarget[];
  readonly path?: PathRewrite;
  readonly authority?: string;
}

/** One condition of a rule: who asks, and what. */
export interface RuleMatch {
  readonly caller?: CallerMatch;
  readonly request?: RequestMatch;
}

/**
 * One HTTP rule of a RouteTable, in the order of its dialect: the first that matches decides. What is undefined keeps its
 * default.
 */
export interface RouteRule {
  readonly name: string;
  /** Path inside the object, for problems and explanations: `spec.http[1]`. */
  readonly path: string;
  /** The object of `path` where it is another than the table's: Istio's delegates. */
  readonly from?: ObjectRef;
  /** Any of them; empty matches everything. */
  readonly matches: readonly RuleMatch[];
  readonly action: ForwardTo | Redirect | Respond;
  readonly timeoutMs?: number;
  readonly idleTimeoutMs?: number;
  readonly retry?: Partial<RetryPolicy>;
  readonly retryBudget?: RetryBudget;
  readonly requestHeaders?: HeaderEdits;
  readonly responseHeaders?: HeaderEdits;
  readonly mirrors?: readonly RuleMirror[];
  readonly fault?: FaultInjection;
  readonly cors?: CorsPolicy;
  readonly session?: StickySession;
  readonly rateLimits?: readonly RateLimit[];
  readonly responseClasses?: readonly ResponseClass[];
  readonly metricsName?: string;
  readonly traceSampling?: number;
  /** What gateways alone do. */
  readonly edge?: EdgePolicy;
}

/** Every place that copies of the rule's requests may go to: its own, and those of its targets. */
export function mirrorsOf({
  action,
  mirrors = [],
}: Pick<RouteRule, 'action' | 'mirrors'>): readonly RuleMirror[] {
  const targets = action.kind === 'forward' ? action.targets : [];
  return [...mirrors, ...targets.flatMap(each => each.mirrors ?? [])];
}

/** One rule for connections that are not HTTP: TCP, or TLS passed through and told by its server name. */
export interface TcpRule {
  readonly path: string;
  readonly caller: readonly CallerMatch[];
  /** Server names (SNI), with `*.` wildcards; empty for any, and for TCP. */
  readonly serverNames: readonly string[];
  readonly destinationCidrs: readonly string[];
  readonly targets: readonly RouteTarget[];
}

/**
 * How far apart dialects are: of tables of different kinds for one host, the one with the highest rank counts and the others are
 * told so.
 */
export const ROUTE_RANKS = {
  smi: 1,
  linkerd: 2,
  consul: 3,
  ingress: 3.2,
  sentinel: 3.4,
  gateway: 4,
  gatewayGrpc: 4.5,
  istio: 5,
} as const;

/** All that one object says about routing requests to one host. */
export interface RouteTable {
  /** Fully qualified, or a wildcard `*.example.com`, `*`; attachedHost where it is attached to a gateway. */
  readonly host: string;
  /** Of a table that holds at a gateway, and for nobody else. Each has a GatewayHost beside it. */
  readonly attachment?: GatewayAttachment;
  /** Namespaces whose callers it holds for; undefined for all. */
  readonly visibleTo?: readonly string[];
  /** Only calls of this Service port; undefined for all. For the others it is as if the table were not there. */
  readonly port?: number;
  readonly http: readonly RouteRule[];
  readonly tcp: readonly TcpRule[];
  /**
   * `merge`: rules of several tables of one kind and host are joined (Istio joins VirtualServices oldest first; Gateway API joins
   * HTTPRoutes by how specific their matches are, those for the caller's namespace only among themselves). `exclusive`: the
   * oldest counts.
   */
  readonly combine: 'oldest-first' | 'most-specific' | 'exclusive';
  /** What happens to requests that no rule matches: 404 (Istio, Gateway API), or the Service itself (SMI, Linkerd). */
  readonly unmatched: 'not-found' | 'default';
  readonly rank: number;
  /** Objects of lower ranks whose targets stand in its rules, so that they are not without effect. */
  readonly joins?: readonly ObjectRef[];
  readonly from: ObjectRef;
  /** RFC 3339; '' when not known. */
  readonly createdAt: string;
}

/** A part of a host's endpoints, by the labels of their pods. */
export interface Subset {
  readonly host: string;
  readonly name: string;
  readonly labels: Labels;
  /** What labels must hold beside, where equality does not say it: Consul's filters. */
  readonly expressions?: LabelSelector['matchExpressions'];
  readonly visibleTo?: readonly string[];
  /** As in TrafficPolicy: of subsets of one name, the caller's own namespace's wins, then the Service's, then the mesh's. */
  readonly callerNamespace?: string;
  readonly meshWide?: boolean;
  readonly from: ObjectRef;
}

/** A Service that is not in Kubernetes' own list: Istio's ServiceEntry, Consul's external services. */
export interface ExternalService {
  /** Hosts, with `*.` wildcards. Each becomes a Service. */
  readonly hosts: readonly string[];
  /** Addresses, and ranges such as `10.0.0.0/8`. */
  readonly addresses: readonly string[];
  readonly ports: readonly {
    readonly number: number;
    readonly name: string;
    readonly protocol: Protocol;
    readonly targetPort: number;
  }[];
  /** See ExternalSettings. */
  readonly resolution: ExternalSettings['resolution'];
  /** `dns` only: see ExternalSettings. */
  readonly oneAddress?: boolean;
  readonly location?: 'mesh' | 'outside';
  readonly subjectAltNames?: readonly string[];
  readonly endpoints: readonly {
    readonly address: string;
    readonly ports: Readonly<Record<string, number>>;
    readonly labels: Labels;
    readonly weight?: number;
    readonly locality?: string;
    readonly serviceAccount?: string;
  }[];
  /** Pods of its namespace that stand behind it. */
  readonly workloadSelector?: Labels;
  readonly visibleTo?: readonly string[];
  readonly namespace: string;
  readonly from: ObjectRef;
}

/** What workloads of a scope may reach: Istio's Sidecar. */
export interface EgressScope {
  readonly namespace: string;
  readonly selector?: Labels;
  /** `namespace/host` patterns as Istio writes them; undefined for everything. */
  readonly hosts?: readonly string[];
  /** What the mesh knows nothing of: passed through, or refused. */
  readonly unknown: 'allow' | 'refuse';
  readonly from: ObjectRef;
}

/** Requests that a workload takes in at most: the sidecar local rate limits of inbound traffic. */
export interface InboundRateLimit {
  readonly namespace: string;
  readonly selector?: Labels;
  /** Only this app port; undefined for all. */
  readonly port?: number;
  readonly limit: RateLimit;
  readonly from: ObjectRef;
}
