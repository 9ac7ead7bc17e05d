// proxy/shared-counts: limits of clients that hold for all replicas of a gateway together, counted in a Redis. In: which Redis.
// Out: SharedCounts for proxy/edge. Loaded by gateways that are given one.
export { type OnShared, RedisCounts, type RedisSettings } from './redis-counts.ts';
