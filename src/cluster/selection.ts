import { mixHashes } from '../http/index.ts';
import type { BalancerSettings } from '../model/index.ts';
import type { Random } from './balancer.ts';
import type { RunningEndpoint } from './endpoint.ts';
import { EndpointGroup } from './endpoint-group.ts';
import { localityShares } from './locality.ts';
import { warmthAt, weighEveryMs } from './slow-start.ts';

/** Makes the choice of a locality independent of the choice inside it. */
const groupSeed = 0x6c6f63;

/** Which endpoints of a cluster take requests now, in which groups and with which weights; balancers pick from what it gives. */
export class Selection {
  readonly #random: Random;
  #all: readonly RunningEndpoint[] = [];
  #settings: BalancerSettings | undefined;
  /** One, unless localities have shares of their own. */
  #groups: EndpointGroup[] = [];
  /** Sums of the groups' shares so far. */
  #sharesUpTo: number[] = [];
  /** When the weights of endpoints that start slowly are to be looked at again. */
  #weighAtMs = Number.POSITIVE_INFINITY;

  constructor(random: Random) {
    this.#random = random;
  }

  /** Begins anew with the endpoints of the cluster. `everybody`: ejected ones take requests as well. `nowMs` monotonic. */
  build(
    all: readonly RunningEndpoint[],
    everybody: boolean,
    settings: BalancerSettings,
    callerLocality: string | undefined,
    nowMs: number,
  ): void {
    this.#all = all;
    this.#settings = settings;
    // A weight of 0 means no traffic, unless that leaves nobody.
    const weighed = all.some(endpoint => endpoint.config.weight !== 0);
    const usable = ({ health, config }: RunningEndpoint): boolean =>
      (everybody || !health.ejected) && !(weighed && config.weight === 0);
    const shares = localityShares(all, usable, settings.locality, callerLocality);
    let sum = 0;
    this.#sharesUpTo = shares.map(({ share }) => {
      sum += share;
      return sum;
    });
    this.#weigh(nowMs);
    for (const endpoint of all) endpoint.group = undefined;
    this.#groups = shares.map(({ endpoints }) => new EndpointGroup(endpoints, true));
  }

  /**
   * The group for a request: by its hash, so that a key keeps to its locality, or at random. Undefined when nobody takes
   * requests.
   */
  group(nowMs: number, hash: number): EndpointGroup | undefined {
    if (nowMs >= this.#weighAtMs) {
      this.#weigh(nowMs);
      for (const group of this.#groups) group.weigh();
    }
    const groups = this.#groups;
    if (groups.length <= 1) return groups[0];
    const upTo = this.#sharesUpTo;
    const part = hash < 0 ? this.#random() : mixHashes(hash, groupSeed) / 0x1_0000_0000;
    const at = part * upTo[upTo.length - 1]!;
    let chosen = 0;
    while (chosen < upTo.length - 1 && at >= upTo[chosen]!) chosen++;
    return groups[chosen];
  }

  /**
   * Rare: retries. Fresh endpoints first, those of the same locality before others unless the try may go `anywhere`, ejected ones
   * never before healthy ones were tried.
   */
  without(tried: readonly RunningEndpoint[], group: EndpointGroup, anywhere: boolean): EndpointGroup {
    const stay = !anywhere && group.endpoints.some(endpoint => !tried.includes(endpoint));
    if (this.#groups.length === 1 || stay) return group.without(tried);
    return new EndpointGroup(this.#groups.flatMap(({ endpoints }) => endpoints)).without(tried);
  }

  #weigh(nowMs: number): void {
    const settings = this.#settings!;
    this.#weighAtMs = Number.POSITIVE_INFINITY;
    let warmest = 0;
    for (const endpoint of this.#all) {
      endpoint.warmth = warmthAt(endpoint, settings, nowMs);
      warmest = Math.max(warmest, endpoint.warmth);
    }
    for (const endpoint of this.#all) {
      if (endpoint.warmth < 1) this.#weighAtMs = nowMs + weighEveryMs(settings);
      // Where all are new nobody is: shares are among each other.
      endpoint.warmth /= warmest;
      // Never 0: who is asked for all the same must have a share.
      endpoint.weight = Math.max((endpoint.config.weight ?? 1) * endpoint.warmth, 1e-6);
    }
  }
}
