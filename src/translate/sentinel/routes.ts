import { type KdlProblem, KdlReport, type Section } from '../../kdl/index.ts';
import type { ClientLimit, RetryCondition, RetryPolicy } from '../../model/index.ts';
import { given } from '../given.ts';
import type { BuiltinHandler, RouteConfig, UpstreamConfig } from './configuration.ts';
import { jsonPages, readErrorPages } from './error-pages.ts';
import type { SentinelFiles } from './files.ts';
import { type FilterConfig, type FilterEffect, rewriteOf } from './filters.ts';
import { inTurn, readHeaderEdits } from './header-edits.ts';
import { type RouteMatches, readMatches } from './matches.ts';
import { templatePath } from './page-templates.ts';
import { unknownReference } from './references.ts';
import { PAGE_STATUSES } from './schema/error-pages.ts';
import type { Names, Scope, Scoped } from './scopes.ts';
import { FILES_COMPRESSION, readStaticFiles } from './static-files.ts';

/** What holds for all routes of a scope. */
export interface RouteLimits {
  readonly maxBodyBytes: number;
  readonly clientLimits: readonly ClientLimit[];
  /** Requests per second of each route. */
  readonly perRoute?: number;
  readonly underWay: RouteConfig['underWay'];
  /** Requests under way at each route. */
  readonly underWayPerRoute?: number;
  readonly fields?: RouteConfig['fields'];
}

/** What a route may refer to, and what holds for all. */
export interface RouteContext {
  /** The same object as long as it says the same. */
  readonly limits: RouteLimits;
  readonly upstreams: Names<UpstreamConfig>;
  readonly filters: Names<FilterConfig>;
  /** SentinelFiles.templates */
  readonly templates: SentinelFiles['templates'];
  readonly report: KdlReport;
}

/** A route, and what its place among the others follows from. */
export interface PlacedRoute extends RouteConfig {
  readonly priority: number;
  readonly specificity: number;
}

/** Without what a policy says: Sentinel tries nothing again but connections that could not be opened. */
const ON_CONNECTION: readonly RetryCondition[] = ['connect-failure', 'refused-stream'];

/** In the order in which they are tried: by priority, then the most specific, then as they stand. */
export function inOrder(routes: readonly PlacedRoute[]): readonly PlacedRoute[] {
  return [...routes].sort(
    (left, right) => right.priority - left.priority || right.specificity - left.specificity,
  );
}

/** A route that was read, what it was made of, and what was to be said about it. */
interface KnownRoute {
  readonly route: PlacedRoute;
  readonly sources: readonly unknown[];
  readonly problems: readonly KdlProblem[];
}

/** By its section: one of thousands that changes must not cost all of them (see KdlReader). */
const knownRoutes = new WeakMap<Section, KnownRoute>();

/** Undefined where it leads nowhere, which is reported. The same object as long as nothing changes that it is made of. */
export function readRoute(scoped: Scoped, context: RouteContext): PlacedRoute | undefined {
  const sources = sourcesOf(scoped, context);
  let known = knownRoutes.get(scoped.section);
  const isSame = (each: unknown, index: number): boolean => each === known?.sources[index];
  if (known === undefined || !sources.every(isSame)) {
    const report = new KdlReport();
    const route = newRoute(scoped, { ...context, report });
    if (route === undefined || report.hasErrors) {
      context.report.problems.push(...report.problems);
      return route;
    }
    known = { route, sources, problems: report.problems };
    knownRoutes.set(scoped.section, known);
  }
  for (const each of known.problems) context.report.problems.push(each);
  return known.route;
}

/** Everything beside its section that a route is made of, each the same object as long as it is the same. */
function sourcesOf({ id, scope, section }: Scoped, context: RouteContext): readonly unknown[] {
  const { upstreams, filters, limits } = context;
  const thing = (name: string | undefined): unknown =>
    name === undefined ? undefined : upstreams.find(name, scope)?.thing;
  const shadow = section.section('shadow')?.text('upstream');
  const sources: unknown[] = [id, limits, thing(section.text('upstream')), thing(shadow)];
  for (const each of section.texts('filters')) sources.push(filters.find(each, scope)?.thing);
  const pages = section.section('error-pages');
  if (pages) sources.push(templateTexts(pages, context));
  return sources;
}

/** What stands in the templates of pages, as one text. */
function templateTexts(pages: Section, { templates }: RouteContext): string {
  const folder = pages.text('template-dir');
  const named = PAGE_STATUSES.flatMap(
    status => pages.section('pages')?.section(status)?.text('template') ?? [],
  );
  return JSON.stringify(named.map(each => templates?.[templatePath(each, folder)]));
}

function newRoute({ id, scope, section }: Scoped, context: RouteContext): PlacedRoute | undefined {
  const { report, upstreams } = context;
  if (section.flag('waf-enabled') === true)
    report.error(
      'kdl-refused',
      section.placeOf('waf-enabled'),
      'waf-enabled is not supported: there is no web application firewall here',
    );
  const matches = readMatches(section.section('matches'), report);
  if (!section.has('matches'))
    report.warn(
      'sentinel-matches-all',
      section.at,
      `route "${id}" has no matches and takes every request; say matches { path-prefix "/" } where that is meant`,
    );
  const effects = effectsOf(section, scope, context);
  const action = actionOf({ id, scope, section }, effects, matches, context);
  if (!action) return undefined;
  const upstream = action.kind === 'upstream' ? upstreams.get(action.upstream) : undefined;
  const policies = section.section('policies');
  const edits = (name: string) => {
    const block = policies?.section(name);
    return block && readHeaderEdits(block, report);
  };
  const own = ownLimits(id, policies?.section('rate-limit'), context);
  const shadow = shadowOf(section.section('shadow'), id, scope, context);
  const rateLimits = [...own.rateLimits, ...effects.flatMap(each => each.rateLimit ?? [])];
  // Requests with the header get a rule of their own, and each rule counts for itself.
  if (shadow?.header && rateLimits.length > 0)
    report.error(
      'kdl-refused',
      section.section('shadow')!.placeOf('sample-header'),
      'sample-header is not supported beside a rate limit of the whole route: limit by client, or give the requests with the header a route of their own',
    );
  const pages = section.section('error-pages');
  if (pages && action.kind !== 'upstream' && action.kind !== 'files')
    report.warn('kdl-ignored', pages.at, `error-pages have no effect: route "${id}" has no upstream`);
  return {
    id,
    at: section.at,
    priority: section.number('priority')!,
    specificity: matches.specificity,
    matches: matches.matches,
    action,
    websocket: section.flag('websocket') === true,
    rateLimits,
    clientLimits: [
      ...context.limits.clientLimits,
      ...own.clientLimits,
      ...effects.flatMap(each => each.clientLimit ?? []),
    ],
    underWay: underWayOf(id, context.limits),
    maxBodyBytes: policies?.number('max-body-size') ?? context.limits.maxBodyBytes,
    ...given({
      ...rewrites(section, effects, matches, report),
      timeoutMs:
        policies?.number('timeout-secs') ??
        effects.findLast(each => each.timeoutMs !== undefined)?.timeoutMs ??
        upstream?.requestTimeoutMs,
      idleTimeoutMs: upstream?.streamIdleTimeoutMs,
      retry: retryOf(section.section('retry-policy')),
      // Of filters in their order, then the route's own.
      requestHeaders: inTurn(
        [...effects.map(each => each.requestHeaders), edits('request-headers')],
        section.at,
        report,
      ),
      // Answers go through filters the other way round.
      responseHeaders: inTurn(
        [edits('response-headers'), ...effects.map(each => each.responseHeaders).reverse()],
        section.at,
        report,
      ),
      shadow,
      cors: effects.findLast(each => each.cors)?.cors,
      session: upstream?.session,
      fields: context.limits.fields,
      compression: effects.findLast(each => each.compression)?.compression ?? ofFiles(section),
      errorPages: pages
        ? readErrorPages(pages, { route: id, templates: context.templates }, report)
        : section.text('service-type') === 'api'
          ? jsonPages
          : undefined,
    }),
  };
}

/** Of all routes of a scope, and of this one. */
function underWayOf(id: string, { underWay, underWayPerRoute }: RouteLimits): RouteConfig['underWay'] {
  if (underWayPerRoute === undefined) return underWay;
  const zone = `sentinel/route/${id}/under-way`;
  return [...underWay, { zone, key: { kind: 'all' }, max: underWayPerRoute, status: 503 }];
}

/** What is said of files, where a route has some. */
function ofFiles(section: Section): RouteConfig['compression'] {
  return section.section('static-files')?.flag('compress') === true ? FILES_COMPRESSION : undefined;
}

function effectsOf(
  section: Section,
  scope: Scope,
  { filters, report }: RouteContext,
): readonly FilterEffect[] {
  return section.values('filters').flatMap(({ value, at }) => {
    const found = filters.find(String(value), scope)?.thing;
    if (!found) unknownReference(report, at, section.name, 'filter', String(value), filters.ids);
    return found ? [found.effect] : [];
  });
}

function actionOf(
  { scope, section }: Scoped,
  effects: readonly FilterEffect[],
  { prefix }: RouteMatches,
  { upstreams, report }: RouteContext,
): RouteConfig['action'] | undefined {
  const type = section.text('service-type');
  const at = section.placeOf('service-type');
  if (type === 'inference') {
    report.error('kdl-refused', at, `service-type "${type}" is not supported: route to a server of its own`);
    return undefined;
  }
  const handler = section.text('builtin-handler');
  const upstream = section.text('upstream');
  if (handler !== undefined) return { kind: 'builtin', handler: handler as BuiltinHandler };
  const folder = section.section('static-files');
  if (folder && upstream !== undefined)
    report.error(
      'kdl-invalid-value',
      folder.at,
      `${section.name} has static-files and an upstream; take one of them out`,
    );
  if (folder) {
    const files = readStaticFiles(folder, report);
    return files && { kind: 'files', files };
  }
  const redirecting = effects.find(each => each.redirect);
  if (redirecting?.redirect) {
    const path = redirecting.path && rewriteOf(redirecting.path, prefix);
    return { kind: 'redirect', redirect: { ...redirecting.redirect, ...(path && { path }) } };
  }
  if (upstream === undefined) {
    report.error(
      'kdl-missing',
      section.at,
      `${section.name} leads nowhere; give it an upstream, static-files, a builtin-handler or a filter that redirects`,
    );
    return undefined;
  }
  const found = upstreams.find(upstream, scope);
  if (found) return { kind: 'upstream', upstream: found.id };
  unknownReference(report, section.placeOf('upstream'), section.name, 'upstream', upstream, upstreams.ids);
  return undefined;
}

function rewrites(
  section: Section,
  effects: readonly FilterEffect[],
  { prefix }: RouteMatches,
  report: KdlReport,
): Pick<RouteConfig, 'path' | 'authority'> {
  const rewriting = effects.findLast(each => each.path !== undefined && each.redirect === undefined);
  const authority = effects.findLast(each => each.authority !== undefined)?.authority;
  const path = rewriting?.path && rewriteOf(rewriting.path, prefix);
  if (rewriting?.path && !path)
    report.error(
      'kdl-invalid-value',
      section.at,
      `${section.name} replaces a prefix and does not have exactly one path-prefix`,
    );
  return given({ path, authority });
}

function retryOf(section: Section | undefined): Partial<RetryPolicy> | undefined {
  if (!section) return undefined;
  const statuses = section.values('retryable-status-codes').map(each => Number(each.value));
  return {
    // Sentinel counts the first try too.
    attempts: section.number('max-attempts')! - 1,
    on: ON_CONNECTION,
    backoffBaseMs: section.number('backoff')!,
    backoffMaxMs: Math.max(section.number('max-backoff')!, section.number('backoff')!),
    nonIdempotent: section.flag('retry-non-idempotent')!,
    ...given({
      statuses: statuses.length > 0 ? statuses : undefined,
      perTryTimeoutMs: section.number('per-attempt-timeout'),
    }),
  };
}

function shadowOf(
  section: Section | undefined,
  route: string,
  scope: Scope,
  { upstreams, report }: RouteContext,
): RouteConfig['shadow'] {
  const named = section?.text('upstream');
  if (section === undefined || named === undefined) return undefined;
  const found = upstreams.find(named, scope);
  if (!found)
    unknownReference(
      report,
      section.placeOf('upstream'),
      `shadow of route "${route}"`,
      'upstream',
      named,
      upstreams.ids,
    );
  const sample = section.section('sample-header');
  return {
    ...{ upstream: found?.id ?? named, percent: section.number('percentage')! },
    form: {
      timeoutMs: section.number('timeout-ms')!,
      maxBodyBytes: section.number('max-body-bytes')!,
      ...(section.flag('buffer-body') === true && { bodyFirst: true }),
    },
    ...given({
      header: sample && { name: sample.text('name')!.toLowerCase(), value: sample.text('value')! },
    }),
  };
}

/** Of policies { rate-limit } and of limits for each route. */
function ownLimits(
  id: string,
  section: Section | undefined,
  { limits: { perRoute } }: RouteContext,
): Pick<RouteConfig, 'rateLimits' | 'clientLimits'> {
  const general =
    perRoute === undefined ? [] : [{ perSecond: perRoute, burst: perRoute * 10, status: 429, dryRun: false }];
  if (!section) return { rateLimits: general, clientLimits: [] };
  const perSecond = section.number('requests-per-second')!;
  const burst = section.number('burst')!;
  if (section.text('key') === 'route')
    return { rateLimits: [...general, { perSecond, burst, status: 429, dryRun: false }], clientLimits: [] };
  const zone = `sentinel/route/${id}`;
  return {
    rateLimits: general,
    clientLimits: [{ zone, key: { kind: 'address' }, perSecond, burst, delay: false, status: 429 }],
  };
}
