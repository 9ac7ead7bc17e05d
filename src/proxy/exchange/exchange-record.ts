import type { Cluster, RunningEndpoint } from '../../cluster/index.ts';
import type { Flag } from '../../errors/index.ts';
import type { Head } from '../../http/index.ts';
import type { AccessRecord } from '../../telemetry/index.ts';
import type { RunningRoute } from '../destinations/running-route.ts';
import type { ExchangeHost } from './exchange-host.ts';

/** How an exchange ended. Made only for exchanges that are logged. */
export interface ExchangeEnd {
  readonly head: Head;
  readonly status: number;
  readonly flag: Flag | '';
  readonly detail: string;
  readonly durationMs: number;
  readonly receivedBytes: number;
  readonly sentBytes: number;
  readonly attempts: number;
  readonly endpoint: RunningEndpoint | undefined;
  readonly cluster: Cluster | undefined;
  readonly route: RunningRoute | undefined;
}

/** Its line in the access log. */
export function recordOf(host: ExchangeHost, end: ExchangeEnd): AccessRecord {
  const { head, endpoint, cluster, route, durationMs, ...rest } = end;
  const { direction, downstream, principal } = host;
  return {
    ...rest,
    direction,
    downstream,
    protocol: `HTTP/1.${head.minor}`,
    method: head.methodText,
    authority: head.authority,
    path: head.targetText,
    durationMs: Math.round(durationMs * 1000) / 1000,
    upstream: endpoint?.key ?? '',
    cluster: cluster?.config.name ?? '',
    route: route?.route.name ?? '',
    requestId: head.text(head.requestId),
    peer: direction === 'inbound' ? principal : (endpoint?.config.peer.principal ?? ''),
  };
}
