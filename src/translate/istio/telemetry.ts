import type { TelemetryPolicy } from '../../model/index.ts';
import type { KubeObject } from '../../registry/index.ts';
import type { KindTranslator, TranslateContext } from '../dialect.ts';
import { type Fields, fieldsOf } from '../fields.ts';
import { given } from '../given.ts';
import type { Part } from '../part.ts';
import type { Report } from '../report.ts';
import { readCustomTags } from './custom-tags.ts';
import { readFilter, readMetrics } from './telemetry-metrics.ts';
import { readMode, readProviders } from './telemetry-scope.ts';

/** telemetry.istio.io Telemetry, v1alpha1 and v1: what proxies tell of the traffic of their workloads. */
export const telemetryTranslator: KindTranslator = {
  kind: 'Telemetry.telemetry.istio.io',
  translate: translateTelemetry,
};

function translateTelemetry(object: KubeObject, context: TranslateContext, report: Report): readonly Part[] {
  const { namespace = '', creationTimestamp: createdAt = '' } = object.metadata;
  const spec = fieldsOf(object, 'spec', report);
  const selector = spec.object('selector');
  const matchLabels = selector?.strings('matchLabels');
  selector?.refuseRest();
  const selected = matchLabels && Object.keys(matchLabels).length > 0;
  const targets = [
    ...spec.objects('targetRefs'),
    ...(spec.has('targetRef') ? [spec.object('targetRef')] : []),
  ];
  const policy: TelemetryPolicy = {
    // One with a selector in a root namespace is about the workloads there, as in Istio.
    ...(context.rootNamespaces.includes(namespace) && !selected ? {} : { namespace }),
    ...(selected && { selector: { matchLabels } }),
    metrics: spec.objects('metrics').map(each => readMetrics(each, report)),
    accessLogging: spec.objects('accessLogging').map(each => readAccessLogging(each, report)),
    tracing: spec.objects('tracing').map(each => readTracing(each, report)),
    from: report.object,
  };
  spec.rest();
  if (targets.length > 0) {
    const message =
      'spec.targetRefs: gateways and waypoints are not supported yet, and what it says is for them alone; this object has no effect. For pods write a selector';
    report.warn('policy-ignored', 'spec.targetRefs', message);
    return [];
  }
  return [{ kind: 'policy', of: 'telemetry', policy, createdAt }];
}

function readAccessLogging(section: Fields, report: Report): TelemetryPolicy['accessLogging'][number] {
  const match = section.object('match');
  const mode = readMode(match);
  match?.refuseRest();
  const providers = readProviders(section);
  const disabled = section.flag('disabled');
  const filter = readFilter(section.object('filter'), report);
  section.rest();
  return { mode, ...given({ providers, disabled, filter }) };
}

function readTracing(section: Fields, report: Report): TelemetryPolicy['tracing'][number] {
  const match = section.object('match');
  const mode = readMode(match);
  match?.refuseRest();
  const providers = readProviders(section);
  if (providers && providers.length > 1) {
    const path = section.at('providers');
    report.warn(
      'field-not-supported',
      path,
      `${path}: spans go to one provider; the first counts, as in Istio`,
    );
  }
  const read = {
    providers,
    disabled: section.flag('disableSpanReporting'),
    samplingPercent: section.decimal('randomSamplingPercentage'),
    useRequestIdForSampling: section.flag('useRequestIdForTraceSampling'),
    istioTags: section.flag('enableIstioTags'),
    customTags: section.has('customTags') ? readCustomTags(section.object('customTags'), report) : undefined,
  };
  section.rest();
  return { mode, ...given(read) };
}
