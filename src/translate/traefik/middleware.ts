import { type PathRewrite, regexProblem } from '../../model/index.ts';
import type { KubeObject } from '../../registry/index.ts';
import { conditionFault } from '../../routing/index.ts';
import type { TranslateContext } from '../dialect.ts';
import { type Fields, fieldsOf } from '../fields.ts';
import { given } from '../given.ts';
import { nearestName } from '../ingress/nearest-name.ts';
import type { Report } from '../report.ts';
import { TRAEFIK_MIDDLEWARES } from './annotations.table.ts';
import type { MiddlewareContext } from './context.ts';
import { goReplacement } from './go-replacement.ts';
import {
  readAllowList,
  readBasicAuth,
  readForwardAuth,
  readInFlight,
  readRateLimit,
} from './middleware-access.ts';
import { readCompress, readErrors } from './middleware-answers.ts';
import { readHeaders } from './middleware-headers.ts';
import type { MiddlewareEffect } from './model.ts';

type Read = (fields: Fields, context: MiddlewareContext) => MiddlewareEffect;

const readers: Readonly<Record<string, Read>> = {
  addPrefix: (fields, { report }) => {
    const prefix = required(fields, 'prefix', report);
    return pathOf({ kind: 'regex', pattern: '(?s)^(.*)$', substitution: `${literal(prefix)}\\1` });
  },
  stripPrefix: (fields, { report }) => {
    const prefixes = fields.texts('prefixes').map(each => each.replace(/\/$/, ''));
    fields.pass('forceSlash');
    if (prefixes.length === 0) required(fields, 'prefixes', report);
    const [only, ...more] = prefixes;
    return {
      ...pathOf({ kind: 'regex', pattern: `(?s)^(?:${prefixes.map(quoted).join('|')})`, substitution: '' }),
      ...(only !== undefined && more.length === 0 && { strips: only }),
    };
  },
  stripPrefixRegex: (fields, { report }) => {
    const all = fields.texts('regex');
    if (all.length === 0) required(fields, 'regex', report);
    for (const each of all) checked(fields, 'regex', each, report);
    const pattern = all.map(each => each.replace(/^\^/, '').replace(/\/$/, '')).join('|');
    return pathOf({ kind: 'regex', pattern: `(?s)^(?:${pattern})`, substitution: '' });
  },
  replacePath: (fields, { report }) => pathOf({ kind: 'full', value: required(fields, 'path', report) }),
  replacePathRegex: (fields, { report }) => {
    const pattern = checked(fields, 'regex', required(fields, 'regex', report), report);
    const written = fields.text('replacement') ?? '';
    const read = goReplacement(written, pattern);
    if ('why' in read)
      report.error(
        'field-invalid',
        fields.at('replacement'),
        `${fields.at('replacement')}: '${written}' ${read.why}`,
      );
    return pathOf({ kind: 'regex', pattern, substitution: 'why' in read ? '' : read.substitution });
  },
  redirectScheme: (fields, { report }) => {
    const scheme = required(fields, 'scheme', report);
    const port = Number(fields.text('port') ?? 0);
    if (scheme !== 'https')
      report.error('field-invalid', fields.at('scheme'), `${fields.at('scheme')}: '${scheme}' is not https`);
    if (!(port >= 0 && port < 65_536))
      report.error('field-invalid', fields.at('port'), `${fields.at('port')} is no port`);
    fields.pass('forcePermanentRedirect');
    const permanent = fields.flag('permanent') ?? false;
    return { toHttps: { permanent, ...(port > 0 && port !== 443 && { port }) } };
  },
  redirectRegex: (fields, { report }) => {
    const pattern = checked(fields, 'regex', required(fields, 'regex', report), report);
    const written = required(fields, 'replacement', report);
    const read = goReplacement(written, pattern);
    if ('why' in read)
      report.error(
        'field-invalid',
        fields.at('replacement'),
        `${fields.at('replacement')}: '${written}' ${read.why}`,
      );
    const permanent = fields.flag('permanent') ?? false;
    return { redirect: { pattern, substitution: 'why' in read ? '' : read.substitution, permanent } };
  },
  headers: readHeaders,
  basicAuth: readBasicAuth,
  forwardAuth: readForwardAuth,
  rateLimit: readRateLimit,
  inFlightReq: readInFlight,
  ipAllowList: readAllowList,
  ipWhiteList: readAllowList,
  retry: (fields, { report }) => {
    const attempts = fields.number('attempts', { min: 1, max: 100 });
    if (attempts === undefined) required(fields, 'attempts', report);
    fields.unsupported('initialInterval', 'tries are made after 25 to 250 ms');
    fields.unsupported('timeout', 'it is not supported; tries end with the time limits of the request');
    fields.unsupported('status', 'answers are not repeated by their status here; write a VirtualService');
    return given({ attempts: attempts === undefined ? undefined : attempts - 1 });
  },
  buffering: fields => {
    const maxBytes = fields.number('maxRequestBodyBytes', { max: Number.MAX_SAFE_INTEGER });
    fields.pass('memRequestBodyBytes');
    fields.pass('memResponseBodyBytes');
    fields.unsupported('maxResponseBodyBytes', 'answers are streamed, however long they are');
    fields.unsupported('retryExpression', 'write a Middleware with retry');
    return maxBytes === undefined ? {} : { edge: { body: { maxBytes } } };
  },
  compress: readCompress,
  errors: readErrors,
  chain: (fields, { namespace, report }) => {
    const chain = fields.objects('middlewares').map(each => {
      const name = required(each, 'name', report);
      const key = `${each.text('namespace') ?? namespace}/${name}`;
      each.rest();
      return key;
    });
    return { chain };
  },
  contentType: fields => {
    fields.pass('autoDetect');
    return {};
  },
};

const rows = new Map(TRAEFIK_MIDDLEWARES.map(each => [each.name, each]));

/** What a Middleware does. */
export function readMiddleware(
  object: KubeObject,
  { clusterDomain }: TranslateContext,
  report: Report,
): MiddlewareEffect {
  const { namespace = '', name } = object.metadata;
  const spec = fieldsOf(object, 'spec', report);
  const kinds = spec.names();
  if (kinds.length !== 1)
    report.error('field-invalid', 'spec', `spec has ${kinds.length} kinds of Middlewares; it must have one`);
  const [kind = ''] = kinds;
  const row = rows.get(kind);
  const at = spec.at(kind);
  if (row === undefined && kind !== '') {
    const near = nearestName(kind, rows.keys());
    const question = near === undefined ? '' : `; did you mean ${near}?`;
    report.error('field-invalid', at, `${at} is no kind of Middlewares${question}`);
  }
  if (row?.support === 'refused')
    report.error('field-invalid', at, `${at} cannot be carried out: ${row.words}`);
  if (row?.support === 'differs') report.warn('field-not-supported', at, `${at} has no effect: ${row.words}`);
  const read = readers[kind];
  const fields = read && spec.object(kind);
  if (read === undefined || fields === undefined) return {};
  const effect = read(fields, { namespace, name, clusterDomain, report });
  fields.rest();
  return effect;
}

function pathOf(path: PathRewrite): MiddlewareEffect {
  return { path };
}

/** The text of a field that must be there; '' with a problem where it is not. */
function required(fields: Fields, name: string, report: Report): string {
  if (!fields.has(name)) {
    report.error('field-invalid', fields.at(name), `${fields.at(name)} is missing`);
    return '';
  }
  return fields.isText(name) ? (fields.text(name) ?? '') : '';
}

function checked(fields: Fields, name: string, pattern: string, report: Report): string {
  // As proxies ask it: what is too large for every request is refused here, too.
  const problem = regexProblem(pattern) ?? conditionFault([{ path: { kind: 'regex', value: pattern } }]);
  if (problem !== undefined)
    report.error('field-invalid', fields.at(name), `${fields.at(name)}: '${pattern}' ${problem}`);
  return pattern;
}

function literal(text: string): string {
  return text.replaceAll('\\', '\\\\');
}

function quoted(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}
