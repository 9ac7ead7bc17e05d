import type { RateLimit, TokenBucket } from '../../model/index.ts';
import type { KubeObject } from '../../registry/index.ts';
import type { KindTranslator, TranslateContext } from '../dialect.ts';
import { evenBucket } from '../even-bucket.ts';
import { type Fields, fieldsOf } from '../fields.ts';
import { given } from '../given.ts';
import type { Part } from '../part.ts';
import type { Report } from '../report.ts';
import { readRequestMatch } from './request-match.ts';

/** policy.weft.dev RateLimit: how many requests each workload that it selects takes in. */
export const rateLimitTranslator: KindTranslator = {
  kind: 'RateLimit.policy.weft.dev',
  translate: translateRateLimit,
};

const statuses = { min: 400, max: 599 };

function translateRateLimit(object: KubeObject, context: TranslateContext, report: Report): readonly Part[] {
  const { namespace = '', creationTimestamp: createdAt = '' } = object.metadata;
  const spec = fieldsOf(object, 'spec', report);
  const selector = spec.object('selector');
  const labels = selector?.strings('matchLabels');
  selector?.refuseRest();
  const port = spec.port('port');
  const bucket = readBucket(spec, report);
  const limit: Omit<RateLimit, 'bucket'> = {
    matches: spec.objects('matches').flatMap(each => readRequestMatch(each, report) ?? []),
    status: spec.number('status', statuses) ?? 429,
    enabledPercent: 100,
    // To see what a limit would do before it does it.
    enforcedPercent: spec.flag('dryRun') ? 0 : 100,
  };
  spec.rest();
  if (!bucket) return [];
  return [
    {
      kind: 'policy',
      of: 'inboundRateLimits',
      policy: {
        namespace: context.rootNamespaces.includes(namespace) ? '' : namespace,
        ...given({ selector: labels && Object.keys(labels).length > 0 ? labels : undefined, port }),
        limit: { ...limit, bucket },
        from: report.object,
      },
      createdAt,
    },
  ];
}

function readBucket(spec: Fields, report: Report): TokenBucket | undefined {
  const requests = spec.number('requests', { min: 1, max: 1_000_000_000 });
  const perMs = spec.has('per') ? spec.duration('per', 1) : 1000;
  const burst = spec.number('burst', { min: 1, max: 1_000_000_000 });
  if (requests === undefined && !spec.has('requests'))
    report.error('field-invalid', 'spec.requests', 'spec.requests is missing; say how many requests');
  if (requests === undefined || perMs === undefined) return undefined;
  return evenBucket(requests, perMs, burst ?? requests);
}
