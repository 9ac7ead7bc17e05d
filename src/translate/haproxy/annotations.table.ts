// The annotations of HAProxy's Kubernetes ingress controller (github.com/haproxytech/kubernetes-ingress,
// documentation/annotations.md of 3.2), as data. The rows of docs/policies/ingress-haproxy.md are the same; a test compares the
// two.

/** Where an annotation can be said; its ConfigMap has all of them as keys. What a Service says goes before its Ingress. */
export type HaproxyPlace = 'config' | 'ingress' | 'service';

/** As AnnotationSupport of ingress-nginx's. */
export type HaproxySupport = 'works' | 'needless' | 'differs' | 'refused';

export interface HaproxyRow {
  /** Without a prefix. */
  readonly name: string;
  readonly support: HaproxySupport;
  /** Beside the ConfigMap. */
  readonly places: readonly HaproxyPlace[];
  /** What holds where it is not said; '' for nothing. */
  readonly default: string;
  /** What it means; or why it has no effect. */
  readonly words: string;
}

type Row = readonly [name: string, whenUnsaid: string, words: string];

const onIngress: readonly Row[] = [
  [
    'ssl-redirect',
    '',
    'plain HTTP is redirected to https; where it is not said, for hosts of spec.tls; not below /.well-known/acme-challenge',
  ],
  ['ssl-redirect-code', '302', '301, 302, 303, 307 or 308'],
  [
    'ssl-redirect-port',
    '443',
    'the port that clients are sent to; HAProxy takes 8443 unless told, where nobody listens for clients',
  ],
  [
    'request-redirect',
    '',
    '[http://|https://]HOST[:PORT]: every request is sent there, with its path; http unless said',
  ],
  ['request-redirect-code', '302', '301, 302, 303, 307 or 308'],
  [
    'path-rewrite',
    '',
    'PATH, or REGEX PATH with \\1 … \\9, a line for each: a path that the regular expression fits becomes PATH as a whole',
  ],
  ['set-host', '', 'the Host that the backend sees'],
  [
    'request-set-header',
    '',
    'NAME VALUE, a line for each, for the backend; of formats %[src], %[method], %[path] and %[req.hdr(NAME)]',
  ],
  ['response-set-header', '', 'the same for the client'],
  ['allow-list', '', 'clients of other addresses are answered 403'],
  ['whitelist', '', 'the same, by its older name'],
  ['deny-list', '', 'clients of these addresses are answered 403'],
  ['blacklist', '', 'the same, by its older name'],
  ['auth-type', '', 'basic-auth'],
  [
    'auth-secret',
    '',
    'NAME or NAMESPACE/NAME of a Secret of its namespace, whose keys are users and whose values crypt(3) hashes of passwords',
  ],
  ['auth-realm', 'Protected Content', 'what browsers show; blanks become -'],
  ['cors-enable', 'false', 'answers cross-origin questions; preflights are answered by the gateway itself'],
  ['cors-allow-origin', '*', '* or a regular expression that the origin fits'],
  ['cors-allow-methods', '*', '* or methods'],
  ['cors-allow-headers', '*', '* or fields of requests'],
  ['cors-allow-credentials', 'false', 'with cookies'],
  ['cors-max-age', '5s', 'how long browsers remember'],
  ['cors-respond-to-options', 'false', 'preflights are answered by the gateway in any case'],
  [
    'rate-limit-requests',
    '',
    'so many requests of one client in each period, counted for each Ingress; more are refused',
  ],
  ['rate-limit-period', '1s', 'the period'],
  ['rate-limit-status-code', '403', 'what is answered beyond it'],
  ['rate-limit-whitelist', '', 'clients without a limit'],
];

const onService: readonly Row[] = [
  ['ssl-passthrough', 'false', 'TLS of the host goes to the backend of / unread, by server name'],
  [
    'load-balance',
    'roundrobin',
    'roundrobin, static-rr, leastconn, random, source, uri, url_param NAME, hdr(NAME)',
  ],
  ['timeout-server', '50s', 'nothing comes or goes for so long: 504'],
  ['server-ssl', 'false', 'TLS to the backend, whose certificate is not verified without server-ca'],
  [
    'server-ca',
    '',
    'Secret of its namespace with the authorities (ca.crt, or tls.crt where there is no tls.key) that the backend must be of, whatever its name',
  ],
  ['server-crt', '', 'Secret of its namespace with what the gateway shows to the backend (tls.crt, tls.key)'],
  ['server-proto', '', 'h2: the backend is spoken to in HTTP/2 without TLS'],
  ['forwarded-for', 'true', 'false: the backend is told no X-Forwarded-For'],
];

const onlyOnService: readonly Row[] = [
  [
    'cookie-persistence',
    '',
    'a client stays with its endpoint by a cookie of this name; a word on an Ingress has no effect, as in HAProxy',
  ],
  ['cookie-persistence-no-dynamic', '', 'the same'],
];

const inConfig: readonly Row[] = [['timeout-connect', '5s', 'for a connection to the backend']];

const needless: readonly Row[] = [
  ['check', 'true', 'Kubernetes probes pods; who fails requests is ejected'],
  ['check-http', '', 'Kubernetes probes pods: write it as readinessProbe'],
  ['check-interval', '', 'Kubernetes probes pods: write it as periodSeconds of the readinessProbe'],
  ['timeout-check', '', 'Kubernetes probes pods: write it as timeoutSeconds of the readinessProbe'],
  ['rate-limit-size', '100k', '65,536 clients are remembered'],
  ['scale-server-slots', '42', 'endpoints come and go without slots'],
  ['servers-increment', '', 'endpoints come and go without slots'],
  ['server-slots', '', 'endpoints come and go without slots'],
  ['standalone-backend', 'false', 'what an Ingress says never holds for others'],
  ['abortonclose', '', 'requests whose client has gone are ended'],
];

const needlessKeys: readonly Row[] = [
  ['nbthread', '', 'weft-proxy has --concurrency'],
  ['hard-stop-after', '30m', 'changes cut no connection'],
  ['clean-certs', 'true', 'certificates are not kept in files'],
  ['dontlognull', 'true', 'connections without a request are not logged'],
  ['http-connection-mode', 'http-keep-alive', 'connections are kept'],
  ['http-keep-alive', 'true', 'connections are kept'],
  ['http-server-close', 'false', 'connections are kept'],
  ['timeout-client', '50s', 'timeout-server holds for both directions'],
  ['timeout-tunnel', '1h', 'WebSockets stay as long as both sides want'],
  ['timeout-client-fin', '', 'half-closed connections have a limit of their own'],
  ['timeout-server-fin', '', 'half-closed connections have a limit of their own'],
];

const differs: readonly Row[] = [
  [
    'pod-maxconn',
    '',
    'requests beyond it do not wait; write connectionPool in a DestinationRule for a bound on the whole Service',
  ],
  ['request-capture', '', 'say by a Telemetry object what is logged; see docs/telemetry.md'],
  ['request-capture-len', '128', 'say by a Telemetry object what is logged; see docs/telemetry.md'],
];

const differsKeys: readonly Row[] = [
  ['log-format', '', 'say it by a Telemetry object (docs/telemetry.md)'],
  ['log-format-tcp', '', 'say it by a Telemetry object (docs/telemetry.md)'],
  ['logasap', 'false', 'requests are logged when they are over'],
  ['syslog-server', '', 'logs go to the standard output'],
  ['maxconn', '', 'say it at the gateway: see docs/gateway.md'],
  ['proxy-protocol', '', 'say it at the Gateway: weft.dev/proxy-protocol, weft.dev/trusted-ranges'],
  ['ssl-certificate', '', 'say it at the IngressClass: weft.dev/default-certificate'],
  ['timeout-http-request', '5s', 'the gateway has a limit of its own for heads of requests'],
  ['timeout-http-keep-alive', '1m', 'the gateway has a limit of its own for quiet connections'],
  ['timeout-queue', '5s', 'requests do not wait for room'],
  ['tls-alpn', 'h2,http/1.1', 'HTTP/2 and HTTP/1.1 are offered'],
  ['quic-alt-svc-max-age', '60', 'there is no HTTP/3'],
  [
    'client-strict-sni',
    'false',
    'names without a certificate get the default one of the class, if it has one',
  ],
  ['generate-certificates-signer', '', 'certificates are not made on the way; see docs/acme.md'],
];

const refused: readonly Row[] = [
  [
    'src-ip-header',
    '',
    'say it at the Gateway: weft.dev/client-address-header, with weft.dev/trusted-ranges',
  ],
  ['backend-config-snippet', '', 'text of HAProxy; say what it is for by the other annotations'],
];

const refusedBackend: readonly Row[] = [
  [
    'send-proxy-protocol',
    '',
    'connections to backends begin without a PROXY header; take it off the backend',
  ],
];

const refusedRoutes: readonly Row[] = [
  ['route-acl', '', 'text of HAProxy; write an HTTPRoute (gateway.networking.k8s.io) with matches'],
];

const refusedKeys: readonly Row[] = [
  ['client-ca', '', 'say it at the Gateway: spec.tls.frontend'],
  ['client-crt-optional', 'false', 'say it at the Gateway: spec.tls.frontend'],
  ['global-config-snippet', '', 'text of HAProxy'],
  ['frontend-config-snippet', '', 'text of HAProxy'],
  ['stats-config-snippet', '', 'text of HAProxy'],
];

function rows(
  support: HaproxySupport,
  places: readonly HaproxyPlace[],
  list: readonly Row[],
): readonly HaproxyRow[] {
  return list.map(([name, whenUnsaid, words]) => ({ name, support, places, default: whenUnsaid, words }));
}

const both = ['ingress', 'service'] as const;

/** Every annotation, and every key of the ConfigMap. */
export const HAPROXY_ANNOTATIONS: readonly HaproxyRow[] = [
  ...rows('works', ['ingress'], onIngress),
  ...rows('works', both, onService),
  ...rows('works', ['service'], onlyOnService),
  ...rows('works', [], inConfig),
  ...rows('needless', both, needless),
  ...rows('needless', [], needlessKeys),
  ...rows('differs', both, differs),
  ...rows('differs', [], differsKeys),
  ...rows('refused', both, [...refused, ...refusedBackend]),
  ...rows('refused', ['service'], refusedRoutes),
  ...rows('refused', [], refusedKeys),
];

/** Names that people write and that HAProxy's controller never had, with what to write instead. */
export const HAPROXY_NEVER_EXISTED: ReadonlyMap<string, string> = new Map([
  ['rate-limit', 'rate-limit-requests'],
  ['rate-limit-rps', 'rate-limit-requests'],
  ['rate-limit-rpm', "rate-limit-requests with rate-limit-period: '1m'"],
  ['limit-rps', 'rate-limit-requests'],
  ['rewrite-target', 'path-rewrite'],
  ['force-ssl-redirect', 'ssl-redirect'],
  ['balance-algorithm', 'load-balance'],
  ['affinity', 'cookie-persistence on the Service'],
  ['session-cookie-name', 'cookie-persistence on the Service'],
  ['secure-backends', 'server-ssl'],
  ['backend-protocol', 'server-ssl, server-proto'],
  ['whitelist-source-range', 'allow-list'],
  ['allowlist-source-range', 'allow-list'],
  ['denylist-source-range', 'deny-list'],
  ['enable-cors', 'cors-enable'],
  ['proxy-body-size', 'nothing: HAProxy has no limit for bodies'],
  ['max-body-size', 'nothing: HAProxy has no limit for bodies'],
  ['maxconn-server', 'pod-maxconn'],
  ['timeout-read', 'timeout-server'],
  ['app-root', 'nothing: there is none'],
  ['hsts', 'response-set-header: Strict-Transport-Security max-age=31536000'],
]);
