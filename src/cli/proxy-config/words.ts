// Pieces of the configuration in a few words: conditions, where requests go, settings.
import {
  type OutlierSettings,
  type RequestMatch,
  type RetryPolicy,
  type Route,
  requestWords,
  type WeightedCluster,
} from '../../model/index.ts';

/** `GET /api/* header end-user=jason; /old`; `any request` where nothing is asked for. */
export function matchWords(matches: readonly RequestMatch[] = []): string {
  const words = matches.map(requestWords);
  return words.length === 0 || words.includes('') ? 'any request' : words.join('; ');
}

/** Where its requests go. */
export function actionWords({ action }: Route): string {
  if (action.kind === 'respond') return `answers ${action.status}`;
  if (action.kind === 'redirect') return `redirects with ${action.status}`;
  return sharesWords(action.clusters);
}

/** `reviews.shop.svc.cluster.local:80/v1 90%, …/v2 10%` */
export function sharesWords(clusters: readonly WeightedCluster[]): string {
  if (clusters.length === 0) return 'answers 503: no target';
  const sum = clusters.reduce((total, { weight }) => total + weight, 0);
  if (clusters.length === 1) return clusters[0]!.cluster;
  return clusters
    .map(({ cluster, weight }) => `${cluster} ${sum === 0 ? 0 : round((weight / sum) * 100)}%`)
    .join(', ');
}

/** `2 × 5xx, reset` */
export function retryWords({ attempts, on, statuses = [], perTryTimeoutMs }: RetryPolicy): string {
  if (attempts === 0) return 'none';
  const each = perTryTimeoutMs === 0 ? '' : `, ${timeWords(perTryTimeoutMs)} each`;
  return `${attempts} on ${[...on, ...statuses].join(', ')}${each}`;
}

/** `5 5xx in a row, out for 30s, at most 50%` */
export function outlierWords(outlier: OutlierSettings): string {
  if (!outlier.enabled) return 'off';
  const rules = [
    [outlier.consecutive5xx, '5xx'],
    [outlier.consecutiveGatewayErrors, 'gateway errors'],
    [outlier.consecutiveConnectFailures, 'connect failures'],
  ] as const;
  const on = rules.filter(([count]) => count > 0).map(([count, what]) => `${count} ${what}`);
  if (on.length === 0) return 'off';
  const { baseEjectionTimeMs: base, maxEjectionPercent: most } = outlier;
  return `${on.join(' or ')} in a row: out for ${timeWords(base)}, at most ${most}%`;
}

/** `none`, `250ms`, `1.5s`, `1h` */
export function timeWords(ms: number): string {
  if (ms === 0) return 'none';
  if (ms < 1000) return `${round(ms)}ms`;
  if (ms < 60_000) return `${round(ms / 1000)}s`;
  return ms % 3_600_000 === 0 ? `${ms / 3_600_000}h` : `${round(ms / 60_000)}min`;
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}
