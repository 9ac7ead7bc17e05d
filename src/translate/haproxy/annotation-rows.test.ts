// The annotations of HAProxy's ingress controller that people rely on (a survey of public manifests, and its documentation of
// 3.2), each with a value that asks for something, and what must become of it. The list is written down here, apart from
// annotations.table.ts, so that a row which goes missing there, or changes what it does, is seen.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { Report } from '../report.ts';
import { HAPROXY_ANNOTATIONS, HAPROXY_NEVER_EXISTED, type HaproxyPlace } from './annotations.table.ts';
import { HaproxyAnnotations, haproxyValues, unknownWords } from './annotations.ts';
import { readHaproxySettings } from './settings.ts';

type Values = Readonly<Record<string, string>>;

const from = { apiVersion: 'networking.k8s.io/v1', kind: 'Ingress', namespace: 'shop', name: 'web' };
const docs = readFileSync(join(import.meta.dirname, '../../../docs/policies/ingress-haproxy.md'), 'utf8');
const cors: Values = { 'cors-enable': 'true' };
const limited: Values = { 'rate-limit-requests': '5' };
const basic: Values = { 'auth-type': 'basic-auth', 'auth-secret': 'users' };
const tls: Values = { 'server-ssl': 'true' };

/** What is taken without a word where it is said, beside what it only counts with. */
const SERVED: readonly (readonly [place: HaproxyPlace, beside: Values, asks: Values])[] = [
  ['ingress', {}, { 'ssl-redirect': 'true', 'ssl-redirect-code': '301', 'ssl-redirect-port': '8443' }],
  ['ingress', {}, { 'ssl-redirect': 'disabled' }],
  ['ingress', {}, { 'request-redirect': 'https://new.example:8443', 'request-redirect-code': '308' }],
  ['ingress', {}, { 'path-rewrite': '/foo/(.*) /\\1' }],
  ['ingress', {}, { 'path-rewrite': '/a/(.*) /\\1\n/b/(.*) /c/\\1' }],
  ['ingress', {}, { 'set-host': 'inner.example' }],
  ['ingress', {}, { 'request-set-header': 'X-Client %[src]\nX-Other "a b"' }],
  ['ingress', {}, { 'response-set-header': 'Cache-Control "no-store,no-cache,private"' }],
  ['ingress', {}, { 'allow-list': '10.0.0.0/8, 192.0.2.1', 'deny-list': '10.1.0.0/16' }],
  ['ingress', {}, { whitelist: '10.0.0.0/8', blacklist: '2001:db8::/32' }],
  ['ingress', basic, { 'auth-realm': 'The Shop' }],
  ['ingress', { 'auth-type': 'basic-auth' }, { 'auth-secret': 'shop/users' }],
  ['ingress', cors, { 'cors-allow-origin': '^https://(.+\\.)?shop\\.example$', 'cors-allow-methods': 'GET' }],
  ['ingress', cors, { 'cors-allow-headers': 'X-A, X-B', 'cors-allow-credentials': 'true' }],
  ['ingress', cors, { 'cors-max-age': '1m', 'cors-respond-to-options': 'true' }],
  ['ingress', limited, { 'rate-limit-period': '1m', 'rate-limit-status-code': '429' }],
  ['ingress', limited, { 'rate-limit-whitelist': '10.0.0.0/8', 'rate-limit-size': '100k' }],
  ['ingress', {}, { 'ssl-passthrough': 'true' }],
  ['service', {}, { 'ssl-passthrough': 'true', 'timeout-server': '10s', 'forwarded-for': 'false' }],
  ['service', {}, { 'load-balance': 'leastconn' }],
  ['service', {}, { 'load-balance': 'url_param user' }],
  ['service', {}, { 'load-balance': 'hdr(X-User)' }],
  ['service', {}, { 'load-balance': 'random(2)' }],
  ['service', {}, { 'load-balance': 'source' }],
  ['service', {}, { 'load-balance': 'uri whole' }],
  ['ingress', {}, { 'load-balance': 'static-rr', 'timeout-server': '500' }],
  ['service', tls, { 'server-ca': 'shop/backend', 'server-crt': 'backend' }],
  ['service', {}, { 'server-proto': 'h2' }],
  ['service', {}, { 'cookie-persistence': 'route' }],
  ['service', {}, { 'cookie-persistence-no-dynamic': 'route' }],
  ['service', {}, { check: 'true', 'check-http': '/health', 'check-interval': '10s', 'timeout-check': '1s' }],
  ['ingress', {}, { 'scale-server-slots': '75', 'servers-increment': '5', 'server-slots': '9' }],
  ['ingress', {}, { 'standalone-backend': 'true', abortonclose: 'true' }],
  ['config', {}, { 'timeout-connect': '3s', 'timeout-client': '50s', 'timeout-tunnel': '1h', nbthread: '4' }],
  ['config', {}, { 'hard-stop-after': '1m', 'clean-certs': 'true', dontlognull: 'true' }],
  ['config', {}, { 'http-connection-mode': 'http-server-close', 'http-keep-alive': 'true' }],
  ['config', {}, { 'http-server-close': 'true', 'timeout-client-fin': '1s', 'timeout-server-fin': '1s' }],
  ['config', {}, { 'cookie-persistence': 'route', 'ssl-redirect': 'true', 'load-balance': 'roundrobin' }],
];

/** What the object is taken without, and told about. */
const WARNED: readonly (readonly [place: HaproxyPlace, name: string, value: string])[] = [
  ['service', 'pod-maxconn', '30'],
  ['ingress', 'request-capture', 'hdr(Host)'],
  ['ingress', 'request-capture-len', '64'],
  ['ingress', 'cookie-persistence', 'route'],
  ['service', 'path-rewrite', '/'],
  ['ingress', 'timeout-connect', '3s'],
  ['ingress', 'nbthread', '4'],
  ['config', 'log-format', '%ci'],
  ['config', 'log-format-tcp', '%ci'],
  ['config', 'logasap', 'true'],
  ['config', 'syslog-server', 'address:127.0.0.1'],
  ['config', 'maxconn', '2000'],
  ['config', 'proxy-protocol', '0.0.0.0/0'],
  ['config', 'ssl-certificate', 'default/tls'],
  ['config', 'timeout-http-request', '5s'],
  ['config', 'timeout-http-keep-alive', '1m'],
  ['config', 'timeout-queue', '5s'],
  ['config', 'tls-alpn', 'http/1.1'],
  ['config', 'quic-alt-svc-max-age', '60'],
  ['config', 'client-strict-sni', 'true'],
  ['config', 'generate-certificates-signer', 'default/ca'],
  ['ingress', 'rate-limit', '5'],
  ['ingress', 'path_rewrite', '/'],
];

/** What the object is not taken with: somebody relies on it, or it is no such value. */
const REFUSED: readonly (readonly [place: HaproxyPlace, beside: Values, name: string, value: string])[] = [
  ['ingress', {}, 'src-ip-header', 'True-Client-IP'],
  ['ingress', {}, 'backend-config-snippet', 'http-send-name-header x'],
  ['service', {}, 'send-proxy-protocol', 'proxy-v2'],
  ['service', {}, 'route-acl', 'cookie(staging) -m found'],
  ['config', {}, 'client-ca', 'default/ca'],
  ['config', {}, 'client-crt-optional', 'true'],
  ['config', {}, 'global-config-snippet', 'x'],
  ['config', {}, 'frontend-config-snippet', 'x'],
  ['config', {}, 'stats-config-snippet', 'x'],
  ['ingress', {}, 'ssl-redirect', 'yes'],
  ['ingress', {}, 'ssl-redirect-code', '200'],
  ['ingress', {}, 'ssl-redirect-port', '70000'],
  ['ingress', {}, 'request-redirect', 'https://new.example/with/path'],
  ['ingress', {}, 'path-rewrite', '/(a /\\1'],
  ['ingress', {}, 'path-rewrite', '/a /b /c'],
  ['ingress', {}, 'request-set-header', 'X-Alone'],
  ['ingress', {}, 'request-set-header', 'Host inner.example'],
  ['ingress', {}, 'request-set-header', 'X-A %[ssl_c_s_dn]'],
  ['ingress', {}, 'response-set-header', 'Content-Length 5'],
  ['ingress', {}, 'allow-list', '10.0.0.0/40'],
  ['ingress', {}, 'deny-list', 'patterns/ips'],
  ['ingress', {}, 'auth-type', 'digest'],
  ['ingress', { 'auth-type': 'basic-auth' }, 'auth-secret', 'vault/users'],
  ['ingress', cors, 'cors-allow-origin', '(https'],
  ['ingress', {}, 'rate-limit-requests', 'many'],
  ['ingress', {}, 'rate-limit-requests', '0'],
  ['ingress', limited, 'rate-limit-period', '1 minute'],
  ['ingress', limited, 'rate-limit-status-code', '200'],
  ['service', {}, 'load-balance', 'rdp-cookie'],
  ['service', {}, 'timeout-server', '50 s'],
  ['service', {}, 'server-proto', 'fcgi'],
  ['service', { 'server-ca': 'one' }, 'server-crt', 'two'],
  ['service', { 'cookie-persistence-no-dynamic': 'b' }, 'cookie-persistence', 'a'],
  ['service', {}, 'cookie-persistence', 'a;b'],
];

/** `error path-rewrite` for each thing that is told about an object with these annotations. */
function told(place: HaproxyPlace, values: Values): readonly string[] {
  const report = new Report(from);
  const annotations = new HaproxyAnnotations(values, report);
  readHaproxySettings(annotations, { namespace: 'shop', name: 'web', from, isAlone: true });
  annotations.rest(place);
  return report.problems.map(
    ({ severity, path }) => `${severity} ${path?.replace(/^.*haproxy\.org\/|'\]$/g, '')}`,
  );
}

test('what people rely on most is served without a word', () => {
  for (const [place, beside, asks] of SERVED)
    assert.deepEqual(told(place, { ...beside, ...asks }), [], Object.keys(asks).join());
});

test('what has no effect is warned about by its name', () => {
  for (const [place, name, value] of WARNED)
    assert.deepEqual(told(place, { [name]: value }), [`warning ${name}`], name);
});

test('what cannot be carried out, or is no value, is refused by its name', () => {
  for (const [place, beside, name, value] of REFUSED)
    assert.deepEqual(told(place, { ...beside, [name]: value }), [`error ${name}`], `${name}: ${value}`);
});

test('every row is tried by one of these lists, as what it is', () => {
  const names = (support: string): readonly string[] =>
    HAPROXY_ANNOTATIONS.filter(each => each.support === support).map(each => each.name);
  const served = new Set(SERVED.flatMap(([, beside, asks]) => Object.keys({ ...beside, ...asks })));
  assert.deepEqual(
    [...names('works'), ...names('needless')].filter(each => !served.has(each)),
    [],
  );
  const warned = new Set(WARNED.map(([, name]) => name));
  assert.deepEqual(
    names('differs').filter(each => !warned.has(each)),
    [],
  );
  const refused = new Set(REFUSED.map(([, , name]) => name));
  assert.deepEqual(
    names('refused').filter(each => !refused.has(each)),
    [],
  );
});

test('every annotation is listed once, and none that never existed is among them', () => {
  const names = HAPROXY_ANNOTATIONS.map(each => each.name);
  assert.deepEqual(names, [...new Set(names)]);
  assert.deepEqual(
    names.filter(each => HAPROXY_NEVER_EXISTED.has(each)),
    [],
  );
});

test('docs/policies/ingress-haproxy.md has the same rows', () => {
  const missing = HAPROXY_ANNOTATIONS.filter(
    ({ name, words, default: whenUnsaid }) =>
      !docs.includes(
        `| \`${name}\` | ${whenUnsaid === '' ? '' : `\`${whenUnsaid}\` `}| ${words.replaceAll('|', '\\|')} |`,
      ),
  );
  assert.deepEqual(
    missing.map(each => each.name),
    [],
  );
});

test('every annotation that works is read by somebody', () => {
  const read = new Set<string>();
  class Watched extends HaproxyAnnotations {
    override text(name: string): string | undefined {
      read.add(name);
      return super.text(name);
    }
  }
  const report = new Report(from);
  readHaproxySettings(new Watched({ ...cors, ...basic, ...limited, ...tls }, report), {
    ...{ namespace: 'shop', name: 'web', from },
    isAlone: false,
  });
  assert.deepEqual(report.problems, []);
  const wanted = HAPROXY_ANNOTATIONS.filter(each => each.support === 'works').map(each => each.name);
  assert.deepEqual(
    wanted.filter(each => !read.has(each)),
    [],
  );
});

test('all three prefixes are read, and of one name the first of them counts', () => {
  const values = haproxyValues({
    'ingress.kubernetes.io/set-host': 'third.example',
    'haproxy.com/set-host': 'second.example',
    'haproxy.org/set-host': 'first.example',
    'haproxy.com/check': 'true',
    'ingress.kubernetes.io/ssl-redirect': 'true',
    'nginx.ingress.kubernetes.io/ssl-redirect': 'false',
  });
  assert.deepEqual(values, { 'set-host': 'first.example', check: 'true', 'ssl-redirect': 'true' });
});

test('a name that nobody has is told apart by what was meant', () => {
  assert.match(unknownWords('rewrite-target'), /write path-rewrite/);
  assert.match(unknownWords('rate_limit_requests'), /did you mean rate-limit-requests\?/);
  assert.match(unknownWords('frobnicate'), /never had an effect$/);
});
