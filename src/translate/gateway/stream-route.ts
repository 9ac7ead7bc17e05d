import { ROUTE_RANKS, type TcpRule } from '../../model/index.ts';
import type { KubeObject } from '../../registry/index.ts';
import type { KindTranslator, TranslateContext } from '../dialect.ts';
import { type Fields, fieldsOf } from '../fields.ts';
import { gatewayTables } from '../gateway-tables.ts';
import type { ForeignReference, Part } from '../part.ts';
import type { Report } from '../report.ts';
import { readBackendRef } from './backends.ts';
import { readHostnames } from './hostnames.ts';
import { GATEWAY_GROUP } from './parent-ref.ts';
import { readParents } from './parents.ts';

/** gateway.networking.k8s.io TLSRoute, v1alpha2, v1alpha3 and v1: TLS by its server name. */
export const tlsRouteTranslator: KindTranslator = {
  kind: `TLSRoute.${GATEWAY_GROUP}`,
  translate: (...given) => translateStreamRoute('tls', ...given),
};

/** gateway.networking.k8s.io TCPRoute, v1alpha2 and v1: every connection of a listener. */
export const tcpRouteTranslator: KindTranslator = {
  kind: `TCPRoute.${GATEWAY_GROUP}`,
  translate: (...given) => translateStreamRoute('tcp', ...given),
};

/** gateway.networking.k8s.io UDPRoute, v1alpha2 and v1: every datagram of a listener. */
export const udpRouteTranslator: KindTranslator = {
  kind: `UDPRoute.${GATEWAY_GROUP}`,
  translate: (...given) => translateStreamRoute('udp', ...given),
};

/** Its parents are Gateways; a Service as parent is named as without effect. */
function translateStreamRoute(
  kind: 'tls' | 'tcp' | 'udp',
  object: KubeObject,
  context: TranslateContext,
  report: Report,
): readonly Part[] {
  const { name, namespace = '', creationTimestamp = '' } = object.metadata;
  const spec = fieldsOf(object, 'spec', report);
  const { services, gateways } = readParents(spec, namespace, context, report);
  if (services.length > 0)
    report.warn(
      'parent-not-supported',
      'spec.parentRefs',
      'spec.parentRefs: connections that are not HTTP are not routed for a Service as parent yet; name a Gateway',
    );
  const hosts = kind === 'tls' ? readHostnames(spec, report) : [];
  const rules = spec.objects('rules');
  const [first] = rules;
  if (first === undefined) report.error('field-invalid', 'spec.rules', 'spec.rules is empty; name a backend');
  if (rules.length > 1)
    report.warn(
      'field-not-supported',
      rules[1]!.path,
      `${rules[1]!.path}: only the first rule of a ${kind.toUpperCase()}Route has an effect`,
    );
  spec.rest();
  if (first === undefined) return [];
  const { targets, foreign } = readTargets(
    first,
    `${kind.toUpperCase()}Route`,
    name,
    namespace,
    context,
    report,
  );
  const tcp: readonly TcpRule[] = [
    { path: first.path, caller: [], serverNames: [], destinationCidrs: [], targets },
  ];
  const from = report.object;
  return gateways.flatMap(to =>
    gatewayTables({
      attachment: { ...to, kind },
      ...{ hosts, namespace },
      table: {
        ...{ http: [], tcp, combine: 'exclusive', unmatched: 'not-found' },
        ...{ rank: ROUTE_RANKS.gateway, from, createdAt: creationTimestamp },
      },
      beside: foreign.length === 0 ? {} : { streamReferences: foreign },
    }),
  );
}

function readTargets(
  rule: Fields,
  kind: string,
  name: string,
  namespace: string,
  { clusterDomain }: TranslateContext,
  report: Report,
): { readonly targets: TcpRule['targets']; readonly foreign: readonly ForeignReference[] } {
  const foreign: ForeignReference[] = [];
  rule.text('name');
  const of = { report, group: GATEWAY_GROUP, kind, namespace, name, clusterDomain };
  const targets = rule.objects('backendRefs').flatMap((fields, target) => {
    const weight = fields.number('weight', { max: 1_000_000 }) ?? 1;
    const ref = readBackendRef(fields, weight, of);
    fields.rest();
    if (!ref) return [];
    const from = { group: GATEWAY_GROUP, kind, namespace };
    if (ref.foreign) foreign.push({ rule: 0, target, from, to: ref.foreign, path: fields.path });
    return [ref.target];
  });
  rule.rest();
  return { targets, foreign };
}
