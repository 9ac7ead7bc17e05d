// What a dashboard can be narrowed to.
import {
  DatasourceVariableBuilder,
  QueryVariableBuilder,
  VariableRefresh,
  VariableSort,
} from '@grafana/grafana-foundation-sdk/dashboard';

/** The Prometheus that every query asks; chosen once, kept by links. */
export const DATASOURCE = { type: 'prometheus', uid: '${datasource}' };

/** Which Prometheus. */
export function dataSource(): DatasourceVariableBuilder {
  return new DatasourceVariableBuilder('datasource')
    .type('prometheus')
    .label('Prometheus')
    .description('The Prometheus that scrapes the mesh');
}

/** The values of a label of these series. `description` says what is listed. */
export function labelValues(
  name: string,
  series: string,
  label: string,
  description: string,
): QueryVariableBuilder {
  const query = `label_values(${series}, ${label})`;
  return new QueryVariableBuilder(name)
    .label(name)
    .description(description)
    .datasource(DATASOURCE)
    .query({ query, refId: 'StandardVariableQuery' })
    .definition(query)
    .refresh(VariableRefresh.OnTimeRangeChanged)
    .sort(VariableSort.AlphabeticalCaseInsensitiveAsc);
}

/** Namespaces with proxies. */
export function namespaceVariable(): QueryVariableBuilder {
  return labelValues('namespace', 'weft_workload_info', 'namespace', 'Namespaces that have pods in the mesh');
}
