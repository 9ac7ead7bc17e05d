import { type KdlProblem, KdlReport, type Section, type TextPosition } from '../../kdl/index.ts';
import type { HeaderEdits, PathRewrite, Redirect } from '../../model/index.ts';
import { given } from '../given.ts';
import type { RouteConfig, RouteRate } from './configuration.ts';
import { readHeaderEdits } from './header-edits.ts';
import type { Scoped } from './scopes.ts';

/** What a filter does to the routes that name it. */
export interface FilterEffect {
  readonly requestHeaders?: HeaderEdits;
  readonly responseHeaders?: HeaderEdits;
  readonly cors?: RouteConfig['cors'];
  readonly compression?: RouteConfig['compression'];
  readonly clientLimit?: RouteConfig['clientLimits'][number];
  readonly rateLimit?: RouteRate;
  readonly timeoutMs?: number;
  readonly redirect?: Redirect;
  /** A prefix is that of the route. */
  readonly path?: { readonly kind: 'full' | 'prefix'; readonly value: string };
  readonly authority?: string;
}

/** A filter, by its id. */
export interface FilterConfig {
  readonly id: string;
  readonly at: TextPosition;
  readonly effect: FilterEffect;
}

/** Filters by id. */
export function readFilters(
  sections: readonly Scoped[],
  report: KdlReport,
): ReadonlyMap<string, FilterConfig> {
  const filters = new Map<string, FilterConfig>();
  for (const { id, section } of sections) {
    const before = filters.get(id);
    if (before)
      report.error(
        'sentinel-id-twice',
        section.at,
        `there are two filters "${id}"; the other is in line ${before.at.line}`,
      );
    else filters.set(id, filterOf(id, section, report));
  }
  return filters;
}

/** A filter that was read, and what was to be said about it. */
const knownFilters = new WeakMap<
  Section,
  { readonly filter: FilterConfig; readonly problems: readonly KdlProblem[] }
>();

function filterOf(id: string, section: Section, report: KdlReport): FilterConfig {
  let known = knownFilters.get(section);
  if (known?.filter.id !== id) {
    const own = new KdlReport();
    known = { filter: { id, at: section.at, effect: effectOf(id, section, own) }, problems: own.problems };
    knownFilters.set(section, known);
  }
  report.problems.push(...known.problems);
  return known.filter;
}

function effectOf(id: string, section: Section, report: KdlReport): FilterEffect {
  switch (section.variant) {
    case 'rate-limit':
      return rateLimit(id, section);
    case 'headers': {
      const edits = readHeaderEdits(section, report);
      const phase = section.text('phase');
      return {
        ...(phase !== 'response' && { requestHeaders: edits }),
        ...(phase !== 'request' && { responseHeaders: edits }),
      };
    }
    case 'cors':
      return { cors: corsOf(section) };
    case 'compress':
      return { compression: compressionOf(section, report) };
    case 'timeout':
      return given({
        timeoutMs: section.number('upstream-timeout-secs') ?? section.number('request-timeout-secs'),
      });
    case 'redirect':
      return given({ redirect: redirectOf(section), path: pathOf(section) });
    case 'url-rewrite':
      return given({ path: pathOf(section), authority: section.text('hostname') });
    default:
      return {};
  }
}

function rateLimit(id: string, section: Section): FilterEffect {
  const perSecond = section.number('max-rps')!;
  const burst = section.number('burst')!;
  const status = section.number('status-code')!;
  const dryRun = section.text('on-limit') === 'log-only';
  if (section.text('key') === 'route' || dryRun) return { rateLimit: { perSecond, burst, status, dryRun } };
  return {
    clientLimit: {
      zone: `sentinel/filter/${id}`,
      key: { kind: 'address' },
      perSecond,
      burst,
      delay: false,
      status,
    },
  };
}

function corsOf(section: Section): NonNullable<RouteConfig['cors']> {
  const origins = section.texts('allowed-origins');
  const methods = section.texts('allowed-methods');
  const headers = section.texts('allowed-headers');
  return {
    origins: (origins.length > 0 ? origins : ['*']).map(value => ({ kind: 'exact', value })),
    methods: methods.length > 0 ? methods : ['GET', 'POST', 'PUT', 'DELETE', 'OPTIONS'],
    headers,
    exposeHeaders: section.texts('exposed-headers'),
    maxAgeSeconds: section.number('max-age-secs')! / 1_000,
    credentials: section.flag('allow-credentials') === true,
    forwardUnmatchedPreflights: false,
  };
}

const encodings = { gzip: 'gzip', br: 'br', brotli: 'br', zstd: 'zstd' } as const;
const textTypes = [
  'text/html',
  'text/css',
  'text/plain',
  'text/javascript',
  'application/javascript',
  'application/json',
  'application/xml',
  'image/svg+xml',
];

function compressionOf(section: Section, report: KdlReport): RouteConfig['compression'] {
  // One text with commas is what older versions take.
  const named = section.values('algorithms').flatMap(({ value, at }) =>
    String(value)
      .split(',')
      .map(name => ({ name: name.trim(), at })),
  );
  const wanted =
    named.length > 0
      ? named
      : [
          { name: 'gzip', at: section.at },
          { name: 'br', at: section.at },
        ];
  const found = wanted.flatMap(({ name, at }) => {
    if (Object.hasOwn(encodings, name)) return [encodings[name as keyof typeof encodings]];
    report.error('kdl-invalid-value', at, `algorithms has "${name}"; it takes gzip, br and zstd`);
    return [];
  });
  const types = section.texts('content-types');
  return {
    encodings: found,
    minBytes: section.number('min-size')!,
    types: types.length > 0 ? types : textTypes,
    level: section.number('level')!,
  };
}

/** Its path is put in by the route, which knows what a prefix replaces. */
function redirectOf(section: Section): Redirect {
  return {
    kind: 'redirect',
    status: section.number('status-code')!,
    ...given({
      scheme: section.text('scheme'),
      authority: section.text('hostname'),
      port: section.number('port'),
    }),
  };
}

function pathOf(section: Section): FilterEffect['path'] {
  const full = section.text('replace-full-path');
  if (full !== undefined) return { kind: 'full', value: full };
  const prefix = section.text('replace-prefix-match');
  return prefix === undefined ? undefined : { kind: 'prefix', value: prefix };
}

/** What a replacement of a path is for the prefix of a route. */
export function rewriteOf(
  path: NonNullable<FilterEffect['path']>,
  matched: string | undefined,
): PathRewrite | undefined {
  if (path.kind === 'full') return { kind: 'full', value: path.value };
  return matched === undefined ? undefined : { kind: 'prefix', matched, value: path.value };
}
