// VirtualServices at Istio's Gateways: their rules as tables that are attached to listeners.
import { type GatewayAttachment, ROUTE_RANKS, type TcpRule } from '../../model/index.ts';
import { gatewayTables } from '../gateway-tables.ts';
import { given, some } from '../given.ts';
import type { Delegation, Part, RouteTablePart } from '../part.ts';
import { istioGatewayName } from './gateway.ts';
import type { Reading } from './reading.ts';

/** A gateway as `spec.gateways` and matches name it, `NAMESPACE/NAME` or `NAME`, in full. */
export function gatewayInFull(written: string, namespace: string): string {
  return written.includes('/') ? written : `${namespace}/${written}`;
}

/** What a VirtualService says at one gateway. */
export interface GatewayRules {
  /** gatewayInFull */
  readonly gateway: string;
  readonly hosts: readonly string[];
  readonly http: RouteTablePart['table']['http'];
  readonly tls: readonly TcpRule[];
  readonly tcp: readonly (TcpRule & { readonly port?: number })[];
  readonly delegations: readonly Delegation[];
  readonly createdAt: string;
}

/** A table for each host; of TLS for each rule and its server names, of TCP for each rule. */
export function gatewayRoutes(rules: GatewayRules, { namespace, report }: Reading): readonly Part[] {
  const [where = '', name = ''] = rules.gateway.split('/');
  const gateway = `${where}/${istioGatewayName(name)}`;
  const { hosts, http, tls, tcp, createdAt } = rules;
  const common = {
    combine: 'oldest-first',
    unmatched: 'not-found',
    rank: ROUTE_RANKS.istio,
    ...{ from: report.object, createdAt },
  } as const;
  const tables = (
    kind: GatewayAttachment['kind'],
    at: readonly string[],
    table: Pick<RouteTablePart['table'], 'http' | 'tcp'>,
    port?: number,
  ): readonly Part[] =>
    gatewayTables({
      attachment: { gateway, kind, ...given({ port }) },
      ...{ hosts: at.includes('*') ? [] : at, namespace },
      table: { ...table, ...common },
      beside: given({ delegations: kind === 'http' ? some(rules.delegations) : undefined }),
    });
  return [
    ...(http.length > 0 || rules.delegations.length > 0 ? tables('http', hosts, { http, tcp: [] }) : []),
    ...tls.flatMap(rule =>
      tables(
        'tls',
        rule.serverNames,
        { http: [], tcp: [{ ...rule, serverNames: [], caller: [] }] },
        portOf(rule),
      ),
    ),
    ...tcp.flatMap(rule => tables('tcp', hosts, { http: [], tcp: [{ ...rule, caller: [] }] }, portOf(rule))),
  ];
}

function portOf({ caller }: TcpRule): number | undefined {
  return caller[0]?.port;
}
