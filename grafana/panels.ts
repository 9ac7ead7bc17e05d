// The kinds of panels. All look alike, say in a sentence what they show, and have a word for when there is nothing to show:
// Grafana's own "No data" leaves open whether that is good news or a broken scrape.
import {
  BigValueColorMode,
  BigValueGraphMode,
  type BigValueTextMode,
  GraphThresholdsStyleConfigBuilder,
  GraphThresholdsStyleMode,
  LegendDisplayMode,
  LegendPlacement,
  ReduceDataOptionsBuilder,
  SortOrder,
  StackingConfigBuilder,
  StackingMode,
  TableCellDisplayMode,
  TooltipDisplayMode,
  VisibilityMode,
  VizLegendOptionsBuilder,
  VizTooltipOptionsBuilder,
} from '@grafana/grafana-foundation-sdk/common';
import {
  type DynamicConfigValue,
  FieldColorBuilder,
  FieldColorModeId,
  ThresholdsConfigBuilder,
  ThresholdsMode,
  type ValueMapping,
} from '@grafana/grafana-foundation-sdk/dashboard';
import { DataqueryBuilder, PromQueryFormat } from '@grafana/grafana-foundation-sdk/prometheus';
import { PanelBuilder as StatBuilder } from '@grafana/grafana-foundation-sdk/stat';
import { PanelBuilder as TableBuilder } from '@grafana/grafana-foundation-sdk/table';
import { PanelBuilder as SeriesBuilder } from '@grafana/grafana-foundation-sdk/timeseries';
import { dataLink, type Link, urlOf } from './links.ts';
import { DATASOURCE } from './variables.ts';

/** A color from a value on; the first one from the beginning. */
export type Steps = readonly (readonly [from: number | null, color: string])[];

/** What every panel says. */
interface Words {
  readonly title: string;
  /** What it shows, and what to make of it. */
  readonly description: string;
  /** In place of "No data". */
  readonly empty: string;
  /** One of Grafana's ids of units. */
  readonly unit: string;
}

/** A number, with its course behind it. */
export interface StatOptions extends Words {
  readonly expr: string;
  readonly decimals?: number;
  readonly steps?: Steps;
  readonly mappings?: readonly ValueMapping[];
  readonly link?: Link;
}

/** One query of a graph. `legend` with {{label}}; a color, where lines should have the same one everywhere. */
export interface Line {
  readonly expr: string;
  readonly legend: string;
  readonly color?: string;
}

/** Lines over time. */
export interface GraphOptions extends Words {
  readonly lines: readonly Line[];
  /** Colors of lines by their legends, where what they stand for has one: expressions, the last that fits. */
  readonly colors?: readonly (readonly [legend: string, color: string])[];
  readonly stack?: boolean;
  readonly max?: number;
  readonly steps?: Steps;
  readonly link?: Link;
}

/** A column of a table that a label fills. */
export interface LabelColumn {
  readonly label: string;
  readonly title: string;
  readonly link?: Link;
}

/** A column that a query fills, one row for each combination of the labels. */
export interface ValueColumn {
  readonly title: string;
  readonly expr: string;
  readonly unit: string;
  readonly decimals?: number;
  readonly steps?: Steps;
}

/** A row for each combination of labels. */
export interface TableOptions extends Omit<Words, 'unit'> {
  readonly labels: readonly LabelColumn[];
  readonly values: readonly ValueColumn[];
}

/** Shares of success: what most service level objectives would call well, worth a look, and bad. */
export const SUCCESS: Steps = [
  [null, 'red'],
  [0.95, 'orange'],
  [0.99, 'green'],
];
/** All of it or not. */
export const ALL: Steps = [
  [null, 'red'],
  [0.5, 'orange'],
  [1, 'green'],
];
/** Any of it is worth a look. */
export const NONE: Steps = [
  [null, 'green'],
  [1e-9, 'orange'],
];
/** Shares of what there is at most. */
export const FULL: Steps = [
  [null, 'green'],
  [0.7, 'orange'],
  [0.9, 'red'],
];
const plain: Steps = [[null, 'text']];

function thresholds(steps: Steps): ThresholdsConfigBuilder {
  return new ThresholdsConfigBuilder()
    .mode(ThresholdsMode.Absolute)
    .steps(steps.map(([value, color]) => ({ value, color })));
}

const fixed = (color: string): FieldColorBuilder =>
  new FieldColorBuilder().mode(FieldColorModeId.Fixed).fixedColor(color);

function query(expr: string, index: number): DataqueryBuilder {
  return new DataqueryBuilder()
    .refId(String.fromCharCode(65 + index))
    .datasource(DATASOURCE)
    .expr(expr);
}

/** A number. */
export function stat(options: StatOptions): StatBuilder {
  const { title, description, empty, unit, expr, decimals, steps, mappings, link } = options;
  const panel = new StatBuilder()
    .title(title)
    .description(description)
    .datasource(DATASOURCE)
    .unit(unit)
    .noValue(empty)
    .withTarget(query(expr, 0).range().legendFormat(title))
    .reduceOptions(new ReduceDataOptionsBuilder().calcs(['lastNotNull']).fields('').values(false))
    .colorMode(BigValueColorMode.Value)
    .graphMode(BigValueGraphMode.Area)
    .textMode('value' as BigValueTextMode)
    .colorScheme(new FieldColorBuilder().mode(FieldColorModeId.Thresholds))
    .thresholds(thresholds(steps ?? plain));
  if (decimals !== undefined) panel.decimals(decimals);
  if (mappings !== undefined) panel.mappings([...mappings]);
  if (link !== undefined) panel.dataLinks([dataLink(link)]);
  return panel;
}

/** Lines over time. */
export function graph(options: GraphOptions): SeriesBuilder {
  const { title, description, empty, unit, lines, colors = [], stack, max, steps, link } = options;
  const panel = new SeriesBuilder()
    .title(title)
    .description(description)
    .datasource(DATASOURCE)
    .unit(unit)
    .noValue(empty)
    .min(0)
    .lineWidth(1)
    .fillOpacity(stack ? 40 : 8)
    .showPoints(VisibilityMode.Never)
    .spanNulls(false)
    .axisSoftMin(0)
    .colorScheme(new FieldColorBuilder().mode(FieldColorModeId.PaletteClassic))
    .thresholds(thresholds(steps ?? plain))
    .tooltip(new VizTooltipOptionsBuilder().mode(TooltipDisplayMode.Multi).sort(SortOrder.Descending))
    .legend(
      new VizLegendOptionsBuilder()
        .displayMode(LegendDisplayMode.List)
        .placement(LegendPlacement.Bottom)
        .showLegend(true)
        .calcs([]),
    );
  if (steps !== undefined)
    panel.thresholdsStyle(new GraphThresholdsStyleConfigBuilder().mode(GraphThresholdsStyleMode.Dashed));
  if (max !== undefined) panel.max(max);
  if (stack) panel.stacking(new StackingConfigBuilder().mode(StackingMode.Normal).group('A'));
  if (link !== undefined) panel.dataLinks([dataLink(link)]);
  for (const [legend, color] of colors)
    panel.overrideByRegexp(`/${legend}/`, [{ id: 'color', value: fixed(color).build() }]);
  for (const [i, { expr, legend, color }] of lines.entries()) {
    panel.withTarget(query(expr, i).range().legendFormat(legend));
    if (color !== undefined)
      panel.overrideByQuery(String.fromCharCode(65 + i), [{ id: 'color', value: fixed(color).build() }]);
  }
  return panel;
}

/** A row for each combination of labels: the queries are asked once, for now, and joined by their labels. */
export function table(options: TableOptions): TableBuilder {
  const { title, description, empty, labels, values } = options;
  const panel = new TableBuilder()
    .title(title)
    .description(description)
    .datasource(DATASOURCE)
    .noValue(empty)
    .filterable(true)
    .withTransformation({ id: 'merge', options: {} })
    .withTransformation({
      id: 'organize',
      options: {
        excludeByName: { Time: true },
        indexByName: Object.fromEntries(
          [...labels.map(({ label }) => label), ...values.map((_, i) => valueName(values, i))].map(
            (name, i) => [name, i],
          ),
        ),
        renameByName: {},
      },
    });
  for (const { label, title: words, link } of labels) {
    const links = link === undefined ? [] : [{ title: `${link.to} dashboard`, url: urlOf(link) }];
    panel.overrideByName(label, [
      { id: 'displayName', value: words },
      ...(links.length > 0 ? [{ id: 'links', value: links }] : []),
    ]);
  }
  for (const [i, column] of values.entries()) {
    panel.withTarget(query(column.expr, i).instant().format(PromQueryFormat.Table));
    panel.overrideByName(valueName(values, i), valueProperties(column));
  }
  return panel;
}

/** What Grafana calls the value of a query in a table: by its letter where there are several. */
function valueName(values: readonly ValueColumn[], i: number): string {
  return values.length === 1 ? 'Value' : `Value #${String.fromCharCode(65 + i)}`;
}

function valueProperties({ title, unit, decimals, steps }: ValueColumn): DynamicConfigValue[] {
  const properties: DynamicConfigValue[] = [
    { id: 'displayName', value: title },
    { id: 'unit', value: unit },
    // A cell without a value is no reason to repeat the words of the whole panel.
    { id: 'noValue', value: '–' },
  ];
  if (decimals !== undefined) properties.push({ id: 'decimals', value: decimals });
  if (steps !== undefined) {
    properties.push(
      { id: 'custom.cellOptions', value: { type: TableCellDisplayMode.ColorText } },
      { id: 'color', value: { mode: FieldColorModeId.Thresholds } },
      { id: 'thresholds', value: thresholds(steps).build() },
    );
  }
  return properties;
}
