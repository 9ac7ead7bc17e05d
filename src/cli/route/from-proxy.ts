// Routes and endpoints of a proxy that runs, from its admin endpoints: what it really has, whatever the objects say.
import { WeftError } from '../../errors/index.ts';
import type { DestinationResource, ObjectRef, Peer } from '../../model/index.ts';
import type { EndpointFacts, RoutingFacts } from './answer.ts';
import { OriginIndex } from './origin-index.ts';
import type { AddressedRequest } from './request.ts';
import { keyOf } from './request.ts';

/** Of `/config_dump`. */
interface ConfigDump {
  readonly self: Peer;
  readonly destinations: readonly DestinationResource[];
}

/** Of `/clusters`. */
interface RunningCluster {
  readonly name: string;
  readonly endpointsInAll: number;
  readonly why?: string;
  readonly endpoints: readonly {
    readonly workload: string;
    readonly tls: string;
    /** `healthy`, or why it is out of rotation. */
    readonly health: unknown;
  }[];
}

/** Reads a path of the admin endpoint: JSON. */
export type ReadAdmin = (path: string) => Promise<unknown>;

/** What the proxy would do. `refs` say where objects are, where files were given too. */
export async function factsFromProxy(
  read: ReadAdmin,
  asked: AddressedRequest,
  refs: readonly ObjectRef[],
): Promise<RoutingFacts> {
  const { self, destinations } = (await read('/config_dump')) as ConfigDump;
  const clusters = (await read('/clusters')) as readonly RunningCluster[];
  const destination = destinationOf(destinations, asked, self.namespace);
  if (!destination) throw notCalled(asked, destinations);
  const origins = new OriginIndex(refs);
  return {
    caller: {
      name: self.pod === '' ? 'the proxy' : `pod ${self.pod}`,
      namespace: self.namespace,
      meshed: true,
    },
    destination,
    origin(index) {
      const object = origins.of(destination.routes[index]?.from);
      return object ? { object } : {};
    },
    leftOut: [],
    endpoints: name => endpointsOf(clusters.find(each => each.name === name)),
  };
}

/** By its key, or by its name as apps write it. */
function destinationOf(
  destinations: readonly DestinationResource[],
  { to }: AddressedRequest,
  namespace: string,
): DestinationResource | undefined {
  const name = to.host.toLowerCase().replace(/\.$/, '');
  const isNamed = ({ host, port }: DestinationResource): boolean =>
    port === to.port &&
    (host === name ||
      host.startsWith(`${name}.${namespace}.svc.`) ||
      host.startsWith(`${name}.svc.`) ||
      (name.includes('.') && host.startsWith(`${name}.`)));
  return destinations.find(each => each.key === keyOf(to)) ?? destinations.find(isNamed);
}

function notCalled(asked: AddressedRequest, destinations: readonly DestinationResource[]): WeftError {
  const known = destinations.map(({ host, port }) => `${host}:${port}`).slice(0, 10);
  const has = known.length === 0 ? 'it knows none yet' : `it knows ${known.join(', ')}`;
  return new WeftError(
    'destination-not-called',
    `this proxy has no destination ${keyOf(asked.to)} (${has}); proxies learn of a destination when their app first calls it`,
    { source: 'config' },
  );
}

function endpointsOf(cluster: RunningCluster | undefined): EndpointFacts {
  const healthy = (cluster?.endpoints ?? []).filter(each => each.health === 'healthy');
  return {
    ready: healthy.length,
    total: cluster?.endpointsInAll ?? 0,
    ...(cluster?.why !== undefined && { why: cluster.why }),
    mutualTls: healthy.filter(each => each.tls === 'mesh').length,
    rateLimits: [],
    workloads: [...new Set(healthy.map(each => each.workload))].filter(each => each !== ''),
  };
}
