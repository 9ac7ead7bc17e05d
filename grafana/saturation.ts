// How well proxies themselves are, on several dashboards.
import type { PanelBuilder } from './dashboard.ts';
import { ALL, FULL, type Steps, stat, type TableOptions, table } from './panels.ts';
import { loopBusy, ofWorkload, proxyCpu, proxyMemory } from './promql.ts';

/** Seconds until a certificate of a day ends: it is renewed long before the last hours. */
const LIFE: Steps = [
  [null, 'red'],
  [3_600, 'orange'],
  [14_400, 'green'],
];

/** Whether the control plane is there, and for how long the certificate lasts, for the proxies that these matchers select. */
export function proxyHealth(matchers: string): PanelBuilder[] {
  return [
    stat({
      title: 'Control plane',
      description:
        'Share of these proxies that have a stream to the control plane. Without it traffic goes on with what is known; changes do not arrive.',
      empty: 'no proxy found',
      unit: 'percentunit',
      steps: ALL,
      expr: `avg (weft_control_plane_connected{${matchers}})`,
    }),
    stat({
      title: 'Certificate',
      description:
        'How long the certificate that ends first lasts. Certificates renew themselves; near zero something hinders them.',
      empty: 'no proxy found',
      unit: 's',
      steps: LIFE,
      expr: `min (weft_certificate_expires_seconds{${matchers}})`,
    }),
  ];
}

/** Columns of a table whose rows are proxies: `by` are its labels, among them `pod`. `whose`: matchers of weft_workload_info. */
export function proxyColumns(matchers: string, whose: string, by: string): TableOptions['values'] {
  const of = (expr: string): string => `sum by (${by}) (${ofWorkload(expr, whose)})`;
  return [
    { title: 'CPU', unit: 'short', decimals: 3, expr: of(proxyCpu(matchers)) },
    { title: 'Memory', unit: 'bytes', expr: of(proxyMemory(matchers)) },
    {
      title: 'of its limit',
      unit: 'percentunit',
      steps: FULL,
      expr: of(`(weft_memory_used_bytes{${matchers}} / weft_memory_limit_bytes{${matchers}})`),
    },
    {
      title: 'Busy',
      unit: 'percentunit',
      steps: FULL,
      expr: of(`(${loopBusy(matchers, 'namespace, pod')})`),
    },
    {
      title: 'Under way',
      unit: 'short',
      expr: of(
        `sum by (namespace, pod) (weft_requests_under_way{${[matchers, 'direction="inbound"'].filter(Boolean).join(', ')}})`,
      ),
    },
  ];
}

/** The table. */
export function proxyTable(
  words: { readonly title: string; readonly description: string; readonly empty: string },
  labels: TableOptions['labels'],
  matchers: string,
  whose: string,
): PanelBuilder {
  const by = labels.map(({ label }) => label).join(', ');
  return table({ ...words, labels, values: proxyColumns(matchers, whose, by) });
}
