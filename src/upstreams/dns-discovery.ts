import { guarded } from '../errors/index.ts';
import { Backoff, type Clock } from '../time/index.ts';
import type { Discover, DiscoveryListener, FoundEndpoint } from './found.ts';
import type { NameLookup } from './names.ts';

/** What asking came to, and when to ask again. */
type Asked =
  | { readonly kind: 'found'; readonly endpoints: readonly FoundEndpoint[]; readonly ttlMs: number }
  | { readonly kind: 'none'; readonly ttlMs: number }
  | { readonly kind: 'failed'; readonly why: string };

/** No name is asked for more often, whatever its TTL. */
const LEAST_MS = 1_000;

/** Every address of a name, on one port. */
export function discoverName(
  lookup: NameLookup,
  clock: Clock,
  {
    hostname,
    port,
    refreshMs,
    weight = 1,
    zone,
    maxRequests,
  }: {
    readonly hostname: string;
    readonly port: number;
    readonly refreshMs: number;
    readonly weight?: number;
    readonly zone?: string;
    readonly maxRequests?: number;
  },
): Discover {
  return repeated(clock, refreshMs, hostname, async () => {
    const looked = await lookup.addresses(hostname);
    if (looked.kind !== 'found') return looked;
    const endpoints = looked.addresses.map(address => ({
      address,
      port,
      weight,
      ...(zone !== undefined && { zone }),
      ...(maxRequests !== undefined && { maxRequests }),
    }));
    return { kind: 'found', endpoints, ttlMs: looked.ttlMs };
  });
}

/** Every address of every target of a service's SRV records, with their ports and weights. */
export function discoverService(
  lookup: NameLookup,
  clock: Clock,
  { service, refreshMs }: { readonly service: string; readonly refreshMs: number },
): Discover {
  return repeated(clock, refreshMs, service, async (): Promise<Asked> => {
    const found = await lookup.services(service);
    if (found.kind !== 'found') return found;
    const looked = await Promise.all(
      found.records.map(async record => ({ record, addresses: await lookup.addresses(record.target) })),
    );
    const failed = looked.find(each => each.addresses.kind === 'failed');
    // Half of the endpoints are not all of them: what was known before is better.
    if (failed?.addresses.kind === 'failed') return failed.addresses;
    let { ttlMs } = found;
    const endpoints = looked.flatMap(({ record, addresses }) => {
      if (addresses.kind !== 'found') return [];
      ttlMs = Math.min(ttlMs, addresses.ttlMs);
      // A weight of 0 is for servers that hardly anybody is sent to; here it would be nobody (RFC 2782).
      return addresses.addresses.map(address => ({
        address,
        port: record.port,
        weight: Math.max(1, record.weight),
      }));
    });
    return endpoints.length === 0 ? { kind: 'none', ttlMs } : { kind: 'found', endpoints, ttlMs };
  });
}

/**
 * Asks again when what was found is over. That there is nothing counts when it is said twice in a row: servers that start say so
 * of everything.
 */
function repeated(clock: Clock, refreshMs: number, name: string, ask: () => Promise<Asked>): Discover {
  return (listener, signal) => {
    const backoff = new Backoff({ firstMs: LEAST_MS, longestMs: Math.max(LEAST_MS, refreshMs) });
    let emptyBefore = false;
    const turn = (): void => {
      if (signal.aborted) return;
      void ask().then(
        guarded('upstreams.dns', (asked: Asked) => {
          if (signal.aborted) return;
          clock.after(told(asked), turn);
        }),
      );
    };
    const told = (asked: Asked): number => {
      if (asked.kind === 'failed') {
        listener.failed(`${name} cannot be looked up: ${asked.why}`);
        return backoff.next();
      }
      backoff.reset();
      if (asked.kind === 'none') {
        if (emptyBefore) listener.found([]);
        tellNone(listener, name);
        emptyBefore = true;
        return LEAST_MS;
      }
      emptyBefore = false;
      listener.found(asked.endpoints);
      return Math.max(LEAST_MS, Math.min(asked.ttlMs, refreshMs));
    };
    turn();
  };
}

function tellNone(listener: DiscoveryListener, name: string): void {
  listener.failed(`${name} has no addresses`);
}
