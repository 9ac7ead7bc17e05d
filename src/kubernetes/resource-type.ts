/** One kind of objects as the API server serves it. */
export interface ResourceType {
  /** '' for the core group. */
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  /** `services`: the name in paths and in permissions. */
  readonly plural: string;
  readonly namespaced: boolean;
}

/** What the server notes as the maker of our changes (metadata.managedFields). */
export const FIELD_MANAGER = 'weft-injector';

/** The kinds that Weft works with itself; every other one is found through discovery. */
export const TYPES = {
  service: core('Service', 'services'),
  endpoints: core('Endpoints', 'endpoints'),
  pod: core('Pod', 'pods'),
  configMap: core('ConfigMap', 'configmaps'),
  secret: core('Secret', 'secrets'),
  event: core('Event', 'events'),
  namespace: core('Namespace', 'namespaces', false),
  node: core('Node', 'nodes', false),
  endpointSlice: {
    group: 'discovery.k8s.io',
    version: 'v1',
    kind: 'EndpointSlice',
    plural: 'endpointslices',
    namespaced: true,
  },
  lease: {
    group: 'coordination.k8s.io',
    version: 'v1',
    kind: 'Lease',
    plural: 'leases',
    namespaced: true,
  },
  tokenReview: {
    group: 'authentication.k8s.io',
    version: 'v1',
    kind: 'TokenReview',
    plural: 'tokenreviews',
    namespaced: false,
  },
} as const satisfies Record<string, ResourceType>;

function core(kind: string, plural: string, namespaced = true): ResourceType {
  return { group: '', version: 'v1', kind, plural, namespaced };
}

/** `v1`, `discovery.k8s.io/v1`. */
export function apiVersionOf(type: ResourceType): string {
  return type.group === '' ? type.version : `${type.group}/${type.version}`;
}

/** Kind with its group, as the registry names it: `Service`, `EndpointSlice.discovery.k8s.io`. */
export function groupKindOf(type: ResourceType): string {
  return type.group === '' ? type.kind : `${type.kind}.${type.group}`;
}

/** How people and permissions name it: `services`, `endpointslices.discovery.k8s.io`. */
export function resourceName(type: ResourceType): string {
  return type.group === '' ? type.plural : `${type.plural}.${type.group}`;
}

/** The path of all objects of the kind, of one namespace where one is given. */
export function collectionPath(type: ResourceType, namespace?: string): string {
  const root = type.group === '' ? `/api/${type.version}` : `/apis/${type.group}/${type.version}`;
  const where = namespace === undefined ? '' : `/namespaces/${encodeURIComponent(namespace)}`;
  return `${root}${where}/${type.plural}`;
}

/** The path of one object. */
export function objectPath(type: ResourceType, namespace: string | undefined, name: string): string {
  return `${collectionPath(type, namespace)}/${encodeURIComponent(name)}`;
}
