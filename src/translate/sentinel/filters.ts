import { type KdlProblem, KdlReport, type Section, type TextPosition } from '../../kdl/index.ts';
import type { ClientKey, HeaderEdits, PathRewrite, Redirect } from '../../model/index.ts';
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
      return rateLimit(id, section, report);
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

function rateLimit(id: string, section: Section, report: KdlReport): FilterEffect {
  const perSecond = section.number('max-rps')!;
  const burst = section.number('burst')!;
  const status = section.number('status-code')!;
  const onLimit = section.text('on-limit');
  const message = given({ message: section.text('message') });
  const named = section.text('key')!;
  const dryRun = onLimit === 'log-only';
  if (dryRun || (named === 'route' && onLimit === 'reject')) {
    if (dryRun && named !== 'route')
      report.warn(
        'kdl-approximated',
        section.placeOf('on-limit'),
        `on-limit "log-only" counts what would be too much for the whole route, whatever key says`,
      );
    return { rateLimit: { perSecond, burst, status, dryRun, ...message } };
  }
  if (named === 'route') {
    report.error(
      'kdl-refused',
      section.placeOf('on-limit'),
      'on-limit "delay" is not supported beside key "route"; say key "client-ip", or on-limit "reject"',
    );
    return {};
  }
  const delay = onLimit === 'delay';
  // A request waits as long as those before it: that bounds how many may wait.
  const waiting = Math.floor((perSecond * section.number('max-delay-ms')!) / 1_000);
  const key = keyOf(named);
  const zone = `sentinel/filter/${id}`;
  return {
    clientLimit: {
      ...{ zone, key, perSecond, burst: delay ? Math.min(burst, waiting) : burst, delay, status },
      maxClients: section.number('max-keys')!,
      ...message,
    },
  };
}

function keyOf(key: string): ClientKey {
  if (key.startsWith('header:')) return { kind: 'header', name: key.slice('header:'.length).toLowerCase() };
  if (key === 'path') return { kind: 'path' };
  return { kind: /path$/.test(key) ? 'address-and-path' : 'address' };
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
