import type { BalancerSettings } from '../model/index.ts';
import type { RunningEndpoint } from './endpoint.ts';
import type { EndpointGroup } from './endpoint-group.ts';
import { Maglev } from './maglev.ts';
import { RingHash } from './ring-hash.ts';

/** Picks one of several endpoints for one request. */
export interface Balancer {
  readonly kind: BalancerSettings['kind'];
  /** Whether it wants a hash of the request. */
  readonly hashing: boolean;
  /** All endpoints of the cluster, also those that take no requests now. Told whenever they or their given weights change. */
  update(all: readonly RunningEndpoint[]): void;
  /** `nowMs` is monotonic and may lag a little; `hash` is an integer from 0 to 2^31 - 1, or -1 for none. Allocates nothing. */
  pick(group: EndpointGroup, nowMs: number, hash: number): RunningEndpoint;
}

/** Uniform in [0, 1). */
export type Random = () => number;

/** The balancer that the settings ask for. */
export function createBalancer(
  settings: Pick<BalancerSettings, 'kind' | 'tableSize'>,
  random: Random = Math.random,
): Balancer {
  switch (settings.kind) {
    case 'ring-hash':
      return new RingHash(settings.tableSize, random);
    case 'maglev':
      return new Maglev(settings.tableSize, random);
    case 'p2c-ewma':
      return new TwoChoices('p2c-ewma', random, fasterOf);
    case 'least-request':
      return new TwoChoices('least-request', random, lessLoadedOf);
    case 'random':
      return new AtRandom(random);
    case 'round-robin':
      return new RoundRobin(random);
  }
}

/** Of two different endpoints, drawn by weight, the better. */
class TwoChoices implements Balancer {
  readonly kind: Balancer['kind'];
  readonly hashing = false;
  readonly #random: Random;
  readonly #better: (a: RunningEndpoint, b: RunningEndpoint, nowMs: number) => RunningEndpoint;

  constructor(
    kind: Balancer['kind'],
    random: Random,
    better: (a: RunningEndpoint, b: RunningEndpoint, nowMs: number) => RunningEndpoint,
  ) {
    this.kind = kind;
    this.#random = random;
    this.#better = better;
  }

  update(): void {}

  pick(group: EndpointGroup, nowMs: number): RunningEndpoint {
    const { endpoints } = group;
    const n = endpoints.length;
    if (n === 1) return endpoints[0]!;
    const first = group.draw(this.#random);
    const second = group.weighted ? group.draw(this.#random) : otherThan(first, n, this.#random);
    // One that outweighs the others is drawn twice, and then it is its turn.
    if (second === first) return endpoints[first]!;
    return this.#better(endpoints[first]!, endpoints[second]!, nowMs);
  }
}

/** A second random index below `n` (at least 2) that is not `first`. */
function otherThan(first: number, n: number, random: Random): number {
  const second = (random() * (n - 1)) | 0;
  return second >= first ? second + 1 : second;
}

/** Who has less to do for its weight; alike, `a`, which was drawn first. */
function lessLoadedOf(a: RunningEndpoint, b: RunningEndpoint): RunningEndpoint {
  return b.active * a.weight < a.active * b.weight ? b : a;
}

/** Costs that differ by less than this factor say nothing: latencies of healthy endpoints differ that much by chance. */
const clearlyCheaper = 0.6;

/**
 * The one that is clearly faster; where neither is, the less loaded. Without the margin, noise alone would send a multiple of its
 * share to whichever endpoint was lucky last.
 */
function fasterOf(a: RunningEndpoint, b: RunningEndpoint, nowMs: number): RunningEndpoint {
  const costOfA = a.latency.cost(a.active / a.weight, nowMs);
  const costOfB = b.latency.cost(b.active / b.weight, nowMs);
  if (costOfB < costOfA * clearlyCheaper) return b;
  if (costOfA < costOfB * clearlyCheaper) return a;
  return lessLoadedOf(a, b);
}

class AtRandom implements Balancer {
  readonly kind = 'random';
  readonly hashing = false;
  readonly #random: Random;

  constructor(random: Random) {
    this.#random = random;
  }

  update(): void {}

  pick(group: EndpointGroup): RunningEndpoint {
    return group.endpoints[group.draw(this.#random)]!;
  }
}

class RoundRobin implements Balancer {
  readonly kind = 'round-robin';
  readonly hashing = false;
  #next: number;

  constructor(random: Random) {
    // Proxies that start together must not all begin with the same endpoint.
    this.#next = (random() * 0x7fff) | 0;
  }

  update(): void {}

  pick(group: EndpointGroup): RunningEndpoint {
    const { endpoints } = group;
    this.#next = (this.#next + 1) & 0x3fff_ffff;
    const start = this.#next % endpoints.length;
    return group.weighted ? mostOwed(endpoints, start) : endpoints[start]!;
  }
}

/** Smooth weighted round robin, as nginx does it: everybody is owed its weight, who is owed most pays with the sum of all. */
function mostOwed(endpoints: readonly RunningEndpoint[], start: number): RunningEndpoint {
  let sum = 0;
  let best = endpoints[start]!;
  for (let i = 0; i < endpoints.length; i++) {
    const endpoint = endpoints[(start + i) % endpoints.length]!;
    endpoint.credit += endpoint.weight;
    sum += endpoint.weight;
    if (endpoint.credit > best.credit) best = endpoint;
  }
  best.credit -= sum;
  return best;
}
