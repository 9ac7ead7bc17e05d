import type { BalancerSettings } from '../model/index.ts';
import type { RunningEndpoint } from './endpoint.ts';

/** Envoy's and Istio's default for where it begins. */
const defaultMinPercent = 10;
const stepsInSlowStart = 50;

/**
 * How much of its share an endpoint gets, 0 to 1: rises in a straight line from `slowStartMinPercent` to all of it while it is
 * younger than `slowStartMs`.
 */
export function warmthAt(endpoint: RunningEndpoint, settings: BalancerSettings, nowMs: number): number {
  const { slowStartMs = 0, slowStartMinPercent = defaultMinPercent } = settings;
  if (slowStartMs <= 0 || endpoint.warmingSinceMs === undefined) return 1;
  const age = Math.max(0, nowMs - endpoint.warmingSinceMs);
  if (age >= slowStartMs) return 1;
  const least = Math.min(1, Math.max(0.01, slowStartMinPercent / 100));
  return least + ((1 - least) * age) / slowStartMs;
}

/** How often weights are worked out anew while somebody starts slowly. */
export function weighEveryMs({ slowStartMs = 0 }: BalancerSettings): number {
  return Math.min(1000, Math.max(20, slowStartMs / stepsInSlowStart));
}
