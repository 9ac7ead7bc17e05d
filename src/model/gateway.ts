// Gateways: ways into the mesh for those outside of it. A gateway has listeners; tables of routes attach themselves to it (see
// RouteTable.attachment), and what its proxies are told follows from both in resolve/.
import type { IssuedCertificate } from './certificate-issuer.ts';
import type { LabelSelector, Labels } from './labels.ts';
import type { ObjectRef } from './object-ref.ts';
import type { Problem } from './problem.ts';

/** What a listener speaks with its clients. `https` and `tls` have GatewayListener.tls. */
export const LISTENER_PROTOCOLS = ['http', 'https', 'tls', 'tcp', 'udp'] as const;

/** One of LISTENER_PROTOCOLS. */
export type ListenerProtocol = (typeof LISTENER_PROTOCOLS)[number];

/** The kinds of routes that a listener may let attach themselves. */
export type AttachedKind = 'http' | 'grpc' | 'tls' | 'tcp' | 'udp';

/** Kinds of routes that fit a listener where nobody says which. */
export function kindsOf(protocol: ListenerProtocol, mode: ListenerTls['mode'] | undefined): AttachedKind[] {
  switch (protocol) {
    case 'http':
    case 'https':
      return ['http', 'grpc'];
    case 'tls':
      return mode === 'passthrough' ? ['tls'] : ['tls', 'tcp'];
    default:
      return [protocol];
  }
}

/**
 * Some of the listeners of one gateway. Several objects may speak of one gateway (a Gateway and its ListenerSets, every Ingress
 * of a class): their listeners are joined, the oldest first, and of two of one port, protocol and hostname the first counts.
 */
export interface Gateway {
  readonly namespace: string;
  readonly name: string;
  /**
   * Whose proxies serve it, and learn of its keys: those that name it and run in this namespace; the gateway's own unless told.
   */
  readonly servedFrom?: string;
  /** The GatewayClass that it is of; see isOurs. Undefined: nobody else could serve it. */
  readonly className?: string;
  /**
   * References to Secrets and ConfigMaps of other namespaces need the consent of these (CredentialGrant), as one of this kind;
   * undefined: whoever made the object may name them.
   */
  readonly needsGrant?: { readonly group: string; readonly kind: string };
  readonly listeners: readonly GatewayListener[];
  /** Of a ListenerSet: the gateway that its listeners are to be joined to, where that lets it. */
  readonly parent?: { readonly namespace: string; readonly name: string };
  /** Whose ListenerSets are let in; undefined for nobody's. */
  readonly allowedSets?: AllowedRoutes['namespaces'];
  /** What clients of listeners of ListenerSets must show: its own listeners have it in their TLS. */
  readonly frontend?: FrontendValidation;
  /** The same of their options. */
  readonly options?: ListenerOptions;
  /** What its proxies show upstreams that ask for a certificate, where they speak TLS with them. */
  readonly clientCertificate?: CredentialRef;
  /** The same for single upstreams, as policies of the gateway say it (OriginatedTls.credential). */
  readonly shows?: readonly CredentialRef[];
  /** What its proxies, and what stands in front of them, are to be like; undefined where the object says nothing of it. */
  readonly infrastructure?: GatewayInfrastructure;
  /** Its proxies are deployed by hand, so that nobody knows on which ports they listen. */
  readonly byHand?: true;
  /** Addresses that it asks for (spec.addresses); undefined: any. */
  readonly addresses?: readonly RequestedAddress[];
  /** What is wrong with the object, for its author, where the gateway is ours. */
  readonly problems?: readonly Problem[];
  readonly from: ObjectRef;
}

/** Gateway API's spec.infrastructure. */
export interface GatewayInfrastructure {
  /** For every object that is made for the gateway. */
  readonly labels?: Labels;
  readonly annotations?: Labels;
  readonly parameters?: ParametersRef;
}

/** `none` on a Gateway: its proxies are deployed by hand. */
export const DEPLOY_ANNOTATION = 'weft.dev/deploy';

/** Where proxies of gateways listen. */
export interface GatewayPorts {
  /** Added to the port of every listener. */
  readonly offset: number;
  /** TCP ports that they have for themselves. */
  readonly taken: readonly number[];
}

/** Where settings of a gateway's proxies are. */
export interface ParametersRef {
  readonly group: string;
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
}

/** The key of a ConfigMap that ParametersRef names. */
export const GATEWAY_SETTINGS_KEY = 'gateway.yaml';

/** An address that a gateway is to have. */
export interface RequestedAddress {
  /** `IPAddress`, `Hostname`, or what some implementation calls its own. */
  readonly type: string;
  /** Undefined: any of this type. */
  readonly value?: string;
}

/** Which certificates clients must show, by port. */
export interface FrontendValidation {
  /** Null: none is asked for at this port. */
  readonly byPort: Readonly<Record<number, ClientValidation | null>>;
  readonly otherwise?: ClientValidation;
}

/** What holds for a port; undefined where clients are asked for nothing. */
export function validationAt(
  { byPort, otherwise }: FrontendValidation,
  port: number,
): ClientValidation | undefined {
  const own = byPort[port];
  return own === undefined ? otherwise : (own ?? undefined);
}

/** The gateway's name, `namespace/name`: of a ListenerSet its parent's. */
export function gatewayName({
  namespace,
  name,
  parent,
}: Pick<Gateway, 'namespace' | 'name' | 'parent'>): string {
  return parent === undefined ? `${namespace}/${name}` : `${parent.namespace}/${parent.name}`;
}

/** What routes name as their parent: GatewayAttachment.gateway. No gateway is called as a ListenerSet is here. */
export function parentKey({
  namespace,
  name,
  parent,
}: Pick<Gateway, 'namespace' | 'name' | 'parent'>): string {
  return parent === undefined ? `${namespace}/${name}` : listenerSetKey(namespace, name);
}

/** The same of a ListenerSet by its own name. */
export function listenerSetKey(namespace: string, name: string): string {
  return `${namespace}/listener-set:${name}`;
}

/** That a gateway is served by proxies with certain labels, whatever they are called (Istio's Gateway). */
export interface SelectedGateway {
  /** `namespace/name`, as Gateway has them. */
  readonly gateway: string;
  /** Empty: every gateway's. */
  readonly selector: Labels;
  readonly from: ObjectRef;
}

/** Where a ListenerSet belongs. */
export interface ListenerSet {
  /** listenerSetKey */
  readonly key: string;
  /** The Gateway's `namespace/name`. */
  readonly gateway: string;
  readonly from: ObjectRef;
}

/** A Secret, or a ConfigMap, that holds certificates, keys or logins. */
export interface CredentialRef {
  readonly kind: 'Secret' | 'ConfigMap';
  readonly namespace: string;
  readonly name: string;
}

/** A class of Gateways, and whose it is. */
export interface GatewayClass {
  readonly name: string;
  readonly controller: string;
  /** Defaults for proxies of its Gateways. */
  readonly parameters?: ParametersRef;
  readonly from: ObjectRef;
}

/** GatewayClass.controller of the classes that are ours. */
export const GATEWAY_CONTROLLER = 'weft.dev/gateway-controller';
/** The class of ours that needs no object, for who has no cluster. */
export const GATEWAY_CLASS = 'weft';
/** By this label pods, Service and ServiceAccount of a gateway are found (gateway-api.sigs.k8s.io/geps/gep-1762). */
export const GATEWAY_NAME_LABEL = 'gateway.networking.k8s.io/gateway-name';

/** Label of whatever Weft puts into a cluster. */
export const PART_OF = { 'app.kubernetes.io/part-of': 'weft' } as const;

/** Whether Gateways of this class are ours. `classes`: those of this name. */
export function isOurs(className: string | undefined, classes: readonly GatewayClass[]): boolean {
  if (className === undefined) return true;
  if (classes.length === 0) return className === GATEWAY_CLASS;
  return classes[0]!.controller === GATEWAY_CONTROLLER;
}

/** spec.controller of the IngressClasses that are ours. */
export const INGRESS_CONTROLLER = 'weft.dev/ingress-controller';
/** How annotations of HAProxy's ingress controller begin, on Ingresses and Services; of several for one name the first counts. */
export const HAPROXY_PREFIXES = ['haproxy.org/', 'haproxy.com/', 'ingress.kubernetes.io/'] as const;

const haproxyNames = (names: readonly string[]): readonly string[] =>
  HAPROXY_PREFIXES.flatMap(prefix => names.map(each => prefix + each));

/** Annotations of Ingresses that name Secrets of their namespace. */
export const INGRESS_SECRETS: readonly string[] = [
  ...['auth-secret', 'auth-tls-secret', 'proxy-ssl-secret'].map(
    each => `nginx.ingress.kubernetes.io/${each}`,
  ),
  ...haproxyNames(['auth-secret', 'server-ca', 'server-crt']),
];
/** Annotations of Services that do. */
export const BACKEND_SECRETS: readonly string[] = haproxyNames(['server-ca', 'server-crt']);

/** An Ingress (networking.k8s.io) that a gateway of ours serves, and where its status says that clients find it. */
export interface ServedIngress {
  readonly namespace: string;
  readonly name: string;
  /** `namespace/name`. */
  readonly gateway: string;
  /** Addresses and names that are told as they stand; undefined: those of the Service. */
  readonly stated?: readonly string[];
  /** `namespace/name` of the Service in front of the proxies. */
  readonly service: string;
  readonly from: ObjectRef;
}

/** Consent of a namespace that objects of others name its Secrets or ConfigMaps (Gateway API's ReferenceGrant). */
export interface CredentialGrant {
  readonly namespace: string;
  readonly trusts: readonly { readonly group: string; readonly kind: string; readonly namespace: string }[];
  readonly kind: CredentialRef['kind'];
  /** Undefined for all. */
  readonly name?: string;
  readonly from: ObjectRef;
}

/** Whether what `gateway` says may name the credential. `grants`: those of the credential's namespace. */
export function mayName(
  { namespace, needsGrant }: Pick<Gateway, 'namespace' | 'needsGrant'>,
  ref: CredentialRef,
  grants: readonly CredentialGrant[],
): boolean {
  if (needsGrant === undefined || ref.namespace === namespace) return true;
  const { group, kind } = needsGrant;
  return grants.some(
    each =>
      each.kind === ref.kind &&
      (each.name === undefined || each.name === ref.name) &&
      each.trusts.some(who => who.group === group && who.kind === kind && who.namespace === namespace),
  );
}

/** How CredentialRefs and Credentials are known: `Secret shop/tls`. */
export function credentialKey({ kind, namespace, name }: CredentialRef): string {
  return `${kind} ${namespace}/${name}`;
}

/** What a Secret or ConfigMap holds, as text; only what gateways have a use for: `tls.crt`, `tls.key`, `ca.crt`, `auth`, … */
export interface Credential extends CredentialRef {
  /** `kubernetes.io/tls` and the like; '' for none. */
  readonly type: string;
  readonly data: Readonly<Record<string, string>>;
  /** Of a certificate that an issuer is asked for: why the last attempt failed, and when there will be another one. */
  readonly failure?: string;
  readonly from: ObjectRef;
}

/** Where a gateway takes connections, and what it takes them for. */
export interface GatewayListener {
  /** Unique within its gateway; what routes name (sectionName). */
  readonly name: string;
  readonly port: number;
  /** Addresses to listen on; undefined for all. */
  readonly addresses?: readonly string[];
  readonly protocol: ListenerProtocol;
  /** `www.example.com` or `*.example.com`, lower case; undefined for all. */
  readonly hostname?: string;
  /** For `https` and `tls`. */
  readonly tls?: ListenerTls;
  readonly options?: ListenerOptions;
  /** Which routes may attach themselves; undefined: those of the gateway's own namespace, of every kind that fits. */
  readonly allowed?: AllowedRoutes;
  /** Path inside the object, for problems and statuses: `spec.listeners[0]`. */
  readonly path: string;
}

/** Whose routes may attach themselves. */
export interface AllowedRoutes {
  readonly namespaces: 'all' | 'same' | LabelSelector;
  /** Undefined: all that fit the protocol. */
  readonly kinds?: readonly AttachedKind[];
}

/** How TLS is ended at a listener, or passed on. */
export interface ListenerTls {
  readonly mode: 'terminate' | 'passthrough';
  /** Chosen by server name among the names that each is for; the first for who asks for none of them, or for none at all. */
  readonly certificates: readonly CredentialRef[];
  /** Beside them, files of the proxy; they come last. */
  readonly files?: { readonly certificate: string; readonly privateKey: string };
  /** `mesh`: the proxy's own certificate in place of all others, for clients that prove to be of the mesh. */
  readonly identity?: 'mesh';
  /** Those of them that an issuer is asked for. */
  readonly issued?: readonly IssuedCertificate[];
  /** TLSv1.2 unless told. */
  readonly minVersion?: TlsVersion;
  readonly maxVersion?: TlsVersion;
  /** OpenSSL's names, for TLS 1.2. */
  readonly ciphers?: readonly string[];
  /** What is offered by ALPN, the dearest first; h2 and http/1.1 unless told. */
  readonly alpn?: readonly ('h2' | 'http/1.1')[];
  /** Whether sessions are resumed by tickets, where no certificate of clients is asked for; true unless told. */
  readonly tickets?: boolean;
  /** Certificates of clients; undefined: they are not asked for one. */
  readonly clients?: ClientValidation;
  /** Of the clients that have shown a good certificate, those that are let in; undefined: all. */
  readonly admitted?: AdmittedClients;
}

/** By their certificates: whoever has one of `names`, where there are any, and one of the digests, where there are any. */
export interface AdmittedClients {
  /** Alternative names, of any sort; with ListenerTls.identity `mesh` SPIFFE ids. */
  readonly names?: readonly string[];
  /** SHA-256 of the public key (SubjectPublicKeyInfo), in base64. */
  readonly publicKeys?: readonly string[];
  /** SHA-256 of the certificate, in hexadecimal: lower case, no colons. */
  readonly certificates?: readonly string[];
}

export type TlsVersion = 'TLSv1.2' | 'TLSv1.3';

/** Which certificates clients must show. */
export interface ClientValidation {
  /**
   * `require`: without a good one no connection. `optional`: none is good, a bad one is not. `insecure`: everybody is let in
   * (Gateway API's AllowInsecureFallback).
   */
  readonly mode: 'require' | 'optional' | 'insecure';
  /** Of the authorities (`ca.crt`). */
  readonly authorities: readonly CredentialRef[];
  /** In their place, a file of the proxy. */
  readonly authoritiesFile?: string;
}

/** What else a listener does with its connections. What is undefined keeps the proxy's default. */
export interface ListenerOptions {
  /** Connections begin with a PROXY header (v1 or v2): must, or may. Only from `trusted.ranges`, where those are given. */
  readonly proxyProtocol?: 'require' | 'accept';
  /** Whose word on where a request comes from is believed; undefined: nobody's, and what clients say of it is removed. */
  readonly trusted?: TrustedHops;
  /** For a whole head, from its first byte on; nginx's client_header_timeout. */
  readonly headTimeoutMs?: number;
  /** For a connection without a request. */
  readonly idleTimeoutMs?: number;
  /** For a TLS handshake. */
  readonly handshakeTimeoutMs?: number;
  /** Of the fields together, and of the target. */
  readonly maxHeadBytes?: number;
  /** Fields in a head. */
  readonly maxFields?: number;
  /** Requests of one connection of HTTP/2 at once. */
  readonly maxStreams?: number;
  /** Requests that one connection carries before its client is asked to connect anew; 0 for no end. */
  readonly maxRequestsPerConnection?: number;
  /** Connections at once, in each core; those beyond wait in the kernel. 0 for no bound. */
  readonly maxConnections?: number;
  /** Whether HTTP/2 is spoken: over TLS by ALPN, in clear by its preface. True unless told. */
  readonly http2?: boolean;
  /**
   * `keep`: `%2F` and `%5C` in paths are no slashes, whatever upstreams take them for. Otherwise a request is refused (400) which
   * another route, or another word of a policy, would be for if they were.
   */
  readonly escapedSlashes?: 'keep';
}

/** How the address of the client behind other proxies is found. */
export interface TrustedHops {
  /** Proxies in front whose entry in X-Forwarded-For is believed, counted from the right (Envoy's xff_num_trusted_hops). */
  readonly hops?: number;
  /** Instead of a number: addresses that are believed, as `10.0.0.0/8` (nginx's set_real_ip_from, recursive). */
  readonly ranges?: readonly string[];
  /** `x-forwarded-for` unless told; lower case. */
  readonly header?: string;
}

/** To which gateway a table of routes is attached, and to which of its listeners. */
export interface GatewayAttachment {
  /** `namespace/name` */
  readonly gateway: string;
  /** GatewayListener.name; undefined for every listener. */
  readonly section?: string;
  /** Only listeners of this port. */
  readonly port?: number;
  /** A host pattern of the route, lower case: `www.example.com`, `*.example.com`, or `*` for all that the listener has. */
  readonly host: string;
  readonly kind: AttachedKind;
}

/** RouteTable.host of a table that is attached to a gateway: no name of DNS looks like it. */
export function attachedHost({ gateway, host }: Pick<GatewayAttachment, 'gateway' | 'host'>): string {
  return `${gateway}|${host}`;
}

/** That a route has something to say of a host at a gateway. Which hosts a gateway knows follows from these. */
export interface GatewayHost extends GatewayAttachment {
  /** The route's own. */
  readonly namespace: string;
  readonly from: ObjectRef;
}

/** What of two host patterns both mean; undefined where that is nothing. `*.` stands for one label or more. */
export function commonHost(left: string, right: string): string | undefined {
  if (left === '*' || left === right) return right;
  if (right === '*') return left;
  if (coversHost(left, right)) return right;
  return coversHost(right, left) ? left : undefined;
}

/** Whether every host of `narrow` is one of `wide`; both may be patterns. `*.a.b` covers `x.a.b` and `*.x.a.b`, not `a.b`. */
export function coversHost(wide: string, narrow: string): boolean {
  if (wide === '*' || wide === narrow) return true;
  return wide.startsWith('*.') && narrow.endsWith(wide.slice(1)) && narrow.length > wide.length - 1;
}
