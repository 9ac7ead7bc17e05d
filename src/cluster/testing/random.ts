// Randomness that can be run again by its seed (mulberry32), for property tests.

/** Uniform numbers in [0, 1); the same seed gives the same ones. */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** An integer below `limit`. */
export function below(random: () => number, limit: number): number {
  return Math.floor(random() * limit);
}

/** One of `choices`. */
export function oneOf<T>(random: () => number, choices: readonly T[]): T {
  return choices[below(random, choices.length)]!;
}
