// One fuzz run: cases from a seed, each against llhttp and in pieces, problems made small.

import { problemOf } from './compare.ts';
import { type Case, generate, segments } from './generate.ts';
import { minimise } from './minimise.ts';
import { Random } from './random.ts';

/** A case that broke a rule, as small as it gets. */
export interface Finding {
  readonly words: string;
  readonly found: Case;
  readonly number: number;
}

/** How a run is set up. */
export interface FuzzRun {
  readonly cases: number;
  readonly seed: number;
  /** Streams worth mutating. */
  readonly seeds: readonly Case[];
  /** Stops after so many findings. */
  readonly maxFindings: number;
  /** Called now and then with the number of cases done. */
  readonly onProgress?: (done: number) => void;
}

const progressEvery = 20_000;
const smallestTries = 4;
/** No stream of a few kilobytes may take this long, however busy the machine is. */
const longestMs = 5000;

/** Runs the cases; the same seed gives the same cases and findings. */
export function fuzz(run: FuzzRun): Finding[] {
  const findings: Finding[] = [];
  for (let number = 0; number < run.cases && findings.length < run.maxFindings; number++) {
    // A stream of random numbers for each case, so that one can be run again alone.
    const random = new Random(run.seed, number);
    const one = generate(random, run.seeds);
    const words = check(one, random);
    if (words !== undefined) {
      const small = one.valid ? one : minimise(one, smaller => checkSplits(smaller) !== undefined);
      findings.push({ words: checkSplits(small) ?? words, found: small, number });
    }
    if (number % progressEvery === progressEvery - 1) run.onProgress?.(number + 1);
  }
  return findings;
}

function check(one: Case, random: Random): string | undefined {
  const started = performance.now();
  try {
    const words = problemOf(one, segments(random, Buffer.from(one.bytes, 'latin1')));
    const tookMs = performance.now() - started;
    return words ?? (tookMs > longestMs ? `took ${Math.round(tookMs)} ms` : undefined);
  } catch (error) {
    return `crash: ${error instanceof Error ? error.stack : error}`;
  }
}

/** Checks a case with several fixed ways of cutting it; for making it small, and for the corpus. */
export function checkSplits(one: Case): string | undefined {
  for (let i = 0; i < smallestTries; i++) {
    const words = check(one, new Random(i));
    if (words !== undefined) return words;
  }
  return undefined;
}

/** The case as a regression test to paste into a test file. */
export function asTest({ words, found }: Finding): string {
  const heads = found.kind === 'response' ? `, toHead: [${found.toHead.join(', ')}]` : ', toHead: []';
  return [
    `// ${words.split('\n')[0]!.slice(0, 300)}`,
    `test('agrees with llhttp (found by fuzzing)', () => {`,
    `  assert.equal(checkSplits({ kind: '${found.kind}', bytes: ${escaped(found.bytes)}${heads} }), undefined);`,
    '});',
  ].join('\n');
}

/** A latin1 string as a JavaScript literal with visible characters only. */
export function escaped(text: string): string {
  const inner = JSON.stringify(text)
    .slice(1, -1)
    .replace(/\\"/g, '"')
    .replace(/'/g, "\\'")
    .replace(/\\u00([0-9a-f]{2})/g, '\\x$1')
    .replace(/[\x7f-\xff]/g, char => `\\x${char.charCodeAt(0).toString(16)}`);
  return `'${inner}'`;
}
