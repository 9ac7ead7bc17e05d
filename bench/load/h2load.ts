// What h2load (nghttp2) says of a run.
import type { LoadResult } from './load-result.ts';

const unitsMs: Readonly<Record<string, number>> = { us: 0.001, ms: 1, s: 1_000 };

/** Reads its output; throws where it does not say how many requests there were. */
export function readH2load(printed: string): LoadResult {
  const requests =
    /requests: (\d+) total, \d+ started, \d+ done, (\d+) succeeded, (\d+) failed, (\d+) errored/.exec(
      printed,
    );
  const finished = /finished in ([\d.]+)(us|ms|s), /.exec(printed);
  if (requests === null || finished === null)
    throw new Error(`h2load gave no result: ${printed.slice(-300)}`);
  const [, , succeeded, failed] = requests.map(Number);
  return {
    count: succeeded!,
    seconds: (Number(finished[1]) * unitsMs[finished[2]!]!) / 1_000,
    // Those that it gave up at the end of its time are in `failed` too, and are none of the proxy's.
    errors: 0,
    not_ok: notOk(printed, failed!),
  };
}

/** Answers that were not 2xx, as far as its line of status codes tells. */
function notOk(printed: string, otherwise: number): number {
  const codes = /status codes: \d+ 2xx, (\d+) 3xx, (\d+) 4xx, (\d+) 5xx/.exec(printed);
  return codes === null ? otherwise : Number(codes[1]) + Number(codes[2]) + Number(codes[3]);
}
