// For dialects whose routes are attached to gateways: what one route says of the hosts of a gateway, as parts.
import { attachedHost, type GatewayAttachment, type RouteTable } from '../model/index.ts';
import type { Part, RouteTablePart } from './part.ts';

/** A route's tables at one gateway. */
export interface GatewayTables {
  /** Without the host, which follows from `hosts`. */
  readonly attachment: Omit<GatewayAttachment, 'host'>;
  /** Patterns, lower case; empty for all that the listeners have. */
  readonly hosts: readonly string[];
  /** The route's own. */
  readonly namespace: string;
  readonly table: Omit<RouteTable, 'host' | 'attachment' | 'visibleTo' | 'port'>;
  /** What of RouteTablePart stands beside each table. */
  readonly beside?: Omit<RouteTablePart, 'kind' | 'table'>;
}

/** A table for each host, and beside each the word that there is one (GatewayHost). */
export function gatewayTables(tables: GatewayTables): readonly Part[] {
  const { attachment: to, hosts, namespace, table, beside } = tables;
  const all = hosts.length === 0 ? ['*'] : [...new Set(hosts)];
  const { from, createdAt } = table;
  return all.flatMap((host): readonly Part[] => {
    const attachment = { ...to, host };
    return [
      {
        kind: 'route-table',
        table: { host: attachedHost(attachment), attachment, ...table },
        ...beside,
      },
      { kind: 'policy', of: 'gatewayHosts', policy: { ...attachment, namespace, from }, createdAt },
    ];
  });
}
