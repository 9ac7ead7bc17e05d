import type {
  AddressRules,
  BasicAuth,
  ClientLimit,
  CorsPolicy,
  HeaderEdits,
  HttpsRedirect,
  PathRewrite,
  StickySession,
} from '../../model/index.ts';
import { regexProblem } from '../../model/index.ts';
import { given, some } from '../given.ts';
import { headerNameProblem } from '../header-name.ts';
import type { IngressSettings } from '../ingress/ingress-model.ts';
import { parseList } from '../ingress/values.ts';
import type { HaproxyAnnotations } from './annotations.ts';
import { type HaproxyContext, secretOf } from './context.ts';
import { readHaproxyTraffic } from './traffic.ts';
import { formatOperators, linesOf, parsePair } from './values.ts';

/** What annotations say of a path: those of the ConfigMap, the Ingress and the Service together. */
export function readHaproxySettings(
  annotations: HaproxyAnnotations,
  context: HaproxyContext,
): IngressSettings {
  const sslRedirect = annotations.flag('ssl-redirect');
  const hidden = annotations.flag('forwarded-for') === false;
  return {
    edge: {
      from: context.from,
      ...given({
        addresses: addressesOf(annotations),
        basicAuth: basicAuthOf(annotations, context),
        clientLimits: some(limitOf(annotations, context)),
      }),
    },
    // HAProxy's retries: connections that fail are made anew three times.
    retry: { attempts: 3, on: ['connect-failure'] },
    traffic: readHaproxyTraffic(annotations, context),
    ...given({
      // Said, it holds whether TLS ends here or before.
      forceSslRedirect: sslRedirect === true ? true : undefined,
      sslRedirect,
      httpsRedirect: httpsRedirectOf(annotations),
      redirect: redirectOf(annotations),
      sslPassthrough: annotations.flag('ssl-passthrough'),
      path: rewriteOf(annotations),
      host: annotations.text('set-host'),
      idleTimeoutMs: annotations.timeMs('timeout-server'),
      cors: corsOf(annotations),
      session: sessionOf(annotations),
      requestHeaders: requestHeadersOf(headersOf(annotations, 'request-set-header'), hidden),
      responseHeaders: editsOf(headersOf(annotations, 'response-set-header')),
    }),
  };
}

const isRedirect = (status: number): boolean => [301, 302, 303, 307, 308].includes(status);
const redirects = 'status of a redirect; write 301, 302, 303, 307 or 308';

function httpsRedirectOf(annotations: HaproxyAnnotations): HttpsRedirect {
  const status = annotations.status('ssl-redirect-code', isRedirect, redirects) ?? 302;
  const port = annotations.count('ssl-redirect-port');
  if (port !== undefined && (port < 1 || port > 65_535))
    annotations.wrong('ssl-redirect-port', `${port} is no port`);
  return { status, ...(port !== undefined && port !== 443 && { port }) };
}

function redirectOf(annotations: HaproxyAnnotations): IngressSettings['redirect'] {
  const to = annotations.text('request-redirect');
  const status = annotations.status('request-redirect-code', isRedirect, redirects) ?? 302;
  if (to === undefined) return undefined;
  const [, scheme = 'http://', host] = /^(https?:\/\/)?([A-Za-z0-9.-]+(?::\d{1,5})?)$/.exec(to) ?? [];
  if (host === undefined)
    return annotations.wrong(
      'request-redirect',
      `'${to}' is no HOST or HOST:PORT, with or without http(s)://`,
    );
  return { status, location: `${scheme}${host}%REQ(:path)%` };
}

function rewriteOf(annotations: HaproxyAnnotations): PathRewrite | undefined {
  const steps = linesOf(annotations.text('path-rewrite') ?? '').flatMap((line): readonly PathRewrite[] => {
    const words = line.split(/\s+/);
    const [pattern, to] = words.length === 1 ? ['(.*)', words[0]!] : [words[0]!, words[1]!];
    const problem = words.length > 2 ? 'has more than two words' : regexProblem(pattern);
    const formats = /%\[/.test(to) ? 'has a format; only the groups \\1 to \\9 can stand in it' : undefined;
    const why = problem ?? formats;
    if (why !== undefined) {
      annotations.wrong('path-rewrite', `'${line}' ${why}`);
      return [];
    }
    // The first place that fits decides, and the path as a whole gives way (http_act.c, replace-path).
    return [{ kind: 'regex', pattern: `(?s)^.*?(?:${pattern}).*$`, substitution: to.replaceAll('%%', '%') }];
  });
  const [first, ...more] = steps;
  return more.length === 0 ? first : { kind: 'steps', steps };
}

type Pair = readonly [name: string, value: string];

function headersOf(
  annotations: HaproxyAnnotations,
  name: 'request-set-header' | 'response-set-header',
): readonly Pair[] {
  return linesOf(annotations.text(name) ?? '').flatMap((line): readonly Pair[] => {
    const pair = parsePair(line);
    if (pair === undefined) {
      annotations.wrong(name, `'${line}' is no NAME VALUE`);
      return [];
    }
    const [field, text] = pair;
    const isHost = field.toLowerCase() === 'host';
    const why = isHost ? 'says to whom the request goes; write set-host' : headerNameProblem(field);
    const read = formatOperators(text);
    if (why !== undefined) annotations.wrong(name, `'${field}' ${why}`);
    else if ('unknown' in read)
      annotations.wrong(
        name,
        `'${text}' has ${read.unknown}; of formats only %[src], %[method], %[path] and %[req.hdr(NAME)] are known`,
      );
    else return [[field.toLowerCase(), read.value]];
    return [];
  });
}

function editsOf(set: readonly Pair[]): HeaderEdits | undefined {
  return set.length === 0 ? undefined : { set };
}

function requestHeadersOf(set: readonly Pair[], hidden: boolean): HeaderEdits | undefined {
  const edits = given({ remove: hidden ? ['x-forwarded-for'] : undefined, set: some(set) });
  return Object.keys(edits).length === 0 ? undefined : edits;
}

function addressesOf(annotations: HaproxyAnnotations): AddressRules | undefined {
  const [allow, older] = [annotations.cidrs('allow-list'), annotations.cidrs('whitelist')];
  const [deny, olderDeny] = [annotations.cidrs('deny-list'), annotations.cidrs('blacklist')];
  const allowed = allow ?? older;
  const rules = [
    ...(deny ?? olderDeny ?? []).map(range => ({ range, allow: false })),
    ...(allowed ?? []).map(range => ({ range, allow: true })),
  ];
  return rules.length === 0 ? undefined : { rules, otherwise: allowed === undefined };
}

function basicAuthOf(
  annotations: HaproxyAnnotations,
  { namespace, isAlone }: HaproxyContext,
): BasicAuth | undefined {
  const type = annotations.text('auth-type');
  const secret = secretOf(annotations, 'auth-secret', namespace);
  const realm = (annotations.text('auth-realm') ?? 'Protected Content').replaceAll(' ', '-');
  if (type === undefined) return undefined;
  if (type !== 'basic-auth') return annotations.wrong('auth-type', `'${type}' is none of basic-auth`);
  if (secret === undefined) {
    // The other half may stand in the ConfigMap. Where it stands nowhere nobody gets in.
    if (isAlone) return undefined;
    return { realm, users: {}, why: 'auth-type wants auth-secret, the Secret with the users' };
  }
  const credential = { secret: { kind: 'Secret', namespace, name: secret } as const, form: 'map' as const };
  return { realm, users: {}, forward: true, credential };
}

function limitOf(
  annotations: HaproxyAnnotations,
  { namespace, name }: HaproxyContext,
): readonly ClientLimit[] {
  const requests = annotations.count('rate-limit-requests');
  const periodMs = annotations.timeMs('rate-limit-period') ?? 1000;
  const isRefusal = (status: number): boolean => status >= 400 && status <= 599;
  const status =
    annotations.status('rate-limit-status-code', isRefusal, 'status of a refusal, 400 to 599') ?? 403;
  const except = annotations.cidrs('rate-limit-whitelist');
  if (periodMs === 0) annotations.wrong('rate-limit-period', 'is no period');
  if (requests === undefined || periodMs === 0) return [];
  if (requests === 0) {
    annotations.wrong('rate-limit-requests', 'of 0 would refuse everybody; write deny-list: 0.0.0.0/0,::/0');
    return [];
  }
  return [
    {
      zone: `${namespace}/${name}/rate-limit-requests`,
      key: { kind: 'address' },
      perSecond: (requests * 1000) / periodMs,
      // The first of a client stands beside them.
      burst: requests - 1,
      delay: false,
      status,
      ...given({ except }),
    },
  ];
}

function corsOf(annotations: HaproxyAnnotations): CorsPolicy | undefined {
  const origin = annotations.text('cors-allow-origin') ?? '*';
  const methods = parseList(annotations.text('cors-allow-methods') ?? '*').map(each => each.toUpperCase());
  const headers = parseList(annotations.text('cors-allow-headers') ?? '*');
  const maxAgeSeconds = Math.floor((annotations.timeMs('cors-max-age') ?? 5000) / 1000);
  const credentials = annotations.flag('cors-allow-credentials') ?? false;
  annotations.flag('cors-respond-to-options');
  const problem = origin === '*' ? undefined : regexProblem(origin);
  if (problem !== undefined) annotations.wrong('cors-allow-origin', `'${origin}' ${problem}`);
  if (annotations.flag('cors-enable') !== true || problem !== undefined) return undefined;
  return {
    origins: [
      origin === '*' ? { kind: 'exact', value: '*' } : { kind: 'regex', value: `(?s).*(?:${origin}).*` },
    ],
    methods,
    headers,
    exposeHeaders: [],
    maxAgeSeconds,
    credentials,
    forwardUnmatchedPreflights: true,
  };
}

function sessionOf(
  annotations: HaproxyAnnotations,
): (Omit<StickySession, 'path'> & { path: string }) | undefined {
  const [usual, fixed] = [
    annotations.text('cookie-persistence'),
    annotations.text('cookie-persistence-no-dynamic'),
  ];
  if (usual !== undefined && fixed !== undefined)
    return annotations.wrong(
      'cookie-persistence',
      'and cookie-persistence-no-dynamic cannot both hold; keep one',
    );
  const name = (usual ?? fixed)?.split(/\s+/)[0];
  if (name === undefined) return undefined;
  if (!/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(name))
    return annotations.wrong('cookie-persistence', `'${name}' is no name of a cookie`);
  return { cookie: name, ttlSeconds: 0, path: '/' };
}
