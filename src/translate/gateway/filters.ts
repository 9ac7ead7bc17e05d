import type { CorsPolicy, HeaderEdits, PathRewrite, Redirect } from '../../model/index.ts';
import type { Fields } from '../fields.ts';
import { type BackendRef, type RouteContext, readBackendRef } from './backends.ts';
import { readCors } from './cors.ts';
import { readHeaderEdits } from './header-edits.ts';
import { readPathModifier } from './path-modifier.ts';

/** What the filters of a rule or backend say together. */
export interface Filters {
  requestHeaders?: HeaderEdits;
  responseHeaders?: HeaderEdits;
  readonly mirrors: (BackendRef & { readonly percent: number; readonly path: string })[];
  redirect?: Redirect;
  rewrite?: { readonly authority?: string; readonly path?: PathRewrite };
  cors?: CorsPolicy;
  /** Why the rule cannot be carried out: a filter that must not be skipped is not known. */
  refused?: string;
}

type Reader = (filter: Fields | undefined, into: Filters, prefix: string | undefined) => void;

/** By type: the field that holds it, and what it adds. */
function readersOf(context: RouteContext): Readonly<Record<string, readonly [field: string, Reader]>> {
  const { report } = context;
  const refuse =
    (type: string): Reader =>
    (filter, into) => {
      into.refused = `a filter of type ${type} is not supported`;
      const path = filter?.path ?? '';
      report.warn(
        'filter-not-supported',
        path,
        `${path}: filters of type ${type} are not supported; the requests that it is for are answered 500, because nobody knows what the filter would have kept out`,
      );
    };
  return {
    RequestHeaderModifier: [
      'requestHeaderModifier',
      (filter, into) => {
        into.requestHeaders = readHeaderEdits(filter, 'request', report);
      },
    ],
    ResponseHeaderModifier: [
      'responseHeaderModifier',
      (filter, into) => {
        into.responseHeaders = readHeaderEdits(filter, 'response', report);
      },
    ],
    RequestMirror: ['requestMirror', (filter, into) => readMirror(filter, into, context)],
    RequestRedirect: [
      'requestRedirect',
      (filter, into, prefix) => {
        into.redirect = filter && readRedirect(filter, prefix, context);
      },
    ],
    URLRewrite: [
      'urlRewrite',
      (filter, into, prefix) => {
        into.rewrite = filter && readRewrite(filter, prefix, context);
      },
    ],
    CORS: [
      'cors',
      (filter, into) => {
        into.cors = readCors(filter, report);
      },
    ],
    ExternalAuth: ['externalAuth', refuse('ExternalAuth')],
    ExtensionRef: ['extensionRef', refuse('ExtensionRef')],
  };
}

/** `prefix`: see readPathModifier. `types`: those that the kind of route knows, all of them unless told. */
export function readFilters(
  owner: Fields,
  prefix: string | undefined,
  context: RouteContext,
  types?: readonly string[],
): Filters {
  const { report } = context;
  const into: Filters = { mirrors: [] };
  const readers = readersOf(context);
  const known = types ?? Object.keys(readers);
  const seen = new Set<string>();
  for (const filter of owner.objects('filters')) {
    const type = filter.choice('type', known);
    if (!filter.has('type'))
      report.error(
        'field-invalid',
        filter.at('type'),
        `${filter.at('type')} is missing; write one of ${known.join(', ')}`,
      );
    if (type === undefined) continue;
    const [field, read] = readers[type]!;
    if (!filter.has(field))
      report.error(
        'field-invalid',
        filter.at(field),
        `${filter.at(field)} is missing, which a filter of type ${type} needs`,
      );
    if (seen.has(type) && type !== 'RequestMirror' && type !== 'ExtensionRef')
      report.error(
        'filters-incompatible',
        filter.path,
        `${filter.path}: there is a second filter of type ${type}; join the two`,
      );
    seen.add(type);
    read(filter.object(field), into, prefix);
    filter.rest();
  }
  if (into.redirect && into.mirrors.length > 0)
    report.warn(
      'field-not-supported',
      owner.at('filters'),
      `${owner.at('filters')}: a request that is redirected is sent nowhere, and no copies are made of it; put RequestMirror where it is sent on`,
    );
  if (into.redirect && into.rewrite)
    report.error(
      'filters-incompatible',
      owner.at('filters'),
      `${owner.at('filters')}: a request is either redirected or rewritten; remove RequestRedirect or URLRewrite`,
    );
  return into;
}

function readMirror(filter: Fields | undefined, into: Filters, context: RouteContext): void {
  const backend = filter?.object('backendRef');
  if (!filter || !backend) return;
  const ref = readBackendRef(backend, 1, context);
  backend.rest();
  const percent = filter.number('percent', { max: 100 });
  const fraction = filter.object('fraction');
  const numerator = fraction?.number('numerator') ?? 0;
  const denominator = fraction?.number('denominator', { min: 1 }) ?? 100;
  fraction?.rest();
  filter.rest();
  if (fraction && (percent !== undefined || numerator > denominator))
    context.report.error(
      'field-invalid',
      fraction.path,
      `${fraction.path} must be at most 1 and stand alone; use either percent or fraction`,
    );
  const share = fraction ? (numerator / denominator) * 100 : (percent ?? 100);
  if (ref) into.mirrors.push({ ...ref, percent: share, path: filter.path });
}

function readRedirect(filter: Fields, prefix: string | undefined, { report }: RouteContext): Redirect {
  const scheme = filter.choice('scheme', ['http', 'https']);
  const authority = filter.text('hostname');
  const path = readPathModifier(filter.object('path'), prefix, report);
  const port = filter.port('port') ?? (scheme && { http: 80, https: 443 }[scheme]);
  const status = filter.number('statusCode') ?? 302;
  filter.rest();
  if (![301, 302, 303, 307, 308].includes(status))
    report.error(
      'field-invalid',
      filter.at('statusCode'),
      `${filter.at('statusCode')} must be one of 301, 302, 303, 307, 308`,
    );
  return {
    kind: 'redirect',
    status,
    ...(scheme !== undefined && { scheme }),
    ...(authority !== undefined && { authority }),
    ...(port !== undefined && { port }),
    ...(path && { path }),
  };
}

function readRewrite(
  filter: Fields,
  prefix: string | undefined,
  { report }: RouteContext,
): NonNullable<Filters['rewrite']> {
  const authority = filter.text('hostname');
  const path = readPathModifier(filter.object('path'), prefix, report);
  filter.rest();
  return { ...(authority !== undefined && { authority }), ...(path && { path }) };
}
