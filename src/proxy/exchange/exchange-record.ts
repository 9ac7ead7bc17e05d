import type { RunningCluster, RunningEndpoint } from '../../cluster/index.ts';
import type { Flag } from '../../errors/index.ts';
import type { Head } from '../../http/index.ts';
import type { DestinationResource, Route } from '../../model/index.ts';
import type { AccessRecord, RequestSeries } from '../../telemetry/index.ts';
import type { Instead } from '../filters/filter.interface.ts';
import type { FilterVerdict, ObservedRequest } from '../observation/observer.interface.ts';
import { NO_TRIES, type NoRetry, type TryRecord } from '../observation/try-record.ts';
import type { ExchangeHost } from './exchange-host.ts';
import { requestIdOf } from './request-id.ts';
import type { RouteWork } from './route-work.ts';

/** A request as it is logged and observed. Made when an exchange has one to show for the first time, and filled for each. */
export class ExchangeView implements ObservedRequest {
  head!: Head;
  destination: DestinationResource | undefined = undefined;
  route: Route | undefined = undefined;
  cluster: RunningCluster | undefined = undefined;
  endpoint: RunningEndpoint | undefined = undefined;
  mirrored = 0;
  startMs = 0;
  answeredMs = -1;
  tries: readonly TryRecord[] = NO_TRIES;
  attempts = 0;
  noRetry: NoRetry = '';
  endMs = 0;
  status = 0;
  grpcStatus = -1;
  flag: Flag | '' = '';
  detail = '';
  receivedBytes = 0;
  sentBytes = 0;
  series: RequestSeries | undefined = undefined;
  /** Undefined for requests that met no filter. */
  work: RouteWork | undefined = undefined;
  /** The answer that took the upstream's place. */
  instead: Instead | undefined = undefined;
  readonly #host: ExchangeHost;

  constructor(host: ExchangeHost) {
    this.#host = host;
  }

  get direction(): 'inbound' | 'outbound' {
    return this.#host.direction;
  }
  get downstream(): string {
    return this.#host.downstream;
  }
  get principal(): string {
    return this.#host.principal;
  }
  get id(): string {
    return requestIdOf(this.head);
  }
  get verdicts(): readonly FilterVerdict[] {
    return this.work === undefined ? noVerdicts : this.work.verdicts(this.instead);
  }
}

const noVerdicts: readonly FilterVerdict[] = [];

/** Its line in the access log. */
export function recordOf(view: ExchangeView): AccessRecord {
  const { direction, head, endpoint, cluster, route, downstream, principal } = view;
  const { status, grpcStatus, flag, detail, receivedBytes, sentBytes, attempts } = view;
  return {
    status,
    ...(grpcStatus >= 0 && { grpcStatus }),
    flag,
    detail,
    receivedBytes,
    sentBytes,
    attempts,
    direction,
    downstream,
    protocol: head.protocol,
    method: head.methodText,
    authority: head.authority,
    path: head.targetText,
    durationMs: Math.round((view.endMs - view.startMs) * 1000) / 1000,
    upstream: endpoint?.key ?? '',
    cluster: cluster?.config.name ?? '',
    route: route?.name ?? '',
    requestId: view.id,
    peer: direction === 'inbound' ? principal : (endpoint?.config.peer.principal ?? ''),
  };
}
