// What makes a proxy a gateway: loaded by those that are one.
import type { ProxyConfig } from '../config/proxy-config.ts';
import type { DataPlaneOptions } from '../proxy/index.ts';

/** Nothing for sidecars. */
export async function gatewayParts({
  gateway,
}: ProxyConfig): Promise<Pick<DataPlaneOptions, 'gateway' | 'edge'>> {
  if (gateway === undefined) return {};
  const [{ gatewayRole }, { edgeFilters }] = await Promise.all([
    import('../proxy/gateway/index.ts'),
    import('../proxy/edge/index.ts'),
  ]);
  const { names: gateways, hosts, portOffset } = gateway;
  return { gateway: gatewayRole({ gateways, hosts, portOffset }), edge: edgeFilters };
}
