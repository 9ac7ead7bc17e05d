import {
  checkDocument,
  type KdlProblem,
  KdlReport,
  type Section,
  type TextPosition,
} from '../../kdl/index.ts';
import type { ClientLimit } from '../../model/index.ts';
import { given } from '../given.ts';
import { checkDomains } from './acme.ts';
import type { ListenerConfig, SentinelConfiguration, SystemSettings } from './configuration.ts';
import { parsed, type SentinelFile, type SentinelFiles } from './files.ts';
import { readFilters } from './filters.ts';
import { readListener } from './listeners.ts';
import { readObservability } from './observability.ts';
import { unknownReference } from './references.ts';
import { inOrder, readRoute } from './routes.ts';
import { root } from './schema/root.ts';
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

function readTogether({ files, problems: including }: SentinelFiles): ReadConfiguration {
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
  const configuration = report.hasErrors ? undefined : read(section, report, inFiles);
  const problems = [...report.problems].sort((left, right) => inFiles(left.at, right.at));
  return report.hasErrors || configuration === undefined ? { problems } : { configuration, problems };
}

/** The order of places: by file, line and column. */
type PlaceOrder = (left: TextPosition, right: TextPosition) => number;

function orderOf(files: readonly SentinelFile[]): PlaceOrder {
  const ranks = new Map(files.map(({ file }, index) => [file, index]));
  return (left, right) =>
    ranks.get(left.file)! - ranks.get(right.file)! || left.line - right.line || left.column - right.column;
}

function read(section: Section, report: KdlReport, order: PlaceOrder): SentinelConfiguration {
  const all = (block: string, name: string): readonly Section[] => allOf(section, block, name, order);
  versionOf(section, report);
  const limits = section.section('limits');
  const system = section.section('system');
  const upstreams = readUpstreams(all('upstreams', 'upstream'), report);
  const filters = readFilters(all('filters', 'filter'), report);
  const listeners = all('listeners', 'listener').flatMap(
    each => readListener(each, { limits, system }, report) ?? [],
  );
  const maxBodyBytes = limits?.number('max-body-size-bytes') ?? DEFAULT_BODY_BYTES;
  const clientLimits = clientLimitsOf(section);
  const routes = all('routes', 'route').flatMap(
    each => readRoute(each, { upstreams, filters, maxBodyBytes, clientLimits, limits, report }) ?? [],
  );
  unique(listeners, 'listener', report);
  unique(routes, 'route', report);
  portsOnce(listeners, report);
  checkDomains(
    listeners.flatMap(each => each.tls?.acme ?? []),
    report,
  );
  const ids = new Set(routes.map(each => each.id));
  for (const { defaultRoute, id, at } of listeners)
    if (defaultRoute !== undefined && !ids.has(defaultRoute))
      unknownReference(report, at, `default-route of listener "${id}"`, 'route', defaultRoute, ids);
  const used = new Set(
    routes.flatMap(({ action, shadow }) => [
      action.kind === 'upstream' ? action.upstream : '',
      shadow?.upstream ?? '',
    ]),
  );
  for (const { id, at } of upstreams.values())
    if (routes.length > 0 && !used.has(id))
      report.warn('sentinel-unused', at, `upstream "${id}" is used by no route`);
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

/** What stands in blocks of many, and by itself at the top, in the order of the files. */
function allOf(section: Section, block: string, name: string, order: PlaceOrder): readonly Section[] {
  const found = [...section.sections(block).flatMap(each => each.sections(name)), ...section.sections(name)];
  return found.sort((left, right) => order(left.at, right.at));
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
    ...given({ workerThreads: system?.number('worker-threads') }),
    gracefulShutdownMs: system?.number('graceful-shutdown-timeout-secs') ?? 30_000,
    autoReload: system?.flag('auto-reload') ?? false,
  };
}

/** What limits and rate-limits say of every client. */
function clientLimitsOf(section: Section): readonly ClientLimit[] {
  const found: ClientLimit[] = [];
  const add = (zone: string, perSecond: number | undefined, burst: number): void => {
    if (perSecond === undefined) return;
    found.push({ zone, key: { kind: 'address' }, perSecond, burst, delay: false, status: 429 });
  };
  const rates = section.section('rate-limits');
  const global = rates?.section('global');
  add('sentinel/rate-limits/global', global?.number('max-rps'), global?.number('burst') ?? 10);
  if (!global)
    add('sentinel/rate-limits', rates?.number('default-rps'), rates?.number('default-burst') ?? 10);
  const perClient = section.section('limits')?.number('max-requests-per-second-per-client');
  add('sentinel/limits', perClient, (perClient ?? 0) * 10);
  return found;
}

function unique(
  things: readonly { readonly id: string; readonly at: TextPosition }[],
  what: string,
  report: KdlReport,
): void {
  const first = new Map<string, TextPosition>();
  for (const { id, at } of things) {
    const before = first.get(id);
    if (before)
      report.error(
        'sentinel-id-twice',
        at,
        `there are two ${what}s "${id}"; the other is in line ${before.line}`,
      );
    else first.set(id, at);
  }
}

function portsOnce(listeners: readonly ListenerConfig[], report: KdlReport): void {
  const first = new Map<number, ListenerConfig>();
  for (const each of listeners) {
    const before = first.get(each.port);
    if (before)
      report.error(
        'sentinel-address-twice',
        each.at,
        `listener "${each.id}" has port ${each.port}, which listener "${before.id}" in line ${before.at.line} has already; give each a port of its own`,
      );
    else first.set(each.port, each);
  }
}
