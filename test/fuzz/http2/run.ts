import { Random } from '../random.ts';
import { framesCase } from './frames-case.ts';
import { hpackCase } from './hpack-case.ts';

/** Findings at which a run ends. */
const mostFindings = 5;

/** So many cases from a seed, HPACK and frames in turn; words of what is wrong, with the seed of its case. */
export function fuzzHttp2(
  cases: number,
  seed: number,
  onProgress: (done: number) => void = () => {},
): string[] {
  const findings: string[] = [];
  for (let n = 0; n < cases && findings.length < mostFindings; n++) {
    const ofCase = seed + n * 2654435761;
    const kind = n % 2 === 0 ? 'hpack' : 'frames';
    const wrong = attempt(kind === 'hpack' ? hpackCase : framesCase, ofCase);
    if (wrong !== undefined) findings.push(`${kind} case ${n} of seed ${seed}: ${wrong.slice(0, 2000)}`);
    onProgress(n + 1);
  }
  return findings;
}

function attempt(run: (random: Random) => string | undefined, seed: number): string | undefined {
  try {
    return run(new Random(seed));
  } catch (thrown) {
    return `thrown: ${thrown instanceof Error ? thrown.stack : String(thrown)}`;
  }
}
