// Middlewares that say who gets through, and how much.
import type { ClientKey } from '../../model/index.ts';
import type { Fields } from '../fields.ts';
import { given } from '../given.ts';
import { headerNameProblem } from '../header-name.ts';
import { isCidr } from '../ingress/values.ts';
import type { Report } from '../report.ts';
import type { MiddlewareContext } from './context.ts';
import type { MiddlewareEffect } from './model.ts';

/** basicAuth. */
export function readBasicAuth(fields: Fields, { namespace, report }: MiddlewareContext): MiddlewareEffect {
  const secret = fields.text('secret');
  const realm = fields.text('realm') ?? 'traefik';
  const removes = fields.flag('removeHeader') ?? false;
  fields.unsupported('headerField', 'the name of the user is not told the backend in a field of its own');
  if (secret === undefined) {
    report.error(
      'field-invalid',
      fields.at('secret'),
      `${fields.at('secret')} is missing: the Secret with the users`,
    );
    return {};
  }
  const credential = { secret: { kind: 'Secret', namespace, name: secret } as const };
  return { edge: { basicAuth: { realm, users: {}, forward: !removes, credential } } };
}

/** forwardAuth. */
export function readForwardAuth(fields: Fields, { report }: MiddlewareContext): MiddlewareEffect {
  const address = fields.text('address') ?? '';
  const responseHeaders = fields.texts('authResponseHeaders').map(each => each.toLowerCase());
  const only = fields.texts('authRequestHeaders').map(each => each.toLowerCase());
  fields.unsupported('trustForwardHeader', 'whose X-Forwarded-* are believed is said at the Gateway');
  fields.unsupported(
    'addAuthCookiesToResponse',
    'Set-Cookie of an answer that lets the request pass goes to the client',
  );
  fields.unsupported('preserveLocationHeader', 'Location goes to the client as it is');
  fields.unsupported('preserveRequestMethod', 'the question is a GET');
  fields.unsupported('headerField', 'the name of the user is not told in a field of its own');
  fields.unsupported('maxResponseBodySize', 'answers may have 64 KiB');
  const refuse = (name: string, why: string): void => {
    if (fields.has(name))
      report.error('field-invalid', fields.at(name), `${fields.at(name)} cannot be carried out: ${why}`);
    fields.pass(name);
  };
  refuse('authResponseHeadersRegex', 'name the fields in authResponseHeaders');
  refuse('forwardBody', 'bodies are not sent with the question');
  refuse('tls', 'https is verified by the authorities of the system');
  fields.pass('maxBodySize');
  if (!/^https?:\/\/[^/$\s]+(\/[^\s$]*)?$/.test(address))
    report.error(
      'field-invalid',
      fields.at('address'),
      `${fields.at('address')}: '${address}' is no URL whose host is known`,
    );
  for (const each of responseHeaders) {
    const why = each === 'host' ? 'says to whom the request goes' : headerNameProblem(each);
    if (why !== undefined)
      report.error(
        'field-invalid',
        fields.at('authResponseHeaders'),
        `${fields.at('authResponseHeaders')}: '${each}' ${why}`,
      );
  }
  return {
    edge: {
      authRequest: {
        ...{ url: address, form: 'forward' },
        ...(responseHeaders.length > 0 && { responseHeaders }),
        ...(only.length > 0 && { only }),
      },
    },
  };
}

/** rateLimit: a bucket of `burst` requests, filled by average in each period. */
export function readRateLimit(fields: Fields, context: MiddlewareContext): MiddlewareEffect {
  const average = fields.number('average') ?? 0;
  const periodMs = periodOf(fields, context);
  const burst = fields.number('burst') ?? 1;
  const key = criterionOf(fields, { kind: 'address' }, context);
  fields.unsupported('redis', 'limits that replicas share are said at the gateway; see docs/gateway.md');
  if (average === 0 || periodMs === 0) return {};
  const zone = `${context.namespace}/${context.name} rateLimit`;
  const limit = {
    zone,
    key,
    perSecond: (average * 1000) / periodMs,
    burst: Math.max(0, burst - 1),
    delay: false,
    status: 429,
  };
  return { limits: [limit] };
}

/** A duration, or seconds. */
function periodOf(fields: Fields, { report }: MiddlewareContext): number {
  const ms = fields.isText('period') ? fields.duration('period') : (fields.number('period') ?? 1) * 1000;
  if (ms === 0) report.error('field-invalid', fields.at('period'), `${fields.at('period')} is no period`);
  return ms ?? 1000;
}

/** inFlightReq. */
export function readInFlight(fields: Fields, context: MiddlewareContext): MiddlewareEffect {
  const max = fields.number('amount') ?? 0;
  const key = criterionOf(fields, { kind: 'header', name: ':authority' }, context);
  const zone = `${context.namespace}/${context.name} inFlightReq`;
  if (max > 0) return { edge: { clientConnections: [{ zone, key, max, status: 429 }] } };
  context.report.error('field-invalid', fields.at('amount'), `${fields.at('amount')} must be at least 1`);
  return {};
}

/** ipAllowList. */
export function readAllowList(fields: Fields, { report }: MiddlewareContext): MiddlewareEffect {
  const ranges = fields.texts('sourceRange');
  const status = fields.number('rejectStatusCode', { min: 400, max: 599 });
  strategyOf(fields, report);
  const wrong = ranges.find(each => !isCidr(each));
  if (wrong !== undefined || ranges.length === 0)
    report.error(
      'field-invalid',
      fields.at('sourceRange'),
      `${fields.at('sourceRange')}: '${wrong ?? ''}' is no address or range such as 10.0.0.0/8`,
    );
  const rules = ranges.map(range => ({ range, allow: true }));
  return { edge: { addresses: { rules, otherwise: false, ...given({ status }) } } };
}

/** What requests are told apart by. */
function criterionOf(fields: Fields, otherwise: ClientKey, { report }: MiddlewareContext): ClientKey {
  const criterion = fields.object('sourceCriterion');
  if (criterion === undefined) return otherwise;
  const header = criterion.text('requestHeaderName');
  const isHost = criterion.flag('requestHost');
  strategyOf(criterion, report);
  criterion.rest();
  if (header !== undefined) return { kind: 'header', name: header.toLowerCase() };
  return isHost === true ? { kind: 'header', name: ':authority' } : { kind: 'address' };
}

/** Which address of X-Forwarded-For counts is the Gateway's to say: of another one nobody would be kept out. */
function strategyOf(fields: Fields, report: Report): void {
  const strategy = fields.object('ipStrategy');
  if (strategy === undefined) return;
  const names = strategy.names();
  for (const each of names) strategy.pass(each);
  if (names.length > 0)
    report.error(
      'field-invalid',
      strategy.path,
      `${strategy.path} cannot be carried out: say at the Gateway whose X-Forwarded-For counts (weft.dev/trusted-hops, weft.dev/trusted-ranges)`,
    );
}
