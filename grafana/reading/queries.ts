// The queries of a finished dashboard, read out of its JSON as Grafana does it. In: the JSON of any dashboard. Out: what
// Prometheus is asked.

/** A dashboard's JSON as far as it is read here. */
export interface DashboardJson {
  readonly title: string;
  readonly uid: string;
  readonly description?: string;
  readonly templating: { readonly list: readonly VariableJson[] };
  readonly panels: readonly PanelJson[];
}

/** A variable. */
export interface VariableJson {
  readonly name: string;
  readonly type: string;
  readonly query?: unknown;
  readonly includeAll?: boolean;
  readonly allValue?: string;
}

/** A panel or a row. */
export interface PanelJson {
  readonly type: string;
  readonly title: string;
  readonly description?: string;
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
  readonly targets?: readonly TargetJson[];
  readonly fieldConfig?: FieldConfigJson;
  readonly transformations?: readonly { readonly id: string; readonly options: unknown }[];
}

/** A query of a panel. */
export interface TargetJson {
  readonly refId: string;
  readonly expr: string;
  readonly legendFormat?: string;
  readonly instant?: boolean;
}

/** How values are shown. */
export interface FieldConfigJson {
  readonly defaults: {
    readonly unit?: string;
    readonly decimals?: number;
    readonly min?: number;
    readonly max?: number;
    readonly noValue?: string;
    readonly thresholds?: {
      readonly steps: readonly { readonly value: number | null; readonly color: string }[];
    };
    readonly custom?: {
      readonly stacking?: { readonly mode?: string };
      readonly thresholdsStyle?: { readonly mode?: string };
    };
  };
  readonly overrides: readonly {
    readonly matcher: { readonly id: string; readonly options: unknown };
    readonly properties: readonly { readonly id: string; readonly value?: unknown }[];
  }[];
}

/** Panels that show something, in the order of reading. */
export function panelsOf(dashboard: DashboardJson): readonly PanelJson[] {
  return dashboard.panels.filter(({ type }) => type !== 'row');
}

/** A variable that is filled from Prometheus: `label_values(SERIES, LABEL)`. */
export interface LabelValues {
  readonly name: string;
  readonly series: string;
  readonly label: string;
}

/** The variables of a dashboard that are filled by a query; an Error for one that is not label_values with series. */
export function variablesOf(dashboard: DashboardJson): readonly LabelValues[] {
  return dashboard.templating.list
    .filter(({ type }) => type === 'query')
    .map(({ name, query }) => {
      const text = typeof query === 'string' ? query : (query as { query: string }).query;
      const [, series, label] = /^label_values\((.+),\s*(\w+)\)$/.exec(text) ?? [];
      if (series === undefined || label === undefined)
        throw new Error(`${dashboard.title}: the variable ${name} asks ${text}`);
      return { name, series, label };
    });
}
