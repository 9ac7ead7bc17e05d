// What spans say: OpenTelemetry's semantic conventions for HTTP (opentelemetry.io/docs/specs/semconv/http/http-spans/), and
// beside them the tags of Envoy and Istio that Kiali and dashboards look for.
import { flagWords } from '../errors/index.ts';
import { statusName } from '../grpc/index.ts';
import { type CustomTag, parseHostPort } from '../model/index.ts';
import type { Attributes, SpanEvent } from './span.ts';
import { hasFailed, type TracedRequest } from './traced-request.ts';

const SLASH = 0x2f;
const QUERY = 0x3f;
const userAgent = Buffer.from('user-agent', 'latin1');
const knownMethods = new Set([
  'CONNECT',
  'DELETE',
  'GET',
  'HEAD',
  'OPTIONS',
  'PATCH',
  'POST',
  'PUT',
  'QUERY',
  'TRACE',
]);

/** How much attributes say. */
export interface AttributeOptions {
  /** Longer texts are cut: clients choose them. */
  readonly maxLength: number;
  readonly customTags: readonly CustomTag[];
  readonly environment: Readonly<Record<string, string | undefined>>;
}

/** The attributes of one request's span, made when it is over. */
export function attributesOf(request: TracedRequest, options: AttributeOptions): Attributes {
  const { head, status, grpcStatus, flag, id, cluster, endpoint, attempts } = request;
  const { maxLength } = options;
  const method = head.methodText;
  const path = cut(pathOf(request), maxLength);
  const authority = cut(head.authority, maxLength);
  const asked = parseHostPort(authority, 80);
  const isClient = request.direction === 'outbound';
  const attributes: Attributes = {
    'http.request.method': knownMethods.has(method) ? method : '_OTHER',
    'url.scheme': 'http',
    'url.path': path,
    'network.protocol.name': 'http',
    'network.protocol.version': head.major === 2 ? '2' : `1.${head.minor}`,
    component: 'proxy',
    'http.method': method,
    'http.url': `http://${authority}${path}`,
    response_flags: flag === '' ? '-' : flag,
    request_size: request.receivedBytes,
    response_size: request.sentBytes,
  };
  if (!knownMethods.has(method)) attributes['http.request.method_original'] = method;
  if (status > 0) {
    attributes['http.response.status_code'] = status;
    attributes['http.status_code'] = String(status);
  }
  if (hasFailed(request)) attributes['error.type'] = flag !== '' ? flag : answerName(request);
  if (grpcStatus >= 0) putCall(attributes, path, grpcStatus);
  if (asked !== undefined) {
    attributes['server.address'] = asked.host;
    attributes['server.port'] = asked.port;
  }
  put(attributes, 'user_agent.original', cut(head.text(head.find(userAgent)), maxLength));
  put(attributes, 'guid:x-request-id', cut(id, maxLength));
  put(attributes, 'upstream_cluster', cluster?.config.name ?? '');
  put(attributes, 'upstream_cluster.name', cluster?.config.name ?? '');
  const client = parseHostPort(request.downstream);
  if (isClient) {
    attributes['url.full'] = attributes['http.url']!;
    put(attributes, 'peer.service', peerService(request));
    put(attributes, 'network.peer.address', endpoint?.config.address ?? '');
    put(attributes, 'peer.address', endpoint?.config.address ?? '');
    if (endpoint !== undefined) attributes['network.peer.port'] = endpoint.config.port;
    if (attempts > 1) attributes['http.request.resend_count'] = attempts - 1;
  } else {
    put(attributes, 'client.address', client?.host ?? '');
    put(attributes, 'peer.address', client?.host ?? '');
    put(attributes, 'source.principal', request.principal);
  }
  for (const tag of options.customTags)
    put(attributes, tag.name, cut(tagValue(tag, request, options), maxLength));
  return attributes;
}

/** Of a gRPC call: OpenTelemetry's names (opentelemetry.io/docs/specs/semconv/rpc/grpc/), and Envoy's for the status. */
function putCall(attributes: Attributes, path: string, grpcStatus: number): void {
  const [, service = '', method = ''] = path.split('/');
  attributes['rpc.system'] = 'grpc';
  put(attributes, 'rpc.service', service);
  put(attributes, 'rpc.method', method);
  attributes['rpc.grpc.status_code'] = grpcStatus;
  attributes['grpc.status_code'] = String(grpcStatus);
}

/** What the answer was: `503`, or of a gRPC call `UNAVAILABLE`. */
function answerName({ status, grpcStatus }: TracedRequest): string {
  return grpcStatus > 0 ? statusName(grpcStatus) : String(status);
}

/** Whom an outbound request went to, as Istio names services: `reviews.shop`. */
export function peerService({ cluster, endpoint, destination }: TracedRequest): string {
  const peer = endpoint?.config.peer;
  if (peer !== undefined && peer.app !== '') return `${peer.app}.${peer.namespace}`;
  const service = cluster?.config.service;
  if (service !== undefined && service.name !== '') return `${service.name}.${service.namespace}`;
  return destination?.host ?? '';
}

/** The flag and the cause in words; '' where nothing failed. */
export function errorOf(request: TracedRequest): string {
  if (!hasFailed(request)) return '';
  const { flag, detail } = request;
  if (flag === '') return `the answer is ${answerName(request)}`;
  return detail === '' ? `${flag}: ${flagWords(flag)}` : `${flag}: ${flagWords(flag)}: ${detail}`;
}

/**
 * One event for each try, where there was more than one or the one failed: the span that the upstream's own hangs under is the
 * request's, for all tries carry the same head. `offsetMs`: between monotonic time and the epoch.
 */
export function eventsOf({ tries }: TracedRequest, offsetMs: number): readonly SpanEvent[] {
  if (tries.length < 2 && tries[0]?.end !== 'broken' && tries[0]?.end !== 'no-connection') return [];
  return tries.map((each, index) => {
    const attributes: Attributes = {
      'weft.try': index + 1,
      'network.peer.address': each.endpoint,
      'weft.why': each.why,
      'weft.end': each.end,
      'weft.duration_ms': Math.round(each.durationMs * 1000) / 1000,
    };
    if (each.status > 0) attributes['http.response.status_code'] = each.status;
    put(attributes, 'response_flags', each.flag);
    put(attributes, 'weft.detail', each.detail);
    return { name: `try ${each.end}`, atMs: each.startMs + offsetMs, attributes };
  });
}

/** Without the query, which may hold what is nobody's business, and without what comes before the path in a proxy's form. */
function pathOf({ head }: TracedRequest): string {
  const { bytes, targetStart, targetEnd } = head;
  let end = targetStart;
  while (end < targetEnd && bytes[end] !== QUERY) end++;
  const target = bytes.toString('latin1', targetStart, end);
  if (bytes[targetStart] === SLASH || !target.includes('://')) return target;
  const slash = target.indexOf('/', target.indexOf('://') + 3);
  return slash < 0 ? '/' : target.slice(slash);
}

function tagValue(tag: CustomTag, { head }: TracedRequest, { environment }: AttributeOptions): string {
  if (tag.kind === 'literal') return tag.value;
  const value =
    tag.kind === 'environment'
      ? (environment[tag.of] ?? '')
      : head.text(head.find(Buffer.from(tag.of, 'latin1')));
  return value === '' ? (tag.fallback ?? '') : value;
}

function put(attributes: Attributes, name: string, value: string): void {
  if (value !== '') attributes[name] = value;
}

function cut(text: string, maxLength: number): string {
  return text.length > maxLength ? text.slice(0, maxLength) : text;
}
