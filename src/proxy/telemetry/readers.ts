// Where operators of formats and attributes of expressions are read. What a proxy does not know is undefined: `-` in a line.
import type { Readers } from '../../cel/index.ts';
import type { Head } from '../../http/index.ts';
import type { HeaderOperator, OperatorReaders } from '../../log-format/index.ts';
import { parseHostPort } from '../../model/index.ts';
import { textOf } from './answer-fields.ts';
import { LONG_FLAGS, responseCodeDetails } from './details.ts';
import type { Subject } from './subject.ts';

type Of = (subject: Subject) => string | undefined;

const host =
  (of: Of): Of =>
  subject =>
    parseHostPort(of(subject) ?? '', 0)?.host;
const port =
  (of: Of): ((subject: Subject) => number | undefined) =>
  subject =>
    parseHostPort(of(subject) ?? '', 0)?.port;
const orNone = (text: string | undefined): string | undefined => (text === '' ? undefined : text);

const downstream: Of = subject => orNone(subject.downstream);
const upstream: Of = subject => orNone(subject.endpoint?.key);
const called: Of = subject => subject.called;
const details: Of = ({ request, flag, detail }) =>
  request && responseCodeDetails(flag, request.answeredMs > 0, detail);
const isMesh = (subject: Subject): boolean =>
  subject.direction === 'inbound' ? subject.principal !== '' : subject.endpoint?.config.tls === 'mesh';
const peerSan: Of = subject => (subject.direction === 'inbound' ? orNone(subject.principal) : undefined);
const localSan: Of = subject =>
  subject.direction === 'inbound' && isMesh(subject) ? orNone(subject.self.principal) : undefined;
const upstreamSan: Of = ({ endpoint }) =>
  endpoint?.config.tls === 'mesh' ? orNone(endpoint.config.peer.principal) : undefined;
const cluster: Of = subject => subject.cluster?.config.name;
const protocol: Of = ({ request }) => request?.head.protocol;
const failure: Of = ({ flag, detail }) => (flag === 'UF' ? orNone(detail) : undefined);
const termination: Of = ({ refusal }) => refusal?.reason;
const whole = (ms: number): number => Math.floor(ms);

/** Time from the request's last try to the head of its answer, as Envoy puts it into x-envoy-upstream-service-time. */
function upstreamServiceMs({ request }: Subject): string | undefined {
  if (request === undefined || request.answeredMs === 0) return undefined;
  const from = request.tries.at(-1)?.startMs ?? request.startMs;
  return String(Math.max(0, whole(request.answeredMs - from)));
}

const names = new Map<string, Buffer>();

function nameBytes(name: string): Buffer {
  let bytes = names.get(name);
  if (bytes === undefined) {
    bytes = Buffer.from(name, 'latin1');
    names.set(name, bytes);
  }
  return bytes;
}

/** A header of the request as it is sent on; `name` in lower case. */
function requestHeader(subject: Subject, name: string): string | undefined {
  const { request, redactor } = subject;
  if (request === undefined) return undefined;
  const value =
    name.startsWith(':') || name === 'host' ? pseudo(request.head, name) : sentField(request.head, name);
  if (value === undefined) return name === 'x-request-id' ? orNone(request.id) : undefined;
  return name === ':path' || name === 'x-envoy-original-path'
    ? redactor.path(value)
    : redactor.header(name, value);
}

function pseudo(head: Head, name: string): string | undefined {
  switch (name) {
    case ':method':
      return head.methodText;
    case ':path':
      return pathOf(head.newTarget === undefined ? head.targetText : head.newTarget.toString('latin1'));
    case ':authority':
    case 'host':
      return orNone(head.authority);
    case ':scheme':
      return 'http';
    default:
      return undefined;
  }
}

/** Clients of proxies name a whole URL (RFC 9112 section 3.2.2); that of the log is its path, as Envoy has it. */
function pathOf(target: string): string {
  if (target.startsWith('/')) return target;
  const path = /^[a-z][a-z0-9+.-]*:\/\/[^/?]*(.*)$/is.exec(target)?.[1];
  return path === undefined || path.startsWith('/') ? (path ?? target) : `/${path}`;
}

function sentField(head: Head, name: string): string | undefined {
  // Where a route rewrote the path, Envoy says here what it was.
  if (name === 'x-envoy-original-path' && head.newTarget !== undefined) {
    const original = pathOf(head.targetText);
    if (original !== pathOf(head.newTarget.toString('latin1'))) return original;
  }
  const bytes = nameBytes(name);
  const index = head.find(bytes);
  if (index >= 0) return textOf(head, index);
  return head.addedCount === 0 ? undefined : orNone(head.addedText(bytes));
}

function responseHeader(subject: Subject, name: string): string | undefined {
  if (name === ':status') return subject.status === undefined ? undefined : String(subject.status);
  if (name === 'x-envoy-upstream-service-time') return upstreamServiceMs(subject);
  const value = subject.answerField(name);
  return value === undefined ? undefined : subject.redactor.header(name, value);
}

function header(subject: Subject, of: HeaderOperator, name: string): string | undefined {
  switch (of) {
    case 'REQ':
      return requestHeader(subject, name);
    case 'REQ_WITHOUT_QUERY':
      return requestHeader(subject, name)?.replace(/\?.*$/s, '');
    case 'RESP':
      return responseHeader(subject, name);
    case 'TRAILER':
      return undefined;
  }
}

/** Of the trace that the request belongs to; '' for none. `traceparent` or B3, as it is sent on. */
export function traceIdOf(subject: Subject): string {
  const { request } = subject;
  if (request === undefined) return '';
  const { head } = request;
  const parent = sentField(head, 'traceparent');
  if (parent !== undefined) return parent.split('-')[1] ?? '';
  return sentField(head, 'x-b3-traceid') ?? sentField(head, 'b3')?.split('-')[0] ?? '';
}

/**
 * Of gRPC calls alone, wherever the answer tells it. Envoy takes for a call whatever says so by its content type, a GET too,
 * which is none for everybody else here.
 */
function grpcStatus(subject: Subject): number | undefined {
  const { request } = subject;
  if (request === undefined) return undefined;
  if (request.grpcStatus >= 0) return request.grpcStatus;
  const type = sentField(request.head, 'content-type');
  if (type === undefined || !/^application\/grpc(?:[+;]|$)/.test(type)) return undefined;
  const text = subject.answerField('grpc-status');
  return text !== undefined && /^\d{1,3}$/.test(text) ? Number(text) : undefined;
}

/** Of operators; `environment`: of the proxy. */
export function operatorReaders(environment: (name: string) => string | undefined): OperatorReaders<Subject> {
  return {
    header,
    environment,
    grpcStatus,
    time: (subject, of) =>
      subject.self.wallMs(of.startsWith('EMIT') ? subject.startMs + subject.durationMs : subject.startMs),
    plain: {
      ACCESS_LOG_TYPE: ({ session }) => (session === undefined ? 'DownstreamEnd' : 'TcpConnectionEnd'),
      BYTES_RECEIVED: subject => subject.receivedBytes,
      BYTES_SENT: subject => subject.sentBytes,
      CONNECTION_TERMINATION_DETAILS: termination,
      DOWNSTREAM_DIRECT_REMOTE_ADDRESS: downstream,
      DOWNSTREAM_DIRECT_REMOTE_ADDRESS_WITHOUT_PORT: host(downstream),
      DOWNSTREAM_DIRECT_REMOTE_PORT: port(downstream),
      DOWNSTREAM_LOCAL_ADDRESS: called,
      DOWNSTREAM_LOCAL_ADDRESS_WITHOUT_PORT: host(called),
      DOWNSTREAM_LOCAL_PORT: port(called),
      DOWNSTREAM_LOCAL_URI_SAN: localSan,
      DOWNSTREAM_PEER_URI_SAN: peerSan,
      DOWNSTREAM_REMOTE_ADDRESS: downstream,
      DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT: host(downstream),
      DOWNSTREAM_REMOTE_PORT: port(downstream),
      DURATION: subject => whole(subject.durationMs),
      HOSTNAME: ({ self }) => self.hostname,
      PROTOCOL: protocol,
      REQUESTED_SERVER_NAME: () => undefined,
      REQUEST_HEADERS_BYTES: ({ request }) => request && request.head.end - request.head.start,
      // As Envoy has it, 0 for a connection too.
      RESPONSE_CODE: subject => subject.status ?? 0,
      RESPONSE_CODE_DETAILS: details,
      RESPONSE_DURATION: ({ request }) =>
        request === undefined || request.answeredMs === 0
          ? undefined
          : whole(request.answeredMs - request.startMs),
      // As Envoy has it, in JSON too.
      RESPONSE_FLAGS: subject => subject.flag || '-',
      RESPONSE_FLAGS_LONG: ({ flag }) => (flag === '' ? '-' : LONG_FLAGS[flag]),
      RESPONSE_TX_DURATION: ({ request }) =>
        request === undefined || request.answeredMs === 0
          ? undefined
          : whole(request.endMs - request.answeredMs),
      ROUTE_NAME: ({ request }) => orNone(request?.route?.name),
      STREAM_ID: ({ request, session, refusal }) => orNone((request ?? session ?? refusal)?.id),
      TRACE_ID: subject => orNone(traceIdOf(subject)),
      UPSTREAM_CLUSTER: cluster,
      UPSTREAM_CLUSTER_RAW: cluster,
      UPSTREAM_HOST: upstream,
      UPSTREAM_PEER_URI_SAN: upstreamSan,
      UPSTREAM_PROTOCOL: subject => (subject.endpoint === undefined ? undefined : protocol(subject)),
      UPSTREAM_LOCAL_ADDRESS: () => undefined,
      UPSTREAM_REMOTE_ADDRESS: upstream,
      UPSTREAM_REMOTE_ADDRESS_WITHOUT_PORT: host(upstream),
      UPSTREAM_REMOTE_PORT: port(upstream),
      UPSTREAM_REQUEST_ATTEMPT_COUNT: subject => subject.attempts ?? 0,
      UPSTREAM_TRANSPORT_FAILURE_REASON: failure,
      VIRTUAL_CLUSTER_NAME: () => undefined,
    },
  };
}

const path = (subject: Subject): string | undefined =>
  subject.request && subject.redactor.path(pseudo(subject.request.head, ':path')!);

/** Of attributes of expressions. */
export const attributeReaders: Readers<Subject> = {
  'request.path': path,
  'request.url_path': subject => path(subject)?.replace(/\?.*$/s, ''),
  'request.query': subject => path(subject)?.split('?', 2)[1] ?? (subject.request && ''),
  'request.host': ({ request }) => request && pseudo(request.head, ':authority'),
  'request.scheme': ({ request }) => request && 'http',
  'request.method': ({ request }) => request?.head.methodText,
  'request.headers': requestHeader,
  'request.referer': subject => requestHeader(subject, 'referer'),
  'request.useragent': subject => requestHeader(subject, 'user-agent'),
  'request.id': ({ request }) => orNone(request?.id),
  'request.protocol': protocol,
  'request.duration': ({ request }) => request && whole(request.endMs - request.startMs),
  'request.size': ({ request }) => request?.receivedBytes,
  'request.total_size': ({ request }) =>
    request && request.receivedBytes + request.head.end - request.head.start,
  'response.code': subject => subject.status,
  'response.code_details': details,
  'response.flags': subject => subject.flag,
  'response.grpc_status': grpcStatus,
  'response.headers': responseHeader,
  'response.size': ({ request }) => request?.sentBytes,
  'response.total_size': ({ request }) => request?.sentBytes,
  'source.address': downstream,
  'source.port': port(downstream),
  'destination.address': called,
  'destination.port': subject =>
    port(called)(subject) ?? subject.request?.destination?.port ?? subject.refusal?.port,
  'connection.mtls': subject => subject.direction === 'inbound' && isMesh(subject),
  'connection.requested_server_name': () => undefined,
  'connection.uri_san_local_certificate': localSan,
  'connection.uri_san_peer_certificate': peerSan,
  'connection.termination_details': termination,
  'upstream.address': upstream,
  'upstream.port': port(upstream),
  'upstream.uri_san_peer_certificate': upstreamSan,
  'upstream.transport_failure_reason': failure,
  'upstream.request_attempt_count': subject => subject.attempts,
  'xds.cluster_name': cluster,
  'xds.route_name': ({ request }) => orNone(request?.route?.name),
  'xds.listener_direction': ({ direction }) => (direction === 'inbound' ? 1 : 2),
};
