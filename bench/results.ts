// Figures: how rounds become one, how Weft compares, how it all looks on paper.
import { mkdirSync, writeFileSync } from 'node:fs';
import type { Machine } from './machine.ts';
import type { Verdict } from './targets.ts';

/** Figures by name; the names carry their units. */
export type Figures = Readonly<Record<string, number>>;

/** What one proxy did in one scenario: the median of the rounds, beside the smallest and the largest. */
export interface ProxyResult {
  readonly proxy: string;
  readonly version: string;
  readonly figures: Figures;
  readonly range: Readonly<Record<string, readonly [number, number]>>;
  /** Only Weft's: its CPU (or what `compare` names) over each peer's, as the median of the rounds' ratios. */
  readonly ratio: Figures;
}

/** One scenario. */
export interface ScenarioResult {
  readonly scenario: string;
  readonly title: string;
  /** What is counted: request, MB, message, connection. */
  readonly unit: string;
  readonly proxies: readonly ProxyResult[];
  readonly notices: readonly string[];
}

/** Everything of one run. */
export interface Report {
  readonly date: string;
  readonly commit: string;
  readonly quick: boolean;
  readonly rounds: number;
  readonly machine: Machine;
  readonly scenarios: readonly ScenarioResult[];
  readonly targets: readonly Verdict[];
  readonly notices: readonly string[];
}

/** The middle one; the mean of the two in the middle. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((left, right) => left - right);
  const half = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[half]! : (sorted[half - 1]! + sorted[half]!) / 2;
}

/** The value that the share `q` of the sorted values does not exceed. */
export function quantile(sorted: ArrayLike<number>, q: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))] ?? 0;
}

/** Significant to a thousandth, so that files stay readable. */
function short(value: number): number {
  return Math.abs(value) >= 1000 ? Math.round(value) : Math.round(value * 1000) / 1000;
}

/** One round of one proxy. */
export interface Round {
  readonly proxy: string;
  readonly version: string;
  readonly figures: Figures;
}

/** Rounds to results, in the order in which the proxies first came. `compare` is the figure of the ratios. */
export function summarise(rounds: readonly Round[], compare = 'cpu_us_per_request'): ProxyResult[] {
  const names = [...new Set(rounds.map(round => round.proxy))];
  const of = (proxy: string): readonly Round[] => rounds.filter(round => round.proxy === proxy);
  return names.map(proxy => {
    const own = of(proxy);
    const keys = Object.keys(own[0]!.figures);
    const figures: Record<string, number> = {};
    const range: Record<string, [number, number]> = {};
    for (const key of keys) {
      const values = own.map(round => round.figures[key] ?? 0);
      figures[key] = short(median(values));
      range[key] = [short(Math.min(...values)), short(Math.max(...values))];
    }
    const ratio: Record<string, number> = {};
    for (const peer of proxy === 'weft' ? names : []) {
      const theirs = of(peer);
      if (peer === 'weft' || peer === 'direct' || theirs.length !== own.length) continue;
      const ratios = own.map((round, index) => round.figures[compare]! / theirs[index]!.figures[compare]!);
      if (ratios.every(Number.isFinite)) ratio[peer] = short(median(ratios));
    }
    return { proxy, version: own[0]!.version, figures, range, ratio };
  });
}

/** A scenario as a table. */
export function table(result: ScenarioResult): string {
  // Somebody else's figures first: without a proxy there is no CPU of one.
  const keys = [...new Set(result.proxies.toReversed().flatMap(each => Object.keys(each.figures)))];
  const head = ['', ...keys, 'weft ÷ peer'];
  const weft = result.proxies.find(each => each.proxy === 'weft');
  const rows = result.proxies.map(each => [
    each.proxy,
    ...keys.map(key => text(each, key)),
    weft?.ratio[each.proxy]?.toFixed(2) ?? '',
  ]);
  const widths = head.map((_, column) => Math.max(...[head, ...rows].map(row => row[column]!.length)));
  const line = (row: readonly string[]): string =>
    row
      .map((cell, column) => (column === 0 ? cell.padEnd(widths[0]!) : cell.padStart(widths[column]!)))
      .join('  ');
  const notices = result.notices.map(notice => `  note: ${notice}`);
  const title = `\n${result.scenario}: ${result.title} (per ${result.unit})`;
  return [title, ...(rows.length === 0 ? [] : [line(head), ...rows.map(line)]), ...notices].join('\n');
}

/** The figure, and how far the rounds were apart. */
function text(result: ProxyResult, key: string): string {
  const value = result.figures[key];
  if (value === undefined) return '';
  const [low, high] = result.range[key]!;
  return low === high ? `${value}` : `${value} [${low}–${high}]`;
}

/** Writes bench/results/latest.json. */
export function write(report: Report, folder: string): string {
  mkdirSync(folder, { recursive: true });
  const file = `${folder}/latest.json`;
  writeFileSync(file, `${JSON.stringify(report, null, 2)}\n`);
  return file;
}
