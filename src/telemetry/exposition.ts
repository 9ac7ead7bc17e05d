// The Prometheus text format 0.0.4 (https://prometheus.io/docs/instrumenting/exposition_formats/). prom-client, which the
// control plane uses, costs a sidecar 5 MB and a Map lookup by label object per request; the proxy renders its arrays itself.
import { BUCKETS, type Exemplar, type Histogram } from './histogram.ts';

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

/** What a piece is about: larger than what a socket takes at once, small beside the memory of a sidecar. */
const pieceBytes = 64 << 10;
/** Beyond this an exposition leaves samples out, however they came to be. The limits of each family keep it well below. */
const MAX_EXPOSITION_BYTES = 64 << 20;

/**
 * One step of rendering. Whoever renders yields whenever `Exposition.full`, so that nobody ever holds the whole text: a scrape is
 * written in pieces, as fast as whoever asked reads them.
 */
export type Rendering = Generator<void, void, void>;

/**
 * `text` is the format above. `openmetrics` is OpenMetrics 1.0 (https://prometheus.io/docs/specs/om/open_metrics_spec/), which
 * has room for exemplars: counters are named without `_total` in their comments, and `# EOF` ends it.
 */
export type ExpositionFormat = 'text' | 'openmetrics';

/** Collects lines of one exposition until they are taken. */
export class Exposition {
  #lines: string[] = [];
  #bytes = 0;
  #room: number;
  #leftOut = 0;
  readonly format: ExpositionFormat;

  /** `maxBytes`: of the whole exposition; samples that would go beyond are left out and counted. */
  constructor(maxBytes: number = MAX_EXPOSITION_BYTES, format: ExpositionFormat = 'text') {
    this.#room = maxBytes;
    this.format = format;
  }

  /** Whether a piece has collected, which `take` should have before more is rendered. */
  get full(): boolean {
    return this.#bytes >= pieceBytes;
  }

  /** Samples that the bound left out. */
  get leftOut(): number {
    return this.#leftOut;
  }

  /** The two lines that begin a family. */
  family(name: string, type: 'counter' | 'gauge' | 'histogram', help: string): void {
    const isNamedSo = this.format === 'openmetrics' && type === 'counter';
    const of = isNamedSo ? name.replace(/_total$/, '') : name;
    this.#push(`# HELP ${of} ${help}\n# TYPE ${of} ${type}\n`);
  }

  /** `labels` as labelText gives them, or ''. */
  sample(name: string, labels: string, value: number): void {
    this.#push(labels === '' ? `${name} ${value}\n` : `${name}{${labels}} ${value}\n`);
  }

  /** All of its lines or, beyond the bound, none: half a histogram would be wrong. */
  histogram(name: string, labels: string, histogram: Histogram): void {
    const comma = labels === '' ? '' : ',';
    const braces = labels === '' ? '' : `{${labels}}`;
    const exemplars = this.format === 'openmetrics' ? histogram.exemplars : undefined;
    let cumulative = 0;
    let text = '';
    for (let i = 0; i <= BUCKETS.length; i++) {
      cumulative += histogram.counts[i]!;
      const bound = i === BUCKETS.length ? '+Inf' : String(BUCKETS[i]);
      text += `${name}_bucket{${labels}${comma}le="${bound}"} ${cumulative}${exemplarText(exemplars?.[i])}\n`;
    }
    this.#push(`${text}${name}_sum${braces} ${histogram.sum}\n${name}_count${braces} ${cumulative}\n`);
  }

  /** What has collected since it was last taken: whole lines. */
  take(): string {
    const text = this.#lines.join('');
    this.#lines = [];
    this.#bytes = 0;
    return text;
  }

  #push(text: string): void {
    if (text.length > this.#room) {
      this.#leftOut++;
      return;
    }
    this.#room -= text.length;
    this.#bytes += text.length;
    this.#lines.push(text);
  }
}

function exemplarText(exemplar: Exemplar | undefined): string {
  if (exemplar === undefined) return '';
  return ` # {trace_id="${exemplar.traceId}"} ${exemplar.value} ${exemplar.atMs / 1000}`;
}

/** The pieces of what `render` writes into an exposition: whole lines, a few hundred KB at most each. */
export function* expositionPieces(
  render: (out: Exposition) => Rendering,
  maxBytes?: number,
  format: ExpositionFormat = 'text',
): Generator<string, void, void> {
  const out = new Exposition(maxBytes, format);
  for (const _ of render(out)) if (out.full) yield out.take();
  yield out.take();
  if (out.leftOut > 0)
    yield '# HELP weft_metrics_left_out Samples that the bound of an exposition left out.\n' +
      `# TYPE weft_metrics_left_out gauge\nweft_metrics_left_out ${out.leftOut}\n`;
  if (format === 'openmetrics') yield '# EOF\n';
}

/** All of what `render` writes, as one text; for tests and small expositions. */
export function expositionText(render: (out: Exposition) => Rendering): string {
  return [...expositionPieces(render)].join('');
}
