import { type ExternalAuthorizer, isIpv6 } from '../../model/index.ts';
import type { Fields } from '../fields.ts';
import { given, some } from '../given.ts';
import type { Report } from '../report.ts';

/** Istio's is ten minutes, in which a client waits for nothing. */
const defaultTimeoutMs = 10_000;
/** What a proxy keeps of a body anyway. */
const maxBodyBytes = 64 * 1024;

/**
 * `extensionProviders` that say whom to ask: envoyExtAuthzHttp and envoyExtAuthzGrpc. One that is wrong is left out, and policies
 * that name it let nobody in; the others hold.
 */
export function readAuthorizers(config: Fields, report: Report): readonly ExternalAuthorizer[] {
  return config.objects('extensionProviders').flatMap(each => {
    const name = each.text('name') ?? '';
    const http = each.object('envoyExtAuthzHttp');
    const grpc = each.object('envoyExtAuthzGrpc');
    const fields = http ?? grpc;
    if (fields === undefined || name === '') return [];
    const protocol = http === undefined ? 'grpc' : 'http';
    const read = readAuthorizer(name, protocol, fields, report);
    fields.rest();
    return read ?? [];
  });
}

function readAuthorizer(
  name: string,
  protocol: ExternalAuthorizer['protocol'],
  fields: Fields,
  report: Report,
): ExternalAuthorizer | undefined {
  const host = fields
    .text('service')
    ?.replace(/^[^/]*\//, '')
    .toLowerCase();
  const port = fields.number('port', { min: 1, max: 65_535 });
  const status = fields.text('statusOnError') ?? '403';
  const read = {
    timeoutMs: fields.duration('timeout', 1) ?? defaultTimeoutMs,
    failOpen: fields.flag('failOpen') ?? false,
    statusOnError: Number(status),
    ...given({ body: readBody(fields, report), ...(protocol === 'http' ? readHttp(fields, report) : {}) }),
  };
  // Requests are routed to the app alone, wherever an answer would have them go.
  fields.flag('clearRouteCache');
  const wrong = (field: string, words: string): undefined => {
    const path = fields.at(field);
    const message = `${path}: ${words}; until then policies that name ${name} refuse what they are about`;
    report.fail('authorizer-invalid', path, message);
    return undefined;
  };
  if (host === undefined || !/^[^\s/]+$/.test(host) || (host.includes(':') && !isIpv6(host)))
    return wrong('service', 'must be the host of a Service, such as authz.auth.svc.cluster.local');
  if (port === undefined) return wrong('port', 'is missing');
  if (!/^[1-5]\d\d$/.test(status)) return wrong('statusOnError', `'${status}' is no status of HTTP`);
  return { name, protocol, host, port, ...read };
}

function readHttp(fields: Fields, report: Report): Partial<ExternalAuthorizer> {
  const prefix = fields.text('pathPrefix');
  if (prefix !== undefined && !/^\/[\x21-\x7e]*$/.test(prefix))
    report.fail(
      'authorizer-invalid',
      fields.at('pathPrefix'),
      `${fields.at('pathPrefix')}: must begin with a slash`,
    );
  const additional = fields.strings('includeAdditionalHeadersInCheck') ?? {};
  return given({
    pathPrefix: prefix?.replace(/\/$/, '') || undefined,
    includeRequestHeaders: some([
      ...patterns(fields, 'includeRequestHeadersInCheck'),
      // Its name until Istio 1.13.
      ...patterns(fields, 'includeHeadersInCheck'),
    ]),
    addRequestHeaders: some(
      Object.entries(additional).map(([name, value]) => [name.toLowerCase(), value] as const),
    ),
    headersToUpstream: some(patterns(fields, 'headersToUpstreamOnAllow')),
    headersToDownstreamOnDeny: some(patterns(fields, 'headersToDownstreamOnDeny')),
    headersToDownstreamOnAllow: some(patterns(fields, 'headersToDownstreamOnAllow')),
  });
}

function patterns(fields: Fields, name: string): readonly string[] {
  return fields.texts(name).map(each => each.toLowerCase());
}

function readBody(fields: Fields, report: Report): ExternalAuthorizer['body'] {
  const body = fields.object('includeRequestBodyInCheck');
  if (body === undefined) return undefined;
  const maxBytes = body.number('maxRequestBytes', { min: 1 }) ?? 0;
  const allowPartial = body.flag('allowPartialMessage') ?? false;
  const asBytes = body.flag('packAsBytes') ?? false;
  body.rest();
  if (maxBytes > maxBodyBytes) {
    const path = body.at('maxRequestBytes');
    report.warn('field-approximated', path, `${path}: ${maxBodyBytes} bytes are what is told at most`);
  }
  return { maxBytes: Math.min(maxBytes, maxBodyBytes), allowPartial, asBytes };
}
