import { mixHashes } from '../http/index.ts';
import type { RunningEndpoint } from './endpoint.ts';
import type { EndpointGroup } from './endpoint-group.ts';

/**
 * Whether a key may go to an endpoint that comes first for it. While an endpoint starts slowly it takes a growing part of its
 * keys, always the same ones first, so that every key moves at most once.
 */
export function takesKey(endpoint: RunningEndpoint, group: EndpointGroup, hash: number): boolean {
  if (!group.has(endpoint)) return false;
  return endpoint.warmth >= 1 || mixHashes(endpoint.hash, hash) / 0x1_0000_0000 < endpoint.warmth;
}

/** Endpoints in an order on which every proxy agrees, whenever each of them came. */
export function inAgreedOrder(endpoints: readonly RunningEndpoint[]): RunningEndpoint[] {
  return [...endpoints].sort((a, b) => (a.hashText < b.hashText ? -1 : a.hashText > b.hashText ? 1 : 0));
}

/** The weight that discovery gave. */
export function givenWeight(endpoint: RunningEndpoint): number {
  return endpoint.config.weight ?? 1;
}
