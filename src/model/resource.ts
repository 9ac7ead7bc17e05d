// Resources: what discovery sends to proxies. Plain JSON data (no Map, no undefined inside arrays, no class), so that
// a resource read from the wire, from the last snapshot on disk, or made in-process are the same thing.
import type { ExternalAuthorizer, JwtRule } from './authentication.ts';
import type { WorkloadAuthorization } from './authorization.ts';
import type { ServedChallenge } from './certificate-issuer.ts';
import type { ClientValidation, ListenerOptions, ListenerProtocol, ListenerTls } from './gateway.ts';
import type { ObjectRef } from './object-ref.ts';
import type { PathNormalization } from './path-normalization.ts';
import type { MtlsMode } from './policy.ts';
import type { RateLimit, Redirect, Route, WeightedCluster } from './route.ts';
import type { Protocol } from './service.ts';
import type { TelemetrySettings } from './telemetry.ts';
import type { TrafficSettings } from './traffic.ts';
import type { EndedContainer } from './workload.ts';

/**
 * The kinds of resources, in the order in which they are put to use when all come at once. One proxy has any number of
 * `destination` and `endpoints`, and one of `trust` and `inbound`. `gateway` and `certificate` are for gateways, which ask for
 * them by their keys as for destinations; `name` is for machines whose proxy answers DNS (see nameKey).
 */
export const RESOURCE_KINDS = [
  'trust',
  'inbound',
  'certificate',
  'gateway',
  'name',
  'destination',
  'endpoints',
] as const;

export type ResourceKind = (typeof RESOURCE_KINDS)[number];

/** Any resource; `kind` and `key` name it. Equal content means equal resource: versions are the stream's business. */
export type Resource =
  | CertificateResource
  | DestinationResource
  | EndpointsResource
  | GatewayResource
  | InboundResource
  | NameResource
  | TrustResource;

/**
 * Why this proxy cannot know what a resource means; undefined when it can. To acknowledge it all the same would tell the control
 * plane, and whoever reads a policy's status, that it is in use.
 */
export function unknownKind(resource: Resource | null | undefined): string | undefined {
  const { kind, key } = (resource ?? {}) as { readonly kind?: unknown; readonly key?: unknown };
  if (typeof key !== 'string' || typeof kind !== 'string') return 'a resource has no kind or no key';
  if ((RESOURCE_KINDS as readonly string[]).includes(kind)) return undefined;
  return `this proxy knows no resources of kind '${kind}'; restart its pod, so that it gets a proxy of the control plane's version`;
}

/**
 * How to reach what an app called. The key is what the proxy asked: an original destination `10.96.0.5:80` or `[fd00::1]:80`,
 * or an authority `reviews.shop:80` where there was none.
 */
export interface DestinationResource {
  readonly kind: 'destination';
  readonly key: string;
  /** `service` by virtual address or name, `workload` by a pod's own address, `unknown` when the mesh knows nothing of it:
   *  the proxy then passes the connection through to where the app wanted it to go. */
  readonly found: 'service' | 'workload' | 'unknown';
  /** Fully qualified host for logs, metrics and SNI; the key itself when unknown. */
  readonly host: string;
  readonly port: number;
  readonly protocol: Protocol;
  /** For HTTP: the first that matches decides; the last one matches everything. */
  readonly routes: readonly Route[];
  /** For everything that is not HTTP, unless a server name says otherwise. */
  readonly tcp: readonly WeightedCluster[];
  /** For TLS that is passed through: by server name, with `*.` wildcards; the first that matches decides. */
  readonly tls?: readonly {
    readonly serverNames: readonly string[];
    readonly clusters: readonly WeightedCluster[];
  }[];
  /**
   * Found `unknown` only: on this port requests may name what the mesh knows (external services). HTTP requests are asked about
   * again by their authority and TLS connections by their server name, as `name:port`; what is unknown then is passed through.
   */
  readonly askByName?: boolean;
  /**
   * What the mesh knows nothing of is refused instead of passed through (found `unknown` only), with the reason; after askByName.
   */
  readonly refused?: string;
  /** Of a gateway's hosts: see ListenerOptions. */
  readonly escapedSlashes?: 'keep';
  /** How paths are normalised before routes look at them; DEFAULT_PATH_NORMALIZATION where it is not said. */
  readonly pathNormalization?: PathNormalization;
  /** Every cluster that routes and tcp name. Their endpoints follow as resources of their own, keyed by cluster name. */
  readonly clusters: readonly ClusterConfig[];
}

/** How to talk to one set of endpoints. */
export interface ClusterConfig {
  /**
   * `reviews.shop.svc.cluster.local:80`, with `/v1` for a subset or an original destination's address where it is one of several.
   */
  readonly name: string;
  /** Metric labels `destination_service*`; empty strings where there is no Service. */
  readonly service: { readonly host: string; readonly name: string; readonly namespace: string };
  /** What the port is declared to speak; undefined for `auto`. */
  readonly protocol?: Protocol;
  /** Of a workload's own ports: the Service's port, where it serves one. */
  readonly servicePort?: number;
  readonly settings: TrafficSettings;
  /** The caller's own locality, for settings.balancer.locality. */
  readonly callerLocality?: string;
  /** Connections go to where the app wanted to go, where that is known; the endpoint, its name, is for when it is not. */
  readonly originalDestination?: boolean;
}

/** Who an endpoint is, as far as metrics and identity checks care. */
export interface Peer {
  /** Owner's name: `reviews-v1`. */
  readonly workload: string;
  readonly namespace: string;
  readonly app: string;
  readonly version: string;
  /** `spiffe://…`; empty when not known. */
  readonly principal: string;
  /** The pod's name; empty when not known. */
  readonly pod: string;
}

/** How the connection to an endpoint is protected. `mesh`: mutual TLS, and the peer must prove to be Peer.principal. */
export type UpstreamTls = 'plaintext' | 'mesh';

/** One address of a cluster. */
export interface ClusterEndpoint {
  /** IP literal; a DNS name (resolved when connecting) only behind ExternalName and external Services. */
  readonly address: string;
  /** Of a DNS name: connections are spread over all of its addresses, as if each were an endpoint. */
  readonly allAddresses?: boolean;
  readonly port: number;
  readonly tls: UpstreamTls;
  /** Where the peer's proxy listens when its traffic is not redirected: connect there, and name `port` in the preface. */
  readonly tunnelPort?: number;
  readonly peer: Peer;
  readonly zone?: string;
  /** `region/zone/subzone`, as far as known. */
  readonly locality?: string;
  /** Its share among equals; 1 unless told. */
  readonly weight?: number;
  /** Requests that one proxy may have under way there; as many as there are unless told. */
  readonly maxRequests?: number;
  /**
   * 0 comes first; endpoints of higher numbers are used as those before them become too few. Follows from
   * LocalitySettings.failoverPriority; undefined where that says nothing.
   */
  readonly priority?: number;
  /** When it became ready, milliseconds since the epoch; told only where there is a slow start. */
  readonly readySinceMs?: number;
}

/** The endpoints of one cluster: those that may receive new requests now. Empty when none is ready. */
export interface EndpointsResource {
  readonly kind: 'endpoints';
  /** ClusterConfig.name */
  readonly key: string;
  readonly endpoints: readonly ClusterEndpoint[];
  /** How many the Service has in all, ready or not; for the error "0 of 3 ready". */
  readonly total: number;
  /** None is ready, and each has said so itself (Workload.ill): it is not that nobody can see them. */
  readonly ill?: true;
  /** Why there can be none, where something is wrong with what was asked for: "no DestinationRule defines subset v1". */
  readonly why?: string;
}

/** Where a gateway listens. Its routes are destinations of their own, so that a change of one is told alone. */
export interface GatewayResource {
  readonly kind: 'gateway';
  /** gatewayKey */
  readonly key: string;
  readonly listeners: readonly BoundListener[];
  /** What is said of who comes in, at all of its listeners; undefined where nobody says anything. */
  readonly policies?: GatewayPolicies;
  /** What is shown now to servers that look whether names are ours; undefined where none does. */
  readonly challenges?: readonly ServedChallenge[];
  /** What session tickets are sealed with, base64url, the newest first; undefined: each process has its own. */
  readonly ticketSecrets?: readonly string[];
  /** Why there is none; undefined where the gateway is known. */
  readonly why?: string;
}

/** What policies say of requests and connections, as of those to a workload: see InboundResource. */
export type GatewayPolicies = Pick<InboundResource, 'authorization' | 'authorizers' | 'tokenRules'>;

/** A listener of a gateway, as its proxies have it. Several may share a port: those of TLS, and of HTTP, told apart by host. */
export interface BoundListener {
  /** Of the Gateway object, and the listener's own: `shop/edge/https`. */
  readonly name: string;
  readonly port: number;
  readonly addresses?: readonly string[];
  readonly protocol: ListenerProtocol;
  /** A host or `*.example.com`; undefined for all. */
  readonly hostname?: string;
  readonly tls?: BoundTls;
  readonly options?: ListenerOptions;
  /** For `http` and `https`: hosts that there are routes for, the most specific first. */
  readonly hosts: readonly BoundHost[];
  /** For the others: the destination that has their routes. */
  readonly destination?: string;
}

/** A host, or a pattern of hosts, and where its routes are. */
export interface BoundHost {
  readonly host: string;
  /** DestinationResource.key */
  readonly destination: string;
}

/** ListenerTls with what its references lead to. */
export interface BoundTls extends Omit<ListenerTls, 'certificates' | 'files' | 'issued' | 'clients'> {
  /** CertificateResource.key, or fileCertificateKey. */
  readonly certificates: readonly string[];
  readonly clients?: {
    readonly mode: ClientValidation['mode'];
    /** PEM. Empty where none can be had: then nobody's certificate is good. */
    readonly authorities: string;
    /** In their place, a file of the proxy. */
    readonly authoritiesFile?: string;
  };
}

/** A certificate that a gateway shows its clients, with its private key. Proxies keep it where they keep their own. */
export interface CertificateResource {
  readonly kind: 'certificate';
  /** certificateKey */
  readonly key: string;
  /** PEM, leaf first; '' where there is none. */
  readonly chain: string;
  /** PEM. */
  readonly privateKey: string;
  /** Why there is none: `Secret shop/tls does not exist`. */
  readonly why?: string;
}

/** What one inbound port of a workload does. */
export interface InboundPort {
  readonly number: number;
  readonly protocol: Protocol;
  readonly mtls: MtlsMode;
  /** The policy that decided `mtls`; undefined for the default. */
  readonly from?: ObjectRef;
  readonly rateLimits?: readonly RateLimit[];
  /** The Service this port serves, for `destination_service*`; the first by name when there are several. */
  readonly service?: { readonly host: string; readonly name: string; readonly namespace: string };
  /** The port of that Service, which callers know this one by. */
  readonly servicePort?: number;
  /** What becomes of requests that may pass, the first that matches; undefined where they all go to the app as they are. */
  readonly routes?: readonly InboundRoute[];
}

/** Requests to the workload that are edited, or sent elsewhere; those without either go to the app as they are. */
export interface InboundRoute
  extends Pick<Route, 'name' | 'from' | 'matches' | 'requestHeaders' | 'responseHeaders'> {
  readonly redirect?: Redirect;
}

/** A workload's own inbound side. */
export interface InboundResource {
  readonly kind: 'inbound';
  /** `namespace/pod` */
  readonly key: string;
  readonly self: Peer;
  /** Ports with something to say about them; others follow `defaultMtls` and protocol detection. */
  readonly ports: readonly InboundPort[];
  readonly defaultMtls: MtlsMode;
  readonly defaultFrom?: ObjectRef;
  /** Who may call it, on all of its ports; undefined where nobody says anything: everybody. */
  readonly authorization?: readonly WorkloadAuthorization[];
  /** For ports that are not in `ports`. */
  readonly defaultRateLimits?: readonly RateLimit[];
  /** Whom `authorization` names that is to be asked. One that it names and that is not here lets nobody in. */
  readonly authorizers?: readonly ExternalAuthorizer[];
  /** Which tokens requests may bring; undefined where no policy says anything of them. */
  readonly tokenRules?: readonly JwtRule[];
  /** As in DestinationResource. */
  readonly pathNormalization?: PathNormalization;
  /** In a pod that is meant to end: its containers that have ended, so that the proxy ends with them (see ExitWithApp). */
  readonly ended?: readonly EndedContainer[];
  /** What the proxy tells of the workload's traffic in both directions; undefined where nobody said anything about it. */
  readonly telemetry?: TelemetrySettings;
}

/** What a name is to who asks for it by DNS, absolute as a resolver asks. */
export interface NameResource {
  readonly kind: 'name';
  /** nameKey */
  readonly key: string;
  /** Whether the mesh knows it. What it does not know is for other servers of names to answer. */
  readonly found: boolean;
  /** Fully qualified, as destinations have it: what a virtual address of the asker's own would stand for. */
  readonly host: string;
  /** Virtual addresses of a Service, those that are written of an external one, of a headless one its ready pods'. */
  readonly addresses: readonly string[];
  /** Whether the addresses are those of endpoints, which come and go and which nobody balances. */
  readonly direct?: boolean;
  /** The name that this one is another for (ExternalName); in place of addresses. */
  readonly alias?: string;
}

/** Whom to trust. */
export interface TrustResource {
  readonly kind: 'trust';
  /** The trust domain. */
  readonly key: string;
  /** PEM certificates of every root that is good now. */
  readonly roots: readonly string[];
  /** Where Services have their virtual addresses, as `10.96.4.0/24`: no proxy may take one for an address outside of the mesh. */
  readonly serviceRanges?: readonly string[];
  /**
   * The root that certificates are issued under now, by fingerprint (see fingerprintOf). A proxy whose certificate leads to
   * another one renews it soon, so that a rotation ends in minutes and not when the last certificate has run out.
   */
  readonly issuerRoot?: string;
  /** Other names of the trust domain: `spiffe://ALIAS/ns/x/sa/y` is the same workload as that of the trust domain itself. */
  readonly aliases?: readonly string[];
  /** Trust domains whose workloads may connect beside our own. */
  readonly federated?: readonly FederatedRoots[];
  /** Who is let in no more, at once, on open connections too. */
  readonly revoked?: readonly Revocation[];
}

/** Who vouches for a trust domain that is not ours, and for no other. */
export interface FederatedRoots {
  readonly trustDomain: string;
  /** PEM; each may hold several certificates. None: not known now; whoever knew some keeps them. */
  readonly roots: readonly string[];
}

/** An identity or one certificate that nobody is to talk to any more. Exactly one of the first two is there. */
export interface Revocation {
  /** A SPIFFE id of our layout. */
  readonly principal?: string;
  /** Of a certificate, uppercase hexadecimal. */
  readonly serial?: string;
  /** What the operator wrote; for logs and answers to whoever asks why. */
  readonly why?: string;
}
