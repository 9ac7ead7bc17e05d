import { percent } from '../stat/text.ts';
import { type Cell, plainText, type Screen, table } from '../table.ts';
import type { Edge, EdgeTable } from './edges.ts';

const head = ['SOURCE', 'DESTINATION', 'RPS', 'TCP', 'MTLS', 'CLIENT', 'SERVER'];

/** The table, and below it which pods could not be counted. */
export function edgesText({ edges, troubles }: EdgeTable, wide: boolean, screen: Screen): string {
  const rows = edges.map(edge => cells(edge, wide));
  const lines =
    rows.length > 0
      ? table(wide ? [...head, 'COUNTED BY'] : head, rows, screen)
      : ['nobody has called anybody here within the last hour'];
  const told = troubles.map(({ pod, message }) => plainText(`  ! ${pod}: ${message}`));
  return [
    ...lines,
    ...(told.length > 0 ? ['', 'without figures (see weft proxy-status):', ...told] : []),
  ].join('\n');
}

function cells(edge: Edge, wide: boolean): Cell[] {
  const { mutualTls: share } = edge;
  const secured = share === undefined ? '-' : percent(share);
  return [
    edge.source,
    edge.destination,
    edge.requestsPerSecond.toFixed(1),
    String(edge.tcpConnections),
    share === undefined ? secured : { text: secured, colour: share === 1 ? 'green' : 'yellow' },
    identities(edge.clientIdentities, wide),
    identities(edge.serverIdentities, wide),
    ...(wide ? [edge.reporter] : []),
  ];
}

/** `namespace/account`, or with `wide` the whole id. */
function identities(all: readonly string[], wide: boolean): string {
  const short = all.map(id =>
    wide ? id : id.replace(/^spiffe:\/\/[^/]+\/ns\/([^/]+)\/sa\/([^/]+)$/, '$1/$2'),
  );
  return short.length === 0 ? '-' : short.join(',');
}
