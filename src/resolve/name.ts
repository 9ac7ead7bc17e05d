import { type Mesh, type NameResource, objectKey, parseNameKey, type Service } from '../model/index.ts';
import type { Caller } from './caller.ts';
import { egressScopeOf, isKnownTo } from './egress.ts';
import { MeshReader, type Resolved } from './mesh-reader.ts';

/** So many addresses of a headless Service are told; more would fit into no answer that anybody reads. */
const mostAddresses = 256;

/**
 * What a host is to `caller` when it asks for it by DNS. Absolute: the search list is the resolver's business. Wildcards and
 * names that stand for themselves (resolution NONE or DNS without an address) are not the mesh's to answer.
 */
export function resolveName(mesh: Mesh, caller: Caller, key: string): Resolved<NameResource> {
  const reader = new MeshReader(mesh);
  const scope = egressScopeOf(reader, caller);
  const host = (parseNameKey(key) ?? '').toLowerCase();
  const knows = (service: Service): boolean => isKnownTo(caller, scope, service);
  const found =
    ofCluster(reader, host, knows) ?? ofExternal(reader, host, caller, knows) ?? ofPod(reader, host, knows);
  const resource: NameResource = found
    ? { kind: 'name', key, found: true, ...found }
    : { kind: 'name', key, found: false, host, addresses: [] };
  return { resource, facts: reader.facts };
}

type Found = Pick<NameResource, 'host' | 'addresses' | 'direct' | 'alias'>;

function ofCluster(
  reader: MeshReader,
  host: string,
  knows: (service: Service) => boolean,
): Found | undefined {
  const service = reader.serviceByHost(host);
  if (!service || !knows(service)) return undefined;
  if (service.externalName !== undefined)
    return { host, addresses: [], alias: service.externalName.toLowerCase().replace(/\.$/, '') };
  if (service.headless) return { host, addresses: endpointsOf(reader, service), direct: true };
  return { host, addresses: service.addresses };
}

/** Of several for one host, one of the caller's own namespace first, then the oldest: as requests find it. */
function ofExternal(
  reader: MeshReader,
  host: string,
  caller: Caller,
  knows: (service: Service) => boolean,
): Found | undefined {
  const all = reader.externals(host).filter(knows);
  const service = all.find(({ namespace }) => namespace === caller.namespace) ?? all[0];
  if (!service) return undefined;
  // Blocks are ranges that it answers at, and no address to call.
  const written = service.addresses.filter(each => !each.includes('/'));
  if (written.length > 0) return { host, addresses: written };
  if (service.external?.resolution !== 'static') return undefined;
  return { host, addresses: endpointsOf(reader, service), direct: true };
}

/** `web-0.nginx.shop.svc.cluster.local`: one pod of a headless Service, by its hostname. */
function ofPod(reader: MeshReader, host: string, knows: (service: Service) => boolean): Found | undefined {
  const dot = host.indexOf('.');
  const service = dot < 0 ? undefined : reader.serviceByHost(host.slice(dot + 1));
  if (!service?.headless || !knows(service)) return undefined;
  reader.endpoints(objectKey(service));
  const endpoints = [...service.endpoints.values()].flat();
  const addresses = endpoints.flatMap(each => (each.hostname === host.slice(0, dot) ? [each.address] : []));
  return addresses.length > 0 ? { host, addresses: [...new Set(addresses)].sort(), direct: true } : undefined;
}

function endpointsOf(reader: MeshReader, service: Service): readonly string[] {
  reader.endpoints(objectKey(service));
  const ready = [...service.endpoints.values()].flat().filter(each => each.ready);
  // Names among them are not for who asks for addresses.
  const addresses = ready.map(({ address }) => address).filter(each => /^[0-9.]+$|:/.test(each));
  return [...new Set(addresses)].sort().slice(0, mostAddresses);
}
