import { addressKey, equal, fact, type Mesh, type Workload } from '../../model/index.ts';
import type { WorkloadPart } from '../part.ts';
import { Draft } from './draft.ts';

/** The maps of Mesh that this file fills. */
export type WorkloadMaps = Pick<Mesh, 'workloads' | 'workloadByAddress'>;

/** Workloads and who has which address. Addresses are reused, so that two may claim one for a while. */
export class WorkloadAssembler {
  readonly #parts = new Map<string, WorkloadPart>();
  readonly #claims = new Map<string, Set<string>>();
  readonly #dirty = new Set<string>();
  /** Keys by namespace. */
  readonly #namespaces = new Map<string, Set<string>>();
  /** Namespaces with changes that nobody has taken yet. */
  #changed = new Set<string>();

  /** `part` undefined: there is no such workload any more. */
  set(key: string, part: WorkloadPart | undefined): void {
    const before = this.#parts.get(key);
    for (const address of addressesOf(before?.workload)) this.#claims.get(address)?.delete(key);
    if (part) this.#parts.set(key, part);
    else this.#parts.delete(key);
    const { namespace } = (part ?? before)?.workload ?? { namespace: '' };
    this.#index(namespace, key, part !== undefined);
    for (const address of addressesOf(part?.workload)) {
      const claims = this.#claims.get(address);
      if (claims) claims.add(key);
      else this.#claims.set(address, new Set([key]));
    }
    this.#dirty.add(key);
  }

  /** The maps as they are now; `touched` receives the facts that differ from before. */
  build(mesh: Mesh, touched: Set<string>): WorkloadMaps {
    const workloads = new Draft(mesh.workloads);
    const addresses = new Draft(mesh.workloadByAddress);
    const concerned = new Set<string>();
    for (const key of this.#dirty) {
      const before = mesh.workloads.get(key);
      const after = this.#parts.get(key)?.workload;
      for (const workload of [before, after]) {
        for (const address of addressesOf(workload)) concerned.add(address);
      }
      if (equal(before, after)) continue;
      workloads.set(key, after);
      touched.add(fact.workload(key));
    }
    for (const address of concerned) {
      const owner = this.#ownerOf(address);
      if (owner === mesh.workloadByAddress.get(address)) continue;
      addresses.set(address, owner);
      touched.add(fact.address(address));
    }
    this.#dirty.clear();
    return { workloads: workloads.done(), workloadByAddress: addresses.done() };
  }

  /** The workloads of a namespace, in no order. */
  *of(namespace: string): Iterable<WorkloadPart> {
    for (const key of this.#namespaces.get(namespace) ?? []) yield this.#parts.get(key)!;
  }

  /** Namespaces in which a workload has changed since the last call. */
  takeChanged(): ReadonlySet<string> {
    const changed = this.#changed;
    if (changed.size > 0) this.#changed = new Set();
    return changed;
  }

  #index(namespace: string, key: string, present: boolean): void {
    const keys = this.#namespaces.get(namespace) ?? new Set();
    if (present) keys.add(key);
    else keys.delete(key);
    if (keys.size > 0) this.#namespaces.set(namespace, keys);
    else this.#namespaces.delete(namespace);
    this.#changed.add(namespace);
  }

  #ownerOf(address: string): string | undefined {
    const claims = this.#claims.get(address);
    if (!claims || claims.size === 0) {
      this.#claims.delete(address);
      return undefined;
    }
    return [...claims].reduce((best, key) => (this.#isBetter(key, best) ? key : best));
  }

  /** One that stays before one that goes, then the younger. */
  #isBetter(key: string, than: string): boolean {
    const [left, right] = [this.#parts.get(key)!, this.#parts.get(than)!];
    if (left.terminating !== right.terminating) return right.terminating;
    if (left.createdAt !== right.createdAt) return left.createdAt > right.createdAt;
    return key < than;
  }
}

function addressesOf(workload: Workload | undefined): readonly string[] {
  return workload?.addresses.map(address => addressKey(address, workload.network)) ?? [];
}
