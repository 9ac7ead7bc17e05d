import { expressionFault } from '../../cel/index.ts';
import { ISTIO_METRICS, type IstioMetric, type MetricTag, type TelemetryPolicy } from '../../model/index.ts';
import type { Fields } from '../fields.ts';
import { given } from '../given.ts';
import type { Report } from '../report.ts';
import { readMode, readProviders } from './telemetry-scope.ts';

type Metrics = TelemetryPolicy['metrics'][number];
type Override = Metrics['overrides'][number];

const metricNames = ['ALL_METRICS', ...(Object.keys(ISTIO_METRICS) as IstioMetric[])] as const;
/** Of an EnvoyFilter's stats configuration, and of Mixer; no version of Telemetry has them. */
const ofOthers = [
  'dimensions',
  'name',
  'unit',
  'value',
  'tags_to_remove',
  'tagsToRemove',
  'metrics',
] as const;

/** One section of `spec.metrics`. */
export function readMetrics(section: Fields, report: Report): Metrics {
  const providers = readProviders(section);
  const overrides = section.objects('overrides').map(each => readOverride(each, report));
  section.unsupported('reportingInterval', 'metrics are read at each scrape; there is no interval to set');
  for (const name of ofOthers)
    section.unsupported(
      name,
      "no version of Istio's Telemetry has this field, and Istio ignores it too; write overrides[].tagOverrides",
    );
  section.rest();
  return { ...given({ providers }), overrides };
}

function readOverride(override: Fields, report: Report): Override {
  const match = override.object('match');
  const mode = readMode(match);
  const metric = match?.choice('metric', metricNames);
  match?.unsupported('customMetric', 'there are no other metrics than those of Istio that could be changed');
  const isCustom = match?.has('customMetric') === true;
  match?.refuseRest();
  const disabled = override.flag('disabled');
  const tags = readTags(override.object('tagOverrides'), report);
  override.rest();
  // Without the metric that it means, it would change all.
  if (isCustom) return { mode, tags: [] };
  const known = metric === 'ALL_METRICS' ? undefined : metric;
  return { mode, ...given({ metric: known, disabled }), tags };
}

/** A tag that cannot be is left out; the others hold. */
function readTags(tags: Fields | undefined, report: Report): readonly MetricTag[] {
  return (tags?.names() ?? []).sort().flatMap(name => {
    const fields = tags!.object(name);
    if (!fields) return [];
    const operation = fields.choice('operation', ['UPSERT', 'REMOVE']) ?? 'UPSERT';
    const expression = fields.text('value');
    fields.rest();
    const fault = operation === 'REMOVE' ? nameFault(name) : (nameFault(name) ?? valueFault(expression));
    if (fault !== undefined) {
      report.fail('telemetry-tag-invalid', fields.path, `${fields.path} ${fault}; the tag is left as it is`);
      return [];
    }
    return [operation === 'REMOVE' ? { name } : { name, expression: expression! }];
  });
}

/** https://prometheus.io/docs/concepts/data_model/ */
function nameFault(name: string): string | undefined {
  if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name) || name.startsWith('__'))
    return `is no name of a label: letters, digits and _, such as ${name.replaceAll(/[^A-Za-z0-9]+/g, '_')}`;
  return name === 'le' ? 'is the label of the buckets of histograms' : undefined;
}

function valueFault(expression: string | undefined): string | undefined {
  if (expression === undefined || expression === '')
    return 'has no value; write an expression, or operation: REMOVE';
  const fault = expressionFault(expression, 'tag');
  return fault === undefined ? undefined : `is '${expression}': ${fault}`;
}

/** `filter.expression`. One that cannot be used makes the object wrong: without it everything would be logged. */
export function readFilter(filter: Fields | undefined, report: Report): string | undefined {
  const expression = filter?.text('expression');
  filter?.refuseRest();
  if (expression === undefined || expression === '') return undefined;
  const fault = expressionFault(expression, 'filter');
  if (fault === undefined) return expression;
  const path = filter!.at('expression');
  report.error('telemetry-filter-invalid', path, `${path} '${expression}': ${fault}`);
  return undefined;
}
