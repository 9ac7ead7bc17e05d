import type {
  EdgePolicy,
  HeaderEdits,
  RequestMatch,
  RouteRule,
  RouteTarget,
  RuleMatch,
  StickySession,
} from '../../model/index.ts';
import { given, some } from '../given.ts';
import type { HostOf, PathOf, RuleContext } from './hosts.ts';
import type {
  FieldPairs,
  IngressDefaults,
  IngressPath,
  IngressSettings,
  ReadIngress,
} from './ingress-model.ts';
import type { OrderedPath } from './paths.ts';
import type { SnippetAnswer, SnippetRules } from './snippet-rules.ts';

/** The rules of one path: what its snippets answer, then the path itself. */
export function forwardRules(
  ordered: OrderedPath,
  context: RuleContext,
  server: SnippetRules | undefined,
): readonly RouteRule[] {
  const { of, match } = ordered;
  const { ingress, settings, path } = of;
  const requests = ordered.requests ?? [match === undefined ? {} : { path: match }];
  if (ingress.refused === true) return [refusedRule(of, requests, context)];
  const base: Omit<RouteRule, 'action'> = {
    name: nameOf(ingress, path.at),
    path: path.at,
    from: ingress.from,
    matches: matchesOf(requests, context),
    edge: openTo(path.path, context.defaults, edgeOf(settings, context, server)),
    timeoutMs: 0,
    idleTimeoutMs: settings.idleTimeoutMs ?? context.defaults.idleTimeoutMs,
    retry: settings.retry,
    ...given({
      requestHeaders: requestHeadersOf(settings, server, context.defaults),
      responseHeaders: responseHeadersOf(settings, server),
      cors: settings.cors,
      session: sessionOf(settings, path.path),
      mirrors: settings.mirrors,
    }),
  };
  const answers = [...(server?.answers ?? []), ...(settings.snippet?.answers ?? [])];
  const before = answers.map((answer, index) => answerRule(answer, index, base));
  return [
    ...before,
    settings.redirect === undefined ? forwarding(base, ordered) : redirecting(base, settings.redirect),
  ];
}

function refusedRule(
  { ingress, path }: PathOf,
  requests: readonly RequestMatch[],
  context: RuleContext,
): RouteRule {
  const body = `weft: ${ingress.from.kind} ${ingress.namespace}/${ingress.name} cannot be carried out; its problems say why\n`;
  return {
    name: nameOf(ingress, path.at),
    path: path.at,
    from: ingress.from,
    matches: matchesOf(requests, context),
    action: { kind: 'respond', status: 503, body, contentType: 'text/plain' },
  };
}

function forwarding(base: Omit<RouteRule, 'action'>, { of, rewrite }: OrderedPath): RouteRule {
  const { host } = of.settings;
  return {
    ...base,
    action: {
      kind: 'forward',
      targets: targetsOf(of.path),
      ...(rewrite && { path: rewrite }),
      ...(host !== undefined && { authority: host }),
    },
  };
}

function redirecting(
  base: Omit<RouteRule, 'action'>,
  { status, location }: NonNullable<IngressSettings['redirect']>,
): RouteRule {
  return answering(base, { status, headers: [['location', location]] });
}

/** `/` of a host is somewhere else. */
export function appRootRule({ ingress, settings, path }: PathOf, context: RuleContext): RouteRule {
  return {
    name: nameOf(ingress, `${path.at}-app-root`),
    path: path.at,
    from: ingress.from,
    matches: matchesOf([{ path: { kind: 'exact', value: '/' } }], context),
    action: { kind: 'respond', status: 302, body: '', contentType: '' },
    responseHeaders: {
      set: [['location', `${schemeOf(context.tls)}://%REQ(:authority)%${settings.appRoot}`]],
    },
  };
}

/** Every request goes to the other name of a host, by https at the port where that is served whatever annotations say. */
export function wwwRule(
  ingress: ReadIngress,
  to: string,
  { tls, httpsPort, defaults }: RuleContext,
): RouteRule {
  return {
    name: nameOf(ingress, 'from-to-www'),
    path: 'metadata.annotations',
    from: ingress.from,
    matches: [],
    action: {
      ...{ kind: 'redirect', status: defaults.redirectStatus },
      ...{ scheme: schemeOf(tls), authority: tls && httpsPort !== 443 ? `${to}:${httpsPort}` : to },
    },
  };
}

/** For hosts of more labels than a wildcard means. */
export function notFoundRule({ host, paths }: HostOf): RouteRule {
  const first = paths[0]?.ingress;
  return {
    name: `not-found-${host}`,
    path: 'spec.rules',
    ...(first && { from: first.from }),
    matches: [],
    action: { kind: 'respond', status: 404, body: '', contentType: '' },
  };
}

function answerRule(answer: SnippetAnswer, index: number, base: Omit<RouteRule, 'action'>): RouteRule {
  const matches = answer.match === undefined ? base.matches : joined(base.matches, { request: answer.match });
  const rule = { ...base, name: `${base.name}-snippet-${index}`, matches };
  const { action, headers } = answer;
  if (action.kind === 'redirect') return { ...rule, action };
  const { responseHeaders = {} } = base;
  return {
    ...rule,
    action,
    responseHeaders: { ...responseHeaders, set: [...(responseHeaders.set ?? []), ...headers] },
  };
}

function answering(
  base: Omit<RouteRule, 'action'>,
  { status, headers }: { readonly status: number; readonly headers: readonly (readonly [string, string])[] },
): RouteRule {
  const { responseHeaders = {} } = base;
  return {
    ...base,
    action: { kind: 'respond', status, body: '', contentType: '' },
    responseHeaders: { ...responseHeaders, set: [...(responseHeaders.set ?? []), ...headers] },
  };
}

/** Both must hold. Where both speak of the path, the narrower is asked beside: `not` of `not`. */
function joined(matches: readonly RuleMatch[], more: RuleMatch): readonly RuleMatch[] {
  if (matches.length === 0) return [more];
  return matches.map(({ request = {} }) => {
    const other = more.request ?? {};
    return { request: { ...request, not: [...(request.not ?? []), { not: [other] }] } };
  });
}

function matchesOf(requests: readonly RequestMatch[], { host }: RuleContext): readonly RuleMatch[] {
  const authority = host.startsWith('*.')
    ? ({
        kind: 'regex',
        value: `[^.]+${host.slice(1).replaceAll('.', '\\.')}(:[0-9]+)?`,
        ignoreCase: true,
      } as const)
    : undefined;
  const all = requests.length === 0 ? [{}] : requests;
  const whole = all.map(request => {
    if (authority === undefined) return request;
    if (request.authority === undefined) return { ...request, authority };
    return { ...request, not: [...(request.not ?? []), { not: [{ authority }] }] };
  });
  return whole.some(each => Object.keys(each).length === 0) ? [] : whole.map(request => ({ request }));
}

/** Where requests of the path go. */
export function targetsOf({ target, route }: IngressPath): readonly RouteTarget[] {
  return route?.shares === undefined ? [target] : route.shares.map(each => each.target);
}

function edgeOf(
  { edge, sslRedirect, forceSslRedirect, usePortInRedirects, httpsRedirect }: IngressSettings,
  { tls, httpsPort, defaults, clientCertificates }: RuleContext,
  server: SnippetRules | undefined,
): EdgePolicy {
  const toHttps =
    (forceSslRedirect ?? defaults.forceSslRedirect) || (tls && (sslRedirect ?? defaults.sslRedirect));
  const { addresses } = edge;
  const rules = [...(server?.addresses ?? []), ...(addresses?.rules ?? [])];
  return {
    ...edge,
    ...given({ clientCertificates }),
    ...(rules.length > 0 && { addresses: { rules, otherwise: addresses?.otherwise ?? true } }),
    ...(toHttps && {
      toHttps: httpsRedirect ?? {
        status: defaults.redirectStatus,
        ...((usePortInRedirects ?? defaults.usePortInRedirects) && { port: httpsPort }),
      },
    }),
    ...(tls && given({ hsts: defaults.hsts })),
    ...(edge.compression === undefined &&
      server?.compress !== undefined && {
        compression: { encodings: ['gzip'] as const, ...server.compress },
      }),
  };
}

/** Who checks a domain for a certificate, say, has no login and comes over plain HTTP. */
function openTo(
  path: string,
  { openLocations, plainLocations }: IngressDefaults,
  policy: EdgePolicy,
): EdgePolicy {
  const isIn = (locations: readonly string[]): boolean => locations.some(each => path.startsWith(each));
  const without = [
    ...(isIn(openLocations) ? ['basicAuth', 'authRequest'] : []),
    ...(isIn(plainLocations) ? ['toHttps'] : []),
  ];
  return Object.fromEntries(Object.entries(policy).filter(([name]) => !without.includes(name)));
}

function requestHeadersOf(
  { requestHeaders, snippet }: IngressSettings,
  server: SnippetRules | undefined,
  { requestFields }: IngressDefaults,
): HeaderEdits | undefined {
  const set = some([
    ...requestFields,
    ...(requestHeaders?.set ?? []),
    ...(server?.setRequest ?? []),
    ...(snippet?.setRequest ?? []),
  ]);
  const edits = given({ ...requestHeaders, set });
  return Object.keys(edits).length === 0 ? undefined : edits;
}

function responseHeadersOf(
  { snippet, responseFields, responseHeaders: own }: IngressSettings,
  server: SnippetRules | undefined,
): HeaderEdits | undefined {
  const both = [server, snippet].filter(each => each !== undefined);
  const fields = editsOf(responseFields ?? []);
  const edits = given({
    remove: some([...(own?.remove ?? []), ...fields.remove, ...both.flatMap(each => each.removeResponse)]),
    set: some([...(own?.set ?? []), ...fields.set, ...both.flatMap(each => each.setResponse)]),
    add: some(both.flatMap(each => each.addResponse)),
  });
  return Object.keys(edits).length === 0 ? undefined : edits;
}

/** As more_set_headers has it: a value takes the place of the backend's, an empty one takes it away. None is a variable. */
function editsOf(fields: FieldPairs): { readonly set: FieldPairs; readonly remove: readonly string[] } {
  const set = fields.filter(([, value]) => value !== '');
  return {
    set: set.map(([name, value]) => [name, value.replaceAll('%', '%%')] as const),
    remove: fields.flatMap(([name, value]) => (value === '' ? [name] : [])),
  };
}

/** The rule with what all answers have (add-headers); what it says itself of a field goes before. */
export function withAnswerFields(rule: RouteRule, fields: FieldPairs): RouteRule {
  const { responseHeaders = {} } = rule;
  const own = new Set([
    ...(responseHeaders.set ?? []).map(([name]) => name),
    ...(responseHeaders.remove ?? []),
  ]);
  const { set, remove } = editsOf(fields.filter(([name]) => !own.has(name)));
  if (set.length === 0 && remove.length === 0) return rule;
  const edits = given({
    remove: some([...remove, ...(responseHeaders.remove ?? [])]),
    set: some([...set, ...(responseHeaders.set ?? [])]),
  });
  return { ...rule, responseHeaders: { ...responseHeaders, ...edits } };
}

function sessionOf({ session, useRegex }: IngressSettings, path: string): StickySession | undefined {
  return session && { ...session, path: session.path ?? (useRegex === true ? '/' : path) };
}

function schemeOf(tls: boolean): 'http' | 'https' {
  return tls ? 'https' : 'http';
}

/** Unique within a host: `shop/web spec.rules[0].http.paths[1]`. */
function nameOf({ namespace, name }: ReadIngress, at: string): string {
  return `${namespace}/${name} ${at}`;
}
