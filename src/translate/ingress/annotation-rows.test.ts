// The annotations that people who migrate from ingress-nginx rely on (a survey of public manifests, and its documentation at
// v1.15.1), each with a value that asks for something, and what must become of it. The list is written down here, apart from
// annotations.table.ts, so that a row which goes missing there, or changes what it does, is seen.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Report } from '../report.ts';
import { Annotations, NGINX_PREFIX } from './annotations.ts';
import { INGRESS_DEFAULTS } from './ingress-model.ts';
import { readSettings } from './settings.ts';

type Values = Readonly<Record<string, string>>;

const cookie: Values = { affinity: 'cookie' };
const cors: Values = { 'enable-cors': 'true' };
const basic: Values = { 'auth-type': 'basic', 'auth-secret': 'users' };
const asked: Values = { 'auth-url': 'http://auth.shop.svc.cluster.local/check' };
const limited: Values = { 'limit-rps': '5' };
const canary: Values = { canary: 'true' };
const mirrored: Values = { 'mirror-target': 'http://copy/$request_uri' };
const clients: Values = { 'auth-tls-secret': 'shop/clients' };
const backendTls: Values = { 'backend-protocol': 'HTTPS', 'proxy-ssl-secret': 'shop/backend' };

/** What is taken without a word, beside the annotations that it only counts with. */
const SERVED: readonly (readonly [beside: Values, asks: Values])[] = [
  [{}, { 'ssl-redirect': 'false', 'force-ssl-redirect': 'true', 'app-root': '/shop' }],
  [{}, { 'use-port-in-redirects': 'true' }],
  [{}, { 'rewrite-target': '/$1', 'use-regex': 'true', 'x-forwarded-prefix': '/shop' }],
  [{}, { 'proxy-body-size': '8m', 'proxy-read-timeout': '90', 'proxy-send-timeout': '90' }],
  [{}, { 'proxy-connect-timeout': '3', 'backend-protocol': 'GRPC' }],
  [{}, { 'ssl-passthrough': 'true' }],
  [cookie, { 'session-cookie-name': 'route', 'session-cookie-path': '/', 'session-cookie-max-age': '60' }],
  [cookie, { 'session-cookie-expires': '60', 'session-cookie-samesite': 'Lax' }],
  [cookie, { 'session-cookie-secure': 'true', 'session-cookie-domain': 'shop.example' }],
  [cookie, { 'session-cookie-conditional-samesite-none': 'true', 'affinity-mode': 'persistent' }],
  [cookie, { 'session-cookie-change-on-failure': 'true', 'affinity-canary-behavior': 'sticky' }],
  [{}, { 'whitelist-source-range': '10.0.0.0/8' }],
  [{}, { 'allowlist-source-range': '10.0.0.0/8', 'denylist-source-range': '10.1.0.0/16' }],
  [cors, { 'cors-allow-origin': 'https://*.shop.example', 'cors-allow-methods': 'GET' }],
  [cors, { 'cors-allow-headers': 'X-A', 'cors-expose-headers': 'X-B', 'cors-max-age': '60' }],
  [cors, { 'cors-allow-credentials': 'false' }],
  [asked, { 'auth-signin': 'https://login.example/start', 'auth-signin-redirect-param': 'to' }],
  [asked, { 'auth-response-headers': 'X-User', 'auth-method': 'HEAD', 'auth-always-set-cookie': 'true' }],
  [asked, { 'auth-request-redirect': '/here', 'auth-keepalive': '5' }],
  [asked, { 'auth-cache-key': '$remote_user', 'auth-cache-duration': '200 5m' }],
  [asked, { 'auth-proxy-set-headers': 'shop/fields', 'custom-headers': 'headers' }],
  [basic, { 'auth-realm': 'shop', 'auth-secret-type': 'auth-file', satisfy: 'any' }],
  [basic, { 'auth-secret-type': 'auth-map' }],
  [limited, { 'limit-rpm': '60', 'limit-burst-multiplier': '2', 'limit-connections': '4' }],
  [{}, { 'limit-rate': '100', 'limit-rate-after': '200' }],
  [limited, { 'limit-whitelist': '10.0.0.0/8' }],
  [canary, { 'canary-weight': '20', 'canary-weight-total': '200', 'canary-by-cookie': 'next' }],
  [canary, { 'affinity-canary-behavior': 'legacy', 'canary-weight': '20' }],
  [{}, { 'proxy-next-upstream-timeout': '5' }],
  [canary, { 'canary-by-header': 'x-next', 'canary-by-header-value': 'yes' }],
  [canary, { 'canary-by-header': 'x-next', 'canary-by-header-pattern': 'y.*' }],
  [{}, { 'permanent-redirect': 'https://new.example', 'permanent-redirect-code': '308' }],
  [{}, { 'temporal-redirect': 'https://new.example', 'temporal-redirect-code': '307' }],
  [{}, { 'from-to-www-redirect': 'true', 'server-alias': 'b.example', 'upstream-vhost': 'c.example' }],
  [{}, { 'default-backend': 'errors', 'custom-http-errors': '404,503' }],
  [{}, { 'configuration-snippet': 'more_set_headers "X-A: b";' }],
  [{}, { 'server-snippet': 'add_header X-A b;' }],
  [{}, { 'proxy-buffering': 'on', 'proxy-buffer-size': '8k', 'proxy-buffers-number': '4' }],
  [{}, { 'proxy-busy-buffers-size': '8k', 'proxy-request-buffering': 'off' }],
  [{}, { 'client-body-buffer-size': '8k', 'proxy-max-temp-file-size': '0' }],
  [{}, { 'proxy-next-upstream': 'error http_503', 'proxy-next-upstream-tries': '2' }],
  [backendTls, { 'proxy-ssl-verify': 'on', 'proxy-ssl-name': 'b.example', 'proxy-ssl-server-name': 'on' }],
  [backendTls, { 'proxy-ssl-verify-depth': '2', 'proxy-ssl-protocols': 'TLSv1.3' }],
  [clients, { 'auth-tls-verify-client': 'optional', 'auth-tls-verify-depth': '2' }],
  [clients, { 'auth-tls-pass-certificate-to-upstream': 'true', 'auth-tls-match-cn': 'CN=a' }],
  [clients, { 'auth-tls-error-page': 'https://shop.example/why' }],
  [{}, { 'upstream-hash-by': '$request_uri', 'upstream-hash-by-subset': 'true' }],
  [{}, { 'load-balance': 'ewma', 'service-upstream': 'true', 'proxy-http-version': '1.0' }],
  [{}, { 'connection-proxy-header': 'keep-alive', 'preserve-trailing-slash': 'true' }],
  [{}, { 'relative-redirects': 'true', 'mirror-target': 'http://copy/$request_uri' }],
  [mirrored, { 'mirror-host': 'other.example', 'mirror-request-body': 'off' }],
  [{}, { 'proxy-cookie-domain': 'a.example b.example', 'proxy-cookie-path': '/a /b' }],
  [{}, { 'ssl-ciphers': 'ECDHE-RSA-AES128-GCM-SHA256', 'http2-push-preload': 'true' }],
  [{}, { 'proxy-redirect-from': 'http://a.example/', 'proxy-redirect-to': '/' }],
];

/** What the object is taken without, and told about. */
const WARNED: readonly (readonly [beside: Values, name: string, value: string])[] = [
  [{}, 'enable-access-log', 'false'],
  [{}, 'enable-opentelemetry', 'false'],
  [{}, 'opentelemetry-operation-name', 'shop'],
  [{}, 'opentelemetry-trust-incoming-span', 'false'],
];

/** What the object is not taken with, since somebody relies on it. */
const REFUSED: readonly (readonly [beside: Values, name: string, value: string])[] = [
  [{}, 'backend-protocol', 'FCGI'],
  [{ 'auth-secret': 'users' }, 'auth-type', 'digest'],
  [{}, 'enable-modsecurity', 'true'],
  [{}, 'enable-owasp-core-rules', 'true'],
  [{}, 'modsecurity-snippet', 'SecRuleEngine On'],
  [asked, 'auth-snippet', 'proxy_set_header A b;'],
  [{}, 'stream-snippet', 'server { listen 1; }'],
];

/** `error custom-headers` for each thing that is told about an Ingress with these annotations. */
function told(values: Values): readonly string[] {
  const report = new Report({
    apiVersion: 'networking.k8s.io/v1',
    kind: 'Ingress',
    namespace: 'shop',
    name: 'web',
  });
  const annotations = new Annotations(
    Object.fromEntries(Object.entries(values).map(([name, value]) => [`${NGINX_PREFIX}${name}`, value])),
    report,
  );
  readSettings(annotations, {
    namespace: 'shop',
    name: 'web',
    clusterDomain: 'cluster.local',
    defaults: INGRESS_DEFAULTS,
    report,
  });
  annotations.rest();
  return report.problems.map(
    ({ severity, path }) => `${severity} ${path?.replace(/^.*kubernetes\.io\/|'\]$/g, '')}`,
  );
}

test('what people rely on most is served without a word', () => {
  for (const [beside, asks] of SERVED)
    assert.deepEqual(told({ ...beside, ...asks }), [], Object.keys(asks).join());
});

test('what has no effect yet is warned about by its name', () => {
  for (const [beside, name, value] of WARNED)
    assert.deepEqual(told({ ...beside, [name]: value }), [`warning ${name}`], name);
});

test('what cannot be carried out and protects somebody is refused by its name', () => {
  for (const [beside, name, value] of REFUSED)
    assert.deepEqual(told({ ...beside, [name]: value }), [`error ${name}`], name);
});
