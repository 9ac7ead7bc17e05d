import type { Random } from './balancer.ts';
import type { RunningEndpoint } from './endpoint.ts';

/** Endpoints that a balancer chooses among, with their shares. Never empty. */
export class EndpointGroup {
  readonly endpoints: readonly RunningEndpoint[];
  readonly #claimed: boolean;
  /** Sums of the weights so far; undefined while all weigh the same. */
  #upTo: Float64Array | undefined;

  /** `claim`: the group is the one that its endpoints belong to, not a passing selection. */
  constructor(endpoints: readonly RunningEndpoint[], claim = false) {
    this.endpoints = endpoints;
    this.#claimed = claim;
    if (claim) for (const endpoint of endpoints) endpoint.group = this;
    this.weigh();
  }

  /** Whether weights differ. */
  get weighted(): boolean {
    return this.#upTo !== undefined;
  }

  /** Looks at the weights of its endpoints again. */
  weigh(): void {
    const { endpoints } = this;
    this.#upTo = undefined;
    const first = endpoints[0]!.weight;
    if (endpoints.every(endpoint => endpoint.weight === first)) return;
    const upTo = new Float64Array(endpoints.length);
    let sum = 0;
    for (const [i, endpoint] of endpoints.entries()) upTo[i] = sum += endpoint.weight;
    this.#upTo = upTo;
  }

  has(endpoint: RunningEndpoint): boolean {
    return this.#claimed ? endpoint.group === this : this.endpoints.includes(endpoint);
  }

  /** An index at random, each with its share. */
  draw(random: Random): number {
    const { length } = this.endpoints;
    const upTo = this.#upTo;
    if (upTo === undefined) return (random() * length) | 0;
    const at = random() * upTo[length - 1]!;
    let low = 0;
    let high = length - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (at < upTo[middle]!) high = middle;
      else low = middle + 1;
    }
    return low;
  }

  /** The group without some; all of it when nobody is left. */
  without(some: readonly RunningEndpoint[]): EndpointGroup {
    const rest = this.endpoints.filter(endpoint => !some.includes(endpoint));
    return rest.length === 0 ? this : new EndpointGroup(rest);
  }
}
