import {
  addressKey,
  type Endpoint,
  matchesLabels,
  type Service,
  type ServicePort,
} from '../../model/index.ts';
import type { WorkloadPart } from '../part.ts';

/**
 * Machines outside of the cluster as endpoints of Kubernetes' Services, which select them by their labels as they do pods, though
 * no EndpointSlice names them: Istio's meaning of a WorkloadEntry.
 */
export class SelectedMachines {
  /** By namespace, then by key. */
  readonly #machines = new Map<string, Map<string, WorkloadPart>>();
  readonly #changed = new Set<string>();

  /** `part` undefined: there is no such machine any more. */
  set(namespace: string, key: string, part: WorkloadPart | undefined): void {
    const machines = this.#machines.get(namespace) ?? new Map<string, WorkloadPart>();
    if (part) machines.set(key, part);
    else machines.delete(key);
    if (machines.size > 0) this.#machines.set(namespace, machines);
    else this.#machines.delete(namespace);
    this.#changed.add(namespace);
  }

  /** Namespaces in which a machine has changed since the last call. */
  takeChanged(): readonly string[] {
    const changed = [...this.#changed];
    this.#changed.clear();
    return changed;
  }

  /** The machines that stand behind a port of a Service; `ready`: hand out all of them. */
  endpointsOf(
    { namespace, selector, cluster }: Pick<Service, 'namespace' | 'selector' | 'cluster'>,
    port: ServicePort,
    ready: boolean,
  ): readonly Endpoint[] {
    const machines = this.#machines.get(namespace);
    if (!machines || !selector || cluster !== undefined) return [];
    const found: Endpoint[] = [];
    for (const { workload } of machines.values()) {
      const [address] = workload.addresses;
      const number = portOf(workload.ports, port);
      if (address === undefined || number === undefined) continue;
      if (!matchesLabels({ matchLabels: selector }, workload.labels)) continue;
      found.push({
        address,
        port: number,
        ready: workload.ready || ready,
        serving: workload.ready,
        terminating: false,
        workload: `${namespace}/${workload.name}`,
        ...(workload.weight !== undefined && { weight: workload.weight }),
      });
    }
    return found;
  }
}

/**
 * The machine's port of the Service port's name, or of the name of its target; else the number of the target. Undefined where the
 * target is a name that the machine has not.
 */
function portOf(
  own: readonly { readonly name: string; readonly number: number }[],
  { name, number, target }: ServicePort,
): number | undefined {
  const named = own.find(each => each.name === name || each.name === target);
  if (named) return named.number;
  return typeof target === 'string' ? undefined : (target ?? number);
}

/** `more` beside `endpoints`, in order; an address and port that a slice names, too, is the slice's. */
export function withMachines(endpoints: readonly Endpoint[], more: readonly Endpoint[]): readonly Endpoint[] {
  if (more.length === 0) return endpoints;
  const id = (each: Endpoint): string => `${addressKey(each.address, each.network)} ${each.port}`;
  const known = new Set(endpoints.map(id));
  const order = (left: Endpoint, right: Endpoint): number =>
    left.address < right.address ? -1 : left.address > right.address ? 1 : left.port - right.port;
  return [...endpoints, ...more.filter(each => !known.has(id(each)))].sort(order);
}
