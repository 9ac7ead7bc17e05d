import type { RouteTarget, Subset, TrafficPolicy } from '../../model/index.ts';
import type { KubeObject } from '../../registry/index.ts';
import type { KindTranslator, TranslateContext } from '../dialect.ts';
import { type Fields, fieldsOf } from '../fields.ts';
import { given } from '../given.ts';
import type { Part } from '../part.ts';
import type { Report } from '../report.ts';
import { CHAIN_RANKS, CHAIN_TABLE } from './chain.ts';
import { readLoadBalancer } from './load-balancer.ts';
import { type OwnService, ownService, readTarget } from './service-name.ts';
import { readSubsets } from './subsets.ts';

/** Consul's policies go over what Services say of themselves and below Istio's; see docs/policies/consul.md. */
const policyRank = 0.3;

/**
 * consul.hashicorp.com ServiceResolver: subsets of a Service's pods, which of them is meant where none is named or which other
 * Service is, and how to talk to them.
 */
export const serviceResolverTranslator: KindTranslator = {
  kind: 'ServiceResolver.consul.hashicorp.com',
  translate: translateResolver,
};

function translateResolver(object: KubeObject, context: TranslateContext, report: Report): readonly Part[] {
  const { creationTimestamp: createdAt = '' } = object.metadata;
  const own = ownService(object, context);
  const spec = fieldsOf(object, 'spec', report);
  const subsets = readSubsets(spec, report);
  const target = readDefault(spec, subsets, own, context, report);
  const policy: Partial<TrafficPolicy> = given({
    connectTimeoutMs: spec.duration('connectTimeout') || undefined,
    timeoutMs: spec.duration('requestTimeout') || undefined,
    balancer: readLoadBalancer(spec, report),
  });
  readFailover(spec);
  spec.rest();
  if (report.refused) return [];
  const { host } = own;
  const { object: from } = report;
  const parts: Part[] = subsets.map(each => ({
    kind: 'policy',
    of: 'subsets',
    policy: { host, ...each, from },
    createdAt,
  }));
  if (Object.keys(policy).length > 0)
    parts.push({
      kind: 'policy',
      of: 'trafficPolicies',
      policy: { host, ...policy, from },
      rank: policyRank,
      createdAt,
    });
  if (target) parts.push(...chainParts(own, target, from, createdAt));
  return parts;
}

function chainParts(
  { name, host }: OwnService,
  { path, ...target }: DefaultTarget,
  from: Subset['from'],
  createdAt: string,
): readonly Part[] {
  const targets: readonly RouteTarget[] = [{ ...target, weight: 1 }];
  const asked = [{ host, weight: 1 }];
  const http = [{ name, path, matches: [], action: { kind: 'forward', targets: asked } as const }];
  const tcp = [{ path, caller: [], serverNames: [], destinationCidrs: [], targets: asked }];
  const table = { host, http, tcp, ...CHAIN_TABLE, rank: CHAIN_RANKS.resolver, from, createdAt };
  return [
    { kind: 'route-table', table, chain: 'consul' },
    { kind: 'targets', chain: 'consul', stage: 'resolve', host, targets, nested: false, from, createdAt },
  ];
}

interface DefaultTarget {
  readonly host: string;
  readonly subset?: string;
  readonly path: string;
}

/** Where requests go that name no subset; undefined: to all of the Service. A redirect goes before everything else. */
function readDefault(
  spec: Fields,
  subsets: readonly { readonly name: string }[],
  own: OwnService,
  context: TranslateContext,
  report: Report,
): DefaultTarget | undefined {
  const name = spec.text('defaultSubset') || undefined;
  const redirect = spec.object('redirect');
  const elsewhere = redirect && ['datacenter', 'peer', 'samenessGroup'].filter(each => redirect.has(each));
  for (const each of elsewhere ?? [])
    redirect!.unsupported(
      each,
      'Weft knows one cluster; the redirect has no effect and traffic stays with the Service',
    );
  const target = redirect && readTarget(redirect, own, context, report);
  if (redirect && redirect.names().length === 0)
    report.error('field-invalid', redirect.path, `${redirect.path} is empty; name the service to go to`);
  redirect?.rest();
  if (redirect && spec.has('failover'))
    report.error('field-invalid', redirect.path, 'spec has redirect and failover; keep one of them');
  if (target && elsewhere!.length === 0) return { ...target, path: 'spec.redirect' };
  if (name === undefined) return undefined;
  if (subsets.some(each => each.name === name))
    return { host: own.host, subset: name, path: 'spec.defaultSubset' };
  const message = `spec.defaultSubset: '${name}' is none of spec.subsets; add it there`;
  report.error('field-invalid', 'spec.defaultSubset', message);
  return undefined;
}

/** Where all of a Service's pods are gone, Consul goes elsewhere. */
function readFailover(spec: Fields): void {
  const why =
    'going to another service when all pods of this one are gone is not supported yet; requests then fail with 503';
  spec.unsupported('failover', why);
  const local = spec.object('prioritizeByLocality');
  const mode = local?.choice('mode', ['none', 'failover']);
  if (mode === 'failover')
    local!.unsupported('mode', 'write a DestinationRule with localityLbSetting for it');
  local?.rest();
}
