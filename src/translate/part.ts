import type {
  Endpoint,
  ExternalAuthorizer,
  ExternalService,
  FederatedDomain,
  MeshTelemetry,
  Node,
  ObjectRef,
  PathNormalization,
  PathRewrite,
  PolicyKind,
  PolicyKinds,
  RouteRule,
  RouteTable,
  RouteTarget,
  RuleMatch,
  Service,
  Workload,
} from '../model/index.ts';
import type { IngressWords } from './ingress/ingress-dialect.ts';
import type { IngressDefaults, ReadFields, ReadIngress, ReadIngressClass } from './ingress/ingress-model.ts';

/** What one object contributes to the mesh. Dialects make parts; assemble/ puts the parts of all objects together. */
export type Part =
  | ServicePart
  | EndpointsPart
  | WorkloadPart
  | NodePart
  | PolicyPart
  | RouteTablePart
  | RouteFragmentPart
  | MatchGroupPart
  | ReferenceGrantPart
  | TargetsPart
  | ExternalServicePart
  | MeshSettingsPart
  | IngressPart
  | IngressClassPart
  | IngressDefaultsPart
  | IngressFieldsPart
  | IngressWordsPart;

/** A Service, whose endpoints come from other objects. */
export interface ServicePart {
  readonly kind: 'service';
  readonly service: Omit<Service, 'endpoints' | 'external' | 'datagrams'>;
  /** Ports of UDP. */
  readonly datagrams?: Service['ports'];
  /** Hand out addresses whether they are ready or not. */
  readonly publishNotReady: boolean;
}

/** Some endpoints of a Service. */
export interface EndpointsPart {
  readonly kind: 'endpoints';
  /** Key of the Service; see Mesh.services. */
  readonly service: string;
  /** Of the parts for one Service only those of the highest rank count: EndpointSlices (2) over Endpoints (1). */
  readonly rank: number;
  /** Target ports by the name of the Service port that they stand for; empty for the port without a name. */
  readonly ports: readonly { readonly name: string; readonly number: number }[];
  /** The same of UDP. */
  readonly datagrams?: EndpointsPart['ports'];
  readonly endpoints: readonly Omit<Endpoint, 'port'>[];
}

/** A pod. Of several that claim one address, the one that stays and is youngest has it. */
export interface WorkloadPart {
  readonly kind: 'workload';
  readonly workload: Workload;
  readonly terminating: boolean;
  /** RFC 3339; empty when not known. */
  readonly createdAt: string;
}

/**
 * Kinds of policies whose parts are what Mesh holds. Tables of routes have parts of their own, because they borrow from others.
 */
export type PlainPolicyKind = Exclude<PolicyKind, 'routeTables'>;

/** A policy as it stands in Mesh. */
export type PolicyPart<K extends PlainPolicyKind = PlainPolicyKind> = {
  readonly [L in K]: {
    readonly kind: 'policy';
    readonly of: L;
    readonly policy: PolicyKinds[L];
    /** The lower first; 0 unless told. */
    readonly rank?: number;
    /** RFC 3339; empty when not known. */
    readonly createdAt: string;
  };
}[K];

/** A machine that pods run on. */
export interface NodePart {
  readonly kind: 'node';
  readonly node: Node;
}

/**
 * What one object says about requests to one host; an object that speaks of several hosts makes one part for each. What the
 * object borrows from others is put in when all are known: rules of a fragment, matches of a group.
 */
export interface RouteTablePart {
  readonly kind: 'route-table';
  readonly table: RouteTable;
  /** In the order of the object; see Delegation.after. */
  readonly delegations?: readonly Delegation[];
  readonly groups?: readonly GroupUse[];
  /** The chain of TargetsParts that its targets go through. */
  readonly chain?: TargetsPart['chain'];
  /** Targets that need the consent of their namespace. */
  readonly references?: readonly ForeignReference[];
  /** The same for targets of table.tcp. */
  readonly streamReferences?: readonly ForeignReference[];
}

/** A target of a rule in another namespace, to which nothing is sent without a ReferenceGrantPart of that namespace. */
export interface ForeignReference {
  /** Index in table.http, or table.tcp. */
  readonly rule: number;
  /** Index among the rule's targets. */
  readonly target?: number;
  /** Index among the mirrors of that target, or without one of the rule. */
  readonly mirror?: number;
  readonly from: { readonly group: string; readonly kind: string; readonly namespace: string };
  readonly to: { readonly namespace: string; readonly name: string };
  readonly path: string;
}

/** Consent of a namespace that routes of others send traffic to its Services (Gateway API's ReferenceGrant). */
export interface ReferenceGrantPart {
  readonly kind: 'reference-grant';
  readonly namespace: string;
  readonly from: readonly { readonly group: string; readonly kind: string; readonly namespace: string }[];
  /** Names of Services; undefined for all. */
  readonly services?: readonly string[];
}

/**
 * What targets that name a host come to in tables of the same chain. `split`: those without a subset share their traffic like
 * this (Consul's ServiceSplitters; SMI's TrafficSplits where a ServiceProfile forwards to the root Service), each of which is
 * split in turn where `nested`. `resolve`, after that: one target. For the host itself it adds a subset where none is named,
 * for another host it stands instead (Consul's ServiceResolvers). Of two for one host and stage the older counts.
 */
export interface TargetsPart {
  readonly kind: 'targets';
  readonly chain: 'smi' | 'consul';
  readonly stage: 'split' | 'resolve';
  readonly host: string;
  readonly targets: readonly RouteTarget[];
  readonly nested: boolean;
  readonly from: ObjectRef;
  readonly createdAt: string;
}

/** A place in a table where the rules of a fragment stand, narrowed to `rule`'s matches and with its settings below their own. */
export interface Delegation {
  /** How many of table.http's own rules come before. */
  readonly after: number;
  /** RouteFragmentPart.key */
  readonly to: string;
  readonly rule: Omit<RouteRule, 'action'>;
  /** For rules that forward and rewrite nothing themselves. A prefix is replaced where the joined match has one. */
  readonly rewrite?: {
    readonly path?: string;
    readonly pathRegex?: PathRewrite;
    readonly authority?: string;
  };
}

/** A rule that has the matches of a MatchGroupPart instead of its own. */
export interface GroupUse {
  /** Index in table.http. */
  readonly rule: number;
  /** MatchGroupPart.key; the rule has no effect while there is none. */
  readonly group: string;
  /** Only those of these names; undefined for all. */
  readonly names?: readonly string[];
  readonly path: string;
}

/** Rules that have no host of their own: tables of other objects put them in (Istio's delegates). */
export interface RouteFragmentPart {
  readonly kind: 'route-fragment';
  /** Unique among all fragments: `VirtualService shop/reviews-routes`. */
  readonly key: string;
  readonly http: readonly RouteRule[];
  /** Places where it would itself put in others, which is one too many: path of each, and the key it names. */
  readonly nested: readonly { readonly path: string; readonly to: string }[];
  /** Namespaces whose tables may put it in; undefined for all. */
  readonly visibleTo?: readonly string[];
  /** Tables that hold as long as nobody puts the fragment in. */
  readonly alone: readonly RouteTable[];
  /** The warning that its object gets as long as nobody puts it in. */
  readonly unused?: { readonly path: string; readonly message: string };
  readonly from: ObjectRef;
}

/** Matches that rules of other objects use by name (SMI's HTTPRouteGroup). */
export interface MatchGroupPart {
  readonly kind: 'match-group';
  /** Unique among all groups: `HTTPRouteGroup shop/canary`. */
  readonly key: string;
  readonly matches: readonly { readonly name: string; readonly match: RuleMatch }[];
  readonly from: ObjectRef;
}

/**
 * A service outside of Kubernetes' own list. Of two of one host and namespace the older counts, and the younger may add ports.
 */
export interface ExternalServicePart {
  readonly kind: 'external-service';
  readonly external: ExternalService;
  readonly createdAt: string;
}

/** An Ingress, which means something together with all others of its class. */
export interface IngressPart {
  readonly kind: 'ingress';
  readonly ingress: ReadIngress;
}

/** Whose Ingresses are Weft's, and where they are served. */
export interface IngressClassPart {
  readonly kind: 'ingress-class';
  readonly ingressClass: ReadIngressClass;
}

/** What Ingresses do not say themselves; of several the first by name counts. */
export interface IngressDefaultsPart {
  readonly kind: 'ingress-defaults';
  readonly defaults: IngressDefaults;
  readonly from: ObjectRef;
}

/** Fields of headers, for Ingresses and their settings that name the ConfigMap. */
export interface IngressFieldsPart {
  readonly kind: 'ingress-fields';
  readonly read: ReadFields;
}

/** What an object says of Ingresses in the words of another dialect than ingress-nginx's. */
export interface IngressWordsPart {
  readonly kind: 'ingress-words';
  readonly words: IngressWords;
}

/** What holds for the mesh as a whole. Of several the lowest rank counts, field by field, and of one rank the first by name. */
export interface MeshSettingsPart {
  readonly kind: 'mesh-settings';
  readonly rank: number;
  readonly pathNormalization?: PathNormalization;
  readonly h2Upgrade?: boolean;
  readonly telemetry?: MeshTelemetry;
  readonly trustDomainAliases?: readonly string[];
  readonly federation?: readonly FederatedDomain[];
  readonly authorizers?: readonly ExternalAuthorizer[];
  readonly from: ObjectRef;
}
