import { followConsul, type Instance, instancesOf, type Question } from '../consul/index.ts';
import { type ConsulDiscovery, isIpAddress } from '../model/index.ts';
import type { Clock } from '../time/index.ts';
import type { Discover, FoundEndpoint } from './found.ts';
import type { NameLookup } from './names.ts';

/** Follows the service until the signal aborts; what was found stays while Consul is away. */
export function discoverConsul(lookup: NameLookup, clock: Clock, settings: ConsulDiscovery): Discover {
  const { service, address, refreshMs } = settings;
  return (listener, signal) =>
    followConsul(
      settings,
      questionOf(settings),
      { clock, longestMs: refreshMs },
      {
        async answered(body) {
          const found = await resolved(instancesOf(body), lookup);
          if (!signal.aborted) listener.found(found);
        },
        failed: why => listener.failed(`service ${service} cannot be asked of Consul at ${address}: ${why}`),
      },
      signal,
    );
}

/** What is asked; exported for tests. */
export function questionOf({
  service,
  onlyPassing,
  tag,
}: Pick<ConsulDiscovery, 'service' | 'onlyPassing' | 'tag'>): Question {
  return {
    path: `/v1/health/service/${encodeURIComponent(service)}`,
    parameters: { ...(tag !== undefined && { tag }), ...(onlyPassing && { passing: '1' }) },
  };
}

/** Endpoints of instances; names are looked up. */
async function resolved(
  instances: readonly Instance[],
  lookup: NameLookup,
): Promise<readonly FoundEndpoint[]> {
  const found = instances.map(async ({ host, port, weight }): Promise<readonly FoundEndpoint[]> => {
    if (isIpAddress(host)) return [{ address: host, port, weight }];
    const looked = await lookup.addresses(host);
    if (looked.kind === 'failed') throw new Error(`${host} cannot be looked up: ${looked.why}`);
    return looked.kind === 'none' ? [] : looked.addresses.map(address => ({ address, port, weight }));
  });
  return (await Promise.all(found)).flat();
}
