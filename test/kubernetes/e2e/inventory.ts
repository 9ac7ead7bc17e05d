import type { Cluster, Item } from './cluster.ts';

interface Resource {
  readonly name: string;
  readonly kind: string;
  readonly verbs: readonly string[];
}

/** What comes and goes by itself. */
const fleeting = new Set(['Event', 'Endpoints', 'EndpointSlice', 'Lease', 'Pod', 'ReplicaSet', 'Node']);

/**
 * Every object of the cluster, as `kind namespace/name`: what comes and goes by itself left out, and of the namespaces given all
 * but what has Weft in its name.
 */
export async function inventory(cluster: Cluster, except: readonly string[]): Promise<ReadonlySet<string>> {
  const found = new Set<string>();
  for (const root of await groupVersions(cluster)) {
    const { resources } = (await cluster.call({ path: root })) as unknown as { resources: Resource[] };
    for (const { name, kind, verbs } of resources) {
      if (name.includes('/') || !verbs.includes('list')) continue;
      for (const item of await cluster.list<Item>(`${root}/${name}`)) {
        const metadata = ownerOf(item);
        const isWeft = metadata.name.includes('weft');
        if (fleeting.has(kind) && !isWeft) continue;
        if (kind === 'Event' || (kind === 'Namespace' && except.includes(metadata.name))) continue;
        if (except.includes(metadata.namespace ?? '') && !isWeft) continue;
        found.add(`${kind} ${metadata.namespace ?? ''}/${metadata.name}`);
      }
    }
  }
  return found;
}

/** An IPAddress (Kubernetes 1.33 and later make one for each address of a Service) goes by the Service that has it. */
function ownerOf({ kind, metadata, spec }: Item): Pick<Item['metadata'], 'name' | 'namespace'> {
  if (kind !== 'IPAddress') return metadata;
  return (spec as { parentRef: { name: string; namespace?: string } }).parentRef;
}

async function groupVersions(cluster: Cluster): Promise<readonly string[]> {
  const { groups } = (await cluster.call({ path: '/apis' })) as unknown as {
    groups: { preferredVersion: { groupVersion: string } }[];
  };
  return ['/api/v1', ...groups.map(({ preferredVersion }) => `/apis/${preferredVersion.groupVersion}`)];
}
