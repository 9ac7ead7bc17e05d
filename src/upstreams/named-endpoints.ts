import { type ClusterEndpoint, type EndpointsResource, equal, isIpAddress } from '../model/index.ts';
import type { Clock } from '../time/index.ts';
import { discoverName } from './dns-discovery.ts';
import type { NameLookup } from './names.ts';

/** What is needed of the proxy. */
export interface NamedEndpointsContext {
  readonly clock: Clock;
  readonly lookup: NameLookup;
  /** Puts what a name has become to use. */
  readonly apply: (resource: EndpointsResource) => void;
  /** Whether a cluster is still there; who asks for its destination again is told its endpoints again. */
  readonly isUsed: (key: string) => boolean;
  /** A name cannot be looked up; its addresses stay. */
  readonly failed: (name: string, why: string) => void;
}

/** Names are asked for again when their TTL is over, and at the latest after this. */
const REFRESH_MS = 30_000;
/** A cluster is made within moments of being told its endpoints; one that is not there after this is gone. */
const MADE_MS = 10_000;
/** Who waits for a destination waits two seconds. */
const FIRST_ANSWER_MS = 1_000;

interface NamedSet {
  told: EndpointsResource;
  readonly sinceMs: number;
  readonly stop: AbortController;
  /** Names that are looked up, with their addresses once there are some. */
  readonly names: Map<string, readonly string[] | undefined>;
  /** Names that nobody has said anything of yet. */
  readonly unheard: Set<string>;
  applied: boolean;
}

/** Whether every address of its name is an endpoint of its own, as with resolution DNS of a ServiceEntry. */
export function isNamed({ address, allAddresses }: ClusterEndpoint): boolean {
  return allAddresses === true && !isIpAddress(address);
}

/**
 * Endpoints that are names become their addresses, which are balanced and ejected one by one. A set waits a moment for the first
 * answers; a name without one stays as it is, to be looked up by who connects. While nobody answers its addresses stay.
 */
export class NamedEndpoints {
  readonly #context: NamedEndpointsContext;
  readonly #sets = new Map<string, NamedSet>();

  constructor(context: NamedEndpointsContext) {
    this.#context = context;
  }

  /** How many sets have names that are looked up. */
  get size(): number {
    return this.#sets.size;
  }

  /** The endpoints to use of those that were told now; undefined where they follow in a moment. */
  take(told: EndpointsResource): EndpointsResource | undefined {
    const names = [...new Set(told.endpoints.filter(isNamed).map(each => each.address))];
    const before = this.#sets.get(told.key);
    if (names.length === 0) {
      this.#forget(told.key);
      return told;
    }
    if (before && equal([...before.names.keys()], names)) {
      before.told = told;
      return before.applied ? withAddresses(before) : undefined;
    }
    this.#forget(told.key);
    const set: NamedSet = {
      ...{ told, stop: new AbortController(), sinceMs: this.#context.clock.monotonic() },
      names: new Map(names.map(name => [name, before?.names.get(name)])),
      unheard: new Set(names.filter(name => before?.names.get(name) === undefined)),
      applied: false,
    };
    this.#sets.set(told.key, set);
    for (const name of names) this.#follow(set, name);
    if (set.unheard.size === 0) {
      set.applied = true;
      return withAddresses(set);
    }
    this.#context.clock.after(FIRST_ANSWER_MS, () => {
      if (!set.applied && !set.stop.signal.aborted) this.#apply(set);
    });
    return undefined;
  }

  close(): void {
    for (const key of [...this.#sets.keys()]) this.#forget(key);
  }

  #apply(set: NamedSet): void {
    set.applied = true;
    this.#context.apply(withAddresses(set));
  }

  #follow(set: NamedSet, name: string): void {
    const { clock, lookup, failed } = this.#context;
    const discover = discoverName(lookup, clock, { hostname: name, port: 0, refreshMs: REFRESH_MS });
    discover(
      {
        found: endpoints => {
          if (this.#isOver(set)) return;
          set.unheard.delete(name);
          const addresses = endpoints.map(each => each.address).sort();
          const same = equal(set.names.get(name), addresses);
          set.names.set(name, addresses);
          if (set.applied ? !same : set.unheard.size === 0) this.#apply(set);
        },
        failed: why => {
          if (this.#isOver(set)) return;
          failed(name, why);
          set.unheard.delete(name);
          if (!set.applied && set.unheard.size === 0) this.#apply(set);
        },
      },
      set.stop.signal,
    );
  }

  #isOver({ told: { key }, sinceMs }: NamedSet): boolean {
    const made = this.#context.clock.monotonic() - sinceMs < MADE_MS;
    if (made || this.#context.isUsed(key)) return false;
    this.#forget(key);
    return true;
  }

  #forget(key: string): void {
    this.#sets.get(key)?.stop.abort();
    this.#sets.delete(key);
  }
}

/** One endpoint for each address of a name that is known. */
function withAddresses({ told, names }: Pick<NamedSet, 'told' | 'names'>): EndpointsResource {
  const endpoints = told.endpoints.flatMap((endpoint): readonly ClusterEndpoint[] => {
    const addresses = isNamed(endpoint) ? names.get(endpoint.address) : undefined;
    if (addresses === undefined) return [endpoint];
    const { allAddresses: _, ...rest } = endpoint;
    return addresses.map(address => ({ ...rest, address }));
  });
  return { ...told, endpoints, total: Math.max(told.total, endpoints.length) };
}
