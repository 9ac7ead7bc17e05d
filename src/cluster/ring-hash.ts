import { mixHashes } from '../http/index.ts';
import type { Balancer, Random } from './balancer.ts';
import type { RunningEndpoint } from './endpoint.ts';
import type { EndpointGroup } from './endpoint-group.ts';
import { givenWeight, inAgreedOrder, takesKey } from './hash-choice.ts';

/** Istio's and Envoy's default. */
const defaultPoints = 1024;
/** As a power of two: with fewer points each, shares of equal endpoints would differ by more than a tenth. */
const pointsEach = 7;
/** A ring that nobody asked to be larger has no more points than this. */
const pointsInAll = 32_768;
const maxPoints = 1_000_000;

/**
 * Consistent hashing on a ring (Karger et al. 1997, in ketama's form): every endpoint has points in proportion to its weight, a
 * key goes to the next point. Who takes no requests is passed over, so that only its own keys move.
 */
export class RingHash implements Balancer {
  readonly kind = 'ring-hash';
  readonly hashing = true;
  readonly #points: number;
  readonly #random: Random;
  /** Ascending. */
  #positions: Uint32Array = new Uint32Array(0);
  /** Who is at each position. */
  #owners: Uint32Array = new Uint32Array(0);
  #endpoints: readonly RunningEndpoint[] = [];

  constructor(points: number | undefined, random: Random) {
    this.#points = Math.min(maxPoints, Math.max(1, points ?? defaultPoints));
    this.#random = random;
  }

  update(all: readonly RunningEndpoint[]): void {
    this.#endpoints = inAgreedOrder(all);
    const sum = all.reduce((total, endpoint) => total + givenWeight(endpoint), 0);
    const most = Math.floor(Math.log2(pointsInAll / all.length));
    const wanted = Math.ceil(Math.log2(this.#points / all.length));
    // In powers of two: with numbers that followed every endpoint that comes or goes, all of them would move.
    const each = 2 ** Math.max(0, wanted, Math.min(most, pointsEach));
    const unit = sum > 0 ? 2 ** Math.round(Math.log2(sum / all.length)) : 1;
    // Position and owner in one number, so that they are sorted together.
    const points: number[] = [];
    for (const [owner, endpoint] of this.#endpoints.entries()) {
      const count = Math.max(1, Math.round((each * givenWeight(endpoint)) / unit));
      for (let i = 0; i < count; i++) points.push(mixHashes(endpoint.hash, i) * 0x10_0000 + owner);
    }
    const sorted = Float64Array.from(points).sort();
    this.#positions = Uint32Array.from(sorted, point => Math.floor(point / 0x10_0000));
    this.#owners = Uint32Array.from(sorted, point => point % 0x10_0000);
  }

  pick(group: EndpointGroup, _nowMs: number, hash: number): RunningEndpoint {
    if (hash < 0) return group.endpoints[group.draw(this.#random)]!;
    const { length } = this.#owners;
    let at = this.#after(mixHashes(hash, 0));
    let first: RunningEndpoint | undefined;
    for (let looked = 0; looked < length; looked++, at++) {
      if (at === length) at = 0;
      const endpoint = this.#endpoints[this.#owners[at]!]!;
      if (takesKey(endpoint, group, hash)) return endpoint;
      if (first === undefined && group.has(endpoint)) first = endpoint;
    }
    return first ?? group.endpoints[0]!;
  }

  /** The first position that is not before `position`. */
  #after(position: number): number {
    const positions = this.#positions;
    let low = 0;
    let high = positions.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (positions[middle]! < position) low = middle + 1;
      else high = middle;
    }
    return low === positions.length ? 0 : low;
  }
}
