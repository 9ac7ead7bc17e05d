// What Telemetry objects change about metrics: labels that are taken away or set, and metrics that are not told. Applied when
// metrics are read, so that counting knows nothing of it; only values that differ by request are counted apart.
import {
  type DirectionTelemetry,
  ISTIO_METRICS,
  type MetricSettings,
  type TelemetrySettings,
} from '../model/index.ts';
import { Histogram } from './histogram.ts';
import { OVERFLOW } from './peer-names.ts';

/** Values of tags, of one series. */
export interface SeriesTags {
  /** Which tags, as slotOf names them; one array for all series of one configuration. */
  readonly slots: readonly string[];
  readonly values: readonly string[];
}

export const NO_TAGS: SeriesTags = { slots: [], values: [] };

/** Of what there is no room for. */
export function overflowTags({ slots }: SeriesTags): SeriesTags {
  return slots.length === 0 ? NO_TAGS : { slots, values: slots.map(() => OVERFLOW) };
}

/** What tells a series from those of the same labels. */
export function keyOfTags(labels: string, tags: SeriesTags): string {
  return tags === NO_TAGS ? labels : `${labels}\n${tags.slots.join('\0')}\0${tags.values.join('\0')}`;
}

/** The name of a tag's value: two metrics may set one label to different things. */
export function slotOf(name: string, expression: string): string {
  return `${name}\n${expression}`;
}

interface MetricShape {
  readonly disabled: boolean;
  /** Finds labels that are not shown, or shown otherwise. */
  readonly without: readonly RegExp[];
  readonly set: readonly { readonly name: string; readonly slot: string }[];
}

type Reporter = 'source' | 'destination';

/** The shapes of all metrics, by reporter and name of the series. */
export class MetricShapes {
  readonly #shapes: Readonly<Record<Reporter, ReadonlyMap<string, MetricShape>>>;

  private constructor(shapes: Readonly<Record<Reporter, ReadonlyMap<string, MetricShape>>>) {
    this.#shapes = shapes;
  }

  /** Undefined where all metrics are as usual. */
  static of(settings: TelemetrySettings | undefined): MetricShapes | undefined {
    const source = shapesOf(settings?.outbound);
    const destination = shapesOf(settings?.inbound);
    return source.size + destination.size === 0 ? undefined : new MetricShapes({ source, destination });
  }

  /** What a series of a metric is shown as; undefined when it is not. `labels`: as labelText gives them, `reporter` first. */
  labels(metric: string, labels: string, tags: SeriesTags = NO_TAGS): string | undefined {
    const reporter: Reporter = labels.startsWith('reporter="source"') ? 'source' : 'destination';
    const shape = this.#shapes[reporter].get(metric);
    if (shape === undefined) return labels;
    if (shape.disabled) return undefined;
    let text = labels;
    for (const each of shape.without) text = text.replace(each, '');
    if (text.startsWith(',')) text = text.slice(1);
    for (const { name, slot } of shape.set) {
      const value = tags.values[tags.slots.indexOf(slot)] ?? 'unknown';
      text += `${text === '' ? '' : ','}${name}="${escaped(value)}"`;
    }
    return text;
  }

  /** Sums by what series of a counter are shown as. */
  sums<S extends { readonly labels: string; readonly tags?: SeriesTags }>(
    metric: string,
    all: Iterable<S>,
    value: (series: S) => number,
  ): ReadonlyMap<string, number> {
    const sums = new Map<string, number>();
    for (const series of all) {
      const labels = this.labels(metric, series.labels, series.tags);
      if (labels !== undefined) sums.set(labels, (sums.get(labels) ?? 0) + value(series));
    }
    return sums;
  }

  /** The same of a histogram. */
  histograms<S extends { readonly labels: string; readonly tags?: SeriesTags }>(
    metric: string,
    all: Iterable<S>,
    of: (series: S) => Histogram,
  ): ReadonlyMap<string, Histogram> {
    const sums = new Map<string, Histogram>();
    for (const series of all) {
      const labels = this.labels(metric, series.labels, series.tags);
      if (labels === undefined) continue;
      const sum = sums.get(labels) ?? new Histogram();
      sum.addAll(of(series));
      sums.set(labels, sum);
    }
    return sums;
  }
}

function shapesOf(telemetry: DirectionTelemetry | undefined): ReadonlyMap<string, MetricShape> {
  return new Map((telemetry?.metrics ?? []).map(each => [ISTIO_METRICS[each.metric], shapeOf(each)]));
}

function shapeOf({ disabled, tags }: MetricSettings): MetricShape {
  return {
    disabled,
    // Quotes in values are escaped, so that nothing in them looks like a label.
    without: tags.map(({ name }) => new RegExp(`(?:^|,)${name}="(?:[^"\\\\]|\\\\.)*"`)),
    set: tags.flatMap(({ name, expression }) =>
      expression === undefined ? [] : [{ name, slot: slotOf(name, expression) }],
    ),
  };
}

function escaped(value: string): string {
  return value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
}
