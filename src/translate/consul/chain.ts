import { ROUTE_RANKS, type RouteTable } from '../../model/index.ts';

/** Consul's stages: where a Service has several, the earlier one's table counts, and its targets go through the later ones. */
export const CHAIN_RANKS = {
  router: ROUTE_RANKS.consul + 0.2,
  splitter: ROUTE_RANKS.consul + 0.1,
  resolver: ROUTE_RANKS.consul,
} as const;

/**
 * What every table of Consul's has: what no rule matches goes to the Service itself, as far as the chain has no other place for
 * it.
 */
export const CHAIN_TABLE = {
  combine: 'exclusive',
  unmatched: 'default',
} as const satisfies Partial<RouteTable>;
