// What makes a proxy a gateway: loaded by those that are one.
import type { ProxyConfig } from '../config/proxy-config.ts';
import type { DataPlaneOptions } from '../proxy/index.ts';
import type { Log } from '../telemetry/index.ts';

/** Nothing for sidecars. */
export async function gatewayParts(
  { gateway }: ProxyConfig,
  log: Log,
): Promise<Pick<DataPlaneOptions, 'gateway' | 'edge'>> {
  if (gateway === undefined) return {};
  const [{ gatewayRole }, edge] = await Promise.all([
    import('../proxy/gateway/index.ts'),
    import('../proxy/edge/index.ts'),
  ]);
  const { names: gateways, hosts, portOffset, limits } = gateway;
  const role = gatewayRole({ gateways, hosts, portOffset });
  if (limits === undefined) return { gateway: role, edge: edge.edgeFilters };
  const { RedisCounts } = await import('../proxy/shared-counts/index.ts');
  const counts = new RedisCounts(limits, (shared, why) => {
    if (shared) log.info({}, 'limits of clients are counted in the Redis of --limits-redis');
    else log.warn({ why }, 'limits of clients hold for this replica alone: the Redis does not answer');
  });
  return { gateway: role, edge: edge.edgeFiltersSharing(counts) };
}
