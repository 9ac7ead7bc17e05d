import {
  canonicalAddress,
  type EgressScope,
  type Endpoint,
  type HostPort,
  isIpAddress,
  objectKey,
  type Service,
  type ServicePort,
} from '../model/index.ts';
import type { Caller } from './caller.ts';
import { isKnownTo } from './egress.ts';
import { wildcardsOf } from './hosts.ts';
import type { MeshReader } from './mesh-reader.ts';
import { selectedTarget } from './serving.ts';

/** What an address or name means to one caller. */
export type Found =
  /** A port of a Service; `port.number` is the Service's own number. */
  | {
      readonly kind: 'service';
      readonly service: Service;
      readonly port: ServicePort;
      /** What was asked for, where the Service sends traffic on to just that. */
      readonly direct?: HostPort;
      /** The name that was asked for, where the Service's is a wildcard. */
      readonly name?: string;
      /** The ExternalName Service that was asked for, where it is another name for this one. */
      readonly alias?: Service;
    }
  /** One address, and the Service port it stands behind where there is exactly one to speak of. */
  | {
      readonly kind: 'direct';
      readonly direct: HostPort;
      readonly backed?: { readonly service: Service; readonly port: ServicePort };
    }
  | { readonly kind: 'unknown' };

const unknown: Found = { kind: 'unknown' };

/** Who asks, and what of the mesh there is for them. */
export interface CallerView {
  readonly reader: MeshReader;
  readonly caller: Caller;
  readonly scope: EgressScope | undefined;
}

/** Finds what the key's host and port mean. Names go through the same search list as in a pod's /etc/resolv.conf. */
export function find(view: CallerView, { host, port }: HostPort): Found {
  const { reader, caller } = view;
  if (isIpAddress(host)) return findAddress(view, { host: canonicalAddress(host), port });
  const name = host.toLowerCase();
  for (const each of searchList(name, caller, reader.mesh.clusterDomain)) {
    const found = findName(view, each, port, 0);
    if (found.kind !== 'unknown') return found;
  }
  return findWildcard(view, name.replace(/\.$/, ''), port);
}

function findAddress(view: CallerView, direct: HostPort): Found {
  const { reader } = view;
  for (const service of reader.servicesByAddress(direct.host)) {
    const port = service.ports.find(each => each.number === direct.port);
    if (port && saysWhere(service) && isKnown(view, service)) return at(service, port, direct);
  }
  const found = findDirect(view, direct);
  if (found.kind !== 'unknown') return found;
  for (const service of reader.servicesByRange(direct.host)) {
    const port = service.ports.find(each => each.number === direct.port);
    if (port && saysWhere(service) && isKnown(view, service)) return at(service, port, direct);
  }
  return unknown;
}

/** Whether its address is enough: otherwise the name in the request is, and the proxy asks about that. */
function saysWhere({ external }: Service): boolean {
  return external?.resolution !== 'by-name';
}

function at(service: Service, port: ServicePort, direct: HostPort): Found {
  if (service.external?.resolution !== 'none') return { kind: 'service', service, port };
  return { kind: 'service', service, port, direct };
}

function isKnown({ caller, scope }: CallerView, service: Service): boolean {
  return isKnownTo(caller, scope, service);
}

/** A pod's own address, or any other that a Service has among its endpoints. */
function findDirect(view: CallerView, direct: HostPort): Found {
  const { reader, scope } = view;
  const workload = reader.workloadByAddress(direct.host);
  const selecting = new Set(workload ? reader.servicesBySelector(workload) : []);
  const backed = [...new Set([...reader.servicesByEndpoint(direct.host), ...selecting])]
    .filter(service => isKnown(view, service))
    .flatMap(service =>
      service.ports
        .filter(
          port =>
            endpointAt(service, port, direct) !== undefined ||
            (selecting.has(service) && selectedTarget(port, workload!) === direct.port),
        )
        .map(port => ({ service, port })),
    );
  if (backed.length === 0 && (!workload || scope?.unknown === 'refuse')) return unknown;
  const headless = backed.filter(({ service }) => service.headless);
  const only = backed.length === 1 ? backed[0] : headless.length === 1 ? headless[0] : undefined;
  return only ? { kind: 'direct', direct, backed: only } : { kind: 'direct', direct };
}

/** The endpoint of a Service's port with this very address, if it has one. */
export function endpointAt(
  service: Service,
  port: { readonly number: number },
  direct: HostPort,
): Endpoint | undefined {
  return service.endpoints
    .get(port.number)
    ?.find(each => each.address === direct.host && each.port === direct.port);
}

/** The names to try for a name, in the order of a pod's resolver; an absolute one (with a dot at its end) only itself. */
export function searchList(name: string, caller: Caller, clusterDomain: string): readonly string[] {
  if (name.endsWith('.')) return [name.slice(0, -1)];
  const domains = [`svc.${clusterDomain}`, clusterDomain];
  if (caller.namespace !== '') domains.unshift(`${caller.namespace}.svc.${clusterDomain}`);
  return [...domains.map(domain => `${name}.${domain}`), name];
}

function findName(view: CallerView, name: string, port: number, aliases: number): Found {
  const { reader } = view;
  const service = reader.serviceByHost(name);
  if (service && !isKnown(view, service)) return unknown;
  if (service?.externalName !== undefined) return findAlias(view, service, port, aliases);
  if (service) {
    const servicePort = portOf(reader, service, port);
    return servicePort ? { kind: 'service', service, port: servicePort } : unknown;
  }
  const external = externalNamed(view, name, port);
  if (external) return { kind: 'service', ...external };
  return findHostname(view, name, port);
}

/** Of several for one host, one of the caller's own namespace first, then the oldest. */
function externalNamed(
  view: CallerView,
  host: string,
  number: number,
): { readonly service: Service; readonly port: ServicePort } | undefined {
  const all = view.reader.externals(host).flatMap(service => {
    const port = service.ports.find(each => each.number === number);
    return port && isKnown(view, service) ? [{ service, port }] : [];
  });
  return all.find(({ service }) => service.namespace === view.caller.namespace) ?? all[0];
}

function findWildcard(view: CallerView, name: string, port: number): Found {
  for (const wildcard of wildcardsOf(name)) {
    const external = externalNamed(view, wildcard, port);
    if (external) return { kind: 'service', ...external, name };
  }
  return unknown;
}

/**
 * An ExternalName that names another Service of the mesh means that one; any other is a Service whose one endpoint is a name.
 * Its ports need not be declared.
 */
function findAlias(view: CallerView, service: Service, port: number, aliases: number): Found {
  if (aliases < 8) {
    const found = findName(view, service.externalName!.toLowerCase(), port, aliases + 1);
    if (found.kind === 'service') return { ...found, alias: service };
    if (found.kind !== 'unknown') return found;
  }
  const declared = service.ports.find(each => each.number === port);
  return { kind: 'service', service, port: declared ?? { number: port, name: '', protocol: 'auto' } };
}

/** Without a virtual address there is nobody to map ports, so that callers of headless Services name target ports. */
function portOf(reader: MeshReader, service: Service, number: number): ServicePort | undefined {
  const port = service.ports.find(each => each.number === number);
  if (port || !service.headless) return port;
  reader.endpoints(objectKey(service));
  return service.ports.find(each =>
    service.endpoints.get(each.number)?.some(endpoint => endpoint.port === number),
  );
}

/** `web-0.nginx.shop.svc.cluster.local`: one pod of a Service, by its hostname. */
function findHostname(view: CallerView, name: string, port: number): Found {
  const { reader } = view;
  const dot = name.indexOf('.');
  const service = dot < 0 ? undefined : reader.serviceByHost(name.slice(dot + 1));
  if (!service) return unknown;
  reader.endpoints(objectKey(service));
  for (const endpoints of service.endpoints.values()) {
    const endpoint = endpoints.find(each => each.hostname === name.slice(0, dot));
    if (endpoint) return findDirect(view, { host: endpoint.address, port });
  }
  return unknown;
}
