import type { RetryBudget, TrafficPolicy } from '../../model/index.ts';
import type { Fields } from '../fields.ts';
import { given } from '../given.ts';
import type { Report } from '../report.ts';
import { readClientTls } from './client-tls.ts';
import { readConnectionPool } from './connection-pool.ts';
import { readLoadBalancer } from './load-balancer.ts';
import { readOutlier } from './outlier-detection.ts';

/** What a `trafficPolicy` of a DestinationRule says; whom and what it is about is for the caller. */
export type TrafficPart = Omit<TrafficPolicy, 'host' | 'from'>;

/** What is said in general, and for single ports. A port inherits nothing, as in Istio. */
export function readTrafficPolicy(policy: Fields | undefined, report: Report): readonly TrafficPart[] {
  if (!policy) return [];
  const general = readSettings(policy, report);
  const ports = policy.objects('portLevelSettings').flatMap(settings => {
    const selector = settings.object('port');
    const port = selector?.port('number');
    selector?.rest();
    const said = readSettings(settings, report);
    settings.rest();
    if (port !== undefined) return [{ port, ...said }];
    if (!selector?.has('number')) {
      const path = settings.at('port');
      report.error('field-invalid', path, `${path}.number is missing; say which port of the service`);
    }
    return [];
  });
  policy.rest();
  return [...(Object.keys(general).length > 0 ? [general] : []), ...ports];
}

function readSettings(policy: Fields, report: Report): TrafficPart {
  const pool = policy.object('connectionPool');
  const detection = policy.object('outlierDetection');
  const balancer = policy.object('loadBalancer');
  const tls = policy.object('tls');
  const budget = policy.object('retryBudget');
  policy.unsupported('tunnel', 'tunnels through a proxy are not supported; connections go straight');
  policy.unsupported('proxyProtocol', 'it is not supported; connections begin without it');
  return given({
    ...(pool && readConnectionPool(pool)),
    outlier: detection && readOutlier(detection),
    balancer: balancer && readLoadBalancer(balancer, report),
    ...(tls && readClientTls(tls, report)),
    retryBudget: budget && readBudget(budget),
  });
}

/** Istio's budget counts requests under way, Weft's those of the last seconds: the share and the least are taken over. */
function readBudget(budget: Fields): RetryBudget {
  const percent = budget.decimal('percent', { max: 100 }) ?? 20;
  const minPerSecond = budget.number('minRetryConcurrency') ?? 3;
  budget.rest();
  return { ratio: percent / 100, minPerSecond, ttlMs: 10_000 };
}
