// Links from a cell or a line of one dashboard to another one. They keep the data source and the time that is looked at.
import { DashboardLinkBuilder } from '@grafana/grafana-foundation-sdk/dashboard';

/** The dashboards by name: their uid in Grafana, and the variables that a link sets. */
export const TARGETS = {
  mesh: 'weft-mesh',
  namespace: 'weft-namespace',
  workload: 'weft-workload',
  pod: 'weft-pod',
  service: 'weft-service',
  proxies: 'weft-proxies',
  'control-plane': 'weft-control-plane',
} as const;

/** One of ours. */
export type Target = keyof typeof TARGETS;

/** Where a link goes, and what it sets the variables of that dashboard to: an expression of Grafana's. */
export interface Link {
  readonly to: Target;
  readonly set: Readonly<Record<string, string>>;
}

/** The text of a column of the row that was clicked. */
export const column = (name: string): string => `\${__data.fields.${name}}`;
/** The label of the line that was clicked. */
export const label = (name: string): string => `\${__field.labels.${name}}`;
/** What a variable of this dashboard has been set to. */
export const variable = (name: string): string => `\${${name}}`;

/** The address of a link, as Grafana interpolates it. */
export function urlOf({ to, set }: Link): string {
  const uid = TARGETS[to];
  const sets = Object.entries(set).map(([name, value]) => `var-${name}=${value}`);
  return `/d/${uid}/${uid}?${['${datasource:queryparam}', ...sets, '${__url_time_range}'].join('&')}`;
}

/** A link as a panel has it. */
export function dataLink(link: Link): DashboardLinkBuilder {
  return new DashboardLinkBuilder(`${link.to} dashboard`).url(urlOf(link));
}
