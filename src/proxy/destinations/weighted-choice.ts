import type { Random, RunningCluster } from '../../cluster/index.ts';
import type { WeightedCluster } from '../../model/index.ts';

/** Cards of a deck at most: shares are exact to a hundredth of a percent. */
const maxCards = 10_000;

/**
 * Clusters that share traffic by weight. Not by a die but by a deck of cards, dealt in random order and begun anew when it is
 * used up: every deal has exactly the shares asked for, and since the order is random, nothing that repeats in the traffic, nor a
 * choice further down the road, ever falls into step with it.
 */
export class WeightedChoice {
  /** Those that are named. */
  readonly all: readonly RunningCluster[];
  /** Those that get something. */
  readonly clusters: readonly RunningCluster[];
  /** Which of the given choices each of `clusters` is. */
  readonly given: readonly number[];
  readonly #deck: Uint16Array;
  readonly #random: Random;
  #left = 0;

  /** Clusters of weight 0 get nothing, unless all are 0: then all share alike. */
  constructor(
    choices: readonly WeightedCluster[],
    cluster: (name: string) => RunningCluster,
    random: Random,
  ) {
    const sum = choices.reduce((total, choice) => total + choice.weight, 0);
    const used = [...choices.keys()].filter(i => sum === 0 || choices[i]!.weight > 0);
    // All of them are made, so that an endpoint set without traffic is there when its share comes.
    this.all = choices.map(choice => cluster(choice.cluster));
    this.clusters = used.map(i => this.all[i]!);
    this.given = used;
    this.#deck = deckOf(used.map(i => (sum === 0 ? 1 : choices[i]!.weight)));
    this.#random = random;
  }

  /** An index into `clusters`; -1 when there are none. */
  pickIndex(): number {
    if (this.clusters.length <= 1) return this.clusters.length - 1;
    const deck = this.#deck;
    if (this.#left === 0) this.#left = deck.length;
    const at = (this.#random() * this.#left--) | 0;
    const card = deck[at]!;
    deck[at] = deck[this.#left]!;
    deck[this.#left] = card;
    return card;
  }

  pick(): RunningCluster | undefined {
    return this.clusters[this.pickIndex()];
  }
}

/**
 * One card per part of the weights, as few as show them exactly; the nearest that `maxCards` allow, and at least one each, if
 * that is too many.
 */
function deckOf(weights: readonly number[]): Uint16Array {
  if (weights.length <= 1) return new Uint16Array(0);
  const sum = weights.reduce((total, weight) => total + weight, 0);
  const whole = weights.every(Number.isInteger);
  const unit = whole ? weights.reduce(commonDivisor) : 0;
  const parts = whole && sum / unit <= maxCards ? weights.map(weight => weight / unit) : scaled(weights, sum);
  const deck = new Uint16Array(parts.reduce((total, part) => total + part, 0));
  let at = 0;
  for (const [i, part] of parts.entries()) {
    deck.fill(i, at, at + part);
    at += part;
  }
  return deck;
}

/** By the method of the largest remainder. */
function scaled(weights: readonly number[], sum: number): number[] {
  const exact = weights.map(weight => (weight / sum) * maxCards);
  const parts = exact.map(share => Math.max(1, Math.floor(share)));
  let missing = maxCards - parts.reduce((total, part) => total + part, 0);
  const order = [...exact.keys()].sort((a, b) => (exact[b]! % 1) - (exact[a]! % 1));
  for (const i of order) if (missing-- > 0) parts[i]!++;
  return parts;
}

function commonDivisor(a: number, b: number): number {
  return b === 0 ? a : commonDivisor(b, a % b);
}
