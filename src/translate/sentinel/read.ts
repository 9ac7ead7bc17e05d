import {
  checkDocument,
  type KdlProblem,
  KdlReport,
  parseKdl,
  type Section,
  type TextPosition,
} from '../../kdl/index.ts';
import type { ClientLimit } from '../../model/index.ts';
import { given } from '../given.ts';
import type { ListenerConfig, SentinelConfiguration, SystemSettings } from './configuration.ts';
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

/** Reads a file of Sentinel's dialect. `file` is its name in problems. Pure; never throws for what stands in it. */
export function readSentinel(text: string, file: string): ReadConfiguration {
  const document = parseKdl(text, file);
  const report = new KdlReport();
  report.problems.push(...document.problems);
  const begin = { file, line: 1, column: 1 };
  if (report.hasErrors) return { problems: report.problems };
  const section = checkDocument(document.nodes, root, begin, report);
  if (!report.hasErrors && document.nodes.length === 0)
    report.warn('sentinel-nothing', begin, 'the file says nothing: no listener, no route');
  // References to what could not be read would only repeat what is wrong.
  const configuration = report.hasErrors ? undefined : read(section, report);
  const problems = [...report.problems].sort(
    (left, right) => left.at.line - right.at.line || left.at.column - right.at.column,
  );
  return report.hasErrors || configuration === undefined ? { problems } : { configuration, problems };
}

function read(section: Section, report: KdlReport): SentinelConfiguration {
  versionOf(section, report);
  const limits = section.section('limits');
  const system = section.section('system');
  const upstreams = readUpstreams(all(section, 'upstreams', 'upstream'), report);
  const filters = readFilters(all(section, 'filters', 'filter'), report);
  const listeners = all(section, 'listeners', 'listener').flatMap(
    each => readListener(each, { limits, system }, report) ?? [],
  );
  const maxBodyBytes = limits?.number('max-body-size-bytes') ?? DEFAULT_BODY_BYTES;
  const clientLimits = clientLimitsOf(section);
  const routes = all(section, 'routes', 'route').flatMap(
    each => readRoute(each, { upstreams, filters, maxBodyBytes, clientLimits, limits, report }) ?? [],
  );
  unique(listeners, 'listener', report);
  unique(routes, 'route', report);
  portsOnce(listeners, report);
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

/** What stands in blocks of many, and by itself at the top, in the order of the file. */
function all(section: Section, block: string, name: string): readonly Section[] {
  const found = [...section.sections(block).flatMap(each => each.sections(name)), ...section.sections(name)];
  return found.sort((left, right) => left.at.line - right.at.line || left.at.column - right.at.column);
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
