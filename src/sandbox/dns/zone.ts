import {
  clusterIpOf,
  type EndpointSlice,
  isHeadless,
  type Service,
  type SliceEndpoint,
} from '../kube/index.ts';

/** What the DNS server answers from: names in lowercase without a final dot. */
export interface Zone {
  /** `cluster.local` */
  readonly domain: string;
  readonly a: ReadonlyMap<string, readonly string[]>;
  readonly cname: ReadonlyMap<string, string>;
  readonly srv: ReadonlyMap<string, readonly { readonly target: string; readonly port: number }[]>;
  readonly ptr: ReadonlyMap<string, string>;
  /** Every name that exists, parents included, so that "no such type" and "no such name" are told apart. */
  readonly names: ReadonlySet<string>;
}

interface Draft {
  readonly a: Map<string, string[]>;
  readonly cname: Map<string, string>;
  readonly srv: Map<string, { target: string; port: number }[]>;
  readonly ptr: Map<string, string>;
}

/** The records of a cluster (pure), as the Kubernetes DNS specification 1.1.0 lays them out. */
export function buildZone(
  services: readonly Service[],
  slices: readonly EndpointSlice[],
  domain = 'cluster.local',
): Zone {
  const draft: Draft = { a: new Map(), cname: new Map(), srv: new Map(), ptr: new Map() };
  for (const service of services) {
    const host = `${service.metadata.name}.${service.metadata.namespace ?? 'default'}.svc.${domain}`;
    const own = slices.filter(
      slice =>
        slice.metadata.namespace === service.metadata.namespace &&
        slice.metadata.labels?.['kubernetes.io/service-name'] === service.metadata.name,
    );
    const address = clusterIpOf(service);
    if (service.spec.type === 'ExternalName') addExternalName(draft, host, service.spec.externalName ?? '');
    else if (isHeadless(service)) addHeadless(draft, host, own);
    else if (address) addVirtual(draft, host, address, service);
  }
  return { domain, ...draft, names: namesOf(draft, domain) };
}

function addExternalName(draft: Draft, host: string, target: string): void {
  if (target !== '') draft.cname.set(host, target.toLowerCase().replace(/\.$/, ''));
}

function addVirtual(draft: Draft, host: string, address: string, service: Service): void {
  push(draft.a, host, address);
  draft.ptr.set(reverseName(address), host);
  for (const port of service.spec.ports ?? []) {
    if (!port.name) continue;
    const name = `_${port.name}._${(port.protocol ?? 'TCP').toLowerCase()}.${host}`;
    push(draft.srv, name, { target: host, port: port.port });
  }
}

function addHeadless(draft: Draft, host: string, slices: readonly EndpointSlice[]): void {
  for (const slice of slices) {
    for (const endpoint of slice.endpoints) {
      if (!endpoint.conditions.ready) continue;
      for (const address of endpoint.addresses) addHeadlessAddress(draft, host, slice, endpoint, address);
    }
  }
}

function addHeadlessAddress(
  draft: Draft,
  host: string,
  slice: EndpointSlice,
  endpoint: SliceEndpoint,
  address: string,
): void {
  const own = `${endpoint.hostname ?? address.replaceAll('.', '-')}.${host}`.toLowerCase();
  push(draft.a, host, address);
  push(draft.a, own, address);
  draft.ptr.set(reverseName(address), own);
  for (const port of slice.ports) {
    if (port.name === '') continue;
    push(draft.srv, `_${port.name}._${port.protocol.toLowerCase()}.${host}`, {
      target: own,
      port: port.port,
    });
  }
}

/** `5.0.96.10.in-addr.arpa` */
export function reverseName(address: string): string {
  return `${address.split('.').reverse().join('.')}.in-addr.arpa`;
}

function push<T>(map: Map<string, T[]>, name: string, value: T): void {
  const values = map.get(name);
  if (values) values.push(value);
  else map.set(name, [value]);
}

function namesOf(draft: Draft, domain: string): Set<string> {
  const names = new Set<string>([domain, `svc.${domain}`, `pod.${domain}`]);
  for (const map of [draft.a, draft.cname, draft.srv, draft.ptr]) {
    for (const name of map.keys()) {
      for (let rest = name; rest !== '' && !names.has(rest); rest = rest.slice(rest.indexOf('.') + 1)) {
        names.add(rest);
        if (!rest.includes('.')) break;
      }
    }
  }
  return names;
}
