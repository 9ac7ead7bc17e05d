// The annotations of ingress-nginx (github.com/kubernetes/ingress-nginx, docs/user-guide/nginx-configuration/annotations.md at
// v1.15.1, the last), as data: how each is written, and what Weft does with it. One reader: annotations.ts. The rows of
// docs/policies/ingress.md are the same; a test compares the two.

/** How a value is written; see values.ts. */
export type AnnotationValue =
  | 'flag'
  | 'count'
  | 'seconds'
  | 'size'
  | 'text'
  | 'list'
  | 'cidrs'
  | 'statuses'
  | 'snippet';

/**
 * `works`: with ingress-nginx's meaning. `needless`: what it sets up is not there or not needed, so that leaving it out changes
 * nothing that clients see. `differs`: has no effect, and something is different without it. `refused`: somebody relies on it to
 * be protected or to be served at all, so an object that has it is not taken.
 */
export type AnnotationSupport = 'works' | 'needless' | 'differs' | 'refused';

export interface AnnotationRow {
  /** Without the prefix `nginx.ingress.kubernetes.io/`. */
  readonly name: string;
  readonly value: AnnotationValue;
  readonly support: AnnotationSupport;
  /** What holds where it is not said; '' for nothing. */
  readonly default: string;
  /** What it means; or why it has no effect. */
  readonly words: string;
}

type Row = readonly [name: string, value: AnnotationValue, whenUnsaid: string, words: string];

const works: readonly Row[] = [
  // Redirects
  [
    'ssl-redirect',
    'flag',
    'true',
    'plain HTTP is redirected to https with 308, where spec.tls names the host; not below /.well-known/acme-challenge',
  ],
  ['force-ssl-redirect', 'flag', 'false', 'the same where TLS ends before Weft'],
  [
    'use-port-in-redirects',
    'flag',
    'false',
    'redirects to https name the port of the class (weft.dev/https-port), where it is not 443',
  ],
  ['app-root', 'text', '', 'requests of / are redirected there with 302'],
  ['permanent-redirect', 'text', '', 'every request is redirected there'],
  ['permanent-redirect-code', 'count', '301', '300 to 308'],
  ['temporal-redirect', 'text', '', 'every request is redirected there; goes before permanent-redirect'],
  ['temporal-redirect-code', 'count', '302', '300 to 308'],
  [
    'from-to-www-redirect',
    'flag',
    'false',
    'www.HOST is redirected to HOST, or the other way round, with 308',
  ],
  // TLS of the host
  [
    'ssl-passthrough',
    'flag',
    'false',
    'TLS of the host goes to the backend of / unread, by server name; the other annotations then hold for plain HTTP alone',
  ],
  ['ssl-ciphers', 'text', '', 'suites of TLS 1.2 for the host, by their names in OpenSSL'],
  [
    'auth-tls-secret',
    'text',
    '',
    'Secret of its namespace with the authorities of clients (ca.crt); for the whole host',
  ],
  [
    'auth-tls-verify-client',
    'text',
    'on',
    'on: without a good certificate 400; optional: a bad one 400; optional_no_ca: also of an unknown authority; off',
  ],
  [
    'auth-tls-verify-depth',
    'count',
    '1',
    'authorities between the root and the client; a longer chain is 400',
  ],
  ['auth-tls-error-page', 'text', '', 'URL to which 302 redirects in place of that 400'],
  [
    'auth-tls-pass-certificate-to-upstream',
    'flag',
    'false',
    'ssl-client-cert for the backend, beside ssl-client-verify, ssl-client-subject-dn and ssl-client-issuer-dn',
  ],
  ['auth-tls-match-cn', 'text', '', 'a regular expression that the subject must have, CN=…; else 403'],
  // Paths and hosts
  [
    'rewrite-target',
    'text',
    '',
    'the whole path becomes this; $1 … $9 are groups of the path. Turns all paths of the host into regular expressions',
  ],
  [
    'use-regex',
    'flag',
    'false',
    'paths are regular expressions, case-insensitive, from the beginning; all paths of the host, of every Ingress',
  ],
  ['server-alias', 'list', '', 'more names of the host; a name that is a host of its own wins'],
  ['upstream-vhost', 'text', '', 'the Host that the backend sees'],
  ['x-forwarded-prefix', 'text', '', 'X-Forwarded-Prefix for the backend, where rewrite-target is said too'],
  ['connection-proxy-header', 'text', '', 'only keep-alive, and nothing, are what Weft sends'],
  ['preserve-trailing-slash', 'flag', 'false', 'kept'],
  // Sizes and times
  ['proxy-body-size', 'size', '1m', 'a longer body is answered 413; 0 for no limit'],
  ['proxy-read-timeout', 'seconds', '60', 'between two pieces of the answer'],
  ['proxy-send-timeout', 'seconds', '60', 'between two pieces of the request'],
  ['proxy-connect-timeout', 'seconds', '5', 'for a connection to the backend'],
  ['proxy-next-upstream', 'text', 'error timeout', 'when another endpoint is tried'],
  [
    'proxy-next-upstream-tries',
    'count',
    '3',
    'tries in all; 0 for as many as there are endpoints (Weft: 10)',
  ],
  [
    'proxy-next-upstream-timeout',
    'seconds',
    '0',
    'how long after the first try another one may begin; 0 for no bound',
  ],
  // The backend
  ['backend-protocol', 'text', 'HTTP', 'HTTP, HTTPS, GRPC, GRPCS, AUTO_HTTP'],
  [
    'proxy-ssl-secret',
    'text',
    '',
    'Secret of its namespace for TLS to the backend: what is shown (tls.crt, tls.key), and whose word counts (ca.crt)',
  ],
  [
    'proxy-ssl-verify',
    'text',
    'off',
    'on: the certificate of the backend must be of those authorities and for proxy-ssl-name; else 503 (nginx: 502)',
  ],
  ['proxy-ssl-verify-depth', 'count', '1', 'authorities between the root and the backend'],
  ['proxy-ssl-name', 'text', '', 'the name that the certificate of the backend must have'],
  [
    'proxy-ssl-server-name',
    'text',
    'off',
    'on: the backend is asked for by proxy-ssl-name (SNI); off: by the name of its Service',
  ],
  ['proxy-ssl-protocols', 'text', '', 'TLSv1.2, TLSv1.3; older ones are left out'],
  ['proxy-ssl-ciphers', 'text', '', 'suites of TLS 1.2 to the backend, by their names in OpenSSL'],
  ['load-balance', 'text', 'round_robin', 'round_robin or ewma'],
  [
    'upstream-hash-by',
    'text',
    '',
    'consistent hashing by one variable: $request_uri, $remote_addr, $binary_remote_addr, $host, $http_NAME, $cookie_NAME, $arg_NAME',
  ],
  ['service-upstream', 'flag', 'false', 'connections go to endpoints all the same: the mesh balances them'],
  ['default-backend', 'text', '', 'who answers where the backend has no endpoint, and custom-http-errors'],
  [
    'custom-http-errors',
    'statuses',
    '',
    'answers of these statuses are replaced by what the default backend says to X-Code and the like',
  ],
  [
    'disable-proxy-intercept-errors',
    'flag',
    'false',
    'errors of the backend stay as they are; what Weft answers itself has the page of default-backend',
  ],
  ['proxy-redirect-from', 'text', 'off', 'what Location and Refresh of the backend begin with; a text'],
  ['proxy-redirect-to', 'text', 'off', 'what they then begin with'],
  ['proxy-cookie-domain', 'text', 'off', 'FROM TO: the Domain of cookies of the backend'],
  ['proxy-cookie-path', 'text', 'off', 'FROM TO: what the Path of cookies of the backend begins with'],
  ['mirror-target', 'text', '', 'a copy of each request goes to this host of the mesh'],
  ['mirror-host', 'text', '', 'the Host of copies; that of mirror-target unless said'],
  ['mirror-request-body', 'text', 'on', 'off: copies have no body'],
  // Sticky sessions
  ['affinity', 'text', '', 'cookie'],
  [
    'affinity-mode',
    'text',
    'balanced',
    'balanced and persistent: Weft keeps a client with its endpoint as long as that lives',
  ],
  [
    'affinity-canary-behavior',
    'text',
    'sticky',
    'of a canary: sticky: its clients stay with it; legacy: they have no session, and are chosen each time',
  ],
  ['session-cookie-name', 'text', 'INGRESSCOOKIE', 'name of the cookie'],
  ['session-cookie-path', 'text', '', 'Path of the cookie; the path of the rule unless said'],
  ['session-cookie-max-age', 'seconds', '', 'Max-Age of the cookie'],
  ['session-cookie-expires', 'seconds', '', 'the same, for old browsers'],
  ['session-cookie-samesite', 'text', '', 'None, Lax or Strict'],
  [
    'session-cookie-conditional-samesite-none',
    'flag',
    'false',
    'browsers that took SameSite=None for Strict are gone since 2020: it is sent to all',
  ],
  ['session-cookie-secure', 'flag', '', 'Secure; where it is not said, when the request came by https'],
  ['session-cookie-domain', 'text', '', 'Domain of the cookie'],
  [
    'session-cookie-change-on-failure',
    'flag',
    'false',
    'after a failure the client stays with the endpoint that served it',
  ],
  // Who gets through
  ['whitelist-source-range', 'cidrs', '', 'clients of other addresses are answered 403'],
  ['allowlist-source-range', 'cidrs', '', 'the same, by its newer name'],
  ['denylist-source-range', 'cidrs', '', 'clients of these addresses are answered 403'],
  ['auth-type', 'text', '', 'basic (digest is refused)'],
  ['auth-secret', 'text', '', 'NAME or NAMESPACE/NAME of the Secret with the users'],
  [
    'auth-secret-type',
    'text',
    'auth-file',
    'auth-file: lines of htpasswd under the key auth; auth-map: each key is a user, its value the hash',
  ],
  ['auth-realm', 'text', '', 'what browsers show'],
  [
    'auth-url',
    'text',
    '',
    'who is asked about each request: 2xx lets it pass, 401 and 403 go to the client, all else is 500',
  ],
  ['auth-method', 'text', 'GET', 'method of that question'],
  ['auth-signin', 'text', '', 'where who is answered 401 is redirected to'],
  [
    'auth-signin-redirect-param',
    'text',
    'rd',
    'the parameter of auth-signin that says where the client wanted to go',
  ],
  ['auth-response-headers', 'list', '', 'fields of the answer that the backend gets'],
  ['auth-request-redirect', 'text', '', 'X-Auth-Request-Redirect of the question'],
  [
    'auth-always-set-cookie',
    'flag',
    'false',
    'cookies of the answer go to the client whatever the backend says',
  ],
  [
    'auth-proxy-set-headers',
    'text',
    '',
    'ConfigMap of its namespace whose keys are fields of the question of auth-url',
  ],
  ['auth-cache-key', 'text', '', 'answers are remembered under this'],
  ['auth-cache-duration', 'text', '200 202 401 5m', 'which answers are remembered, and how long'],
  ['enable-global-auth', 'flag', 'true', 'false: global-auth-url of the ConfigMap is not asked'],
  ['satisfy', 'text', 'all', 'any: one of addresses, password and auth-url suffices'],
  // How much
  ['limit-rps', 'count', '', 'requests per second of one client; 503 beyond'],
  ['limit-rpm', 'count', '', 'requests per minute of one client; 503 beyond'],
  ['limit-burst-multiplier', 'count', '5', 'so many times the rate at once'],
  ['limit-connections', 'count', '', 'requests under way of one client; 503 beyond'],
  [
    'limit-rate',
    'count',
    '0',
    'KiB per second of each answer, beyond what a second may have at once; 0 for no limit',
  ],
  ['limit-rate-after', 'count', '0', 'KiB of each answer before limit-rate counts'],
  ['limit-whitelist', 'cidrs', '', 'clients without a limit'],
  ['limit-allowlist', 'cidrs', '', 'the same, by its newer name'],
  [
    'custom-headers',
    'text',
    '',
    'ConfigMap of its namespace whose keys are fields of answers; global-allowed-response-headers must name them',
  ],
  // Browsers
  ['enable-cors', 'flag', 'false', 'answers cross-origin questions'],
  ['cors-allow-origin', 'list', '*', 'origins; https://*.example.com stands for one label'],
  ['cors-allow-methods', 'list', 'GET, PUT, POST, DELETE, PATCH, OPTIONS', 'methods'],
  [
    'cors-allow-headers',
    'list',
    'DNT,Keep-Alive,User-Agent,X-Requested-With,If-Modified-Since,Cache-Control,Content-Type,Range,Authorization',
    'fields of requests',
  ],
  ['cors-expose-headers', 'list', '', 'fields of answers that pages may read'],
  ['cors-allow-credentials', 'flag', 'true', 'with cookies'],
  ['cors-max-age', 'seconds', '1728000', 'how long browsers remember'],
  // Canaries
  [
    'canary',
    'flag',
    'false',
    'this Ingress takes a part of the traffic of another of the same host and path',
  ],
  ['canary-weight', 'count', '0', 'its share'],
  ['canary-weight-total', 'count', '100', 'out of so many'],
  ['canary-by-header', 'text', '', 'always and never in this field decide'],
  ['canary-by-header-value', 'text', '', 'this value instead of always'],
  ['canary-by-header-pattern', 'text', '', 'a regular expression instead of a value'],
  ['canary-by-cookie', 'text', '', 'always and never in this cookie decide'],
  // Snippets
  ['configuration-snippet', 'snippet', '', 'the directives of the table below, and no others'],
  ['server-snippet', 'snippet', '', 'the same for all paths of the host'],
];

const needless: readonly Row[] = [
  [
    'relative-redirects',
    'flag',
    'false',
    'it is about redirects that nginx makes of its own accord, to a path with a slash at its end',
  ],
  ['proxy-buffering', 'text', 'off', 'answers are streamed, with back-pressure'],
  ['proxy-request-buffering', 'text', 'on', 'requests are streamed, with back-pressure'],
  ['proxy-buffer-size', 'size', '4k', 'heads of answers may have 64 KiB'],
  ['proxy-buffers-number', 'count', '4', 'answers are streamed'],
  ['proxy-busy-buffers-size', 'size', '8k', 'answers are streamed'],
  ['proxy-max-temp-file-size', 'size', '1024m', 'nothing is written to files'],
  ['client-body-buffer-size', 'size', '8k', 'requests are streamed'],
  ['proxy-http-version', 'text', '1.1', 'backends are spoken to in HTTP/1.1, or HTTP/2 where they have it'],
  ['auth-keepalive', 'count', '0', 'connections to auth-url are kept'],
  ['auth-keepalive-share-vars', 'flag', 'false', 'connections to auth-url are kept'],
  ['auth-keepalive-requests', 'count', '1000', 'connections to auth-url are kept'],
  ['auth-keepalive-timeout', 'seconds', '60', 'connections to auth-url are kept'],
  [
    'upstream-hash-by-subset',
    'flag',
    'false',
    'all endpoints are on the ring, so that a key has one of them as long as it lives',
  ],
  ['upstream-hash-by-subset-size', 'count', '3', 'all endpoints are on the ring'],
  ['http2-push-preload', 'flag', 'false', 'no browser takes pushed answers any more'],
  ['enable-rewrite-log', 'flag', 'false', 'weft explain says which rule a request took'],
  ['ssl-prefer-server-ciphers', 'flag', 'true', 'with TLS 1.2 and 1.3 every suite is good'],
  ['fastcgi-index', 'text', '', 'only for FastCGI, which is refused'],
  ['fastcgi-params-configmap', 'text', '', 'only for FastCGI, which is refused'],
];

const differs: readonly Row[] = [
  [
    'enable-access-log',
    'flag',
    'true',
    'which requests are logged is said by a Telemetry object; see docs/telemetry.md',
  ],
  [
    'enable-opentelemetry',
    'flag',
    'true',
    'which requests are traced is said by a Telemetry object; see docs/tracing.md',
  ],
  ['opentelemetry-operation-name', 'text', '', 'spans are named after the route'],
  ['opentelemetry-trust-incoming-span', 'flag', 'true', 'traces of clients go on'],
];

const refused: readonly Row[] = [
  ['enable-modsecurity', 'flag', 'false', 'there is no web application firewall in Weft: put one before it'],
  [
    'enable-owasp-core-rules',
    'flag',
    'false',
    'there is no web application firewall in Weft: put one before it',
  ],
  [
    'modsecurity-transaction-id',
    'text',
    '',
    'there is no web application firewall in Weft: put one before it',
  ],
  ['modsecurity-snippet', 'text', '', 'there is no web application firewall in Weft: put one before it'],
  ['auth-snippet', 'text', '', 'text of nginx for the question of auth-url'],
  ['stream-snippet', 'text', '', 'text of nginx for TCP; write a TCPRoute (gateway.networking.k8s.io)'],
];

function rows(support: AnnotationSupport, list: readonly Row[]): readonly AnnotationRow[] {
  return list.map(([name, value, whenUnsaid, words]) => ({
    name,
    value,
    support,
    default: whenUnsaid,
    words,
  }));
}

/** Every annotation that ingress-nginx has. */
export const ANNOTATIONS: readonly AnnotationRow[] = [
  ...rows('works', works),
  ...rows('needless', needless),
  ...rows('differs', differs),
  ...rows('refused', refused),
];
