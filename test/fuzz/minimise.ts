import type { Case } from './generate.ts';

/** The smallest stream found by leaving out ever smaller pieces that still has a problem. */
export function minimise(one: Case, hasProblem: (smaller: Case) => boolean): Case {
  let best = one;
  for (let size = Math.max(1, best.bytes.length >> 1); ; ) {
    let shrunk = false;
    for (let at = 0; at < best.bytes.length; ) {
      const smaller: Case = {
        ...best,
        valid: false,
        bytes: best.bytes.slice(0, at) + best.bytes.slice(at + size),
      };
      if (hasProblem(smaller)) {
        best = smaller;
        shrunk = true;
      } else at += size;
    }
    if (size === 1 && !shrunk) return best;
    if (size > 1) size >>= 1;
  }
}
