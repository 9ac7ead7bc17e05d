import {
  addressKey,
  type Endpoint,
  equal,
  fact,
  type Mesh,
  type Service,
  type ServicePort,
  selectorKey,
} from '../../model/index.ts';
import type { EndpointsPart, ServicePart } from '../part.ts';
import { Draft } from './draft.ts';
import { compareText } from './groups.ts';
import { type SelectedMachines, withMachines } from './machines.ts';

interface Known {
  base?: ServicePart;
  readonly endpoints: Map<string, EndpointsPart>;
}

/** The maps of Mesh that this file fills. */
export type ServiceMaps = Pick<
  Mesh,
  'services' | 'serviceByHost' | 'servicesByAddress' | 'servicesByEndpoint' | 'servicesBySelector'
>;

/** Puts Services together with their endpoints. Only Services that a change touched are built again. */
export class ServiceAssembler {
  readonly #known = new Map<string, Known>();
  readonly #dirty = new Set<string>();
  /** Keys by host, of hosts that several Services have. */
  readonly #rivals = new Map<string, Set<string>>();
  readonly #machines: SelectedMachines;

  constructor(machines: SelectedMachines) {
    this.#machines = machines;
  }

  /** `part` undefined: the object has no such part any more. */
  setService(key: string, part: ServicePart | undefined): void {
    const known = this.#at(key);
    known.base = part;
    this.#dirty.add(key);
  }

  /** `id` names the part among all endpoint parts. */
  setEndpoints(id: string, service: string, part: EndpointsPart | undefined): void {
    const known = this.#at(service);
    if (part) known.endpoints.set(id, part);
    else known.endpoints.delete(id);
    this.#dirty.add(service);
  }

  /** The maps as they are now; `touched` receives the facts that differ from before. */
  build(mesh: Mesh, touched: Set<string>): ServiceMaps {
    const services = new Draft(mesh.services);
    const hosts = new Draft(mesh.serviceByHost);
    const addresses = new Draft(mesh.servicesByAddress);
    const backings = new Draft(mesh.servicesByEndpoint);
    const selectors = new Draft(mesh.servicesBySelector);
    for (const namespace of this.#machines.takeChanged()) this.#dirtySelecting(namespace);
    for (const key of this.#dirty) {
      const known = this.#known.get(key);
      if (known && !known.base && known.endpoints.size === 0) this.#known.delete(key);
      const before = mesh.services.get(key);
      const after = known?.base && buildService(known.base, [...known.endpoints.values()], this.#machines);
      if (equal(before, after)) continue;
      services.set(key, after);
      if (!equal(withoutEndpoints(before), withoutEndpoints(after))) touched.add(fact.service(key));
      if (before?.host !== after?.host) {
        if (before) this.#moveHost(hosts, before.host, key, false, touched);
        if (after) this.#moveHost(hosts, after.host, key, true, touched);
      }
      moveKey(addresses, key, addressesOf(before), addressesOf(after), touched, fact.address);
      moveKey(selectors, key, selectorKeysOf(before), selectorKeysOf(after), touched, fact.selecting);
      if (!equal(before?.selector, after?.selector))
        for (const each of selectorKeysOf(after)) touched.add(fact.selecting(each));
      if (!equal(before?.datagrams, after?.datagrams)) touched.add(fact.endpoints(key));
      if (equal(before?.endpoints, after?.endpoints)) continue;
      touched.add(fact.endpoints(key));
      moveBackings(backings, key, before, after, touched);
    }
    this.#dirty.clear();
    return {
      services: services.done(),
      serviceByHost: hosts.done(),
      servicesByAddress: addresses.done(),
      servicesByEndpoint: backings.done(),
      servicesBySelector: selectors.done(),
    };
  }

  #dirtySelecting(namespace: string): void {
    for (const [key, { base }] of this.#known)
      if (base?.service.namespace === namespace && base.service.selector) this.#dirty.add(key);
  }

  /** The same host in several clusters: the control plane's own counts, and another's while there is none. */
  #moveHost(hosts: Draft<string>, host: string, key: string, present: boolean, touched: Set<string>): void {
    const before = hosts.get(host);
    const rivals = this.#rivals.get(host) ?? new Set(before === undefined ? [] : [before]);
    if (present) rivals.add(key);
    else rivals.delete(key);
    if (rivals.size > 1) this.#rivals.set(host, rivals);
    else this.#rivals.delete(host);
    const rank = (each: string): string => `${this.#known.get(each)?.base?.service.cluster ?? ''} ${each}`;
    const [after] = [...rivals].sort((left, right) => compareText(rank(left), rank(right)));
    if (after === before) return;
    hosts.set(host, after);
    touched.add(fact.host(host));
  }

  #at(key: string): Known {
    let known = this.#known.get(key);
    if (!known) {
      known = { endpoints: new Map() };
      this.#known.set(key, known);
    }
    return known;
  }
}

function buildService(
  base: ServicePart,
  parts: readonly EndpointsPart[],
  machines: SelectedMachines,
): Service {
  const rank = parts.reduce((highest, part) => Math.max(highest, part.rank), 0);
  const counted = parts.filter(part => part.rank === rank);
  const endpoints = new Map<number, readonly Endpoint[]>();
  for (const port of base.service.ports) {
    const selected = machines.endpointsOf(base.service, port, base.publishNotReady);
    endpoints.set(port.number, withMachines(endpointsOf(base, port, counted), selected));
  }
  if (base.datagrams === undefined) return { ...base.service, endpoints };
  const ofUdp = counted.map(part => ({ ...part, ports: part.datagrams ?? [] }));
  const datagrams = new Map(
    base.datagrams.map(port => [port.number, endpointsOf(base, port, ofUdp)] as const),
  );
  return { ...base.service, endpoints, datagrams: { ports: base.datagrams, endpoints: datagrams } };
}

/** The same endpoint may stand in two slices while one replaces the other; the ready one counts. In order of address. */
function endpointsOf(
  base: ServicePart,
  port: ServicePort,
  parts: readonly EndpointsPart[],
): readonly Endpoint[] {
  const found = new Map<string, Endpoint>();
  for (const part of parts) {
    for (const target of part.ports) {
      if (target.name !== port.name) continue;
      for (const endpoint of part.endpoints) {
        const ready = endpoint.ready || base.publishNotReady;
        const id = `${addressKey(endpoint.address, endpoint.network)} ${target.number}`;
        if (found.has(id) && !ready) continue;
        found.set(id, { ...endpoint, port: target.number, ready });
      }
    }
  }
  const order = (left: Endpoint, right: Endpoint): number =>
    left.address < right.address ? -1 : left.address > right.address ? 1 : left.port - right.port;
  return [...found.values()].sort(order);
}

/** The Service as `fact.service` speaks of it. */
export function withoutEndpoints(service: Service | undefined): Omit<Service, 'endpoints'> | undefined {
  if (!service) return undefined;
  const { endpoints: _, datagrams, ...rest } = service;
  return datagrams === undefined ? rest : { ...rest, datagrams: { ...datagrams, endpoints: new Map() } };
}

function addressesOf(service: Service | undefined): readonly string[] {
  return service?.addresses.map(address => addressKey(address, service.cluster)) ?? [];
}

/** One of the labels that it asks for is enough to be found by. */
function selectorKeysOf(service: Service | undefined): readonly string[] {
  const [label] = Object.keys(service?.selector ?? {}).sort();
  return label === undefined ? [] : [selectorKey(service!, label, service!.selector![label]!)];
}

/** Moves `key` from the lists of `before` to those of `after`. */
export function moveKey(
  lists: Draft<readonly string[]>,
  key: string,
  before: Iterable<string>,
  after: Iterable<string>,
  touched: Set<string>,
  named: (address: string) => string,
): void {
  const [from, to] = [new Set(before), new Set(after)];
  for (const address of from) {
    if (to.has(address)) continue;
    const left = (lists.get(address) ?? []).filter(each => each !== key);
    lists.set(address, left.length === 0 ? undefined : left);
    touched.add(named(address));
  }
  for (const address of to) {
    if (from.has(address)) continue;
    lists.set(address, [...(lists.get(address) ?? []), key].sort());
    touched.add(named(address));
  }
}

/** Which ports of the Service each address stands behind: a change of that is a change for the workload with that address. */
export function moveBackings(
  lists: Draft<readonly string[]>,
  key: string,
  before: Service | undefined,
  after: Service | undefined,
  touched: Set<string>,
): void {
  const [from, to] = [backedPorts(before), backedPorts(after)];
  moveKey(lists, key, from.keys(), to.keys(), touched, fact.backing);
  for (const [address, ports] of to) {
    if (from.get(address) !== ports) touched.add(fact.backing(address));
  }
}

function backedPorts(service: Service | undefined): Map<string, string> {
  const ports = new Map<string, string>();
  for (const [number, endpoints] of service?.endpoints ?? []) {
    for (const endpoint of endpoints) {
      const backed = `${number}:${endpoint.port}:${endpoint.workload ?? ''}`;
      const address = addressKey(endpoint.address, endpoint.network);
      ports.set(address, `${ports.get(address) ?? ''} ${backed}`);
    }
  }
  return ports;
}
