// Rounds: every proxy gets the same load in turn, again and again, so that a slow minute of the machine hits them all.
import type { LoadResult } from '../load/load-result.ts';
import type { Job, MeasuredProxy, RunningPath } from '../peers/index.ts';
import { type Figures, type Round, summarise } from '../results.ts';
import { type BenchSettings, Stage } from '../stage.ts';
import { cpuUs, memory } from '../usage.ts';
import type { Outcome } from './scenario.interface.ts';

/** Puts load on a port for some time. */
export type Load = (stage: Stage, port: number, seconds: number) => Promise<LoadResult>;

/** One comparison. */
export interface Comparison {
  readonly job: Omit<Job, 'backend'>;
  readonly backend: (stage: Stage) => Promise<number>;
  readonly load: Load;
  readonly seconds: number;
  /** Also without any proxy, for what proxies add. */
  readonly direct?: boolean;
}

interface Subject {
  readonly name: string;
  readonly version: string;
  readonly path: RunningPath;
}

/** Connections open; for Weft also its code compiled: a core at its limit from the first request on takes longer for that. */
function warmSeconds({ name }: Subject): number {
  return name === 'weft' ? 8 : 1.5;
}

/** Runs it. A proxy that cannot do the job, or fails at it, is a notice and no figure. */
export async function compare(
  comparison: Comparison,
  proxies: readonly MeasuredProxy[],
  settings: BenchSettings,
): Promise<Outcome> {
  const stage = new Stage(settings);
  const notices: string[] = [];
  try {
    const backend = await comparison.backend(stage);
    const subjects = await startAll({ ...comparison.job, backend }, proxies, stage, notices);
    if (comparison.direct === true)
      subjects.unshift({ name: 'direct', version: '', path: { port: backend, programs: [] } });
    const rounds: Round[] = [];
    const { seconds, load } = comparison;
    for (const subject of subjects)
      await load(stage, subject.path.port, Math.max(warmSeconds(subject), seconds / 2));
    for (let round = 0; round < settings.rounds; round++) {
      for (const subject of subjects) {
        const figures = await measure(stage, subject, load, seconds);
        if (typeof figures === 'string') notices.push(figures);
        else rounds.push({ proxy: subject.name, version: subject.version, figures });
      }
    }
    return { proxies: summarise(withAdded(rounds)), notices: [...new Set(notices)] };
  } finally {
    await stage.close();
  }
}

async function startAll(
  job: Job,
  proxies: readonly MeasuredProxy[],
  stage: Stage,
  notices: string[],
): Promise<Subject[]> {
  const subjects: Subject[] = [];
  for (const proxy of proxies) {
    const cannot = proxy.cannot(job);
    if (cannot !== undefined) {
      notices.push(`${proxy.name} ${cannot}`);
      continue;
    }
    try {
      subjects.push({ name: proxy.name, version: proxy.version, path: await proxy.start(job, stage) });
    } catch (error) {
      notices.push(`${proxy.name} could not be started: ${error instanceof Error ? error.message : error}`);
    }
  }
  return subjects;
}

/** One round of one proxy; a text when the load did not go through. */
async function measure(
  stage: Stage,
  { name, path }: Subject,
  load: Load,
  seconds: number,
): Promise<Figures | string> {
  const pids = path.programs.map(program => program.pid);
  const beforeUs = cpuUs(pids);
  const result = await load(stage, path.port, seconds);
  const usedUs = cpuUs(pids) - beforeUs;
  const { count, errors, not_ok: notOk = 0 } = result;
  if (count === 0) return `${name} carried nothing (${errors} errors)`;
  if (errors + notOk > 0.001 * count)
    return `${name}: ${errors} errors and ${notOk} answers that were not 2xx of ${count}`;
  const figures: Record<string, number> = {};
  if (pids.length > 0) figures.cpu_us_per_request = usedUs / count;
  figures.rps = count / result.seconds;
  for (const key of ['p50_ms', 'p90_ms', 'p99_ms', 'p999_ms', 'late_p99_ms'] as const)
    if (result[key] !== undefined) figures[key] = result[key];
  if (pids.length > 0) {
    const { rss, private: own } = memory(pids);
    figures.rss_mb = rss / 1e6;
    figures.private_mb = own / 1e6;
  }
  return figures;
}

/** What a proxy adds to the latency without one, round by round. */
function withAdded(rounds: readonly Round[]): readonly Round[] {
  const direct = rounds.filter(round => round.proxy === 'direct');
  if (direct.length === 0) return rounds;
  const counts = new Map<string, number>();
  return rounds.map(round => {
    const index = counts.get(round.proxy) ?? 0;
    counts.set(round.proxy, index + 1);
    const base = direct[index];
    if (round.proxy === 'direct' || base === undefined) return round;
    const added = (key: string): number => (round.figures[key] ?? 0) - (base.figures[key] ?? 0);
    const figures = { ...round.figures, added_p50_ms: added('p50_ms'), added_p99_ms: added('p99_ms') };
    return { ...round, figures };
  });
}
