import type { TrafficPolicy } from '../../model/index.ts';
import type { KubeObject } from '../../registry/index.ts';
import type { KindTranslator, TranslateContext } from '../dialect.ts';
import { type Fields, fieldsOf } from '../fields.ts';
import type { Part } from '../part.ts';
import type { Report } from '../report.ts';
import { qualifiedHost } from './host.ts';
import { readTrafficPolicy } from './traffic-policy.ts';

/** networking.istio.io DestinationRule, v1alpha3, v1beta1 and v1: its trafficPolicy. Subsets follow. */
export const destinationRuleTranslator: KindTranslator = {
  kind: 'DestinationRule.networking.istio.io',
  translate: translateDestinationRule,
};

function translateDestinationRule(
  object: KubeObject,
  context: TranslateContext,
  report: Report,
): readonly Part[] {
  const { namespace = '', creationTimestamp = '' } = object.metadata;
  const spec = fieldsOf(object, 'spec', report);
  const written = spec.text('host');
  if (written === undefined) {
    report.error(
      'field-invalid',
      'spec.host',
      'spec.host is missing; name the service that this rule is for',
    );
    return [];
  }
  const host = qualifiedHost(written, namespace, 'spec.host', context, report);
  const scope = host === undefined ? undefined : scopeOf(spec, host, namespace, context);
  const policies = policiesOf(spec.object('trafficPolicy'));
  spec.unsupported('subsets', 'subsets are not supported yet; traffic goes to every endpoint of the host');
  spec.rest();
  if (!scope) return [];
  return policies.map(policy => ({
    kind: 'traffic-policy',
    policy: { ...scope, ...policy, from: report.object },
    rank: 1,
    createdAt: creationTimestamp,
  }));
}

type Scope = Pick<TrafficPolicy, 'host' | 'callerNamespace' | 'meshWide'>;

/**
 * Whose traffic a rule is about: of everybody when it lives beside the Service or in a root namespace, and otherwise only of
 * callers in its own namespace (Istio looks for a rule in the caller's namespace, the Service's, the root's). Undefined:
 * it says something about its callers that is not supported, and so is left out altogether.
 */
function scopeOf(
  spec: Fields,
  host: string,
  namespace: string,
  context: TranslateContext,
): Scope | undefined {
  const exportTo = spec.texts('exportTo');
  const onlyHere = exportTo.length > 0 && exportTo.every(each => each === '.' || each === namespace);
  if (exportTo.length > 0 && !onlyHere && !exportTo.includes('*')) {
    spec.unsupported('exportTo', 'other namespaces by name are not supported yet; the rule has no effect');
    return undefined;
  }
  if (spec.has('workloadSelector')) {
    spec.unsupported('workloadSelector', 'callers by label are not supported yet; the rule has no effect');
    return undefined;
  }
  if (onlyHere) return { host, callerNamespace: namespace };
  if (context.rootNamespaces.includes(namespace)) return { host, meshWide: true };
  if (host.endsWith(`.${namespace}.svc.${context.clusterDomain}`)) return { host };
  return { host, callerNamespace: namespace };
}

/** One for the host and one for each port with settings of its own; a port inherits nothing, as in Istio. */
function policiesOf(policy: Fields | undefined): readonly Partial<TrafficPolicy>[] {
  if (!policy) return [];
  const general = readTrafficPolicy(policy);
  const ports = policy.objects('portLevelSettings').flatMap(settings => {
    const selector = settings.object('port');
    const port = selector?.port('number');
    const said = readTrafficPolicy(settings);
    settings.rest();
    return port === undefined ? [] : [{ port, ...said }];
  });
  policy.rest();
  return [...(Object.keys(general).length > 0 ? [general] : []), ...ports];
}
