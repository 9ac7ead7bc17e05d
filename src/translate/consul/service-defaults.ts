import type { TrafficPolicy } from '../../model/index.ts';
import type { KubeObject } from '../../registry/index.ts';
import type { KindTranslator, TranslateContext } from '../dialect.ts';
import { type Fields, fieldsOf } from '../fields.ts';
import type { Part } from '../part.ts';
import type { Report } from '../report.ts';
import { readDestination } from './destination.ts';
import { type OwnService, ownService, readTarget } from './service-name.ts';
import { readUpstream } from './upstream.ts';

/** Over a ServiceResolver's, as in Consul, where a caller has the last word. */
const policyRank = 0.4;

/** What is not there to be set, with the reason. */
const without: Readonly<Record<string, string>> = {
  mode: 'whether traffic is redirected is said at injection',
  transparentProxy: 'how traffic is redirected is said at injection',
  mutualTLSMode: 'write a PeerAuthentication for it',
  meshGateway: 'Weft knows one cluster and no mesh gateways',
  expose: 'paths are exempt from mesh TLS by ports; see weft.dev/skip-inbound-ports',
  externalSNI: 'names of TLS are those of the mesh',
  maxInboundConnections: 'inbound connections are not limited yet',
  localConnectTimeoutMs: 'the app in the same pod is not waited for longer than others',
  localRequestTimeoutMs: 'timeouts hold on the side of callers; set requestTimeout in a ServiceResolver',
  balanceInboundConnections: 'one process takes all connections of a pod',
  rateLimits: 'write a rate limit of Weft or an EnvoyFilter with local_ratelimit for it',
  envoyExtensions: 'there is no Envoy to extend',
};

/**
 * consul.hashicorp.com ServiceDefaults: what its Service's pods, as callers, keep to towards their upstreams, and addresses
 * outside of the mesh. The pods are those with the label `app` of its name, since Consul knows them by a name that Kubernetes
 * does not have.
 */
export const serviceDefaultsTranslator: KindTranslator = {
  kind: 'ServiceDefaults.consul.hashicorp.com',
  translate: translateDefaults,
};

function translateDefaults(object: KubeObject, context: TranslateContext, report: Report): readonly Part[] {
  const { creationTimestamp: createdAt = '' } = object.metadata;
  const own = ownService(object, context);
  const spec = fieldsOf(object, 'spec', report);
  const protocol = spec.choice('protocol', ['tcp', 'http', 'http2', 'grpc']);
  if (protocol === 'tcp')
    spec.unsupported(
      'protocol',
      'what connections carry is looked at; for bytes alone set appProtocol tcp in the Service',
    );
  const policies = readUpstreams(spec, own, context, report);
  const external = readDestination(spec, own, protocol ?? 'auto', report);
  for (const [name, reason] of Object.entries(without)) spec.unsupported(name, reason);
  spec.rest();
  if (report.refused) return [];
  const { object: from } = report;
  const caller = { callerNamespace: own.namespace, callerSelector: { app: own.name } };
  const parts: Part[] = policies.map(policy => ({
    kind: 'policy',
    of: 'trafficPolicies',
    policy: { ...policy, ...caller, from },
    rank: policyRank,
    createdAt,
  }));
  if (external) parts.push({ kind: 'external-service', external: { ...external, from }, createdAt });
  return parts;
}

type Upstream = Partial<TrafficPolicy> & { readonly host: string };

/** One for every host, where there are defaults; and one for each override, which says the rest as the defaults do. */
function readUpstreams(
  spec: Fields,
  own: OwnService,
  context: TranslateContext,
  report: Report,
): readonly Upstream[] {
  const config = spec.object('upstreamConfig');
  if (!config) return [];
  const general = config.object('defaults');
  const defaults = general ? readUpstream(general) : {};
  general?.rest();
  const overrides = config.objects('overrides').flatMap(each => {
    const said = readUpstream(each);
    const name = each.text('name');
    if (!name)
      report.error('field-invalid', each.at('name'), `${each.at('name')} is missing; name the upstream`);
    const target = readTarget(each, { ...own, name: name ?? own.name }, context, report);
    each.rest();
    return target ? [{ ...defaults, ...said, host: target.host }] : [];
  });
  config.rest();
  report.warn(
    'field-approximated',
    config.path,
    `${config.path} holds for callers in ${own.namespace} with the label app: ${own.name}; give it to the pods that are meant`,
  );
  return [...(Object.keys(defaults).length > 0 ? [{ ...defaults, host: '*' }] : []), ...overrides];
}
