import {
  canonicalAddress,
  type DestinationResource,
  isInRange,
  isIpAddress,
  type RouteTable,
  type TcpRule,
} from '../model/index.ts';
import type { Caller } from './caller.ts';
import { callerDiffers } from './rules.ts';
import type { Clusters, RoutedHost } from './targets.ts';

/** What holds for connections that are not HTTP. */
export type Streams = Pick<DestinationResource, 'tcp' | 'tls'>;

/** The first rule without server names has all connections; those with names have the TLS connections that name them. */
export function streamsOf(
  tables: readonly RouteTable[],
  {
    caller,
    routed,
    host,
    clusters,
  }: { caller: Caller; routed: RoutedHost; host: string; clusters: Clusters },
): Streams {
  const [first] = tables;
  const counted = first?.combine === 'exclusive' ? [first] : tables;
  const rules = counted.flatMap(table => table.tcp).filter(rule => holds(rule, caller, routed.port, host));
  const plain = rules.find(({ serverNames }) => serverNames.length === 0);
  const tls = rules
    .filter(({ serverNames }) => serverNames.length > 0)
    .map(({ serverNames, targets }) => ({ serverNames, clusters: clusters.weighted(targets, routed) }));
  const whole = routed.cluster === undefined ? [] : [{ cluster: routed.cluster, weight: 1 }];
  return {
    tcp: plain ? clusters.weighted(plain.targets, routed) : whole,
    ...(tls.length > 0 && { tls }),
  };
}

/** `host`: what was called; ranges hold for addresses only. */
export function holds(rule: TcpRule, caller: Caller, port: number, host: string): boolean {
  if (rule.caller.length > 0 && rule.caller.every(each => callerDiffers(each, caller, port) !== undefined))
    return false;
  if (rule.destinationCidrs.length === 0) return true;
  const address = canonicalAddress(host);
  return isIpAddress(address) && rule.destinationCidrs.some(range => isInRange(address, range));
}
