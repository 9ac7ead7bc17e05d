import { type Exposition, labelText, type Rendering } from './exposition.ts';

/** What became of the lines of one access log. */
export interface LogSeries {
  /** Written, or taken by the collector. */
  lines: number;
  /** Lost: nobody read the file, or the collector was away for longer than its queue lasts. */
  dropped: number;
  /** Writes and calls that failed. */
  failures: number;
}

const linesTotal = 'weft_access_log_lines_total';
const failuresTotal = 'weft_access_log_failures_total';

/** Access logs that Telemetry objects or the mesh's settings ask for, by provider. */
export class LogMetrics {
  readonly #series = new Map<string, LogSeries>();

  /** Of a provider, kept over changes of its configuration. */
  open(provider: string): LogSeries {
    let series = this.#series.get(provider);
    if (series === undefined) {
      series = { lines: 0, dropped: 0, failures: 0 };
      this.#series.set(provider, series);
    }
    return series;
  }

  *render(out: Exposition): Rendering {
    if (this.#series.size === 0) return;
    out.family(linesTotal, 'counter', 'Lines of access logs by provider, and what became of them.');
    for (const [provider, { lines, dropped }] of this.#series) {
      out.sample(linesTotal, labelText({ provider, outcome: 'written' }), lines);
      out.sample(linesTotal, labelText({ provider, outcome: 'dropped' }), dropped);
    }
    out.family(failuresTotal, 'counter', 'Writes of access logs that failed, and calls to their collectors.');
    for (const [provider, { failures }] of this.#series)
      out.sample(failuresTotal, labelText({ provider }), failures);
    if (out.full) yield;
  }
}
