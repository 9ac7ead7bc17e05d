import { mixHashes } from '../http/index.ts';
import { isPrime } from '../model/index.ts';
import type { Balancer, Random } from './balancer.ts';
import type { RunningEndpoint } from './endpoint.ts';
import type { EndpointGroup } from './endpoint-group.ts';
import { givenWeight, inAgreedOrder, takesKey } from './hash-choice.ts';

/** Envoy's and Istio's default. */
const defaultSize = 65_537;
const maxSize = 5_000_011;

/**
 * Consistent hashing by a lookup table (Eisenbud et al., "Maglev", NSDI 2016, section 3.4): every endpoint fills the places of a
 * permutation of its own in turn, as often as its weight says. Shares are nearly exact, and few keys move beside those of an
 * endpoint that comes or goes. Who takes no requests is passed over, so that only its own keys move.
 */
export class Maglev implements Balancer {
  readonly kind = 'maglev';
  readonly hashing = true;
  readonly #size: number;
  readonly #random: Random;
  #table: Uint32Array = new Uint32Array(0);
  #endpoints: readonly RunningEndpoint[] = [];

  /** `size` is made a prime, the next one, if it is none. */
  constructor(size: number | undefined, random: Random) {
    this.#size = nextPrime(Math.min(maxSize, Math.max(3, size ?? defaultSize)));
    this.#random = random;
  }

  update(all: readonly RunningEndpoint[]): void {
    this.#endpoints = inAgreedOrder(all);
    this.#table = fill(this.#endpoints, this.#size);
  }

  pick(group: EndpointGroup, _nowMs: number, hash: number): RunningEndpoint {
    const table = this.#table;
    if (hash < 0 || table.length === 0) return group.endpoints[group.draw(this.#random)]!;
    let at = mixHashes(hash, 0) % table.length;
    // A step of the key's own: the keys of one endpoint that is gone spread over all others. The size is a prime, so every place
    // is seen.
    const step = 1 + (mixHashes(hash, 1) % (table.length - 1));
    let first: RunningEndpoint | undefined;
    for (let looked = 0; looked < table.length; looked++) {
      const endpoint = this.#endpoints[table[at]!]!;
      if (takesKey(endpoint, group, hash)) return endpoint;
      if (first === undefined && group.has(endpoint)) first = endpoint;
      at = (at + step) % table.length;
    }
    return first ?? group.endpoints[0]!;
  }
}

function fill(endpoints: readonly RunningEndpoint[], size: number): Uint32Array {
  const free = 0xffff_ffff;
  const table = new Uint32Array(endpoints.length === 0 ? 0 : size).fill(free);
  const most = Math.max(...endpoints.map(givenWeight), 0);
  const turns = endpoints.map(endpoint => ({
    at: mixHashes(endpoint.hash, 1) % size,
    step: 1 + (mixHashes(endpoint.hash, 2) % (size - 1)),
    owed: 0,
    // Nobody is left out altogether.
    weight: most > 0 ? Math.max(givenWeight(endpoint) / most, 1 / size) : 1,
  }));
  for (let filled = 0; filled < table.length; ) {
    for (const [owner, turn] of turns.entries()) {
      turn.owed += turn.weight;
      if (turn.owed < 1) continue;
      turn.owed -= 1;
      while (table[turn.at] !== free) turn.at = (turn.at + turn.step) % size;
      table[turn.at] = owner;
      if (++filled === table.length) break;
    }
  }
  return table;
}

function nextPrime(from: number): number {
  for (let candidate = Math.ceil(from); ; candidate++) if (isPrime(candidate)) return candidate;
}
