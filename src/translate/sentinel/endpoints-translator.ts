import { recordOf, recordsOf } from '../../plain/index.ts';
import type { KindTranslator } from '../dialect.ts';
import type { EndpointsPart } from '../part.ts';
import { type EndpointEntry, SENTINEL_KINDS, upstreamService } from './objects.ts';

/** Endpoints of an upstream, as upstreams/ found them. */
export const endpointsTranslator: KindTranslator = {
  kind: SENTINEL_KINDS.endpoints,
  translate({ metadata, spec }) {
    const { namespace = '', name } = metadata;
    const entries = recordsOf(recordOf(spec).endpoints) as unknown as readonly EndpointEntry[];
    const byPort = new Map<number, EndpointEntry[]>();
    for (const entry of entries) byPort.set(entry.port, [...(byPort.get(entry.port) ?? []), entry]);
    return [...byPort].map(
      ([port, endpoints]): EndpointsPart => ({
        kind: 'endpoints',
        service: upstreamService(namespace, name),
        rank: 2,
        ports: [{ name: '', number: port }],
        endpoints: endpoints.map(({ address, weight, zone, maxRequests, healthy }) => ({
          address,
          ready: healthy,
          serving: healthy,
          terminating: false,
          weight,
          ...(zone !== undefined && { zone }),
          ...(maxRequests !== undefined && { maxRequests }),
        })),
      }),
    );
  },
};
