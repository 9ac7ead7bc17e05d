// Views of several cores as one: connections are spread over them, so that each knows what the others do not.
import type { CoreView } from '../cores/index.ts';
import type { DataPlane } from '../proxy/index.ts';
import { clusterView, configView, listenerView } from './views.ts';

/** What a core beside the first tells for an admin page; see the functions below for how it is read. */
export function coreView(plane: DataPlane, core: number, view: CoreView): unknown {
  const nowMs = plane.services.clock.monotonic();
  switch (view) {
    case 'clusters':
      return [...plane.destinations.clusters, ...plane.passThrough.clusters].map(each => ({
        core,
        ...clusterView(each, nowMs),
      }));
    case 'inbound':
      return [...plane.inboundPorts.clusters].map(each => ({ core, ...clusterView(each, nowMs) }));
    case 'config':
      return configView(plane);
    case 'listeners':
      return listenerView(plane, []);
  }
}

interface Config {
  readonly destinations: readonly { readonly key: string }[];
}

/** The first core's configuration, and the destinations that only others use: what two have is the same. */
export function mergeConfigs(own: object, others: readonly unknown[]): object {
  const destinations = new Map<string, object>();
  for (const each of [own, ...others] as readonly Config[])
    for (const destination of each.destinations)
      if (!destinations.has(destination.key)) destinations.set(destination.key, destination);
  return { ...own, destinations: [...destinations.values()] };
}

interface Listening {
  readonly name: string;
  readonly openConnections?: number;
}

/** The listeners of one proxy: cores share the ports, and each has connections of its own. */
export function mergeListeners(own: readonly object[], others: readonly unknown[]): object[] {
  const all = (others as readonly (readonly Listening[])[]).flat();
  return (own as readonly Listening[]).map(each =>
    each.openConnections === undefined
      ? each
      : {
          ...each,
          openConnections: all
            .filter(({ name }) => name === each.name)
            .reduce((sum, { openConnections = 0 }) => sum + openConnections, each.openConnections),
        },
  );
}
