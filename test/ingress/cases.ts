// What the same requests come to at nginx and at a gateway of Weft's that is told the same by annotations of Ingresses. nginx's
// own side is written as ingress-nginx's template writes it (rootfs/etc/nginx/template/nginx.tmpl), as far as Debian's nginx has
// the modules.

/** A request, and the status that both must answer with. */
export interface Asking {
  readonly path?: string;
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly host?: string;
  readonly status: number;
  /** The answer is not over before, milliseconds. */
  readonly leastMs?: number;
  /** A copy of it comes to the Service copies. */
  readonly copies?: true;
}

/** One host, told to both. */
export interface Case {
  readonly name: string;
  readonly annotations: Readonly<Record<string, string>>;
  /** Path and type; all requests unless told. */
  readonly paths?: readonly (readonly [path: string, type: string, service?: string])[];
  /** What stands in nginx's block server; PROXY stands for sending to the app. */
  readonly nginx: string;
  readonly asking: readonly Asking[];
}

const proxy = 'proxy_set_header Host $http_host; proxy_pass http://app;';

/** `location / { … PROXY }` with directives before. */
function all(directives: string): string {
  return `location / { ${directives} ${proxy} }`;
}

const login = (user: string, password: string): Readonly<Record<string, string>> => ({
  authorization: `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`,
});

const chunked = { 'transfer-encoding': 'chunked' };
const get = (status: number, path = '/', headers: Readonly<Record<string, string>> = {}): Asking => ({
  path,
  headers,
  status,
});

export const cases: readonly Case[] = [
  {
    name: 'permanent-redirect',
    annotations: { 'permanent-redirect': 'https://new.example/x?y=1', 'permanent-redirect-code': '308' },
    nginx: 'location / { return 308 https://new.example/x?y=1; }',
    asking: [get(308), get(308, '/a/b?c=d'), { method: 'POST', body: 'x', status: 308 }],
  },
  {
    name: 'temporal-redirect',
    annotations: {
      'temporal-redirect': 'https://$host/moved$request_uri',
      'permanent-redirect': 'https://never.example',
    },
    nginx: 'location / { return 302 https://$http_host/moved$request_uri; }',
    asking: [get(302), get(302, '/a?b=c')],
  },
  {
    name: 'force-ssl-redirect',
    annotations: { 'force-ssl-redirect': 'true' },
    nginx: `location / { return 308 https://$host$request_uri; } location /.well-known/acme-challenge { ${proxy} }`,
    asking: [get(308), get(308, '/a?b=c'), get(200, '/.well-known/acme-challenge/token')],
  },
  {
    name: 'use-port-in-redirects',
    annotations: { 'force-ssl-redirect': 'true', 'use-port-in-redirects': 'true' },
    nginx: 'location / { return 308 https://$host:8443$request_uri; }',
    asking: [get(308), get(308, '/a?b=c')],
  },
  {
    name: 'app-root',
    annotations: { 'app-root': '/app' },
    nginx: `if ($uri = /) { return 302 $scheme://$http_host/app; } ${all('')}`,
    asking: [get(302), get(200, '/other')],
  },
  {
    name: 'paths',
    annotations: {},
    paths: [
      ['/a', 'Prefix'],
      ['/a/exact', 'Exact', 'other'],
      ['/b', 'Exact', 'other'],
    ],
    nginx: `location /a/ { ${proxy} } location = /a { ${proxy} }
      location = /a/exact { ${proxy.replace('app', 'other')} } location = /b { ${proxy.replace('app', 'other')} }
      location / { return 404; }`,
    asking: [
      get(200, '/a'),
      get(200, '/a/b'),
      get(404, '/ab'),
      get(404, '/A'),
      get(200, '/a/exact'),
      get(200, '/a/exact/more'),
      get(200, '/b'),
      get(404, '/b/'),
      get(404, '/'),
      get(200, '/a?x=/b'),
    ],
  },
  {
    name: 'path tricks',
    annotations: {},
    paths: [['/open', 'Prefix']],
    // nginx sends the path as it came unless something rewrites it; Weft as it was judged.
    nginx: `location /open/ { rewrite ^(.*)$ $1 break; ${proxy} } location = /open { rewrite ^(.*)$ $1 break; ${proxy} }
      location / { return 404; }`,
    asking: [
      get(200, '//open'),
      get(200, '/x/../open'),
      get(200, '/./open/./a'),
      get(200, '/%6fpen/a'),
      get(404, '/open/../secret'),
      get(404, '/open/%2e%2e/secret'),
      get(200, '/open//a'),
      get(404, '/x//../secret'),
    ],
  },
  {
    name: 'rewrite-target',
    annotations: { 'rewrite-target': '/$2' },
    paths: [
      ['/api(/|$)(.*)', 'ImplementationSpecific'],
      ['/health', 'Exact', 'other'],
    ],
    nginx: `location ~* "^/api(/|$)(.*)" { rewrite "(?i)/api(/|$)(.*)" /$2 break; ${proxy} }
      location ~* "^/health" { rewrite "(?i)/health" /$2 break; ${proxy.replace('app', 'other')} }
      location / { return 404; }`,
    asking: [
      get(200, '/api'),
      get(200, '/api/'),
      get(200, '/api/v1/users?id=1'),
      get(200, '/API/Mixed'),
      get(404, '/apis'),
      get(200, '/healthz'),
      get(404, '/other'),
    ],
  },
  {
    name: 'use-regex',
    annotations: { 'use-regex': 'true' },
    paths: [
      ['/v[0-9]+/', 'ImplementationSpecific'],
      ['/v1/longer-text', 'ImplementationSpecific', 'other'],
      ['/v1/s', 'ImplementationSpecific', 'other'],
    ],
    nginx: `location ~* "^/v1/longer-text" { ${proxy.replace('app', 'other')} } location ~* "^/v[0-9]+/" { ${proxy} }
      location ~* "^/v1/s" { ${proxy.replace('app', 'other')} }
      location / { return 404; }`,
    asking: [
      get(200, '/v1/a'),
      get(200, '/V22/'),
      get(200, '/v1/longer-text/x'),
      get(200, '/v1/short'),
      get(404, '/v/'),
      get(404, '/x/v1/'),
    ],
  },
  {
    name: 'proxy-body-size',
    annotations: { 'proxy-body-size': '1k' },
    nginx: all('client_max_body_size 1k;'),
    asking: [
      { method: 'POST', body: 'x'.repeat(1024), status: 200 },
      { method: 'POST', body: 'x'.repeat(1025), status: 413 },
      { method: 'PUT', body: 'x'.repeat(1024), headers: chunked, status: 200 },
      { method: 'PUT', body: 'x'.repeat(20_000), headers: chunked, status: 413 },
      get(200),
    ],
  },
  {
    name: 'whitelist-source-range',
    annotations: { 'whitelist-source-range': '10.0.0.0/8' },
    nginx: all('allow 10.0.0.0/8; deny all;'),
    asking: [get(403), get(403, '/a', { 'x-forwarded-for': '10.0.0.1' })],
  },
  {
    name: 'denylist-source-range',
    annotations: { 'denylist-source-range': '192.0.2.0/24,127.0.0.0/8' },
    nginx: all('deny 192.0.2.0/24; deny 127.0.0.0/8;'),
    asking: [get(403)],
  },
  {
    name: 'auth-type basic',
    annotations: { 'auth-type': 'basic', 'auth-secret': 'users', 'auth-realm': 'The Shop' },
    nginx: all('auth_basic "The Shop"; auth_basic_user_file users; proxy_set_header Authorization "";'),
    asking: [
      get(401),
      get(200, '/', login('alice', 'secret')),
      get(401, '/', login('alice', 'Secret')),
      get(401, '/', login('mallory', 'secret')),
      get(200, '/', login('bob', 'secret')),
      get(401, '/', { authorization: 'Basic !!!' }),
      get(401, '/', { authorization: 'Bearer x' }),
    ],
  },
  {
    name: 'satisfy any',
    annotations: {
      'auth-type': 'basic',
      'auth-secret': 'users',
      'auth-realm': 'x',
      'whitelist-source-range': '10.0.0.0/8',
      satisfy: 'any',
    },
    nginx: all(
      'satisfy any; allow 10.0.0.0/8; deny all; auth_basic "x"; auth_basic_user_file users; proxy_set_header Authorization "";',
    ),
    asking: [get(401), get(200, '/', login('alice', 'secret'))],
  },
  {
    name: 'auth-url',
    annotations: {
      'auth-url': 'http://auth.shop.svc.cluster.local/verify',
      'auth-response-headers': 'X-User',
    },
    nginx: `location = /_auth { internal; proxy_pass_request_body off; proxy_set_header Content-Length "";
      proxy_set_header X-Original-URL $scheme://$http_host$request_uri; proxy_set_header X-Original-Method $request_method;
      proxy_pass http://auth/verify; }
      location / { auth_request /_auth; auth_request_set $user $upstream_http_x_user; proxy_set_header X-User $user; ${proxy} }`,
    asking: [
      get(200, '/a?b=c', { 'x-auth': '200' }),
      get(200, '/', { 'x-auth': '204', 'x-user': 'root' }),
      get(401, '/', { 'x-auth': '401' }),
      get(403, '/', { 'x-auth': '403' }),
      get(500, '/', { 'x-auth': '404' }),
      get(500, '/', { 'x-auth': '302' }),
      get(500, '/', { 'x-auth': '500' }),
      { method: 'POST', body: 'hello', headers: { 'x-auth': '200' }, status: 200 },
    ],
  },
  {
    name: 'auth-signin',
    annotations: {
      'auth-url': 'http://auth.shop.svc.cluster.local/verify',
      'auth-signin': 'https://login.example/start?a=b',
    },
    nginx: `location = /_auth { internal; proxy_pass_request_body off; proxy_set_header Content-Length ""; proxy_pass http://auth/verify; }
      location @login { return 302 https://login.example/start?a=b&rd=$scheme://$http_host%2Fdeep%3Fb%3Dc; }
      location / { auth_request /_auth; error_page 401 = @login; ${proxy} }`,
    asking: [
      get(302, '/deep?b=c', { 'x-auth': '401' }),
      get(403, '/', { 'x-auth': '403' }),
      get(200, '/', { 'x-auth': '200' }),
    ],
  },
  {
    name: 'auth-proxy-set-headers',
    annotations: {
      'auth-url': 'http://auth.shop.svc.cluster.local/verify',
      'auth-proxy-set-headers': 'shop/question',
    },
    nginx: `location = /_auth { internal; proxy_pass_request_body off; proxy_set_header Content-Length "";
      proxy_set_header X-Auth '403'; proxy_set_header X-Asked '$host$request_uri'; proxy_pass http://auth/verify; }
      location / { auth_request /_auth; ${proxy} }`,
    asking: [get(403, '/a?b=c', { 'x-auth': '200' }), get(403)],
  },
  {
    name: 'custom-headers',
    annotations: { 'custom-headers': 'shop/headers' },
    // more_set_headers, which Debian's nginx has not, takes the place of what the backend says.
    nginx: all(
      `proxy_hide_header X-Frame-Options; add_header X-Frame-Options 'a 100% $\{dollar}host' always; proxy_hide_header X-Powered-By;`,
    ),
    asking: [get(200, '/framed'), get(500, '/status/500')],
  },
  {
    name: 'mirror-target',
    annotations: {
      ...{
        'mirror-target': 'http://copies.shop.svc.cluster.local$request_uri',
        'mirror-host': 'copy.example',
      },
      'mirror-request-body': 'off',
    },
    nginx: `location = /_mirror { internal; proxy_pass_request_body off; proxy_set_header Content-Length "";
      proxy_set_header Host copy.example; proxy_pass http://copies$request_uri; }
      location / { mirror /_mirror; mirror_request_body off; ${proxy} }`,
    asking: [
      { ...get(200, '/a?b=c'), copies: true },
      { method: 'POST', body: 'hello', path: '/b', status: 200, copies: true },
      { method: 'PUT', body: 'hello', headers: chunked, status: 200, copies: true },
    ],
  },
  {
    name: 'limit-rpm',
    annotations: { 'limit-rpm': '1', 'limit-burst-multiplier': '3' },
    nginx: all('limit_req zone=rpm burst=3 nodelay;'),
    asking: [200, 200, 200, 200, 503, 503].map(status => get(status)),
  },
  {
    name: 'limit-rate',
    annotations: { 'limit-rate': '64', 'limit-rate-after': '64' },
    nginx: all('limit_rate 64k; limit_rate_after 64k;'),
    // 128 KiB at once, and the rest after a second.
    asking: [{ path: '/size/196608', status: 200, leastMs: 900 }, get(200, '/size/65536')],
  },
  {
    name: 'proxy-read-timeout',
    annotations: { 'proxy-read-timeout': '1', 'proxy-next-upstream-tries': '1' },
    nginx: all('proxy_read_timeout 1s; proxy_next_upstream off;'),
    asking: [get(504, '/silent'), get(200)],
  },
  {
    name: 'custom-http-errors',
    annotations: { 'custom-http-errors': '404,503', 'default-backend': 'pages' },
    nginx: `proxy_intercept_errors on; error_page 404 = @page404; error_page 503 = @page503;
      location @page404 { proxy_intercept_errors off; proxy_set_header X-Code 404; proxy_set_header X-Original-URI $request_uri; rewrite ^ / break; proxy_pass http://pages; }
      location @page503 { proxy_intercept_errors off; proxy_set_header X-Code 503; proxy_set_header X-Original-URI $request_uri; rewrite ^ / break; proxy_pass http://pages; }
      ${all('')}`,
    asking: [get(404, '/status/404?a=b'), get(503, '/status/503'), get(500, '/status/500'), get(200)],
  },
  {
    name: 'places of the backend',
    annotations: {
      ...{ 'proxy-redirect-from': 'http://inner.test/', 'proxy-redirect-to': 'https://outer.test/app/' },
      ...{ 'proxy-cookie-domain': 'inner.test outer.test', 'proxy-cookie-path': '/inner/ /app/' },
    },
    nginx: all(
      'proxy_redirect http://inner.test/ https://outer.test/app/; proxy_cookie_domain inner.test outer.test; proxy_cookie_path /inner/ /app/;',
    ),
    asking: [get(200, '/places/own'), get(200, '/places/others'), get(200)],
  },
  {
    name: 'snippet',
    annotations: {
      'configuration-snippet': `add_header X-Frame-Options DENY always;
proxy_set_header X-User $http_x_name;
if ($http_user_agent ~* "bot|crawler") { return 403; }
if ($request_method = DELETE) { return 405; }
rewrite ^/old/(.*)$ https://new.example/$1 permanent;
gzip on;
gzip_types application/json;
location = /closed { deny all; }
location /status-page { return 204; }`,
    },
    nginx: `location = /closed { deny all; add_header X-Frame-Options DENY always; } location /status-page { return 204; add_header X-Frame-Options DENY always; }
      location / { add_header X-Frame-Options DENY always; proxy_set_header X-User $http_x_name;
      if ($http_user_agent ~* "bot|crawler") { return 403; } if ($request_method = DELETE) { return 405; }
      rewrite ^/old/(.*)$ https://new.example/$1 permanent; gzip on; gzip_proxied any; gzip_types application/json; gzip_vary on; ${proxy} }`,
    asking: [
      get(200, '/', { 'x-name': 'alice' }),
      get(403, '/', { 'user-agent': 'GoogleBot' }),
      { method: 'DELETE', status: 405 },
      get(301, '/old/a/b'),
      get(200, '/big', { 'accept-encoding': 'gzip' }),
      get(200, '/big'),
      get(403, '/closed'),
      get(204, '/status-page/x'),
    ],
  },
];
