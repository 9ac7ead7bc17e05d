// What is seen of a request while it is carried, as plain data that stays.
import type { RunningCluster, RunningEndpoint } from '../../cluster/index.ts';
import {
  type ConsideredEndpoint,
  type ConsideredEndpoints,
  type KeptFor,
  MAX_CONSIDERED,
  type MirrorRecord,
  type ObjectRef,
  type RecordedTry,
  type RefusalRecord,
  type RequestRecord,
  type SessionRecord,
} from '../../model/index.ts';
import type {
  ObservedMirror,
  ObservedRefusal,
  ObservedRequest,
  ObservedSession,
} from '../observation/observer.interface.ts';
import type { TryRecord } from '../observation/try-record.ts';
import { refusalDetails, reset, responseCodeDetails } from './response-code-details.ts';

/** Clients choose their paths and hosts, and servers their words; of a longer one this is the beginning. Characters. */
const longest = 300;
/** Of a request that is tried again and again: the first ones and the last. */
const mostTries = 10;
const traceParent = Buffer.from('traceparent', 'latin1');

/** Turns monotonic times of one clock into times since the epoch. */
export type ToWall = (monotonicMs: number) => number;

/** A request that is over. */
export function requestRecord(request: ObservedRequest, kept: KeptFor, wall: ToWall): RequestRecord {
  const { head, destination, route, cluster, startMs, answeredMs, tries } = request;
  const traceId = traceOf(head.text(head.find(traceParent)) || head.addedText(traceParent));
  const shown = tries.length <= mostTries ? tries : [...tries.slice(0, 5), ...tries.slice(-5)];
  return {
    kind: 'request',
    id: request.id,
    kept,
    at: Math.round(wall(startMs)),
    durationMs: round(request.endMs - startMs),
    direction: request.direction,
    downstream: request.downstream,
    principal: request.principal,
    status: request.status,
    flag: request.flag,
    code: responseCodeDetails(request),
    detail: cut(request.detail),
    protocol: head.protocol,
    ...(request.grpcStatus >= 0 && { grpcStatus: request.grpcStatus }),
    method: cut(head.methodText),
    authority: cut(head.authority),
    // What follows `?` is often somebody's own.
    path: cut(pathOf(head.targetText)),
    ...(traceId && { traceId }),
    ...(answeredMs >= 0 && { answeredAfterMs: round(answeredMs - startMs) }),
    ...(destination && {
      destination: {
        key: destination.key,
        found: destination.found,
        host: destination.host,
        port: destination.port,
      },
    }),
    ...(route && {
      route: {
        name: route.name,
        ...(route.from && { from: refOf(route.from) }),
        timeoutMs: route.timeoutMs,
        idleTimeoutMs: route.idleTimeoutMs,
        attempts: route.retry.attempts,
        perTryTimeoutMs: route.retry.perTryTimeoutMs,
      },
    }),
    ...(cluster && { cluster: settingsOf(cluster), endpoints: consideredOf(cluster, startMs) }),
    filters: request.verdicts,
    tries: shown.map(each => tryOf(each, startMs)),
    attempts: request.attempts,
    noRetry: request.noRetry,
    mirrored: request.mirrored,
    receivedBytes: request.receivedBytes,
    sentBytes: request.sentBytes,
  };
}

/** A connection that carried bytes. */
export function sessionRecord(session: ObservedSession, kept: KeptFor, wall: ToWall): SessionRecord {
  const { cluster, endpoint, startMs } = session;
  return {
    kind: 'session',
    id: session.id,
    kept,
    at: Math.round(wall(startMs)),
    durationMs: round(session.endMs - startMs),
    direction: session.direction,
    downstream: session.downstream,
    principal: session.principal,
    status: 0,
    flag: session.flag,
    code: session.flag === '' ? '' : reset(session.flag, session.opened),
    detail: cut(session.detail),
    cluster: clusterOf(cluster),
    endpoint: endpoint?.key ?? '',
    pod: endpoint?.config.peer.pod ?? '',
    opened: session.opened,
    attempts: session.attempts,
    endpoints: consideredOf(cluster, startMs),
    receivedBytes: session.receivedBytes,
    sentBytes: session.sentBytes,
  };
}

/** What was refused. */
export function refusalRecord(refusal: ObservedRefusal, wall: ToWall): RefusalRecord {
  const { id, direction, downstream, principal, status, flag, port, wanted, reason, from } = refusal;
  return {
    kind: 'refusal',
    id,
    kept: 'failed',
    at: Math.round(wall(refusal.atMs)),
    durationMs: 0,
    direction,
    downstream,
    principal,
    status,
    flag,
    code: refusalDetails(flag, reason, refusal.detail),
    detail: cut(refusal.detail),
    port,
    wanted: cut(wanted),
    reason,
    ...(from && { from: refOf(from) }),
  };
}

/** A copy that failed. */
export function mirrorRecord(mirror: ObservedMirror, wall: ToWall): MirrorRecord {
  const { id, cluster, endpoint, flag, startMs } = mirror;
  return {
    kind: 'mirror',
    id,
    kept: 'failed',
    at: Math.round(wall(startMs)),
    durationMs: round(mirror.endMs - startMs),
    direction: 'outbound',
    downstream: '',
    principal: '',
    status: 0,
    flag,
    code: reset(flag, false),
    detail: cut(mirror.detail),
    cluster: clusterOf(cluster),
    endpoint: endpoint?.key ?? '',
    pod: endpoint?.config.peer.pod ?? '',
  };
}

/** The endpoints of a cluster, and why each could or could not be chosen. `sinceMs`: when the request began, monotonic. */
export function consideredOf(cluster: RunningCluster, sinceMs: number): ConsideredEndpoints {
  const endpoints: ConsideredEndpoint[] = [];
  for (const endpoint of cluster.endpoints) {
    if (endpoints.length === MAX_CONSIDERED) break;
    endpoints.push({ endpoint: endpoint.key, pod: endpoint.config.peer.pod, ...stateOf(endpoint, sinceMs) });
  }
  const { size, healthy, total, known, why } = cluster;
  return {
    endpoints,
    ready: size,
    total,
    ejected: size - healthy,
    why: why !== '' ? cut(why) : known ? '' : 'they are not known yet',
  };
}

function stateOf(
  { health: { health }, config, group }: RunningEndpoint,
  sinceMs: number,
): Pick<ConsideredEndpoint, 'state' | 'why'> {
  // What this request itself brought about says nothing about its choice.
  if (health.state === 'ejected' && health.sinceMs < sinceMs) return { state: 'ejected', why: health.reason };
  if (health.state === 'ejected' || group !== undefined) return { state: 'candidate' };
  return { state: config.weight === 0 ? 'weightless' : 'elsewhere' };
}

function tryOf(each: TryRecord, startMs: number): RecordedTry {
  const { peer } = each;
  return {
    endpoint: each.endpoint,
    pod: peer.pod,
    namespace: peer.namespace,
    workload: peer.workload,
    mesh: each.mesh,
    why: each.why,
    end: each.end,
    status: each.status,
    flag: each.flag,
    detail: cut(each.detail),
    afterMs: round(each.startMs - startMs),
    durationMs: round(each.durationMs),
  };
}

function clusterOf({ config: { name, service } }: RunningCluster): SessionRecord['cluster'] {
  return { name, host: service.host, service: service.name, namespace: service.namespace };
}

function settingsOf(cluster: RunningCluster): NonNullable<RequestRecord['cluster']> {
  const { balancer, connectTimeoutMs, limits } = cluster.config.settings;
  return {
    ...clusterOf(cluster),
    balancer: balancer.kind,
    connectTimeoutMs,
    maxRequests: limits.maxRequests,
    maxConnections: limits.maxConnections,
    maxPending: limits.maxPendingRequests,
  };
}

/** Of an object what names it. */
function refOf({ apiVersion, kind, namespace, name, origin, cluster }: ObjectRef): ObjectRef {
  return { apiVersion, kind, namespace, name, ...(origin && { origin }), ...(cluster && { cluster }) };
}

/** www.w3.org/TR/trace-context, section 3.2 */
function traceOf(traceParentText: string): string | undefined {
  return /^[0-9a-f]{2}-([0-9a-f]{32})-/.exec(traceParentText)?.[1];
}

/** Without the query, and without what a client of a proxy writes before it. */
function pathOf(target: string): string {
  return target.replace(/[?#].*$/s, '').replace(/^https?:\/\/[^/]*/i, '') || '/';
}

function cut(text: string): string {
  return text.length <= longest ? text : `${text.slice(0, longest)}…`;
}

function round(ms: number): number {
  return Math.round(ms * 100) / 100;
}
