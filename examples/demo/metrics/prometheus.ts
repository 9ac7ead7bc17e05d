/** Label names and values of one series. */
export type Labels = Readonly<Record<string, string>>;

/** One line of a Prometheus page. */
export interface Sample {
  readonly name: string;
  readonly labels: Labels;
  readonly value: number;
}

const line = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})?\s+(\S+)(?:\s+-?\d+)?$/;
const label = /([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\.)*)"\s*,?\s*/gy;

/**
 * Reads the Prometheus text format 0.0.4 (https://prometheus.io/docs/instrumenting/exposition_formats/). Comments are
 * skipped; lines that are not samples are skipped too, because the page of a pod may carry its app's metrics.
 */
export function parsePrometheus(text: string): Sample[] {
  const samples: Sample[] = [];
  for (const raw of text.split('\n')) {
    if (raw === '' || raw.startsWith('#')) continue;
    const match = line.exec(raw.trim());
    if (!match) continue;
    const labels = match[2] === undefined ? {} : parseLabels(match[2]);
    const value = parseValue(match[3]!);
    if (labels !== undefined && value !== undefined) samples.push({ name: match[1]!, labels, value });
  }
  return samples;
}

function parseLabels(text: string): Labels | undefined {
  const labels: Record<string, string> = {};
  let end = 0;
  label.lastIndex = 0;
  for (let match = label.exec(text); match; match = label.exec(text)) {
    labels[match[1]!] = match[2]!.replace(/\\(.)/g, (_, escaped: string) =>
      escaped === 'n' ? '\n' : escaped,
    );
    end = label.lastIndex;
  }
  return end === text.length ? labels : undefined;
}

function parseValue(text: string): number | undefined {
  if (text === '+Inf') return Number.POSITIVE_INFINITY;
  if (text === '-Inf') return Number.NEGATIVE_INFINITY;
  if (text === 'NaN') return Number.NaN;
  const value = Number(text);
  return Number.isNaN(value) ? undefined : value;
}
