import { INGRESS_CONFIG } from '../../config/index.ts';
import { fieldsRef } from '../../model/index.ts';
import { isRecord } from '../../plain/index.ts';
import type { KubeObject } from '../../registry/index.ts';
import type { KindTranslator, TranslateContext } from '../dialect.ts';
import type { Part } from '../part.ts';
import type { Report } from '../report.ts';
import { requestOf } from './access.ts';
import { Annotations, NGINX_PREFIX } from './annotations.ts';
import { INGRESS_DEFAULTS, type IngressDefaults } from './ingress-model.ts';
import { nearestName } from './nearest-name.ts';
import { readSettings } from './settings.ts';
import { parseCidrs, parseCount, parseFlag, parseList, parseSize, parseTimeMs } from './values.ts';

/** v1 ConfigMap, where it is that of ingress-nginx: what holds for all Ingresses. */
export const ingressConfigMapTranslator: KindTranslator = {
  kind: 'ConfigMap',
  translate: translateConfigMap,
};

type Writable = { -readonly [K in keyof IngressDefaults]: IngressDefaults[K] };
/** Takes a value over; a text says what is wrong with it. */
type Reader = (text: string, into: Writable) => string | undefined;

function reader<T>(
  parse: (text: string) => T | undefined,
  what: string,
  take: (value: T, into: Writable) => void,
): Reader {
  return (text, into) => {
    const value = parse(text);
    if (value === undefined) return `'${text}' is no ${what}`;
    take(value, into);
    return undefined;
  };
}

const flag = (take: (value: boolean, into: Writable) => void): Reader => reader(parseFlag, 'boolean', take);
const count = (take: (value: number, into: Writable) => void): Reader =>
  reader(parseCount, 'whole number', take);
const seconds = (take: (ms: number, into: Writable) => void): Reader =>
  reader(parseTimeMs, 'number of seconds', take);

const configMap = (take: (ref: string, into: Writable) => void): Reader =>
  reader(text => fieldsRef(text), 'ConfigMap; write NAMESPACE/NAME', take);

/** Those that ingress-nginx takes. */
function parseRedirect(text: string): number | undefined {
  return /^30[1278]$/.test(text) ? Number(text) : undefined;
}

const gzip = { encodings: ['gzip'], minBytes: 256, types: ['text/html'] } as const;
const gzipTypes =
  'application/atom+xml application/javascript application/x-javascript application/json application/rss+xml application/vnd.ms-fontobject application/x-font-ttf application/x-web-app-manifest+json application/xhtml+xml application/xml font/opentype image/svg+xml image/x-icon text/css text/javascript text/plain text/x-component';

/** Keys that have an effect. */
const readers: Readonly<Record<string, Reader>> = {
  'ssl-redirect': flag((value, into) => (into.sslRedirect = value)),
  'force-ssl-redirect': flag((value, into) => (into.forceSslRedirect = value)),
  'http-redirect-code': reader(parseRedirect, 'status of a redirect: 301, 302, 307 or 308', (value, into) => {
    into.redirectStatus = value;
  }),
  'use-port-in-redirects': flag((value, into) => (into.usePortInRedirects = value)),
  hsts: flag((value, into) => (into.hsts = value ? (into.hsts ?? INGRESS_DEFAULTS.hsts) : undefined)),
  'hsts-max-age': count((maxAgeSeconds, into) => (into.hsts &&= { ...into.hsts, maxAgeSeconds })),
  'hsts-include-subdomains': flag(
    (includeSubdomains, into) => (into.hsts &&= { ...into.hsts, includeSubdomains }),
  ),
  'hsts-preload': flag((preload, into) => (into.hsts &&= { ...into.hsts, preload })),
  'proxy-body-size': reader(parseSize, 'size', (value, into) => (into.maxBodyBytes = value)),
  'proxy-read-timeout': seconds((value, into) => (into.idleTimeoutMs = value)),
  'proxy-connect-timeout': seconds((value, into) => (into.connectTimeoutMs = value)),
  'add-headers': configMap((ref, into) => (into.responseFieldsFrom = ref)),
  'proxy-set-headers': configMap((ref, into) => (into.requestFieldsFrom = ref)),
  'global-allowed-response-headers': reader(parseList, 'list of names', (names, into) => {
    into.allowedFields = names.map(each => each.toLowerCase());
  }),
  'no-tls-redirect-locations': reader(parseList, 'list of paths', (paths, into) => {
    into.plainLocations = paths;
  }),
  'no-auth-locations': reader(parseList, 'list of paths', (paths, into) => (into.openLocations = paths)),
  'limit-req-status-code': count((value, into) => (into.limitStatus = value)),
  'limit-rate': count((value, into) => (into.answerRate = value)),
  'limit-rate-after': count((value, into) => (into.answerRateAfter = value)),
  'limit-conn-status-code': count((value, into) => (into.limitConnectionsStatus = value)),
  'whitelist-source-range': reader(parseCidrs, 'list of ranges', (value, into) => (into.allowRanges = value)),
  'denylist-source-range': reader(parseCidrs, 'list of ranges', (value, into) => (into.denyRanges = value)),
  'block-cidrs': reader(parseCidrs, 'list of ranges', (value, into) => (into.denyRanges = value)),
  'use-gzip': flag((value, into) => {
    into.compression = value
      ? (into.compression ?? { ...gzip, types: ['text/html', ...gzipTypes.split(' ')] })
      : undefined;
  }),
  'gzip-types': reader(
    text => parseList(text.replaceAll(' ', ',')),
    'list of types',
    (types, into) => (into.compression &&= { ...into.compression, types: ['text/html', ...types] }),
  ),
  'gzip-min-length': count((minBytes, into) => (into.compression &&= { ...into.compression, minBytes })),
  'gzip-level': count((level, into) => (into.compression &&= { ...into.compression, level })),
  'enable-brotli': flag((value, into) => {
    if (value)
      into.compression = {
        ...(into.compression ?? { ...gzip, types: ['text/html', ...gzipTypes.split(' ')] }),
        encodings: ['br', 'gzip'],
      };
  }),
};

/** As annotations of Ingresses without `global-`. */
const globalAuthKeys = [
  'url',
  'method',
  'signin',
  'signin-redirect-param',
  'response-headers',
  'request-redirect',
  'cache-key',
  'cache-duration',
  'always-set-cookie',
].map(each => `global-auth-${each}`);

/** Keys that mean for all Ingresses what annotations of these names mean for one. */
const asAnnotations = [
  'proxy-next-upstream',
  'proxy-next-upstream-tries',
  'proxy-next-upstream-timeout',
  'load-balance',
  'upstream-hash-by',
  'proxy-redirect-from',
  'proxy-redirect-to',
  'proxy-cookie-domain',
  'proxy-cookie-path',
  'custom-http-errors',
];

/** Keys that say nothing here, with the reason. */
const needless: Readonly<Record<string, string>> = {
  'proxy-buffer-size': 'answers are streamed',
  'proxy-buffering': 'answers are streamed',
  'proxy-buffers-number': 'answers are streamed',
  'proxy-busy-buffers-size': 'answers are streamed',
  'client-body-buffer-size': 'requests are streamed',
  'worker-processes': 'weft-proxy has --concurrency',
  'worker-shutdown-timeout': 'changes cut no connection',
  'max-worker-connections': 'there is no such bound',
  'upstream-keepalive-connections': 'connections are kept',
  'annotations-risk-level': 'no annotation becomes text of a configuration',
  'annotation-value-word-blocklist': 'no annotation becomes text of a configuration',
  'allow-snippet-annotations': 'snippets are read by a grammar',
  'strict-validate-path-type': 'paths become no text of a configuration',
  'proxy-send-timeout': 'the longer of proxy-read-timeout and this holds for both directions',
  'server-tokens': 'nothing is told of the version',
  'ssl-protocols': 'TLS 1.2 and 1.3',
  'use-http2': 'HTTP/2 is spoken',
};

/** Keys whose effect somebody may miss. */
const elsewhere: Readonly<Record<string, string>> = {
  'use-forwarded-headers': 'say it at the gateway: whose X-Forwarded-* are believed',
  'compute-full-forwarded-for': 'say it at the gateway: whose X-Forwarded-* are believed',
  'forwarded-for-header': 'say it at the gateway: whose X-Forwarded-* are believed',
  'proxy-real-ip-cidr': 'say it at the gateway: whose X-Forwarded-* are believed',
  'use-proxy-protocol': 'say it at the gateway: whether connections begin with a PROXY header',
  'log-format-upstream': 'say it by a Telemetry object (docs/telemetry.md)',
  'global-auth-snippet': 'text of nginx for the question of global-auth-url',
  'main-snippet': 'text of nginx',
  'http-snippet': 'text of nginx',
  'server-snippet': 'write the annotation server-snippet where it is wanted',
  'location-snippet': 'write the annotation configuration-snippet where it is wanted',
  'enable-modsecurity': 'there is no web application firewall in Weft: put one before it',
};

function translateConfigMap(object: KubeObject, context: TranslateContext, report: Report): readonly Part[] {
  if (object.metadata.name !== INGRESS_CONFIG) return [];
  const data = isRecord(object.data) ? object.data : {};
  const into: Writable = { ...INGRESS_DEFAULTS };
  // In the order of the table: hsts-max-age comes after hsts, whatever the order of the object.
  for (const [key, read] of Object.entries(readers)) {
    const text = data[key];
    if (typeof text !== 'string') continue;
    const wrong = read(text.trim(), into);
    if (wrong !== undefined) report.error('field-invalid', at(key), `${at(key)}: ${wrong}`);
  }
  into.globalAuth = globalAuthOf(data, report);
  into.annotations = annotationsOf(data, context, report);
  for (const key of Object.keys(data)) {
    if ([readers, needless].some(each => key in each)) continue;
    if (globalAuthKeys.includes(key) || asAnnotations.includes(key)) continue;
    const why = elsewhere[key];
    const near = nearestName(key, [
      ...Object.keys(readers),
      ...Object.keys(needless),
      ...Object.keys(elsewhere),
      ...asAnnotations,
    ]);
    const words = why ?? `no key that Weft knows${near === undefined ? '' : `; did you mean ${near}?`}`;
    report.warn('field-not-supported', at(key), `${at(key)} has no effect: ${words}`);
  }
  return [{ kind: 'ingress-defaults', defaults: into, from: report.object }];
}

/** global-auth-url and what belongs to it are auth-url and the like for all Ingresses. */
function globalAuthOf(
  data: Readonly<Record<string, unknown>>,
  report: Report,
): IngressDefaults['globalAuth'] {
  const all = globalAuthKeys.map(key => [`${NGINX_PREFIX}${key.slice('global-'.length)}`, data[key]]);
  return requestOf(new Annotations(Object.fromEntries(all), report, name => at(`global-${name}`)));
}

/** What of an annotation's value is wrong is wrong of the key's. */
function annotationsOf(
  data: Readonly<Record<string, unknown>>,
  { clusterDomain }: TranslateContext,
  report: Report,
): Readonly<Record<string, string>> {
  const own = asAnnotations.flatMap(key => {
    const value = data[key];
    return typeof value === 'string' ? [[`${NGINX_PREFIX}${key}`, value] as const] : [];
  });
  const all = Object.fromEntries(own);
  // Pages come from the Service that each Ingress names.
  const read = new Annotations({ ...all, [`${NGINX_PREFIX}default-backend`]: 'named' }, report, at);
  const { namespace, name } = report.object;
  readSettings(read, { namespace, name, clusterDomain, defaults: INGRESS_DEFAULTS, report });
  return all;
}

function at(key: string): string {
  return `data['${key}']`;
}
