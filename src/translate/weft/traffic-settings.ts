import type { AdaptiveConcurrency, RetryBudget, TrafficPolicy } from '../../model/index.ts';
import type { KubeObject } from '../../registry/index.ts';
import type { KindTranslator, TranslateContext } from '../dialect.ts';
import { type Fields, fieldsOf } from '../fields.ts';
import { given } from '../given.ts';
import { qualifiedHost } from '../istio/host.ts';
import type { Part } from '../part.ts';
import type { Report } from '../report.ts';

/** policy.weft.dev TrafficSettings: what is said about traffic to a host and what no other dialect has a word for. */
export const trafficSettingsTranslator: KindTranslator = {
  kind: 'TrafficSettings.policy.weft.dev',
  translate: translateTrafficSettings,
};

/** Above all other kinds: who writes one means it. */
const RANK = 10;

function translateTrafficSettings(
  object: KubeObject,
  context: TranslateContext,
  report: Report,
): readonly Part[] {
  const { namespace = '', creationTimestamp: createdAt = '' } = object.metadata;
  const spec = fieldsOf(object, 'spec', report);
  const written = spec.text('host');
  if (written === undefined && !spec.has('host'))
    report.error('field-invalid', 'spec.host', 'spec.host is missing; name the service that this is about');
  const host =
    written === undefined ? undefined : qualifiedHost(written, namespace, 'spec.host', context, report);
  const port = spec.port('port');
  const concurrency = spec.object('adaptiveConcurrency');
  const budget = spec.object('retryBudget');
  const retry = given({
    hedgeAfterMs: spec.duration('hedgeAfter', 1),
    nonIdempotent: spec.flag('retryNonIdempotent'),
  });
  const settings: Partial<TrafficPolicy> = given({
    adaptiveConcurrency: concurrency && readConcurrency(concurrency, report),
    retryBudget: budget && readBudget(budget),
    retry: Object.keys(retry).length > 0 ? retry : undefined,
    streamIdleTimeoutMs: spec.duration('streamIdleTimeout'),
  });
  spec.rest();
  if (host === undefined) return [];
  if (Object.keys(settings).length === 0)
    report.warn('field-not-supported', 'spec', 'spec has no setting; add one, or delete the object');
  const policy: TrafficPolicy = {
    ...scopeOf(host, namespace, context),
    ...given({ port }),
    ...settings,
    from: report.object,
  };
  return [{ kind: 'policy', of: 'trafficPolicies', policy, rank: RANK, createdAt }];
}

/** Beside the service, or in a root namespace, it is for all callers; elsewhere for those of its own namespace. */
function scopeOf(
  host: string,
  namespace: string,
  { clusterDomain, rootNamespaces }: TranslateContext,
): Pick<TrafficPolicy, 'host' | 'callerNamespace' | 'meshWide'> {
  if (rootNamespaces.includes(namespace)) return { host, meshWide: true };
  if (host.endsWith(`.${namespace}.svc.${clusterDomain}`)) return { host };
  return { host, callerNamespace: namespace };
}

function readConcurrency(fields: Fields, report: Report): AdaptiveConcurrency {
  const bounds = { min: 1, max: 1_000_000 };
  const minRequests = fields.number('minRequests', bounds) ?? 3;
  const maxRequests = fields.number('maxRequests', bounds) ?? 1000;
  const tolerance = fields.decimal('tolerance', { min: 1, max: 100 }) ?? 1.5;
  fields.rest();
  if (minRequests > maxRequests) {
    const path = fields.at('minRequests');
    report.error('field-invalid', path, `${path} is above maxRequests (${maxRequests}); exchange the two`);
  }
  return { minRequests, maxRequests, tolerance };
}

function readBudget(fields: Fields): RetryBudget {
  const budget: RetryBudget = {
    ratio: (fields.decimal('percent', { max: 1000 }) ?? 20) / 100,
    minPerSecond: fields.decimal('minPerSecond', { max: 1_000_000 }) ?? 10,
    ttlMs: fields.duration('ttl', 1000) ?? 10_000,
  };
  fields.rest();
  return budget;
}
