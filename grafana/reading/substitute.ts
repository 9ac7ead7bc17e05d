// Variables in queries, replaced as Grafana's Prometheus data source does it.

/** What the time picker, the panel's width and the data source settle. */
export interface Times {
  /** All that is shown, in seconds. */
  readonly rangeS: number;
  /** Between two points, in seconds. */
  readonly stepS: number;
  /** How often Prometheus scrapes, in seconds, as the data source is told. */
  readonly scrapeS: number;
}

/**
 * `$__rate_interval` in seconds: at least four scrapes, so that there are two in it when one is late or missed.
 * https://grafana.com/docs/grafana/latest/datasources/prometheus/template-variables/#use-__rate_interval
 */
export function rateIntervalS({ stepS, scrapeS }: Times): number {
  return Math.max(stepS + scrapeS, 4 * scrapeS);
}

/**
 * Replaces `$name`, `${name}` and `${name:format}`; what is not known stays, for Prometheus to refuse. A list is a choice of
 * several.
 */
export function substitute(
  text: string,
  variables: Readonly<Record<string, string | readonly string[]>>,
  times: Times,
): string {
  const builtIn: Record<string, string> = {
    __rate_interval: `${rateIntervalS(times)}s`,
    __interval: `${times.stepS}s`,
    __range: `${times.rangeS}s`,
  };
  return text.replaceAll(/\$(?:(\w+)|\{(\w+)(?::\w+)?\})/g, (whole, bare?: string, braced?: string) => {
    const name = (bare ?? braced)!;
    const value = builtIn[name] ?? variables[name];
    if (value === undefined) return whole;
    if (typeof value === 'string') return value.replaceAll('\\', '\\\\').replaceAll('"', '\\"');
    const escaped = value.map(each => each.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\\\$&'));
    return escaped.length === 1 ? escaped[0]! : `(${escaped.join('|')})`;
  });
}
