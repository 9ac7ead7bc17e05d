import type { RunningEndpoint } from '../../cluster/index.ts';
import type { Head } from '../../http/index.ts';
import { formatAddress } from '../../model/index.ts';
import type {
  ObservedMirror,
  ObservedRefusal,
  ObservedRequest,
  ObservedSession,
} from '../../proxy/observation/observer.interface.ts';
import type { Clock } from '../../time/index.ts';
import type { TapEnd, TapItem } from './item.ts';
import { isSensitive } from './question.ts';

const contentType = Buffer.from('content-type');
const grpc = /^application\/grpc(?:$|[+;])/i;
/** Longer texts are cut. */
const maxPath = 512;
const maxDetail = 300;
const maxValue = 200;

/** What a tap tells of a request that has ended; `headers`: names (in lowercase) whose values are told. */
export function itemOfRequest(request: ObservedRequest, headers: readonly string[], clock: Clock): TapItem {
  const { head, direction, startMs, endMs, answeredMs, detail } = request;
  return {
    id: request.id,
    direction,
    protocol: protocolOf(head),
    atMs: wallTime(startMs, clock),
    ...ends(
      request,
      // That of an inbound port is its address.
      request.destination &&
        (direction === 'inbound'
          ? request.destination.host
          : formatAddress(request.destination.host, request.destination.port)),
    ),
    method: head.methodText.slice(0, 30),
    authority: head.authority.slice(0, 255),
    path: withoutSecrets(head.targetText).slice(0, maxPath),
    status: request.status,
    ...(request.grpcStatus >= 0 && { grpcStatus: request.grpcStatus }),
    flag: request.flag,
    ...(detail !== '' && { detail: detail.slice(0, maxDetail) }),
    durationMs: rounded(endMs - startMs),
    ...(answeredMs > 0 && { answeredMs: rounded(answeredMs - startMs) }),
    ...{ receivedBytes: request.receivedBytes, sentBytes: request.sentBytes, attempts: request.attempts },
    ...(headers.length > 0 && { headers: shown(head, headers) }),
  };
}

/** The same of a connection that nobody reads. */
export function itemOfSession(session: ObservedSession, clock: Clock): TapItem {
  const { startMs, endMs, detail } = session;
  return {
    id: '',
    direction: session.direction,
    protocol: 'tcp',
    atMs: wallTime(startMs, clock),
    ...ends(session, session.cluster.config.name),
    flag: session.flag,
    ...(detail !== '' && { detail: detail.slice(0, maxDetail) }),
    durationMs: rounded(endMs - startMs),
    ...{ receivedBytes: session.receivedBytes, sentBytes: session.sentBytes, attempts: session.attempts },
  };
}

/** The same of what never became a request or a connection. */
export function itemOfRefusal(refusal: ObservedRefusal, clock: Clock): TapItem {
  const { direction, downstream, principal, port, wanted, reason, flag, detail, status, id, atMs } = refusal;
  const source: TapEnd = { address: downstream, ...(principal !== '' && { principal }) };
  const host = wanted === '' && port > 0 ? `:${port}` : wanted;
  return {
    what: 'refusal',
    ...{ id, direction, protocol: isOfHttp(refusal) ? 'http' : 'tcp', atMs: wallTime(atMs, clock), source },
    destination: host === '' ? {} : { host },
    ...(status > 0 && { status }),
    ...{ flag, reason: reason.slice(0, maxDetail) },
    ...(detail !== '' && { detail: detail.slice(0, maxDetail) }),
    ...{ durationMs: 0, receivedBytes: 0, sentBytes: 0, attempts: 0 },
  };
}

/** Of what was to be HTTP an answer tells; the rest is closed without a word. */
export function isOfHttp({ status, reason }: Pick<ObservedRefusal, 'status' | 'reason'>): boolean {
  return status > 0 || reason.startsWith('malformed');
}

/** The same of a copy that nobody answered; nobody waited for it. */
export function itemOfMirror(mirror: ObservedMirror, clock: Clock): TapItem {
  const { id, cluster, endpoint, flag, detail, startMs, endMs } = mirror;
  const sent = { direction: 'outbound', downstream: '', principal: '', endpoint } as const;
  return {
    what: 'mirror',
    ...{ id, direction: 'outbound', protocol: 'http', atMs: wallTime(startMs, clock) },
    ...ends(sent, cluster.config.name),
    flag,
    ...(detail !== '' && { detail: detail.slice(0, maxDetail) }),
    ...{ durationMs: rounded(endMs - startMs), receivedBytes: 0, sentBytes: 0 },
    attempts: endpoint === undefined ? 0 : 1,
  };
}

/** What the request speaks. */
export function protocolOf(head: Head): 'http' | 'grpc' {
  const at = head.find(contentType);
  return at >= 0 && grpc.test(head.text(at)) ? 'grpc' : 'http';
}

/** The authority without its port, in lowercase. */
export function hostOf(authority: string): string {
  return authority.replace(/:\d+$/, '').toLowerCase();
}

type Ended = Pick<ObservedRequest, 'direction' | 'downstream' | 'principal'> & {
  readonly endpoint: RunningEndpoint | undefined;
};

function ends(
  { direction, downstream, principal, endpoint }: Ended,
  host: string | undefined,
): Pick<TapItem, 'source' | 'destination'> {
  const source: TapEnd = { address: downstream, ...(principal !== '' && { principal }) };
  // What comes in goes to the app: the pod that tells is the destination.
  const address = endpoint && { address: formatAddress(endpoint.config.address, endpoint.config.port) };
  if (direction === 'inbound')
    return { source, destination: { ...(host !== undefined && { host }), ...address } };
  const peer = endpoint?.config.peer;
  return {
    source: {},
    destination: {
      ...(host !== undefined && { host }),
      ...address,
      ...(peer && peer.workload !== '' && { workload: `${peer.namespace}/${peer.workload}` }),
      ...(peer && peer.principal !== '' && { principal: peer.principal }),
    },
  };
}

/** Values of parameters that look like secrets are left out. */
export function withoutSecrets(target: string): string {
  const query = target.indexOf('?');
  if (query < 0) return target;
  return (
    target.slice(0, query) +
    target
      .slice(query)
      .replaceAll(/([?&;]([^=&;]*)=)[^&;]*/g, (all, name: string, key: string) =>
        isSensitive(key.toLowerCase()) || /^(sig|code|state|auth|key|pwd)$/i.test(key)
          ? `${name}[redacted]`
          : all,
      )
  );
}

function shown(head: Head, names: readonly string[]): Record<string, string> {
  const values: [string, string][] = [];
  for (const name of names) {
    const at = head.find(Buffer.from(name, 'latin1'));
    if (at >= 0) values.push([name, isSensitive(name) ? '[redacted]' : head.text(at).slice(0, maxValue)]);
  }
  return Object.fromEntries(values);
}

function wallTime(monotonicMs: number, clock: Clock): number {
  return Math.round(clock.now() - (clock.monotonic() - monotonicMs));
}

function rounded(ms: number): number {
  return Math.round(ms * 1000) / 1000;
}
