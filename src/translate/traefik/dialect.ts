import {
  type EdgePolicy,
  formatRef,
  type HttpsRedirect,
  type PathMatch,
  type RouteTarget,
} from '../../model/index.ts';
import { given, some } from '../given.ts';
import type { IngressDialect, PathProblem, PathWords, SaidWords } from '../ingress/ingress-dialect.ts';
import {
  INGRESS_DEFAULTS,
  type IngressDefaults,
  type IngressSettings,
  type RoutePath,
} from '../ingress/ingress-model.ts';
import type { OrderedPath, OrderPaths } from '../ingress/paths.ts';
import { TRAEFIK_PREFIX } from './annotations.table.ts';
import type {
  BackendWords,
  MiddlewareEffect,
  MiddlewareWords,
  RouterWords,
  TlsOptionWords,
} from './model.ts';
import { crossWords, isForeign, resolveRoutes, sharesOf } from './route-shares.ts';

/** Traefik redirects nobody, has no limit for bodies and no time limit for answers unless told. */
const TRAEFIK_DEFAULTS: IngressDefaults = {
  ...INGRESS_DEFAULTS,
  sslRedirect: false,
  hsts: undefined,
  maxBodyBytes: 0,
  idleTimeoutMs: 3_600_000,
};

/** Traefik's annotations and Middlewares. */
export const traefikDialect: IngressDialect = {
  name: 'traefik',
  prefixes: [TRAEFIK_PREFIX],
  defaults: TRAEFIK_DEFAULTS,
  order: traefikOrder,
  resolve: resolveRoutes,
  settings,
  problems: of => joined(of).problems,
};

/** What a path comes to, or why it cannot be served. */
interface Joined {
  readonly router: RouterWords | undefined;
  readonly backend: Pick<BackendWords, 'traffic' | 'session' | 'ownHost'> | undefined;
  readonly effects: readonly MiddlewareEffect[];
  readonly tls: IngressSettings['tls'];
  readonly problems: readonly PathProblem[];
}

const atMiddlewares = `metadata.annotations['${TRAEFIK_PREFIX}router.middlewares']`;

function joined(of: PathWords): Joined {
  if (of.path.route !== undefined) return joinedRoute(of, of.path.route);
  const { ingress, path, words } = of;
  const problems: PathProblem[] = [];
  const router = ingress.words as RouterWords | undefined;
  const [name, namespace] = path.target.host.split('.');
  const backend = words.find('traefik', 'service', `${namespace}/${name}`) as BackendWords | undefined;
  if (backend?.refused === true)
    problems.push({
      path: 'spec.rules',
      message: `spec.rules: paths to ${path.target.host} answer 503 because of annotations of ${formatRef(backend.from)}; its problems say which`,
    });
  const tell = (why: string): void =>
    void problems.push({
      path: atMiddlewares,
      message: `${atMiddlewares}: ${why}; until then its paths answer 503`,
    });
  const effects = (router?.middlewares ?? []).flatMap(each => effectsOf(each, keysOf(each), words, tell, []));
  for (const field of twice(effects)) tell(`two Middlewares say ${field}; join them`);
  const option = router?.tlsOptions;
  const tls = option === undefined ? undefined : tlsOf(option, keysOf(option), words, tell);
  return { router, backend, effects, tls, problems };
}

/** Of a route of an IngressRoute. */
function joinedRoute({ ingress, path, words }: PathWords, route: RoutePath): Joined {
  const problems: PathProblem[] = [];
  const at = /^spec\.routes\[\d+\]/.exec(path.at)?.[0] ?? 'spec.routes';
  const tell = (why: string): void =>
    void problems.push({ path: at, message: `${at}: ${why}; until then it answers 503` });
  sharesOf(route.backends, ingress, words, tell);
  const effects = route.middlewares.flatMap(key => {
    if (isForeign(key, ingress)) tell(`the Middleware ${key} is of another namespace; ${crossWords}`);
    return effectsOf(key, [key], words, tell, []);
  });
  for (const field of twice(effects)) tell(`two Middlewares say ${field}; join them`);
  const { tlsOptions: option, shares = [] } = route;
  const tls = option === undefined ? undefined : tlsOf(option, [option], words, tell);
  const place = placeOf(path.target);
  const { traffic = {} } = shares.find(each => placeOf(each.target) === place) ?? {};
  const session = shares.find(each => each.session !== undefined)?.session;
  return { router: undefined, backend: { traffic, ...given({ session }) }, effects, tls, problems };
}

function placeOf({ host, port, portName }: RouteTarget): string {
  return `${host}:${port ?? portName ?? ''}`;
}

/** Of the first of `keys` that is there. */
function tlsOf(
  name: string,
  keys: readonly string[],
  words: SaidWords,
  tell: (why: string) => void,
): IngressSettings['tls'] {
  const found = keys
    .map(each => words.find('traefik', 'tls-option', each))
    .find(each => each !== undefined) as TlsOptionWords | undefined;
  if (found === undefined) tell(`there is no TLSOption ${name}; create it`);
  else if (found.refused === true)
    tell(`${formatRef(found.from)} cannot be carried out; its problems say why`);
  return found?.tls;
}

/** `a-b-c`: `a/b-c` and `a-b/c`. */
function keysOf(name: string): readonly string[] {
  const parts = name.split('-');
  return parts
    .slice(1)
    .map((_, at) => `${parts.slice(0, at + 1).join('-')}/${parts.slice(at + 1).join('-')}`);
}

/** Of the first of `keys` that is there; of a chain those of its Middlewares. `above`: in which chains it stands. */
function effectsOf(
  name: string,
  keys: readonly string[],
  words: SaidWords,
  tell: (why: string) => void,
  above: readonly string[],
): readonly MiddlewareEffect[] {
  const found = keys
    .map(each => words.find('traefik', 'middleware', each))
    .find(each => each !== undefined) as MiddlewareWords | undefined;
  if (found === undefined) tell(`there is no Middleware ${name}; create it`);
  else if (found.refused === true)
    tell(`${formatRef(found.from)} cannot be carried out; its problems say why`);
  else if (above.includes(found.key)) tell(`the chain ${found.key} leads to itself; take one out`);
  else if (found.effect.chain === undefined) return [found.effect];
  else return found.effect.chain.flatMap(each => effectsOf(each, [each], words, tell, [...above, found.key]));
  return [];
}

/** What more than one of them asks of clients, so that neither may give way. */
function twice(effects: readonly MiddlewareEffect[]): readonly string[] {
  const fields = effects.flatMap(({ edge = {} }) => Object.keys(edge));
  return [...new Set(fields.filter((each, at) => fields.indexOf(each) !== at))];
}

function settings(of: PathWords): IngressSettings | undefined {
  const { router, backend, effects, tls, problems } = joined(of);
  if (problems.length > 0) return undefined;
  const {
    path: { target, route },
    ingress,
  } = of;
  const steps = effects.flatMap(each => each.path ?? []);
  const attempts = effects.find(each => each.attempts !== undefined)?.attempts ?? 0;
  const last = <K extends keyof MiddlewareEffect>(name: K): MiddlewareEffect[K] =>
    effects.findLast(each => each[name] !== undefined)?.[name];
  const [first, ...more] = steps;
  return {
    edge: {
      from: ingress.from,
      ...(Object.assign({}, ...effects.map(each => each.edge ?? {})) as EdgePolicy),
      ...given({
        ...{ clientLimits: some(effects.flatMap(each => each.limits ?? [])), hsts: last('hsts') },
        redirects: some(effects.flatMap(each => each.redirect ?? [])),
      }),
    },
    retry: { attempts, on: ['connect-failure', 'reset', 'refused-stream'] },
    traffic: backend?.traffic ?? {},
    ...given({
      path: more.length === 0 ? first : ({ kind: 'steps', steps } as const),
      host: last('host') ?? (backend?.ownHost === true ? target.host : undefined),
      cors: last('cors'),
      session: backend?.session,
      requestHeaders: editsOf([...effects, ...prefixOf(effects, of.path.path)], 'requestHeaders'),
      responseHeaders: editsOf(effects, 'responseHeaders'),
      forceSslRedirect: last('toHttps') === undefined ? undefined : true,
      httpsRedirect: redirectOf(last('toHttps')),
      tls,
      sslPassthrough: route?.passed,
      route: given({
        ...{ scheme: route?.scheme ?? router?.scheme, priority: route?.priority ?? router?.priority },
        matcher: router?.matcher,
      }),
    }),
  };
}

/** Told where the path says that it is taken away: elsewhere the request may be one without it. */
function prefixOf(effects: readonly MiddlewareEffect[], path: string): readonly MiddlewareEffect[] {
  const strips = effects.find(each => each.strips !== undefined)?.strips;
  if (strips === undefined || !path.startsWith(strips)) return [];
  return [{ requestHeaders: { set: [['x-forwarded-prefix', strips]] } }];
}

function editsOf(
  effects: readonly MiddlewareEffect[],
  name: 'requestHeaders' | 'responseHeaders',
): MiddlewareEffect['requestHeaders'] {
  const edits = given({
    remove: some(effects.flatMap(each => each[name]?.remove ?? [])),
    set: some(effects.flatMap(each => each[name]?.set ?? [])),
  });
  return Object.keys(edits).length === 0 ? undefined : edits;
}

/** Traefik keeps the method of what is no GET. */
function redirectOf(to: MiddlewareEffect['toHttps']): HttpsRedirect | undefined {
  if (to === undefined) return undefined;
  const { permanent, port } = to;
  const statuses = permanent ? { status: 301, otherStatus: 308 } : { status: 302, otherStatus: 307 };
  return { ...statuses, ...(port !== undefined && { port }) };
}

/** The highest priority first, which is the length of the rule unless told (pkg/muxer/http). */
function traefikOrder(paths: Parameters<OrderPaths>[0]): readonly OrderedPath[] {
  const ranked = paths.map(of => ({ of, priority: of.settings.route?.priority ?? ruleOf(of).length }));
  return ranked
    .sort((left, right) => right.priority - left.priority)
    .map(({ of }) => {
      const { route } = of.path;
      const rewrite = of.settings.path;
      if (route !== undefined) return { of, match: undefined, rewrite, requests: route.matches };
      return { of, match: matchOf(of), rewrite };
    });
}

type Of = Parameters<OrderPaths>[0][number];

function matcherOf({ path, settings: { route } }: Of): NonNullable<RouterWords['matcher']> {
  if (path.type === 'exact') return 'Path';
  return path.loose === true ? (route?.matcher ?? 'PathPrefix') : 'PathPrefix';
}

/** As Traefik writes it, for its length. */
function ruleOf(of: Of): string {
  const { path, ingress } = of;
  const [, index = ''] = /^spec\.rules\[(\d+)\]/.exec(path.at) ?? [];
  const host = ingress.rules[Number(index)]?.host ?? '';
  const hostRule =
    host === ''
      ? ''
      : host.startsWith('*.')
        ? `HostRegexp(\`^[a-zA-Z0-9-]+\\.${host.slice(2)}$\`) && `
        : `Host(\`${host}\`) && `;
  return `${hostRule}${matcherOf(of)}(\`${path.path}\`)`;
}

/** Prefixes are text in Traefik: `/foo` is for `/foobar`, too. */
function matchOf(of: Of): PathMatch | undefined {
  const { path } = of.path;
  const matcher = matcherOf(of);
  if (matcher === 'Path') return { kind: 'exact', value: path };
  if (matcher === 'PathRegexp') return { kind: 'regex', value: `(?s).*(?:${path}).*` };
  return path === '/' ? undefined : { kind: 'prefix', value: path };
}
