// What a proxy has beside that reads a file of Sentinel's dialect; loaded by those alone.
import type { ProxyConfig } from '../config/proxy-config.ts';
import type { DataPlane } from '../proxy/index.ts';
import type { Exposition } from '../telemetry/index.ts';

/** Whether the proxy is configured by such a file. */
export function readsKdl({ gateway, files }: Pick<ProxyConfig, 'gateway' | 'files'>): boolean {
  return gateway !== undefined && files.endsWith('.kdl');
}

/** Counts the requests of a data plane, to be told among its metrics. */
export type WatchSentinel = (plane: DataPlane) => (out: Exposition) => void;

/** Undefined for all other proxies. */
export async function sentinelWatch(config: ProxyConfig): Promise<WatchSentinel | undefined> {
  if (!readsKdl(config)) return undefined;
  const { SentinelMetrics } = await import('./sentinel-metrics.ts');
  return plane => {
    const metrics = new SentinelMetrics(plane);
    return out => metrics.render(out);
  };
}
