import { type BalancerSettings, DEFAULT_TRAFFIC } from '../../model/index.ts';
import type { Fields } from '../fields.ts';
import { given } from '../given.ts';
import type { Report } from '../report.ts';
import { readConsistentHash } from './consistent-hash.ts';
import { readLocality } from './locality.ts';

const kinds: Readonly<Record<string, BalancerSettings['kind'] | undefined>> = {
  UNSPECIFIED: undefined,
  LEAST_CONN: 'least-request',
  LEAST_REQUEST: 'least-request',
  RANDOM: 'random',
  ROUND_ROBIN: 'round-robin',
  PASSTHROUGH: undefined,
};

/** Istio's LoadBalancerSettings; undefined where they leave everything as it is. */
export function readLoadBalancer(balancer: Fields, report: Report): BalancerSettings | undefined {
  const simple = balancer.choice('simple', Object.keys(kinds));
  const consistent = balancer.object('consistentHash');
  const hash = consistent && readConsistentHash(consistent, report);
  const locality = balancer.object('localityLbSetting');
  const extra = given({
    ...readWarmup(balancer, report),
    locality: locality && readLocality(locality, report),
  });
  if (simple === 'PASSTHROUGH') {
    const why = 'calls of a pod by its own address go there anyway, for others the default balancer is used';
    balancer.unsupported('simple', `PASSTHROUGH is not supported; ${why}`);
  }
  balancer.rest();
  if (simple !== undefined && simple !== 'UNSPECIFIED' && consistent) {
    const message = `${balancer.path} has simple and consistentHash; keep one of them`;
    report.error('field-invalid', balancer.path, message);
  }
  if (hash) return { ...hash, ...extra };
  const kind = simple === undefined ? undefined : kinds[simple];
  if (kind === undefined && Object.keys(extra).length === 0) return undefined;
  return { kind: kind ?? DEFAULT_TRAFFIC.balancer.kind, ...extra };
}

/** `warmup`, or the older `warmupDurationSecs`. */
function readWarmup(
  balancer: Fields,
  report: Report,
): Pick<BalancerSettings, 'slowStartMs' | 'slowStartMinPercent'> {
  const older = balancer.duration('warmupDurationSecs');
  const warmup = balancer.object('warmup');
  const duration = warmup?.duration('duration');
  const slowStartMinPercent = warmup?.decimal('minimumPercent', { max: 100 });
  const aggression = warmup?.decimal('aggression', { min: 0, max: 1000 });
  if (aggression !== undefined && aggression !== 1)
    warmup!.unsupported('aggression', 'shares rise in a straight line, as with 1');
  warmup?.rest();
  if (warmup && !warmup.has('duration'))
    report.error('field-invalid', warmup.path, `${warmup.path}.duration is missing; say how long`);
  return given({ slowStartMs: duration ?? older, slowStartMinPercent });
}
