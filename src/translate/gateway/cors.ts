import type { CorsPolicy, TextMatch } from '../../model/index.ts';
import type { Fields } from '../fields.ts';
import type { Report } from '../report.ts';

/** Gateway API's default of maxAge. */
const defaultMaxAgeSeconds = 5;

/** A HTTPCORSFilter. */
export function readCors(filter: Fields | undefined, report: Report): CorsPolicy | undefined {
  if (!filter) return undefined;
  const credentials = filter.flag('allowCredentials') ?? false;
  const origins = filter
    .texts('allowOrigins')
    .map((origin, index) => readOrigin(origin, `${filter.at('allowOrigins')}[${index}]`, report));
  const methods = filter.texts('allowMethods');
  const headers = filter.texts('allowHeaders');
  const exposeHeaders = filter.texts('exposeHeaders');
  const maxAgeSeconds = filter.number('maxAge', { min: 1 }) ?? defaultMaxAgeSeconds;
  filter.rest();
  // What was asked for is answered then, as the API has it: the method, the names of the headers.
  const isAnswered = (values: readonly string[]): boolean => credentials && values.includes('*');
  // Browsers take `*` as a name where credentials are allowed (https://fetch.spec.whatwg.org/#http-new-header-syntax).
  const named = (field: string, values: readonly string[]): readonly string[] => {
    if (!credentials || !values.includes('*')) return values;
    const path = filter.at(field);
    report.warn(
      'field-not-supported',
      path,
      `${path}: '*' means nothing together with allowCredentials; list the names`,
    );
    return values.filter(each => each !== '*');
  };
  return {
    origins,
    methods: isAnswered(methods) ? [] : methods,
    headers: isAnswered(headers) ? [] : headers,
    ...(isAnswered(methods) && { anyMethod: true }),
    ...(isAnswered(headers) && { anyHeader: true }),
    exposeHeaders: named('exposeHeaders', exposeHeaders),
    maxAgeSeconds,
    credentials,
    forwardUnmatchedPreflights: false,
  };
}

/** `*` stands for any text in the host. */
function readOrigin(origin: string, path: string, report: Report): TextMatch {
  if (origin === '*') return { kind: 'exact', value: origin };
  const lower = origin.toLowerCase();
  if (!/^https?:\/\/[a-z0-9.*-]+(:\d{1,5})?$/.test(lower)) {
    const message = `${path}: '${origin}' is no origin; write for example https://www.example.com or https://*.example.com`;
    report.error('field-invalid', path, message);
  }
  if (!lower.includes('*')) return { kind: 'exact', value: lower, ignoreCase: true };
  const value = lower.replace(/[.]/g, '\\.').replaceAll('*', '.*');
  return { kind: 'regex', value, ignoreCase: true };
}
