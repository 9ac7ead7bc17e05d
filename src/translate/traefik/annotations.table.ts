// Traefik's annotations (github.com/traefik/traefik, the provider Kubernetes Ingress of v3.7) and the kinds of its Middlewares,
// as data. The rows of docs/policies/ingress-traefik.md are the same; a test compares the two.

/** How Traefik's annotations begin. */
export const TRAEFIK_PREFIX = 'traefik.ingress.kubernetes.io/';

/** As AnnotationSupport of ingress-nginx's. */
export type TraefikSupport = 'works' | 'needless' | 'differs' | 'refused';

export interface TraefikRow {
  /** Without prefix; `n` stands for a number. */
  readonly name: string;
  readonly support: TraefikSupport;
  readonly default: string;
  readonly words: string;
}

type Row = readonly [name: string, support: TraefikSupport, whenUnsaid: string, words: string];

const routers: readonly Row[] = [
  [
    'router.entrypoints',
    'works',
    'web,websecure',
    'web (or http): plain HTTP alone; websecure (or https): TLS alone; others are refused',
  ],
  [
    'router.middlewares',
    'works',
    '',
    'NAMESPACE-NAME@kubernetescrd of Middlewares, in the order in which they are asked',
  ],
  [
    'router.priority',
    'works',
    '0',
    'of two rules of a host the higher goes first; 0 for the length of the rule',
  ],
  [
    'router.pathmatcher',
    'works',
    'PathPrefix',
    'what paths of pathType ImplementationSpecific are: PathPrefix, Path or PathRegexp',
  ],
  ['router.tls', 'works', 'false', 'true: by TLS alone, with the certificate of spec.tls or of the class'],
  [
    'router.tls.certresolver',
    'differs',
    '',
    'name an issuer of certificates at the Ingress; see docs/acme.md',
  ],
  ['router.tls.domains.n.main', 'differs', '', 'certificates are for the hosts of spec.tls'],
  ['router.tls.domains.n.sans', 'differs', '', 'certificates are for the hosts of spec.tls'],
  ['router.tls.options', 'works', '', 'NAMESPACE-NAME@kubernetescrd of a TLSOption, for the whole host'],
  [
    'router.observability.accesslogs',
    'differs',
    'true',
    'say by a Telemetry object which requests are logged',
  ],
  ['router.observability.metrics', 'differs', 'true', 'say by a Telemetry object what is counted'],
  ['router.observability.tracing', 'differs', 'true', 'say by a Telemetry object which requests are traced'],
  ['router.rulesyntax', 'needless', '', 'rules of Ingresses are the same in both syntaxes'],
];

const services: readonly Row[] = [
  [
    'service.serversscheme',
    'works',
    'http',
    'http, https (the certificate is verified) or h2c; on the Service',
  ],
  ['service.passhostheader', 'works', 'true', 'false: the backend sees its own name as Host; on the Service'],
  ['service.sticky.cookie', 'works', 'false', 'a client stays with its endpoint by a cookie; on the Service'],
  ['service.sticky.cookie.name', 'works', '_weft', 'name of the cookie'],
  ['service.sticky.cookie.secure', 'works', 'false', 'Secure'],
  ['service.sticky.cookie.samesite', 'works', '', 'none, lax or strict'],
  ['service.sticky.cookie.maxage', 'works', '0', 'Max-Age in seconds; 0 for the session of the browser'],
  ['service.sticky.cookie.path', 'works', '/', 'Path'],
  ['service.sticky.cookie.domain', 'works', '', 'Domain'],
  ['service.sticky.cookie.httponly', 'needless', 'false', 'the cookie is always HttpOnly'],
  ['service.nativelb', 'needless', 'false', 'endpoints are balanced'],
  ['service.nodeportlb', 'needless', 'false', 'endpoints are balanced'],
  [
    'service.serverstransport',
    'refused',
    '',
    'ServersTransports are not read; write a BackendTLSPolicy (gateway.networking.k8s.io)',
  ],
];

const middlewares: readonly Row[] = [
  ['addPrefix', 'works', '', 'prefix'],
  [
    'stripPrefix',
    'works',
    '',
    'prefixes; what was taken away is told in X-Forwarded-Prefix, where there is one prefix and the path of the rule begins with it',
  ],
  ['stripPrefixRegex', 'works', '', 'regex'],
  ['replacePath', 'works', '', 'path; the old one is not told in X-Replaced-Path'],
  [
    'replacePathRegex',
    'works',
    '',
    'regex, replacement with $1 … $9; the old path is not told in X-Replaced-Path',
  ],
  [
    'redirectScheme',
    'works',
    '',
    'scheme https, port, permanent: GET with 301 or 302, others with 308 or 307; not below /.well-known/acme-challenge',
  ],
  [
    'headers',
    'works',
    '',
    'customRequestHeaders, customResponseHeaders, accessControl…, sts…, frameDeny and the like; see below',
  ],
  ['basicAuth', 'works', '', 'secret (lines of htpasswd under the key users or auth), realm, removeHeader'],
  [
    'forwardAuth',
    'works',
    '',
    'address, authResponseHeaders, authRequestHeaders; any answer but 2xx goes to the client as it is',
  ],
  [
    'rateLimit',
    'works',
    '',
    'average, period, burst, sourceCriterion; beyond it 429, and nothing is delayed',
  ],
  ['inFlightReq', 'works', '', 'amount, sourceCriterion; of the host as a whole unless told; beyond it 429'],
  [
    'ipAllowList',
    'works',
    '',
    'sourceRange, rejectStatusCode; whose X-Forwarded-For counts is said at the Gateway',
  ],
  ['ipWhiteList', 'works', '', 'the same, by its older name'],
  ['retry', 'works', '', 'attempts: connections that fail or break are tried again, where repeating is safe'],
  ['buffering', 'works', '', 'maxRequestBodyBytes: longer bodies are answered 413; all is streamed'],
  [
    'compress',
    'works',
    '',
    'encodings, minResponseBodyBytes, includedContentTypes; texts of all kinds unless told',
  ],
  ['errors', 'works', '', 'status, service, query with {status} and {url}'],
  ['chain', 'works', '', 'Middlewares, one after the other'],
  ['contentType', 'needless', '', 'the type of an answer is that of the backend'],
  ['circuitBreaker', 'differs', '', 'endpoints that fail are ejected; a DestinationRule says when'],
  ['grpcWeb', 'differs', '', 'gRPC-Web is not translated'],
  [
    'redirectRegex',
    'works',
    '',
    'regex, replacement with $1 and $name, in braces or not, permanent: the URL as a whole; GET with 301 or 302, others with 308 or 307',
  ],
  [
    'digestAuth',
    'refused',
    '',
    'MD5 of passwords is no protection; write basicAuth, and let clients come by https',
  ],
  [
    'passTLSClientCert',
    'refused',
    '',
    'say at the Gateway (spec.tls.frontend) that clients show certificates',
  ],
  ['plugin', 'refused', '', 'plugins of Traefik do not run in Weft'],
];

function rows(list: readonly Row[]): readonly TraefikRow[] {
  return list.map(([name, support, whenUnsaid, words]) => ({ name, support, default: whenUnsaid, words }));
}

/** Of Ingresses. */
export const TRAEFIK_ROUTERS = rows(routers);
/** Of Services. */
export const TRAEFIK_SERVICES = rows(services);
/** Fields of a Middleware's spec, of which it has one. */
export const TRAEFIK_MIDDLEWARES = rows(middlewares);

/** Names that people write and that Traefik has not, or has no more, with what to write instead. */
export const TRAEFIK_NEVER_EXISTED: ReadonlyMap<string, string> = new Map([
  ['rule-type', 'router.pathmatcher: it was of Traefik 1'],
  ['frontend-entry-points', 'router.entrypoints: it was of Traefik 1'],
  ['redirect-entry-point', 'a Middleware with redirectScheme: it was of Traefik 1'],
  ['redirect-regex', 'a Middleware with redirectScheme: it was of Traefik 1'],
  ['request-modifier', 'a Middleware with stripPrefix or replacePath: it was of Traefik 1'],
  ['rewrite-target', 'a Middleware with replacePathRegex: it was of Traefik 1'],
  ['auth-type', 'a Middleware with basicAuth: it was of Traefik 1'],
  ['auth-secret', 'a Middleware with basicAuth: it was of Traefik 1'],
  ['rate-limit', 'a Middleware with rateLimit: it was of Traefik 1'],
  ['whitelist-source-range', 'a Middleware with ipAllowList: it was of Traefik 1'],
  ['affinity', 'service.sticky.cookie on the Service: it was of Traefik 1'],
  ['preserve-host', 'service.passhostheader on the Service: it was of Traefik 1'],
  ['router.middleware', 'router.middlewares'],
  ['router.entrypoint', 'router.entrypoints'],
  ['router.rule', 'spec.rules: rules are those of the Ingress'],
]);
