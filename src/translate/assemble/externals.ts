import {
  type AddressRange,
  canonicalAddress,
  type Endpoint,
  type ExternalService,
  equal,
  fact,
  formatRef,
  type Mesh,
  matchesLabels,
  type Problem,
  problem,
  type Service,
  type ServicePort,
} from '../../model/index.ts';
import type { ExternalServicePart } from '../part.ts';
import { Draft } from './draft.ts';
import { ageOf, compareText } from './groups.ts';
import type { NamedPorts } from './named-ports.ts';
import { moveBackings, moveKey, type ServiceMaps, withoutEndpoints } from './services.ts';
import type { WorkloadAssembler } from './workloads.ts';

/** The maps of Mesh that this file fills, beside its Services in those of ServiceMaps. */
export type ExternalMaps = Pick<Mesh, 'externalsByHost' | 'addressRanges'> &
  Omit<ServiceMaps, 'serviceByHost' | 'servicesBySelector'>;

type Hosted = ExternalServicePart & { readonly host: string };

/** Makes external Services out of what objects say about them: one for each host and namespace. */
export class ExternalAssembler {
  readonly #workloads: WorkloadAssembler;
  /** By Service key, then by id of the part. */
  readonly #known = new Map<string, Map<string, Hosted>>();
  /** Keys of those whose endpoints are pods, by namespace. */
  readonly #selecting = new Map<string, Set<string>>();
  readonly #ages = new Map<string, string>();
  readonly #dirty = new Set<string>();
  readonly #problems = new Map<string, readonly Problem[]>();

  constructor(workloads: WorkloadAssembler) {
    this.#workloads = workloads;
  }

  /** Takes `part` away from under `id`, or puts it there. */
  set(id: string, part: ExternalServicePart, present: boolean): void {
    const { namespace, hosts } = part.external;
    for (const host of hosts) {
      const key = `${namespace}/${nameOf(host)}`;
      const parts = this.#known.get(key) ?? new Map<string, Hosted>();
      if (present) parts.set(id, { ...part, host });
      else parts.delete(id);
      if (parts.size > 0) this.#known.set(key, parts);
      else this.#known.delete(key);
      this.#dirty.add(key);
    }
  }

  /** The maps as they are now, on top of `maps`; `touched` receives the facts that differ, and `ports` what comes and goes. */
  build(mesh: Mesh, maps: ServiceMaps, ports: NamedPorts, touched: Set<string>): ExternalMaps {
    for (const namespace of this.#workloads.takeChanged()) {
      for (const key of this.#selecting.get(namespace) ?? []) this.#dirty.add(key);
    }
    const services = new Draft(maps.services);
    const addresses = new Draft(maps.servicesByAddress);
    const backings = new Draft(maps.servicesByEndpoint);
    const hosts = new Draft(mesh.externalsByHost);
    let ranges = mesh.addressRanges;
    for (const key of this.#dirty) {
      const before = mesh.services.get(key);
      const after = this.#make(key);
      if (equal(before, after)) continue;
      services.set(key, after);
      if (before) ports.countService(before, false);
      if (after) ports.countService(after, true);
      if (!equal(withoutEndpoints(before), withoutEndpoints(after))) touched.add(fact.service(key));
      this.#moveHost(hosts, key, before, after, touched);
      moveKey(addresses, key, singles(before), singles(after), touched, fact.address);
      ranges = movedRanges(ranges, key, before, after, touched);
      if (equal(before?.endpoints, after?.endpoints)) continue;
      touched.add(fact.endpoints(key));
      moveBackings(backings, key, before, after, touched);
    }
    this.#dirty.clear();
    return {
      services: services.done(),
      servicesByAddress: addresses.done(),
      servicesByEndpoint: backings.done(),
      externalsByHost: hosts.done(),
      addressRanges: ranges,
    };
  }

  /** Objects that have no effect because of older ones for the same host. */
  *problems(): Iterable<Problem> {
    for (const problems of this.#problems.values()) yield* problems;
  }

  #make(key: string): Service | undefined {
    const age = ({ createdAt, external }: Hosted): string => ageOf(createdAt, external.from);
    const parts = [...(this.#known.get(key)?.values() ?? [])].sort((left, right) =>
      compareText(age(left), age(right)),
    );
    const [first, ...others] = parts;
    this.#problems.delete(key);
    if (!first) {
      this.#select(key, undefined);
      this.#ages.delete(key);
      return undefined;
    }
    this.#ages.set(key, age(first));
    const joined = others.filter(({ external }) => external.resolution === first.external.resolution);
    const shadowed = others.filter(each => !joined.includes(each));
    if (shadowed.length > 0) {
      this.#problems.set(
        key,
        shadowed.map(({ external }) => shadowedBy(external, first)),
      );
    }
    const selects = [first, ...joined].some(({ external }) => external.workloadSelector);
    this.#select(key, selects ? first.external.namespace : undefined);
    return this.#service(first, joined);
  }

  #select(key: string, namespace: string | undefined): void {
    const at = namespace ?? key.slice(0, key.indexOf('/'));
    const keys = this.#selecting.get(at) ?? new Set();
    if (namespace === undefined) keys.delete(key);
    else keys.add(key);
    if (keys.size > 0) this.#selecting.set(at, keys);
    else this.#selecting.delete(at);
  }

  #service({ external, host }: Hosted, others: readonly Hosted[]): Service {
    const ports: ServicePort[] = [];
    const endpoints = new Map<number, readonly Endpoint[]>();
    for (const each of [external, ...others.map(other => other.external)]) {
      for (const { number, name, protocol, targetPort } of each.ports) {
        if (endpoints.has(number)) continue;
        ports.push({ number, name, protocol });
        endpoints.set(number, this.#endpoints(each, host, name, targetPort));
      }
    }
    const addresses = new Set(
      [external, ...others.map(other => other.external)].flatMap(each => each.addresses),
    );
    return {
      namespace: external.namespace,
      name: nameOf(host),
      host,
      addresses: [...addresses].map(canonicalAddress),
      headless: false,
      ports,
      endpoints,
      external: {
        resolution: external.resolution,
        location: external.location ?? 'outside',
        ...(external.oneAddress && { oneAddress: true }),
        ...(external.visibleTo && { visibleTo: external.visibleTo }),
        ...(external.subjectAltNames?.length && { subjectAltNames: external.subjectAltNames }),
      },
      from: external.from,
    };
  }

  #endpoints(external: ExternalService, host: string, port: string, targetPort: number): readonly Endpoint[] {
    const { resolution, workloadSelector } = external;
    if (resolution === 'none') return [];
    if (resolution === 'by-name') return [{ address: host, port: targetPort, ...inService }];
    if (workloadSelector)
      return this.#selected(external.namespace, { matchLabels: workloadSelector }, port, targetPort);
    const given = external.endpoints.map(
      ({ address, ports, labels, weight, locality, serviceAccount }): Endpoint => ({
        address: canonicalAddress(address),
        port: ports[port] ?? targetPort,
        ...inService,
        labels,
        ...(weight !== undefined && { weight }),
        ...(locality !== undefined && { locality }),
        ...(serviceAccount !== undefined && { serviceAccount }),
      }),
    );
    if (given.length > 0 || resolution === 'static' || host.startsWith('*')) return given;
    return [{ address: host, port: targetPort, ...inService }];
  }

  #selected(
    namespace: string,
    selector: { matchLabels: Readonly<Record<string, string>> },
    name: string,
    targetPort: number,
  ): Endpoint[] {
    const found: Endpoint[] = [];
    for (const { workload, terminating } of this.#workloads.of(namespace)) {
      if (workload.cluster !== undefined) continue;
      const [address] = workload.addresses;
      if (address === undefined || !matchesLabels(selector, workload.labels)) continue;
      const ready = workload.ready && !terminating;
      // A machine may have a port of a name elsewhere than others.
      const own =
        workload.owner.kind === 'WorkloadEntry' ? workload.ports.find(each => each.name === name) : undefined;
      found.push({
        address,
        port: own?.number ?? targetPort,
        ready,
        serving: workload.ready,
        terminating,
        workload: `${namespace}/${workload.name}`,
        ...(workload.weight !== undefined && { weight: workload.weight }),
      });
    }
    return found.sort((left, right) => compareText(left.address, right.address));
  }

  #moveHost(
    hosts: Draft<readonly string[]>,
    key: string,
    before: Service | undefined,
    after: Service | undefined,
    touched: Set<string>,
  ): void {
    for (const host of new Set([before?.host, after?.host])) {
      if (host === undefined) continue;
      const others = (hosts.get(host) ?? []).filter(each => each !== key);
      const keys = after?.host === host ? [...others, key] : others;
      const age = (each: string): string => this.#ages.get(each) ?? '';
      keys.sort((left, right) => compareText(age(left), age(right)));
      hosts.set(host, keys.length === 0 ? undefined : keys);
      touched.add(fact.externals(host));
    }
  }
}

const inService = { ready: true, serving: true, terminating: false } as const;

/** Names of Kubernetes' Services have no dots; those of external ones must not be taken for them. */
function nameOf(host: string): string {
  return host.includes('.') ? host : `${host}.external`;
}

function singles(service: Service | undefined): readonly string[] {
  return service?.addresses.filter(address => !address.includes('/')) ?? [];
}

function movedRanges(
  ranges: readonly AddressRange[],
  key: string,
  before: Service | undefined,
  after: Service | undefined,
  touched: Set<string>,
): readonly AddressRange[] {
  const of = (service: Service | undefined): readonly string[] =>
    service?.addresses.filter(address => address.includes('/')) ?? [];
  if (equal(of(before), of(after))) return ranges;
  touched.add(fact.addressRanges());
  const length = ({ range }: AddressRange): number => Number(range.slice(range.indexOf('/') + 1));
  const mine = of(after).map(range => ({ range, service: key }));
  return [...ranges.filter(each => each.service !== key), ...mine].sort(
    (left, right) => length(right) - length(left) || compareText(left.service, right.service),
  );
}

function shadowedBy({ from, resolution }: ExternalService, winner: Hosted): Problem {
  const message = `has no effect for ${winner.host}: ${formatRef(winner.external.from)} is older and has another resolution than ${resolution}; merge the two`;
  return problem('policy-shadowed', message, { object: from, severity: 'warning' });
}
