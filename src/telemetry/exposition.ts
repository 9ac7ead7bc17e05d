// The Prometheus text format 0.0.4 (https://prometheus.io/docs/instrumenting/exposition_formats/). prom-client, which the
// control plane uses, costs a sidecar 5 MB and a Map lookup by label object per request; the proxy renders its arrays itself.
import { BUCKETS, type Histogram } from './histogram.ts';

/** `{a="x",b="y"}` without the braces; values escaped. Made once per series, never per request. */
export function labelText(labels: Readonly<Record<string, string>>): string {
  const parts: string[] = [];
  for (const name in labels) parts.push(`${name}="${escapeLabel(labels[name]!)}"`);
  return parts.join(',');
}

function escapeLabel(value: string): string {
  return /[\\"\n]/.test(value)
    ? value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')
    : value;
}

/** Collects lines of one exposition. */
export class Exposition {
  readonly #lines: string[] = [];

  /** The two lines that begin a family. */
  family(name: string, type: 'counter' | 'gauge' | 'histogram', help: string): void {
    this.#lines.push(`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`);
  }

  /** `labels` as labelText gives them, or ''. */
  sample(name: string, labels: string, value: number): void {
    this.#lines.push(labels === '' ? `${name} ${value}` : `${name}{${labels}} ${value}`);
  }

  histogram(name: string, labels: string, histogram: Histogram): void {
    const comma = labels === '' ? '' : ',';
    let cumulative = 0;
    for (let i = 0; i <= BUCKETS.length; i++) {
      cumulative += histogram.counts[i]!;
      const bound = i === BUCKETS.length ? '+Inf' : String(BUCKETS[i]);
      this.#lines.push(`${name}_bucket{${labels}${comma}le="${bound}"} ${cumulative}`);
    }
    this.sample(`${name}_sum`, labels, histogram.sum);
    this.sample(`${name}_count`, labels, cumulative);
  }

  text(): string {
    return `${this.#lines.join('\n')}\n`;
  }
}
