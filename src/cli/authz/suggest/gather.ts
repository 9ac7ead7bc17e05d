// Where observations come from: what proxies kept and counted, what they see now, or files.

import type { ObjectMesh } from '../../../analyze/index.ts';
import { errorMessage, WeftError } from '../../../errors/index.ts';
import { systemClock } from '../../../time/index.ts';
import { askLive } from '../../explain/ask-records.ts';
import { readInputs } from '../../input.ts';
import { openLiveApi } from '../../live/connect.ts';
import type { TapFlags } from '../../live/tap-flags.ts';
import { untilInterrupted, watchRequests } from '../../live/watch.ts';
import { choosePods, openMesh } from '../../proxies/index.ts';
import { type Scrapes, scrapeAll } from '../../stat/scrape.ts';
import { type Observation, observationOfLine, observationOfRecord, observationOfTap } from './observation.ts';
import { Observed } from './observed.ts';
import { calleeOf } from './prove.ts';

/** What was gathered, and how, in words for a comment. */
export interface Gathered {
  readonly observed: Observed;
  readonly whence: readonly string[];
}

/** Adds observations to who was called, as this mesh has it. */
function adder(mesh: ObjectMesh, observed: Observed): (seen: Observation | undefined) => boolean {
  return seen => {
    if (seen === undefined) return false;
    const callee = seen.callee === '' ? calleeOf(mesh, seen.pod) : seen.callee;
    if (callee === undefined) return false;
    observed.add(callee, seen);
    return true;
  };
}

/** Reads files of lines that `weft tap -o json` or `weft logs -o json` printed; `-` is stdin. */
export async function gatherFiles(names: readonly string[], mesh: ObjectMesh): Promise<Gathered> {
  const observed = new Observed();
  const add = adder(mesh, observed);
  let [used, lines] = [0, 0];
  for (const { text } of await readInputs(names))
    for (const line of text.split('\n')) {
      if (line === '') continue;
      lines++;
      if (add(observationOfLine(line))) used++;
    }
  return {
    observed,
    whence: [`from ${used} of ${lines} lines of ${names.join(', ')} that are of callees' proxies`],
  };
}

/** Watches the mesh for as long as `flags.for` says, after what its proxies have kept and counted. `say`: words for people. */
export async function gatherLive(
  flags: TapFlags & { readonly for: number },
  mesh: ObjectMesh,
  say: (words: string) => void,
): Promise<Gathered> {
  const observed = new Observed();
  const add = adder(mesh, observed);
  const kept = await gatherRecords(flags, add, say);
  let watched = 0;
  const take = (seen: Observation | undefined): void => void (add(seen) && watched++);
  const state = await watchRequests(
    undefined,
    { ...flags, direction: 'inbound' },
    ({ server }) => take(server && observationOfTap(server)),
    say,
    untilInterrupted(),
  );
  const counted = await gatherCounts(flags, observed, say);
  const whence = [
    `from ${watched} requests and connections within ${flags.for / 1000} s, ${kept} that proxies had kept, and metrics of ${counted} pods`,
    ...(state.left > 0
      ? [
          `${state.left} more were not looked at (--max-rps): who sent them is in the metrics, what they were is not`,
        ]
      : []),
  ];
  return { observed, whence };
}

async function gatherRecords(
  flags: TapFlags,
  add: (seen: Observation | undefined) => boolean,
  say: (words: string) => void,
): Promise<number> {
  let kept = 0;
  try {
    const { answers } = await askLive(await openLiveApi(flags), {}, flags.namespace);
    for (const { self, records } of answers)
      for (const record of records) if (add(observationOfRecord(record, self))) kept++;
  } catch (error) {
    // The right to records is one of its own.
    if (!(error instanceof WeftError)) throw error;
    say(`what proxies have kept is left out: ${errorMessage(error)}`);
  }
  return kept;
}

async function gatherCounts(
  flags: TapFlags,
  observed: Observed,
  say: (words: string) => void,
): Promise<number> {
  try {
    const mesh = await openMesh(flags);
    const pods = (await choosePods(mesh, flags)).filter(({ phase }) => phase === 'Running');
    return addCounts(await scrapeAll(mesh, pods, systemClock), observed);
  } catch (error) {
    if (!(error instanceof WeftError)) throw error;
    say(`metrics are left out: ${errorMessage(error)}`);
    return 0;
  }
}

const counters = /^istio_(?:requests_total|tcp_connections_opened_total)$/;

/** Who called whom since the proxies started, as callees counted it. Returns how many pods told. */
export function addCounts(scrapes: Scrapes, observed: Observed): number {
  let pods = 0;
  for (const scrape of scrapes.values()) {
    if ('trouble' in scrape) continue;
    pods++;
    for (const { name, labels, value } of scrape.samples) {
      const { source_principal: caller, destination_workload: workload } = labels;
      if (!counters.test(name) || labels.reporter !== 'destination' || labels.response_flags === 'UAEX')
        continue;
      if (value === 0 || !isKnown(workload)) continue;
      const callee = `${labels.destination_workload_namespace}/${workload}`;
      observed.count(callee, isKnown(caller) ? caller : '', value);
    }
  }
  return pods;
}

function isKnown(text: string | undefined): text is string {
  return text !== undefined && text !== '' && text !== 'unknown';
}
