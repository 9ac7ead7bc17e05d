import type { AccessRecord } from '../../telemetry/index.ts';
import type { ObservedSession } from '../services/request-tagger.ts';

/** A session as the access log has it, of how others see it. */
export function accessRecordOf(session: ObservedSession): AccessRecord {
  const { direction, flag, detail, startMs, endMs, receivedBytes, sentBytes, downstream } = session;
  const { principal, cluster, endpoint, attempts } = session;
  return {
    direction,
    protocol: 'TCP',
    flag,
    detail,
    durationMs: Math.round(endMs - startMs),
    receivedBytes,
    sentBytes,
    downstream,
    upstream: endpoint?.key ?? '',
    cluster: cluster.config.name,
    peer: direction === 'inbound' ? principal : (endpoint?.config.peer.principal ?? ''),
    attempts,
  };
}
