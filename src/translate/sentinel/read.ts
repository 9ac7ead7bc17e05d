import { checkDocument, type KdlProblem, KdlReport, type Section } from '../../kdl/index.ts';
import type { ClientKey, ClientLimit } from '../../model/index.ts';
import { given } from '../given.ts';
import { checkDomains } from './acme.ts';
import type { RouteConfig, SentinelConfiguration, SystemSettings, UpstreamConfig } from './configuration.ts';
import { parsed, type SentinelFile, type SentinelFiles } from './files.ts';
import { readFilters } from './filters.ts';
import { readListeners, uniqueIds } from './listener-scopes.ts';
import { readObservability } from './observability.ts';
import { applyRouteBreakers } from './route-breakers.ts';
import { inOrder, type RouteLimits, readRoute } from './routes.ts';
import { root } from './schema/root.ts';
import {
  limitOf,
  Names,
  type PlaceOrder,
  type Scope,
  type Scoped,
  type ScopedLimit,
  scoped,
  scopesOf,
  zoneIn,
} from './scopes.ts';
import { readUpstreams } from './upstreams.ts';

/** What reading a file came to. */
export interface ReadConfiguration {
  /** Undefined where a problem is an error. */
  readonly configuration?: SentinelConfiguration;
  /** In the order of the file. */
  readonly problems: readonly KdlProblem[];
}

/** Bytes of a request's body where nothing is said: Sentinel's default. */
const DEFAULT_BODY_BYTES = 10 << 20;

/** Reads one file of Sentinel's dialect. `file` is its name in problems. Pure; never throws for what stands in it. */
export function readSentinel(text: string, file: string): ReadConfiguration {
  return readSentinelFiles({ files: [{ file, text }], problems: [] });
}

/** What files came to: who brings them asks first, and their translation asks for the same again. */
const readings = new WeakMap<SentinelFiles, ReadConfiguration>();

/** The same of a file and those that it includes: what stands in them stands together. */
export function readSentinelFiles(files: SentinelFiles): ReadConfiguration {
  const known = readings.get(files);
  if (known) return known;
  const reading = readTogether(files);
  readings.set(files, reading);
  return reading;
}

function readTogether({ files, problems: including, folders, templates }: SentinelFiles): ReadConfiguration {
  const documents = files.map(parsed);
  const report = new KdlReport();
  report.problems.push(...including, ...documents.flatMap(each => each.problems));
  const begin = { file: files[0].file, line: 1, column: 1 };
  if (report.hasErrors) return { problems: report.problems };
  const nodes = documents.flatMap(each => each.nodes);
  const inFiles = orderOf(files);
  const section = checkDocument(nodes, root, begin, report);
  if (!report.hasErrors && nodes.length === 0)
    report.warn('sentinel-nothing', begin, 'the file says nothing: no listener, no route');
  // References to what could not be read would only repeat what is wrong.
  const configuration = report.hasErrors
    ? undefined
    : read(section, { order: inFiles, folders, templates }, report);
  const problems = [...report.problems].sort((left, right) => inFiles(left.at, right.at));
  return report.hasErrors || configuration === undefined ? { problems } : { configuration, problems };
}

/** By file, line and column. */
function orderOf(files: readonly SentinelFile[]): PlaceOrder {
  const ranks = new Map(files.map(({ file }, index) => [file, index]));
  return (left, right) =>
    ranks.get(left.file)! - ranks.get(right.file)! || left.line - right.line || left.column - right.column;
}

function read(
  section: Section,
  {
    order,
    folders,
    templates,
  }: { readonly order: PlaceOrder } & Pick<SentinelFiles, 'folders' | 'templates'>,
  report: KdlReport,
): SentinelConfiguration {
  versionOf(section, report);
  const scopes = scopesOf(section, report);
  const all = (block: string, name: string): readonly Scoped[] => scoped(scopes, block, name, order);
  const system = section.section('system');
  const upstreams = readUpstreams(all('upstreams', 'upstream'), report);
  const filters = readFilters(all('filters', 'filter'), report);
  const context = {
    upstreams: new Names(upstreams, 'upstreams', scopes, report),
    filters: new Names(filters, 'filters', scopes, report),
    templates,
    report,
  };
  const ofRoutes = all('routes', 'route');
  applyRouteBreakers(ofRoutes, upstreams, context.upstreams, report);
  const rates = ratesOf(section);
  const within = new Map(scopes.map(scope => [scope, { ...context, limits: limitsOf(scope, rates) }]));
  const placed = ofRoutes.flatMap(({ scope, ...each }) => {
    const route = readRoute({ ...each, scope }, within.get(scope)!);
    return route ? [{ route, scope }] : [];
  });
  const routes = placed.map(({ route }) => route);
  const listeners = readListeners(
    all('listeners', 'listener'),
    { scopes, system, folders, routes: placed },
    report,
  );
  uniqueIds(routes, 'route', report);
  checkDomains(
    listeners.flatMap(each => each.tls?.acme ?? []),
    report,
  );
  unusedUpstreams(upstreams, routes, report);
  if (listeners.length === 0 && routes.length > 0)
    report.warn('sentinel-nothing', section.at, 'there is no listener, so that nobody can reach the routes');
  return {
    system: systemOf(system),
    listeners,
    routes: inOrder(routes),
    upstreams: [...upstreams.values()],
    observability: readObservability(section.section('observability'), report),
  };
}

function unusedUpstreams(
  upstreams: ReadonlyMap<string, UpstreamConfig>,
  routes: readonly RouteConfig[],
  report: KdlReport,
): void {
  const used = new Set(
    routes.flatMap(({ action, shadow }) => [
      action.kind === 'upstream' ? action.upstream : '',
      shadow?.upstream ?? '',
    ]),
  );
  for (const { id, at } of upstreams.values())
    if (routes.length > 0 && !used.has(id))
      report.warn('sentinel-unused', at, `upstream "${id}" is used by no route`);
}

/** Limits that were read, each once: what is made of them is made again where they differ. */
const knownLimits = new Map<string, WeakRef<RouteLimits>>();

function known(limits: RouteLimits): RouteLimits {
  const text = JSON.stringify(limits);
  const before = knownLimits.get(text)?.deref();
  if (before) return before;
  for (const [each, kept] of knownLimits) if (kept.deref() === undefined) knownLimits.delete(each);
  knownLimits.set(text, new WeakRef(limits));
  return limits;
}

/** What holds for all routes of a scope. */
function limitsOf(scope: Scope, rates: readonly ClientLimit[]): RouteLimits {
  const perClient = limitOf(scope, 'max-requests-per-second-per-client');
  const together = limitOf(scope, 'max-requests-per-second-global');
  const connections = limitOf(scope, 'max-connections-per-client');
  const inFlight = limitOf(scope, 'max-in-flight-requests');
  const fields = given({
    maxNameBytes: limitOf(scope, 'max-header-name-bytes')?.value,
    maxValueBytes: limitOf(scope, 'max-header-value-bytes')?.value,
  });
  return known({
    maxBodyBytes: limitOf(scope, 'max-body-size-bytes')?.value ?? DEFAULT_BODY_BYTES,
    clientLimits: [
      ...rates,
      ...clientLimit('sentinel/limits', perClient, { kind: 'address' }),
      ...clientLimit('sentinel/limits/all', together, { kind: 'all' }),
    ],
    underWay: [
      ...underWay('sentinel/clients', connections, { kind: 'address' }, 429),
      ...underWay('sentinel/in-flight', inFlight, { kind: 'all' }, 503),
    ],
    ...given({
      perRoute: limitOf(scope, 'max-requests-per-second-per-route')?.value,
      underWayPerRoute: limitOf(scope, 'max-connections-per-route')?.value,
      fields: Object.keys(fields).length > 0 ? fields : undefined,
    }),
  });
}

function versionOf(section: Section, report: KdlReport): void {
  const version = section.text('schema-version');
  if (version !== undefined && !/^1(\.\d+)?$/.test(version))
    report.error(
      'kdl-invalid-value',
      section.placeOf('schema-version'),
      `schema-version is ${version}; 1.0 is what is read here`,
    );
}

function systemOf(system: Section | undefined): SystemSettings {
  return {
    ...given({ workerThreads: system?.number('worker-threads'), pidFile: system?.text('pid-file') }),
    gracefulShutdownMs: system?.number('graceful-shutdown-timeout-secs') ?? 30_000,
    autoReload: system?.flag('auto-reload') ?? false,
  };
}

/** What rate-limits says of every client. */
function ratesOf(section: Section): readonly ClientLimit[] {
  const rates = section.section('rate-limits');
  const global = rates?.section('global');
  const of = (zone: string, block: Section | undefined, rate: string, burst: string) => {
    const perSecond = block?.number(rate);
    return perSecond === undefined ? [] : [clientLimitOf(zone, perSecond, block!.number(burst)!)];
  };
  if (global) return of('sentinel/rate-limits/global', global, 'max-rps', 'burst');
  return of('sentinel/rate-limits', rates, 'default-rps', 'default-burst');
}

function clientLimit(zone: string, limit: ScopedLimit | undefined, key: ClientKey): readonly ClientLimit[] {
  if (limit === undefined) return [];
  return [{ ...clientLimitOf(zoneIn(zone, limit), limit.value, limit.value * 10), key }];
}

function underWay(
  zone: string,
  limit: ScopedLimit | undefined,
  key: ClientKey,
  status: number,
): RouteLimits['underWay'] {
  return limit === undefined ? [] : [{ zone: zoneIn(zone, limit), key, max: limit.value, status }];
}

function clientLimitOf(zone: string, perSecond: number, burst: number): ClientLimit {
  return { zone, key: { kind: 'address' }, perSecond, burst, delay: false, status: 429 };
}
