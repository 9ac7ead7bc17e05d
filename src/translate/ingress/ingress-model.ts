// What Ingress objects say, read and not yet joined: one object's word holds for the paths of its rules, and what a host answers
// in the end follows from all objects that speak of it (hosts.ts).
import type {
  ClientCertificates,
  ClientValidation,
  CorsPolicy,
  EdgePolicy,
  HeaderEdits,
  HttpsRedirect,
  ListenerTls,
  ObjectRef,
  PathRewrite,
  Problem,
  RequestMatch,
  RetryPolicy,
  RouteTarget,
  RuleMirror,
  StickySession,
  TrafficPolicy,
} from '../../model/index.ts';
import type { IngressDialectName, IngressWords } from './ingress-dialect.ts';
import type { SnippetRules } from './snippet-rules.ts';

/** Fields of headers, by their names in small letters. */
export type FieldPairs = readonly (readonly [name: string, value: string])[];

/** A ConfigMap whose keys are names of fields of headers. */
export interface ReadFields {
  /** `namespace/name`. */
  readonly ref: string;
  readonly fields: FieldPairs;
  /** Why it can be none; then it has no fields. */
  readonly wrong?: string;
  readonly from: ObjectRef;
}

/** One Ingress. */
export interface ReadIngress {
  readonly namespace: string;
  readonly name: string;
  /** '' where it names none: then the default class's. */
  readonly className: string;
  readonly rules: readonly IngressRule[];
  /** For requests that no rule of any Ingress takes. */
  readonly defaultBackend?: RouteTarget;
  readonly tls: readonly {
    readonly hosts: readonly string[];
    readonly secret?: string;
    readonly path: string;
  }[];
  /** As ingress-nginx's defaults have it; with others they are read anew. */
  readonly settings: IngressSettings;
  /** What is wrong with annotations of ingress-nginx: it counts for classes of that dialect alone. */
  readonly problems: readonly Problem[];
  /** Classes of this dialect alone have it, and without a name the oldest of them (objects of that dialect's own kinds). */
  readonly dialect?: IngressDialectName;
  /** Whether routes of it may name objects of other namespaces, as its class says. */
  readonly crossNamespace?: true;
  /** What it says in the dialect of its class where that is another one, once the class is known. */
  readonly words?: IngressWords;
  readonly annotations: Readonly<Record<string, string>>;
  /** What the ConfigMaps hold that its annotations name, once known: see responseFieldsFrom and questionFieldsFrom. */
  readonly fields?: { readonly response?: FieldPairs; readonly question?: FieldPairs };
  /** It was refused, and nothing of it ever held: its paths answer 503. */
  readonly refused?: true;
  readonly from: ObjectRef;
  /** RFC 3339; '' when not known. */
  readonly createdAt: string;
}

/** Paths of one host. */
export interface IngressRule {
  /** Lower case; '' for every host. */
  readonly host: string;
  readonly paths: readonly IngressPath[];
}

/** One path. ImplementationSpecific is `prefix`, as in ingress-nginx. */
export interface IngressPath {
  readonly path: string;
  readonly type: 'exact' | 'prefix';
  /** ImplementationSpecific, for dialects where that is something else than a prefix of whole segments. */
  readonly loose?: true;
  readonly target: RouteTarget;
  /** Inside the object: `spec.rules[0].http.paths[1]`. */
  readonly at: string;
  /** Of a router with a rule of its own (Traefik's IngressRoute), in place of path, type and target. */
  readonly route?: RoutePath;
}

/** A router whose rule says more than a path. */
export interface RoutePath {
  /** One of them holds; empty for every request. */
  readonly matches: readonly RequestMatch[];
  /** The rule as it was written. */
  readonly rule: string;
  readonly priority: number;
  readonly scheme?: 'http' | 'https';
  /** Keys of its Middlewares, in the order in which they are asked. */
  readonly middlewares: readonly string[];
  readonly backends: readonly RouteBackend[];
  /** TLS of its hosts goes to the backend unread. */
  readonly passed?: true;
  /** The key of what it asks of TLS. */
  readonly tlsOptions?: string;
  /** What its backends come to, once all are known; none where one of them is not there. */
  readonly shares?: readonly RouteBackend[];
}

/** A backend, with its weight and how it is spoken to. */
export interface RouteBackend {
  readonly target: RouteTarget;
  /** In place of the target: the key of an object that says more (a TraefikService). */
  readonly service?: string;
  /** Where it is. */
  readonly namespace: string;
  readonly traffic: Omit<Partial<TrafficPolicy>, 'host' | 'from'>;
  readonly session?: NonNullable<IngressSettings['session']>;
  readonly at: string;
}

/** What the annotations of one Ingress say. */
export interface IngressSettings {
  readonly sslRedirect?: boolean;
  readonly forceSslRedirect?: boolean;
  readonly usePortInRedirects?: boolean;
  /** In place of IngressDefaults.redirectStatus, and of port 443. */
  readonly httpsRedirect?: HttpsRedirect;
  readonly appRoot?: string;
  /** Every request goes there. Operators of values of fields stand in it. */
  readonly redirect?: { readonly status: number; readonly location: string };
  readonly fromToWww?: boolean;
  /** TLS of the host goes to the backend of `/` unread. */
  readonly sslPassthrough?: boolean;
  /** Of the whole host. `secret`: with the authorities. */
  readonly clientCertificates?: { readonly rule: ClientCertificates; readonly secret: string };
  /** What connections by TLS must be like, of the whole host. */
  readonly tls?: Pick<ListenerTls, 'minVersion' | 'maxVersion' | 'ciphers' | 'alpn'> & {
    readonly clients?: ClientValidation;
  };
  /** OpenSSL's names, for TLS 1.2; of the whole host. */
  readonly ciphers?: readonly string[];
  readonly rewriteTarget?: string;
  /** Which requests the path is for, in Traefik's words. */
  readonly route?: {
    readonly scheme?: 'http' | 'https';
    readonly priority?: number;
    readonly matcher?: 'PathPrefix' | 'Path' | 'PathRegexp';
  };
  /** What the path becomes, in dialects beside ingress-nginx's. */
  readonly path?: PathRewrite;
  readonly useRegex?: boolean;
  readonly serverAliases?: readonly string[];
  readonly host?: string;
  readonly canary?: Canary;
  /** Without what follows from the host: hsts, toHttps. */
  readonly edge: EdgePolicy;
  readonly idleTimeoutMs?: number;
  readonly retry: Partial<RetryPolicy>;
  readonly cors?: CorsPolicy;
  readonly session?: Omit<StickySession, 'path'> & { readonly path?: string };
  readonly requestHeaders?: HeaderEdits;
  readonly responseHeaders?: HeaderEdits;
  /** ConfigMap with fields of its answers (custom-headers), `namespace/name`. */
  readonly responseFieldsFrom?: string;
  readonly responseFields?: FieldPairs;
  /** The same of fields of the question of auth-url (auth-proxy-set-headers). */
  readonly questionFieldsFrom?: string;
  readonly mirrors?: readonly RuleMirror[];
  readonly snippet?: SnippetRules;
  readonly serverSnippet?: SnippetRules;
  /** Of the backends, at this edge. */
  readonly traffic: Omit<Partial<TrafficPolicy>, 'host' | 'from'>;
}

/** Which requests a canary takes of the Ingress that it stands beside. */
export interface Canary {
  readonly weight: number;
  readonly weightTotal: number;
  /** Whether it shares the sessions of the other Ingress; otherwise its clients have none (affinity-canary-behavior: legacy). */
  readonly isSticky: boolean;
  readonly header?: { readonly name: string; readonly value?: string; readonly pattern?: string };
  readonly cookie?: string;
}

/** An IngressClass. */
export interface ReadIngressClass {
  readonly name: string;
  /** Whether Weft carries it out. */
  readonly isOurs: boolean;
  readonly isDefault: boolean;
  /** Whose annotations its Ingresses speak in. */
  readonly dialect: IngressDialectName;
  /** `namespace/name` of the gateway that its Ingresses are served by. */
  readonly gateway: string;
  readonly ports: { readonly http: number; readonly https: number };
  /** Whether IngressRoutes may name Services and Middlewares of other namespaces (Traefik's allowCrossNamespace). */
  readonly crossNamespace?: true;
  /** What statuses of its Ingresses say; see ServedIngress. */
  readonly stated?: readonly string[];
  readonly service: string;
  /** `namespace/name` of the Secret for hosts of spec.tls without one. */
  readonly defaultCertificate?: string;
  readonly from: ObjectRef;
  readonly createdAt: string;
}

/** What holds for every Ingress that does not say otherwise: ingress-nginx's ConfigMap. */
export interface IngressDefaults {
  readonly sslRedirect: boolean;
  readonly forceSslRedirect: boolean;
  readonly redirectStatus: number;
  readonly usePortInRedirects: boolean;
  readonly hsts: EdgePolicy['hsts'] | undefined;
  readonly maxBodyBytes: number;
  readonly idleTimeoutMs: number;
  readonly connectTimeoutMs: number;
  readonly limitStatus: number;
  readonly limitConnectionsStatus: number;
  /** KiB per second of an answer, 0 for all that its client takes; and KiB before that counts. */
  readonly answerRate: number;
  readonly answerRateAfter: number;
  readonly allowRanges: readonly string[];
  readonly denyRanges: readonly string[];
  readonly compression: EdgePolicy['compression'] | undefined;
  readonly snippets: boolean;
  /** Annotations that hold where an Ingress has none of the name: keys of the ConfigMap that are called as they are. */
  readonly annotations: Readonly<Record<string, string>>;
  /** Paths that begin so are not redirected to https (no-tls-redirect-locations), and need no login (no-auth-locations). */
  readonly plainLocations: readonly string[];
  readonly openLocations: readonly string[];
  /** ConfigMaps with fields of all answers (add-headers) and of all requests (proxy-set-headers); `namespace/name`. */
  readonly responseFieldsFrom: string | undefined;
  readonly requestFieldsFrom: string | undefined;
  /** What they hold, once they are known. Values of requests have operators in them. */
  readonly responseFields: FieldPairs;
  readonly requestFields: FieldPairs;
  /** What custom-headers of Ingresses may have, in small letters. */
  readonly allowedFields: readonly string[];
  /** Who is asked about requests of every Ingress that does not say who is. */
  readonly globalAuth: EdgePolicy['authRequest'] | undefined;
}

/** ingress-nginx's own defaults. Snippets are read by a grammar here and cannot do harm, so that they need not be allowed. */
export const INGRESS_DEFAULTS: IngressDefaults = {
  sslRedirect: true,
  forceSslRedirect: false,
  redirectStatus: 308,
  usePortInRedirects: false,
  hsts: { maxAgeSeconds: 31_536_000, includeSubdomains: true, preload: false },
  maxBodyBytes: 1024 ** 2,
  idleTimeoutMs: 60_000,
  connectTimeoutMs: 5_000,
  limitStatus: 503,
  limitConnectionsStatus: 503,
  answerRate: 0,
  answerRateAfter: 0,
  allowRanges: [],
  denyRanges: [],
  compression: undefined,
  snippets: true,
  annotations: {},
  plainLocations: ['/.well-known/acme-challenge'],
  openLocations: ['/.well-known/acme-challenge'],
  responseFieldsFrom: undefined,
  requestFieldsFrom: undefined,
  responseFields: [],
  requestFields: [],
  allowedFields: [],
  globalAuth: undefined,
};
