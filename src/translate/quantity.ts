import type { RouteTarget } from '../model/index.ts';

/** Suffixes of Kubernetes quantities (kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity). */
const suffixes: Readonly<Record<string, number>> = {
  n: 1e-9,
  u: 1e-6,
  m: 1e-3,
  '': 1,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
};

/** The number that a Kubernetes quantity stands for: `500m` is 0.5; undefined if it is none. */
export function parseQuantity(text: string): number | undefined {
  const found = /^([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)(n|u|m|k|M|G|T|Ki|Mi|Gi|Ti)?$/.exec(text);
  return found ? Number(found[1]) * suffixes[found[2] ?? '']! : undefined;
}

/** Targets with weights of the same shares as whole numbers, which are dealt out exactly; finer than a thousandth is rounded. */
export function wholeWeights(targets: readonly RouteTarget[]): readonly RouteTarget[] {
  if (targets.every(each => Number.isInteger(each.weight))) return targets;
  return targets.map(each => ({ ...each, weight: Math.round(each.weight * 1000) }));
}
