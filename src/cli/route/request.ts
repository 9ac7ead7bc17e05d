// The request that is asked about, as a client would send it.
import { WeftError } from '../../errors/index.ts';
import { Head } from '../../http/index.ts';
import { DEFAULT_LIMITS, parseRequestHead } from '../../http1/index.ts';
import { type HostPort, isIpv6, parseHostPort } from '../../model/index.ts';

/** A request in its parts. */
export interface PlainRequest {
  readonly method: string;
  /** Path and query, as in the request line. */
  readonly target: string;
  /** In order, Host among them. */
  readonly headers: readonly (readonly [name: string, value: string])[];
}

/** A request, and where it is sent. */
export interface AddressedRequest {
  readonly request: PlainRequest;
  readonly to: HostPort;
  /** The client itself speaks TLS, so that proxies see no HTTP. */
  readonly encrypted: boolean;
}

/**
 * `GET http://reviews.shop:9080/path` with header lines. The path stays as it is written: what a client sends is what is matched.
 * Throws a WeftError for what is no URL or no header.
 */
export function readUrl(method: string, url: string, headerLines: readonly string[]): AddressedRequest {
  const parts = /^(?:(https?):\/\/)?([^/?#\s]+)([/?][^#\s]*)?$/i.exec(url);
  const encrypted = parts?.[1]?.toLowerCase() === 'https';
  const authority = parts?.[2] ?? '';
  const to = parseHostPort(authority, encrypted ? 443 : 80);
  if (!parts || !to) throw bad(`'${url}' is no URL; write for example http://reviews.shop:9080/path?query`);
  const rest = parts[3] ?? '/';
  const headers = headerLines.map(readHeader);
  const host = headers.some(([name]) => name.toLowerCase() === 'host') ? [] : [['Host', authority] as const];
  const target = rest.startsWith('/') ? rest : `/${rest}`;
  return { request: { method: method.toUpperCase(), target, headers: [...host, ...headers] }, to, encrypted };
}

function readHeader(line: string): readonly [string, string] {
  const colon = line.indexOf(':');
  if (colon < 1) throw bad(`'${line}' is no header; write it as 'name: value'`);
  return [line.slice(0, colon).trim(), line.slice(colon + 1).trim()];
}

/** The head as the codec reads it from the wire. Throws a WeftError for what is not valid HTTP. */
export function headOf({ method, target, headers }: PlainRequest): Head {
  const lines = headers.map(([name, value]) => `${name}: ${value}\r\n`).join('');
  // Only HTTP/1.0 goes without a Host.
  const version = headers.some(([name]) => name.toLowerCase() === 'host') ? 'HTTP/1.1' : 'HTTP/1.0';
  const bytes = Buffer.from(`${method} ${target} ${version}\r\n${lines}\r\n`, 'utf8');
  const head = new Head();
  const end = parseRequestHead(head, bytes, 0, bytes.length, DEFAULT_LIMITS);
  if (end !== bytes.length)
    throw bad(`${method} ${target} with these headers is not valid HTTP; proxies would refuse it`);
  return head;
}

/** The first value of the header; undefined when there is none. */
export function headerOf({ headers }: PlainRequest, name: string): string | undefined {
  return headers.find(([each]) => each.toLowerCase() === name)?.[1];
}

/** `reviews.shop:9080`: what a proxy asks about. */
export function keyOf({ host, port }: HostPort): string {
  return isIpv6(host) ? `[${host}]:${port}` : `${host}:${port}`;
}

function bad(message: string): WeftError {
  return new WeftError('bad-request', message, { source: 'config' });
}
