// Traefik's annotations and Middlewares that people rely on (a survey of public manifests, and its documentation of 3.7), each
// with a value that asks for something, and what must become of it. The lists are written down here, apart from
// annotations.table.ts, so that a row which goes missing there, or changes what it does, is seen.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { Report } from '../report.ts';
import {
  TRAEFIK_MIDDLEWARES,
  TRAEFIK_NEVER_EXISTED,
  TRAEFIK_PREFIX,
  TRAEFIK_ROUTERS,
  TRAEFIK_SERVICES,
  type TraefikRow,
} from './annotations.table.ts';
import { readBackend, readRouter, TraefikAnnotations, unknownTraefik } from './annotations.ts';
import { goReplacement } from './go-replacement.ts';
import { readMiddleware } from './middleware.ts';
import { TRAEFIK_ROUTES } from './routes.table.ts';

type Values = Readonly<Record<string, string>>;
type Place = 'ingress' | 'service';
type Spec = Readonly<Record<string, unknown>>;

const from = { apiVersion: 'networking.k8s.io/v1', kind: 'Ingress', namespace: 'shop', name: 'web' };
const docs = readFileSync(join(import.meta.dirname, '../../../docs/policies/ingress-traefik.md'), 'utf8');

/** As Go names a group. */
const group = (name: string): string => `\${${name}}`;

/** What is taken without a word. */
const SERVED: readonly (readonly [place: Place, asks: Values])[] = [
  ['ingress', { 'router.entrypoints': 'web, websecure', 'router.priority': '42' }],
  ['ingress', { 'router.entrypoints': 'websecure', 'router.tls': 'true' }],
  ['ingress', { 'router.middlewares': 'shop-auth@kubernetescrd,kube-system-strip@kubernetescrd' }],
  ['ingress', { 'router.pathmatcher': 'PathRegexp', 'router.rulesyntax': 'v3' }],
  ['ingress', { 'router.tls.options': 'shop-mtls@kubernetescrd' }],
  ['service', { 'service.serversscheme': 'h2c', 'service.passhostheader': 'false' }],
  ['service', { 'service.serversscheme': 'https', 'service.nativelb': 'true', 'service.nodeportlb': 'true' }],
  [
    'service',
    {
      ...{ 'service.sticky.cookie': 'true', 'service.sticky.cookie.name': 'route' },
      ...{ 'service.sticky.cookie.secure': 'true', 'service.sticky.cookie.samesite': 'lax' },
      ...{ 'service.sticky.cookie.maxage': '60', 'service.sticky.cookie.path': '/shop' },
      ...{ 'service.sticky.cookie.domain': 'shop.example', 'service.sticky.cookie.httponly': 'true' },
    },
  ],
];

/** What the object is taken without, and told about. */
const WARNED: readonly (readonly [place: Place, name: string, value: string])[] = [
  ['ingress', 'router.tls.certresolver', 'le'],
  ['ingress', 'router.tls.domains.0.main', 'shop.example'],
  ['ingress', 'router.tls.domains.0.sans', '*.shop.example'],
  ['ingress', 'router.observability.accesslogs', 'false'],
  ['ingress', 'router.observability.metrics', 'false'],
  ['ingress', 'router.observability.tracing', 'false'],
  ['ingress', 'service.passhostheader', 'false'],
  ['service', 'router.entrypoints', 'web'],
  ['ingress', 'router.middleware', 'shop-auth@kubernetescrd'],
  ['ingress', 'frontend-entry-points', 'http'],
];

/** What the object is not taken with. */
const REFUSED: readonly (readonly [place: Place, name: string, value: string])[] = [
  ['ingress', 'router.tls.options', 'mtls@file'],
  ['ingress', 'router.entrypoints', 'web,internal'],
  ['ingress', 'router.middlewares', 'auth@file'],
  ['ingress', 'router.middlewares', 'auth@kubernetescrd'],
  ['ingress', 'router.priority', 'high'],
  ['ingress', 'router.tls', 'yes'],
  ['ingress', 'router.pathmatcher', 'Host'],
  ['service', 'service.serverstransport', 'shop-skip@kubernetescrd'],
  ['service', 'service.serversscheme', 'fcgi'],
  ['service', 'service.sticky.cookie.name', 'a b'],
  ['service', 'service.sticky.cookie.maxage', '1h'],
];

/** Middlewares that are taken without a word. */
const MIDDLEWARES: readonly Spec[] = [
  { addPrefix: { prefix: '/shop' } },
  { stripPrefix: { prefixes: ['/api', '/v1'], forceSlash: false } },
  { stripPrefixRegex: { regex: ['/v[0-9]+'] } },
  { replacePath: { path: '/index.html' } },
  { replacePathRegex: { regex: '^/a/(.*)', replacement: '/b/$1' } },
  { redirectScheme: { scheme: 'https', permanent: true, port: '8443' } },
  { redirectRegex: { regex: '^http://a/(.*)', replacement: `https://b/${group('1')}`, permanent: true } },
  {
    headers: {
      ...{ customRequestHeaders: { 'X-A': 'b', 'X-Gone': '' }, customResponseHeaders: { 'X-C': 'd' } },
      ...{ accessControlAllowOriginList: ['https://shop.example'], accessControlAllowMethods: ['GET'] },
      ...{ accessControlAllowHeaders: ['X-A'], accessControlExposeHeaders: ['X-B'], accessControlMaxAge: 60 },
      ...{ accessControlAllowOriginListRegex: ['^https://.*$'], accessControlAllowCredentials: true },
      ...{ addVaryHeader: true, frameDeny: true, contentTypeNosniff: true, browserXssFilter: true },
      ...{ stsSeconds: 60, stsIncludeSubdomains: true, stsPreload: true, forceSTSHeader: true },
      ...{ customFrameOptionsValue: 'SAMEORIGIN', contentSecurityPolicy: "default-src 'self'" },
      ...{ customBrowserXSSValue: '0', referrerPolicy: 'same-origin', permissionsPolicy: 'camera=()' },
      ...{ featurePolicy: 'x', contentSecurityPolicyReportOnly: 'x', sslRedirect: true },
      ...{ sslTemporaryRedirect: true },
    },
  },
  { basicAuth: { secret: 'users', realm: 'Shop', removeHeader: true } },
  {
    forwardAuth: {
      ...{ address: 'http://auth.shop.svc.cluster.local/verify', authResponseHeaders: ['X-User'] },
      authRequestHeaders: ['Cookie'],
    },
  },
  { rateLimit: { average: 100, period: '1m', burst: 50, sourceCriterion: { requestHeaderName: 'X-Key' } } },
  { rateLimit: { average: 100, period: 10, sourceCriterion: { requestHost: true } } },
  { inFlightReq: { amount: 10, sourceCriterion: { ipStrategy: {} } } },
  { ipAllowList: { sourceRange: ['10.0.0.0/8'], rejectStatusCode: 404 } },
  { ipWhiteList: { sourceRange: ['192.0.2.1'] } },
  { retry: { attempts: 4 } },
  { buffering: { maxRequestBodyBytes: 2_000_000, memRequestBodyBytes: 1, memResponseBodyBytes: 1 } },
  { compress: { excludedContentTypes: ['text/event-stream'], minResponseBodyBytes: 100, encodings: ['br'] } },
  { compress: {} },
  { errors: { status: ['500-599', '404'], service: { name: 'pages', port: 80 }, query: '/{status}.html' } },
  { chain: { middlewares: [{ name: 'a' }, { name: 'b', namespace: 'other' }] } },
  { contentType: {} },
];

/** Fields of Middlewares that have no effect, and those that are refused, each by its path. */
const FIELDS: readonly (readonly [spec: Spec, told: string])[] = [
  [{ circuitBreaker: { expression: 'x' } }, 'warning spec.circuitBreaker'],
  [{ grpcWeb: { allowOrigins: ['*'] } }, 'warning spec.grpcWeb'],
  [{ retry: { attempts: 2, initialInterval: '1s' } }, 'warning spec.retry.initialInterval'],
  [{ buffering: { maxResponseBodyBytes: 1 } }, 'warning spec.buffering.maxResponseBodyBytes'],
  [{ buffering: { retryExpression: 'x' } }, 'warning spec.buffering.retryExpression'],
  [{ basicAuth: { secret: 'a', headerField: 'X-U' } }, 'warning spec.basicAuth.headerField'],
  [{ headers: { publicKey: 'x' } }, 'warning spec.headers.publicKey'],
  [{ headers: { customHeaders: {} } }, 'warning spec.headers.customHeaders'],
  [
    { forwardAuth: { address: 'http://a/', trustForwardHeader: true } },
    'warning spec.forwardAuth.trustForwardHeader',
  ],
  [{ rateLimit: { average: 1, redis: {} } }, 'warning spec.rateLimit.redis'],
  [{ compress: { defaultEncoding: 'gzip' } }, 'warning spec.compress.defaultEncoding'],
  [{ redirectRegex: { regex: '(a', replacement: 'b' } }, 'error spec.redirectRegex.regex'],
  [{ redirectRegex: { regex: 'a' } }, 'error spec.redirectRegex.replacement'],
  [
    { redirectRegex: { regex: '(a)'.repeat(10), replacement: '$10' } },
    'error spec.redirectRegex.replacement',
  ],
  [{ digestAuth: { secret: 'a' } }, 'error spec.digestAuth'],
  [{ passTLSClientCert: { pem: true } }, 'error spec.passTLSClientCert'],
  [{ plugin: { demo: {} } }, 'error spec.plugin'],
  [{ basicAuht: { secret: 'a' } }, 'error spec.basicAuht'],
  [{ retry: { attempts: 2 }, compress: {} }, 'error spec'],
  [{}, 'error spec'],
  [{ addPrefix: {} }, 'error spec.addPrefix.prefix'],
  [{ stripPrefixRegex: { regex: ['(a'] } }, 'error spec.stripPrefixRegex.regex'],
  [{ redirectScheme: { scheme: 'http' } }, 'error spec.redirectScheme.scheme'],
  [{ headers: { customRequestHeaders: { Upgrade: 'x' } } }, 'error spec.headers.customRequestHeaders'],
  [{ headers: { allowedHosts: ['a'] } }, 'error spec.headers.allowedHosts'],
  [{ basicAuth: {} }, 'error spec.basicAuth.secret'],
  [{ forwardAuth: { address: 'auth' } }, 'error spec.forwardAuth.address'],
  [{ forwardAuth: { address: 'http://a/', forwardBody: true } }, 'error spec.forwardAuth.forwardBody'],
  [{ rateLimit: { average: 1, period: '0s' } }, 'error spec.rateLimit.period'],
  [{ inFlightReq: {} }, 'error spec.inFlightReq.amount'],
  [
    { ipAllowList: { sourceRange: ['10.0.0.0/8'], ipStrategy: { depth: 1 } } },
    'error spec.ipAllowList.ipStrategy',
  ],
  [{ ipAllowList: { sourceRange: ['ten'] } }, 'error spec.ipAllowList.sourceRange'],
  [{ errors: { status: ['teapot'], service: { name: 'a' } } }, 'error spec.errors.status'],
];

function told(place: Place, values: Values): readonly string[] {
  const report = new Report(from);
  const all = Object.entries(values).map(([name, value]) => [`${TRAEFIK_PREFIX}${name}`, value]);
  const annotations = new TraefikAnnotations(Object.fromEntries(all), report);
  if (place === 'ingress') readRouter(annotations, true);
  else readBackend(annotations);
  annotations.rest(place);
  return report.problems.map(
    ({ severity, path }) => `${severity} ${path?.replace(/^.*kubernetes\.io\/|'\]$/g, '')}`,
  );
}

function toldOf(spec: Spec): readonly string[] {
  const report = new Report(from);
  const object = { apiVersion: 'traefik.io/v1alpha1', kind: 'Middleware', metadata: { name: 'm' }, spec };
  const context = { trustDomain: '', clusterDomain: 'cluster.local', rootNamespaces: [], site: {} };
  readMiddleware(object, context, report);
  return report.problems.map(({ severity, path }) => `${severity} ${path}`);
}

test('annotations that people rely on most are served without a word', () => {
  for (const [place, asks] of SERVED) assert.deepEqual(told(place, asks), [], Object.keys(asks).join());
});

test('annotations without an effect are warned about by their names', () => {
  for (const [place, name, value] of WARNED)
    assert.deepEqual(told(place, { [name]: value }), [`warning ${name}`], name);
});

test('annotations that cannot be carried out are refused by their names', () => {
  for (const [place, name, value] of REFUSED)
    assert.deepEqual(told(place, { [name]: value }), [`error ${name}`], `${name}: ${value}`);
});

test('Middlewares are served without a word, whatever they say', () => {
  for (const spec of MIDDLEWARES) assert.deepEqual(toldOf(spec), [], JSON.stringify(spec));
});

test('fields of Middlewares that have no effect are named, and those that are refused, too', () => {
  for (const [spec, what] of FIELDS)
    assert.ok(toldOf(spec).includes(what), `${what}: ${toldOf(spec).join()}`);
});

test('TLS without a host of spec.tls is told, since nobody could come', () => {
  const report = new Report(from);
  const annotations = new TraefikAnnotations({ [`${TRAEFIK_PREFIX}router.tls`]: 'true' }, report);
  assert.equal(readRouter(annotations, false).scheme, 'https');
  assert.match(report.problems[0]?.message ?? '', /router\.tls.*write spec\.tls/);
});

test('every row is tried by one of these lists, as what it is', () => {
  const plain = (name: string): string => name.replace(/\.\d+\./, '.n.');
  const tried = {
    works: SERVED.flatMap(([, asks]) => Object.keys(asks)),
    differs: WARNED.map(([, name]) => plain(name)),
    refused: REFUSED.map(([, name]) => name),
  };
  const missing = (rows: readonly TraefikRow[], names: Readonly<Record<string, readonly string[]>>) =>
    rows.filter(({ name, support }) => !names[support === 'needless' ? 'works' : support]!.includes(name));
  assert.deepEqual(missing([...TRAEFIK_ROUTERS, ...TRAEFIK_SERVICES], tried), []);
  const fields = {
    works: MIDDLEWARES.flatMap(each => Object.keys(each)),
    differs: FIELDS.flatMap(([spec, what]) => (what.startsWith('warning') ? Object.keys(spec) : [])),
    refused: FIELDS.flatMap(([spec, what]) => (what.startsWith('error') ? Object.keys(spec) : [])),
  };
  assert.deepEqual(missing(TRAEFIK_MIDDLEWARES, fields), []);
});

test('docs/policies/ingress-traefik.md has the same rows', () => {
  const rows = [...TRAEFIK_ROUTERS, ...TRAEFIK_SERVICES, ...TRAEFIK_MIDDLEWARES, ...TRAEFIK_ROUTES];
  const missing = rows.filter(
    ({ name, words, default: whenUnsaid }) =>
      !docs.includes(`| \`${name}\` | ${whenUnsaid === '' ? '' : `\`${whenUnsaid}\` `}| ${words} |`),
  );
  assert.deepEqual(
    missing.map(each => each.name),
    [],
  );
  assert.deepEqual(
    rows.filter(each => TRAEFIK_NEVER_EXISTED.has(each.name)),
    [],
  );
});

test('a name that nobody has is told apart by what was meant', () => {
  const names = TRAEFIK_ROUTERS.map(each => each.name);
  assert.match(unknownTraefik('rule-type', names), /write router\.pathmatcher/);
  assert.match(unknownTraefik('router.entrypoint', names), /write router\.entrypoints/);
  assert.match(unknownTraefik('router.priorty', names), /did you mean router\.priority\?/);
});

test('replacements name groups as Go does: by number or name, the longest name that can be', () => {
  const pattern = '^(?P<scheme>https?)://[(](a)(?:x)([)(])';
  const cases: readonly (readonly [written: string, substitution: string])[] = [
    [`$1 ${group('2')} $scheme ${group('scheme')}s $$ $0`, '\\1 \\2 \\1 \\1s $ \\0'],
    ['$1x $schemes $4 a\\b', '   a\\\\b'],
  ];
  for (const [written, substitution] of cases)
    assert.deepEqual(goReplacement(written, pattern), { substitution }, written);
});
