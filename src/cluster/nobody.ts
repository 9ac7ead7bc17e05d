// Why none of a cluster's endpoints can be picked.
import type { RunningEndpoint } from './endpoint.ts';

/** A cluster as far as that goes. */
export interface EmptyCluster {
  readonly config: { readonly name: string };
  readonly endpoints: Iterable<RunningEndpoint>;
  readonly known: boolean;
  readonly total: number;
  readonly why: string;
}

/** How many endpoints take requests; of those that do every one is full. */
export function takers({ endpoints }: Pick<EmptyCluster, 'endpoints'>): number {
  return [...endpoints].filter(each => each.group !== undefined).length;
}

/** For messages. */
export function emptyWords(cluster: EmptyCluster): string {
  const { config, known, why, total } = cluster;
  const { name } = config;
  const full = takers(cluster);
  if (full === 1) return `the endpoint of ${name} has as many requests under way as it may`;
  if (full > 1) return `all ${full} endpoints of ${name} have as many requests under way as they may`;
  if (!known) return `the endpoints of ${name} are not known yet`;
  if (why !== '') return `${why} (${name})`;
  return `no endpoint of ${name} is ready (0 of ${total})`;
}
