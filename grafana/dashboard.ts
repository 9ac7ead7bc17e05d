// A dashboard out of sections of panels.
import {
  type Dashboard,
  DashboardBuilder,
  DashboardCursorSync,
  DashboardLinkBuilder,
  DashboardLinkType,
  type Panel,
  type QueryVariableBuilder,
  RowBuilder,
} from '@grafana/grafana-foundation-sdk/dashboard';
import { TARGETS, type Target } from './links.ts';
import { dataSource } from './variables.ts';

/** What all builders of panels have. */
export interface PanelBuilder {
  build(): Panel;
  span(width: number): this;
  height(height: number): this;
}

/** Panels of one height side by side; a row has 24 columns. */
export interface Row {
  readonly height: number;
  readonly panels: readonly PanelBuilder[];
}

/** Rows under a heading. */
export interface Section {
  readonly title: string;
  readonly rows: readonly Row[];
}

/** Everything about a dashboard. */
export interface DashboardOptions {
  readonly name: Target;
  readonly title: string;
  /** The question it answers. */
  readonly description: string;
  /** After the data source. */
  readonly variables: readonly QueryVariableBuilder[];
  readonly sections: readonly Section[];
}

const columns = 24;
/** By this tag the dashboards find one another. */
const tag = 'weft';

/** Numbers beside one another. */
export const stats = (...panels: PanelBuilder[]): Row => ({ height: 4, panels });
/** Graphs beside one another. */
export const graphs = (...panels: PanelBuilder[]): Row => ({ height: 8, panels });
/** A table over the whole width, or two. */
export const tables = (...panels: PanelBuilder[]): Row => ({ height: 8, panels });

/**
 * Builds it, in the schema that every Grafana from 10 on imports and provisions; the SDK would rather have its version 2, which
 * only the newest understand.
 */
export function dashboard({ name, title, description, variables, sections }: DashboardOptions): Dashboard {
  const builder = new DashboardBuilder(`Weft / ${title}`)
    .uid(TARGETS[name])
    .description(description)
    .tags([tag])
    .tooltip(DashboardCursorSync.Crosshair)
    .refresh('10s')
    .time({ from: 'now-30m', to: 'now' })
    .withVariable(dataSource())
    .link(
      new DashboardLinkBuilder('Weft')
        .type(DashboardLinkType.Dashboards)
        .tags([tag])
        .asDropdown(true)
        .includeVars(true)
        .keepTime(true)
        .icon('external link')
        .tooltip('The other dashboards of Weft')
        .targetBlank(false),
    );
  for (const each of variables) builder.withVariable(each);
  for (const section of sections) {
    builder.withRow(new RowBuilder(section.title));
    for (const { height, panels } of section.rows) {
      for (const panel of panels) builder.withPanel(panel.span(columns / panels.length).height(height));
    }
  }
  const built = builder.build();
  // Grafana numbers panels that have no id anew at every import, and links to a panel break.
  for (const [i, panel] of (built.panels ?? []).entries()) panel.id = i + 1;
  return built;
}
