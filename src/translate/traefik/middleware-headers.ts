// The Middleware `headers`: fields of requests and answers, CORS, and what browsers are told for safety.
import { type CorsPolicy, type HeaderEdits, regexProblem, type TextMatch } from '../../model/index.ts';
import type { Fields } from '../fields.ts';
import { given, some } from '../given.ts';
import { headerNameProblem } from '../header-name.ts';
import type { MiddlewareContext } from './context.ts';
import type { MiddlewareEffect } from './model.ts';

type Pair = readonly [name: string, value: string];

/** Fields of answers by the fields of the Middleware that set them. */
const plain: readonly (readonly [field: string, header: string])[] = [
  ['customFrameOptionsValue', 'x-frame-options'],
  ['customBrowserXSSValue', 'x-xss-protection'],
  ['contentSecurityPolicy', 'content-security-policy'],
  ['contentSecurityPolicyReportOnly', 'content-security-policy-report-only'],
  ['referrerPolicy', 'referrer-policy'],
  ['permissionsPolicy', 'permissions-policy'],
  ['featurePolicy', 'feature-policy'],
];

/** headers. */
export function readHeaders(fields: Fields, context: MiddlewareContext): MiddlewareEffect {
  const request = pairsOf(fields, 'customRequestHeaders', context);
  const response = pairsOf(fields, 'customResponseHeaders', context);
  const host = request.find(([name]) => name === 'host')?.[1];
  const safety = safetyOf(fields);
  const sts = stsOf(fields);
  const redirects = fields.flag('sslRedirect') === true;
  const isTemporary = fields.flag('sslTemporaryRedirect') === true;
  for (const each of ['allowedHosts', 'sslForceHost', 'sslHost'])
    if (fields.has(each)) {
      context.report.error(
        'field-invalid',
        fields.at(each),
        `${fields.at(each)} cannot be carried out: write the hosts as rules of the Ingress`,
      );
      fields.pass(each);
    }
  fields.unsupported('hostsProxyHeaders', 'whose word on the host counts is said at the Gateway');
  fields.unsupported('sslProxyHeaders', 'whose word on the scheme counts is said at the Gateway');
  fields.unsupported('publicKey', 'no browser takes pinned keys any more');
  fields.unsupported('isDevelopment', 'what is said holds for development, too');
  fields.pass('addVaryHeader');
  return given({
    requestHeaders: editsOf(request.filter(([name]) => name !== 'host')),
    responseHeaders: editsOf([...safety, ...sts.fields, ...response]),
    host: host === '' ? undefined : host,
    hsts: sts.hsts,
    toHttps: redirects ? { permanent: !isTemporary } : undefined,
    cors: corsOf(fields, context),
  });
}

/** An empty value takes the field away. */
function editsOf(pairs: readonly Pair[]): HeaderEdits | undefined {
  const edits = given({
    remove: some(pairs.filter(([, value]) => value === '').map(([name]) => name)),
    set: some(pairs.filter(([, value]) => value !== '')),
  });
  return Object.keys(edits).length === 0 ? undefined : edits;
}

function pairsOf(fields: Fields, name: string, { report }: MiddlewareContext): readonly Pair[] {
  const all = Object.entries(fields.strings(name) ?? {}).map(
    ([key, value]): Pair => [key.toLowerCase(), value.replaceAll('%', '%%')],
  );
  for (const [key] of all) {
    const why = key === 'host' ? undefined : headerNameProblem(key);
    if (why !== undefined)
      report.error('field-invalid', fields.at(name), `${fields.at(name)}: '${key}' ${why}`);
  }
  return all;
}

function safetyOf(fields: Fields): readonly Pair[] {
  const pairs: Pair[] = [];
  if (fields.flag('frameDeny') === true) pairs.push(['x-frame-options', 'DENY']);
  if (fields.flag('contentTypeNosniff') === true) pairs.push(['x-content-type-options', 'nosniff']);
  if (fields.flag('browserXssFilter') === true) pairs.push(['x-xss-protection', '1; mode=block']);
  for (const [field, header] of plain) {
    const value = fields.text(field);
    if (value !== undefined && value !== '') pairs.push([header, value.replaceAll('%', '%%')]);
  }
  return pairs;
}

function stsOf(fields: Fields): Pick<MiddlewareEffect, 'hsts'> & { readonly fields: readonly Pair[] } {
  const maxAgeSeconds = fields.number('stsSeconds') ?? 0;
  const includeSubdomains = fields.flag('stsIncludeSubdomains') ?? false;
  const preload = fields.flag('stsPreload') ?? false;
  const isForced = fields.flag('forceSTSHeader') ?? false;
  if (maxAgeSeconds === 0) return { fields: [] };
  if (!isForced) return { hsts: { maxAgeSeconds, includeSubdomains, preload }, fields: [] };
  const value = `max-age=${maxAgeSeconds}${includeSubdomains ? '; includeSubDomains' : ''}${preload ? '; preload' : ''}`;
  return { fields: [['strict-transport-security', value]] };
}

function corsOf(fields: Fields, { report }: MiddlewareContext): CorsPolicy | undefined {
  const exact = fields
    .texts('accessControlAllowOriginList')
    .map((value): TextMatch => ({ kind: 'exact', value }));
  const patterns = fields.texts('accessControlAllowOriginListRegex').map((pattern): TextMatch => {
    const problem = regexProblem(pattern);
    if (problem !== undefined)
      report.error(
        'field-invalid',
        fields.at('accessControlAllowOriginListRegex'),
        `${fields.at('accessControlAllowOriginListRegex')}: '${pattern}' ${problem}`,
      );
    return { kind: 'regex', value: `(?s).*(?:${pattern}).*` };
  });
  const policy: CorsPolicy = {
    origins: [...exact, ...patterns],
    methods: fields.texts('accessControlAllowMethods'),
    headers: fields.texts('accessControlAllowHeaders'),
    exposeHeaders: fields.texts('accessControlExposeHeaders'),
    maxAgeSeconds: fields.number('accessControlMaxAge') ?? 0,
    credentials: fields.flag('accessControlAllowCredentials') ?? false,
    forwardUnmatchedPreflights: false,
  };
  return policy.origins.length === 0 ? undefined : policy;
}
