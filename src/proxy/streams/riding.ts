import type { RunningCluster, RunningEndpoint } from '../../cluster/index.ts';
import { formatAddress } from '../../model/index.ts';
import type { Services } from '../services/services.ts';
import { connectHead } from './session-status.ts';
import { type SessionOutcome, UpstreamStream } from './upstream-stream.ts';

/**
 * A session as a stream of a connection that is kept to the endpoint's proxy, not started; undefined where it is to have a
 * connection of its own: what the port speaks has to be found out first, sessions are so large that they are better off alone, or
 * the endpoint takes no streams. See docs/decisions/tcp-on-streams.md.
 */
export function streamTo(
  services: Services,
  cluster: RunningCluster,
  endpoint: RunningEndpoint,
  outcome: SessionOutcome,
): UpstreamStream | undefined {
  const { protocol, settings } = cluster.config;
  if ((protocol !== 'tcp' && protocol !== 'tls') || cluster.sessionSizes.large) return undefined;
  const pool = cluster.sessionsOf(endpoint);
  if (pool?.takesStreams !== true) return undefined;
  const { address, port, peer } = endpoint.config;
  const authority = formatAddress(address, port);
  const request = {
    pool,
    timers: services.timers,
    timeoutMs: settings.connectTimeoutMs,
    head: connectHead(authority),
    where: peer.pod === '' ? authority : `${authority} (pod ${peer.pod})`,
  };
  return new UpstreamStream(request, outcome);
}
