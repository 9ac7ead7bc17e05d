import { type ForwardTo, ROUTE_RANKS, type RouteTarget } from '../../model/index.ts';
import type { KubeObject } from '../../registry/index.ts';
import type { KindTranslator, TranslateContext } from '../dialect.ts';
import { type Fields, fieldsOf } from '../fields.ts';
import type { GroupUse, Part } from '../part.ts';
import { wholeWeights } from '../quantity.ts';
import type { Report } from '../report.ts';
import { groupKey } from './http-route-group.ts';
import { serviceHost } from './service-name.ts';

/**
 * split.smi-spec.io TrafficSplit, v1alpha1 (weights are quantities) to v1alpha4 (spec.matches). Everything that the matches leave
 * goes to the root Service itself.
 */
export const trafficSplitTranslator: KindTranslator = {
  kind: 'TrafficSplit.split.smi-spec.io',
  translate: translateTrafficSplit,
};

function translateTrafficSplit(
  object: KubeObject,
  context: TranslateContext,
  report: Report,
): readonly Part[] {
  const { namespace = '', creationTimestamp: createdAt = '' } = object.metadata;
  const spec = fieldsOf(object, 'spec', report);
  const host = rootOf(spec, namespace, context, report);
  const targets = readBackends(spec, namespace, context, report);
  const groups = readMatches(spec, report);
  spec.rest();
  if (host === undefined || targets.length === 0 || report.refused) return [];
  const { object: from } = report;
  const action: ForwardTo = { kind: 'forward', targets };
  const rule = { matches: [], action };
  const common = {
    host,
    combine: 'exclusive',
    unmatched: 'default',
    rank: ROUTE_RANKS.smi,
    from,
    createdAt,
  } as const;
  if (!groups) {
    const tcp = [{ path: 'spec.backends', caller: [], serverNames: [], destinationCidrs: [], targets }];
    const http = [{ ...rule, name: object.metadata.name, path: 'spec.backends' }];
    return [
      { kind: 'route-table', table: { ...common, http, tcp } },
      { kind: 'targets', chain: 'smi', stage: 'split', host, targets, nested: false, from, createdAt },
    ];
  }
  const http = groups.map(({ path, group }) => ({ ...rule, name: `${object.metadata.name}-${group}`, path }));
  const uses = groups.map(
    ({ path, group }, index): GroupUse => ({ rule: index, group: groupKey(namespace, group), path }),
  );
  return [{ kind: 'route-table', table: { ...common, http, tcp: [] }, groups: uses }];
}

function rootOf(
  spec: Fields,
  namespace: string,
  context: TranslateContext,
  report: Report,
): string | undefined {
  const service = spec.text('service');
  if (service !== undefined) return serviceHost(service, namespace, 'spec.service', context, report);
  if (!spec.has('service'))
    report.error('field-invalid', 'spec.service', 'spec.service is missing; name the root Service');
  return undefined;
}

function readBackends(
  spec: Fields,
  namespace: string,
  context: TranslateContext,
  report: Report,
): readonly RouteTarget[] {
  const backends = spec.objects('backends');
  if (backends.length === 0 && (!spec.has('backends') || spec.isList('backends')))
    report.error(
      'field-invalid',
      'spec.backends',
      'spec.backends is empty; name the Services to share traffic',
    );
  const targets = backends.flatMap(backend => {
    const service = backend.text('service');
    const weight = backend.quantity('weight');
    if (!backend.has('service'))
      report.error('field-invalid', backend.at('service'), `${backend.at('service')} is missing`);
    if (!backend.has('weight'))
      report.error('field-invalid', backend.at('weight'), `${backend.at('weight')} is missing; 0 is none`);
    backend.rest();
    if (service === undefined || weight === undefined) return [];
    const host = serviceHost(service, namespace, backend.at('service'), context, report);
    return host === undefined ? [] : [{ host, weight }];
  });
  if (targets.length > 0 && targets.every(each => each.weight === 0)) {
    const message = 'spec.backends: all weights are 0, so traffic is shared evenly; give one a weight';
    report.warn('weights-zero', 'spec.backends', message);
  }
  return wholeWeights(targets);
}

/**
 * The HTTPRouteGroups whose matches narrow the split; undefined where nothing does. All of them together, as if they were one
 * group.
 */
function readMatches(
  spec: Fields,
  report: Report,
): readonly { readonly path: string; readonly group: string }[] | undefined {
  const matches = spec.objects('matches');
  if (matches.length === 0) return undefined;
  return matches.flatMap(match => {
    const kind = match.text('kind');
    const group = match.text('name');
    const apiGroup = match.text('apiGroup');
    match.rest();
    const { path } = match;
    if (
      (kind !== undefined && kind !== 'HTTPRouteGroup') ||
      (apiGroup ?? 'specs.smi-spec.io') !== 'specs.smi-spec.io'
    )
      report.error('field-invalid', path, `${path} must name an HTTPRouteGroup of specs.smi-spec.io`);
    if (group === undefined) {
      if (!match.has('name'))
        report.error(
          'field-invalid',
          match.at('name'),
          `${match.at('name')} is missing; name an HTTPRouteGroup`,
        );
      return [];
    }
    return [{ path, group }];
  });
}
