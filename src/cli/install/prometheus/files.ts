// manifests/prometheus/: the same rules as a file and as objects, and a job that finds pods by annotation.
import { stringify } from 'yaml';
import { manifestText } from '../objects.ts';
import { type InstallOptions, installOptions } from '../options.ts';
import { monitoringObjects, ruleGroups } from './objects.ts';
import { rulesObject } from './rule.ts';
import { scrapeObject } from './scrape.ts';

const yaml = (object: unknown): string =>
  stringify(object, { version: '1.1', lineWidth: 0, aliasDuplicateObjects: false });

/** In which form `weft install --monitoring` prints. */
export const MONITORING_FORMS = ['operator', 'rules', 'scrape'] as const;
/** One of them. */
export type MonitoringForm = (typeof MONITORING_FORMS)[number];

/** What `weft install --monitoring` prints, as one value (`operator`: the objects of a List) and as YAML. */
export function monitoring(
  form: MonitoringForm,
  { namespace }: Pick<InstallOptions, 'namespace'>,
  labels: Readonly<Record<string, string>> = {},
): { readonly value: object; readonly text: string } {
  if (form === 'operator') {
    const items = monitoringObjects({ namespace, labels });
    return { value: { apiVersion: 'v1', kind: 'List', items }, text: manifestText(items) };
  }
  const value = form === 'rules' ? rulesObject(ruleGroups) : scrapeObject();
  return { value, text: yaml(value) };
}

/** Files of manifests/prometheus by name. */
export function prometheusFiles(): Map<string, string> {
  const options = installOptions();
  const file = (form: MonitoringForm, why: string) =>
    `# ${why}\n# Made by \`weft install --monitoring ${form}\`; docs/monitoring.md tells about it.\n${monitoring(form, options).text}`;
  return new Map([
    ['rules.yaml', file('rules', 'Rules and alerts, for rule_files of prometheus.yml.')],
    ['scrape.yaml', file('scrape', 'Where to scrape, for scrape_config_files of prometheus.yml.')],
    [
      'operator.yaml',
      file('operator', 'The same for an operator for Prometheus: where to scrape, and the rules.'),
    ],
  ]);
}
