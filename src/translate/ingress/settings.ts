import { type EdgePolicy, type RetryCondition, regexProblem, type StickySession } from '../../model/index.ts';
import { given, some } from '../given.ts';
import type { Report } from '../report.ts';
import { readAccess } from './access.ts';
import type { Annotations } from './annotations.ts';
import { readRewrites } from './answer-rewrites.ts';
import { readClientCertificates } from './client-certificates.ts';
import { readCors } from './cors.ts';
import { readFields } from './fields.ts';
import type { Canary, IngressDefaults, IngressSettings } from './ingress-model.ts';
import { readLimits } from './limits.ts';
import { readMirrors } from './mirrors.ts';
import { SnippetError } from './snippet.ts';
import { readSnippet, type SnippetRules } from './snippet-rules.ts';
import { readTraffic } from './traffic.ts';
import { withOperators } from './variables.ts';

/** Whose annotations they are. */
export interface SettingsContext {
  readonly namespace: string;
  readonly name: string;
  readonly clusterDomain: string;
  readonly defaults: IngressDefaults;
  readonly report: Report;
}

/** All that the annotations of an Ingress say. */
export function readSettings(annotations: Annotations, context: SettingsContext): IngressSettings {
  const { defaults } = context;
  const [read, send] = [
    annotations.secondsMs('proxy-read-timeout'),
    annotations.secondsMs('proxy-send-timeout'),
  ];
  const idleTimeoutMs = read === undefined && send === undefined ? undefined : Math.max(read ?? 0, send ?? 0);
  const prefix = annotations.text('x-forwarded-prefix');
  const snippet = snippetOf('configuration-snippet', annotations);
  const rewriteTarget = rewriteOf(annotations);
  const requestHeaders =
    prefix !== undefined && rewriteTarget !== undefined
      ? { set: [['x-forwarded-prefix', prefix] as const] }
      : undefined;
  for (const name of ['connection-proxy-header', 'preserve-trailing-slash', 'service-upstream'] as const)
    annotations.text(name);
  return {
    edge: edgeOf(annotations, snippet, context),
    retry: retryOf(annotations),
    traffic: readTraffic(annotations, defaults, context.namespace),
    ...readFields(annotations, context.namespace),
    ...given({
      sslRedirect: annotations.flag('ssl-redirect'),
      forceSslRedirect: annotations.flag('force-ssl-redirect'),
      usePortInRedirects: annotations.flag('use-port-in-redirects'),
      appRoot: appRootOf(annotations),
      redirect: redirectOf(annotations),
      sslPassthrough: annotations.flag('ssl-passthrough'),
      clientCertificates: readClientCertificates(annotations, context),
      ciphers: some((annotations.text('ssl-ciphers') ?? '').split(':').filter(Boolean)),
      fromToWww: annotations.flag('from-to-www-redirect'),
      rewriteTarget,
      useRegex: annotations.flag('use-regex'),
      serverAliases: some(annotations.list('server-alias').map(each => each.toLowerCase())),
      host: annotations.text('upstream-vhost'),
      canary: canaryOf(annotations),
      idleTimeoutMs,
      cors: readCors(annotations),
      session: sessionOf(annotations),
      requestHeaders,
      mirrors: readMirrors(annotations, context),
      snippet,
      serverSnippet: snippetOf('server-snippet', annotations),
    }),
  };
}

function appRootOf(annotations: Annotations): string | undefined {
  const root = annotations.text('app-root');
  if (root === undefined || root.startsWith('/')) return root;
  return annotations.wrong('app-root', `'${root}' is no path; it begins with a slash`);
}

function rewriteOf(annotations: Annotations): string | undefined {
  const target = annotations.text('rewrite-target');
  if (target === undefined) return undefined;
  if (/^(https?:|\$scheme)/.test(target))
    return annotations.wrong(
      'rewrite-target',
      `'${target}' is an URL, to which nginx redirects; write permanent-redirect or temporal-redirect`,
    );
  if (/\$(?!\d)/.test(target))
    return annotations.wrong(
      'rewrite-target',
      `'${target}' has a variable; only the groups $1 to $9 of the path can stand in it`,
    );
  return target;
}

function redirectOf(annotations: Annotations): IngressSettings['redirect'] {
  for (const [kind, fallback] of [
    ['temporal-redirect', 302],
    ['permanent-redirect', 301],
  ] as const) {
    const url = annotations.text(kind);
    const status = annotations.count(`${kind}-code`) ?? fallback;
    if (url === undefined) continue;
    // As ingress-nginx: what is no status of a redirect is the default.
    const code = status >= 300 && status <= 308 ? status : fallback;
    const read = withOperators(url);
    if ('unknown' in read)
      return annotations.wrong(kind, `'${url}' has the variable ${read.unknown}, which is not known`);
    if (!/^(https?:\/\/|\/|%REQ)/.test(read.value)) return annotations.wrong(kind, `'${url}' is no URL`);
    return { status: code, location: read.value };
  }
  return undefined;
}

function canaryOf(annotations: Annotations): Canary | undefined {
  const weight = annotations.count('canary-weight') ?? 0;
  const weightTotal = annotations.count('canary-weight-total') ?? 100;
  const name = annotations.text('canary-by-header');
  const value = annotations.text('canary-by-header-value');
  const pattern = annotations.text('canary-by-header-pattern');
  const cookie = annotations.text('canary-by-cookie');
  if (annotations.flag('canary') !== true) return undefined;
  const isSticky = annotations.choice('affinity-canary-behavior', ['sticky', 'legacy']) !== 'legacy';
  if (weight > weightTotal)
    return annotations.wrong(
      'canary-weight',
      `${weight} is more than all: canary-weight-total is ${weightTotal}`,
    );
  if (pattern !== undefined && value === undefined) {
    const problem = regexProblem(pattern);
    if (problem !== undefined)
      return annotations.wrong('canary-by-header-pattern', `'${pattern}' ${problem}`);
  }
  return {
    weight,
    weightTotal,
    isSticky,
    ...(name !== undefined && { header: { name: name.toLowerCase(), ...given({ value, pattern }) } }),
    ...given({ cookie }),
  };
}

function edgeOf(
  annotations: Annotations,
  snippet: SnippetRules | undefined,
  context: SettingsContext,
): EdgePolicy {
  const { defaults, report } = context;
  const maxBytes = annotations.size('proxy-body-size') ?? defaults.maxBodyBytes;
  const compress = snippet?.compress;
  return {
    from: report.object,
    body: { maxBytes },
    ...readAccess(annotations, snippet?.addresses ?? [], context),
    ...readLimits(annotations, context),
    ...given({
      rewrites: readRewrites(annotations),
      errorPages: some(pagesOf(annotations, context)),
      compression:
        compress === undefined ? defaults.compression : { encodings: ['gzip'] as const, ...compress },
    }),
  };
}

/** Service ports are not known here: the page's maker serves port 80. */
const pagesPort = 80;

function pagesOf(annotations: Annotations, context: SettingsContext): NonNullable<EdgePolicy['errorPages']> {
  const statuses = annotations.statuses('custom-http-errors');
  const backend = annotations.text('default-backend');
  if (statuses !== undefined && backend === undefined)
    annotations.tell(
      'custom-http-errors',
      'it has no effect without default-backend: there is no default backend of the controller',
    );
  annotations.flag('disable-proxy-intercept-errors');
  if (backend === undefined) return [];
  const { namespace, name, clusterDomain } = context;
  const headers = [
    ['x-namespace', namespace],
    ['x-ingress-name', name],
    ['x-service-name', backend],
    ['x-service-port', String(pagesPort)],
  ] as const;
  // What backends say to their errors then stays; what Weft says itself has a page all the same.
  const intercepts = annotations.flag('disable-proxy-intercept-errors') !== true;
  const service = { host: `${backend}.${namespace}.svc.${clusterDomain}`, port: pagesPort, headers };
  const own = { statuses: [503], ownOnly: true, service };
  return statuses === undefined || !intercepts
    ? [own]
    : [{ statuses, service }, ...(statuses.includes(503) ? [] : [own])];
}

const conditions: Readonly<Record<string, readonly RetryCondition[] | number>> = {
  error: ['connect-failure', 'reset', 'refused-stream'],
  timeout: [],
  invalid_header: ['reset'],
  http_500: 500,
  http_502: 502,
  http_503: 503,
  http_504: 504,
  http_403: 403,
  http_404: 404,
  http_429: 429,
};

function retryOf(annotations: Annotations): IngressSettings['retry'] {
  const words = (annotations.text('proxy-next-upstream') ?? 'error timeout').split(/\s+/);
  const tries = annotations.count('proxy-next-upstream-tries') ?? 3;
  const withinMs = annotations.secondsMs('proxy-next-upstream-timeout') || undefined;
  if (words.includes('off')) return { attempts: 0 };
  const on = new Set<RetryCondition>();
  const statuses: number[] = [];
  for (const word of words) {
    if (word === 'non_idempotent') continue;
    const known = conditions[word];
    if (known === undefined)
      annotations.wrong(
        'proxy-next-upstream',
        `'${word}' is none of ${Object.keys(conditions).join(', ')}, non_idempotent, off`,
      );
    else if (typeof known === 'number') statuses.push(known);
    else for (const each of known) on.add(each);
  }
  return {
    attempts: tries === 0 ? 9 : tries - 1,
    on: [...on],
    nonIdempotent: words.includes('non_idempotent'),
    ...given({ statuses: some(statuses), withinMs }),
  };
}

function sessionOf(annotations: Annotations): IngressSettings['session'] {
  const expires = annotations.secondsMs('session-cookie-expires');
  const maxAge = annotations.secondsMs('session-cookie-max-age') ?? expires;
  const session: Omit<StickySession, 'path'> & { path?: string } = {
    cookie: annotations.text('session-cookie-name') ?? 'INGRESSCOOKIE',
    ttlSeconds: (maxAge ?? 0) / 1000,
    ...given({
      path: annotations.text('session-cookie-path'),
      sameSite: annotations.choice('session-cookie-samesite', ['None', 'Lax', 'Strict']),
      secure: annotations.flag('session-cookie-secure') ?? 'by-tls',
      domain: annotations.text('session-cookie-domain'),
    }),
  };
  annotations.flag('session-cookie-conditional-samesite-none');
  annotations.flag('session-cookie-change-on-failure');
  annotations.choice('affinity-mode', ['balanced', 'persistent']);
  annotations.choice('affinity-canary-behavior', ['sticky', 'legacy']);
  return annotations.choice('affinity', ['cookie']) === undefined ? undefined : session;
}

function snippetOf(
  name: 'configuration-snippet' | 'server-snippet',
  annotations: Annotations,
): SnippetRules | undefined {
  const text = annotations.text(name);
  if (text === undefined) return undefined;
  try {
    return readSnippet(text);
  } catch (error) {
    if (error instanceof SnippetError)
      return annotations.wrong(name, `cannot be carried out: ${error.message}`);
    throw error;
  }
}
