import { WeftError } from '../../errors/index.ts';
import type { FilteredRequest } from '../filters/filter.interface.ts';

type Part = string | ((request: FilteredRequest) => string);

const variables: Readonly<Record<string, (request: FilteredRequest) => string>> = {
  host: request => request.head.authority.replace(/:\d+$/, '').toLowerCase(),
  best_http_host: request => request.head.authority,
  http_host: request => request.head.authority,
  scheme: schemeOf,
  pass_access_scheme: schemeOf,
  request_uri: requestTarget,
  escaped_request_uri: request => encodeURIComponent(requestTarget(request)),
  uri: request => requestTarget(request).split('?', 1)[0]!,
  args: argsOf,
  query_string: argsOf,
  request_method: request => request.head.methodText,
  remote_addr: request => request.clientAddress,
  the_real_ip: request => request.clientAddress,
  server_port: request => (request.secure ? '443' : '80'),
  request_id: request => request.requestHeader('x-request-id'),
  req_id: request => request.requestHeader('x-request-id'),
};

function schemeOf({ secure }: FilteredRequest): string {
  return secure ? 'https' : 'http';
}

function argsOf({ parts }: FilteredRequest): string {
  return parts.hasQuery ? parts.head.bytes.toString('latin1', parts.queryStart, parts.queryEnd) : '';
}

/** Path and query of a request, also where its target is an URL. */
export function requestTarget(request: FilteredRequest): string {
  const { parts } = request;
  const path = parts.pathBytes.toString('latin1', parts.pathStart, parts.pathEnd);
  return parts.hasQuery ? `${path}?${argsOf(request)}` : path;
}

/** A text with nginx's variables in it, for one request. Throws a WeftError that names a variable which is not known. */
export function edgeText(text: string): (request: FilteredRequest) => string {
  const parts: Part[] = [];
  let from = 0;
  for (const match of text.matchAll(/\$(?:\{([A-Za-z0-9_]+)\}|([A-Za-z0-9_]+))/g)) {
    const name = (match[1] ?? match[2])!.toLowerCase();
    parts.push(text.slice(from, match.index), variable(name));
    from = match.index + match[0].length;
  }
  parts.push(text.slice(from));
  return request => parts.map(part => (typeof part === 'string' ? part : part(request))).join('');
}

function variable(name: string): (request: FilteredRequest) => string {
  const known = variables[name];
  if (known !== undefined) return known;
  const [, kind, rest = ''] = /^(http|arg|cookie)_(.+)$/.exec(name) ?? [];
  switch (kind) {
    case 'http':
      return request => request.requestHeader(rest.replaceAll('_', '-'));
    case 'arg':
      return request => new URLSearchParams(argsOf(request)).get(rest) ?? '';
    case 'cookie':
      return request => cookieOf(request.requestHeader('cookie'), rest);
    default:
      throw new WeftError(
        'unknown-variable',
        `$${name} is no variable that Weft knows; see docs/policies/ingress.md`,
        {
          source: 'config',
        },
      );
  }
}

/** Names are compared in small letters: nginx's variables have no others. */
function cookieOf(cookies: string, name: string): string {
  for (const each of cookies.split(';')) {
    const [key = '', ...value] = each.trim().split('=');
    if (key.toLowerCase() === name) return value.join('=');
  }
  return '';
}
