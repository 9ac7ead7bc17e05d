// Who calls whom in the shop, as the proxies count it: by the identities at both ends of the connection.
import type { Growth } from '../metrics/growth.ts';
import { METRICS, MUTUAL } from '../metrics/names.ts';
import { SHOP } from '../shop.ts';

/** Requests or connections between two identities, as one side reports them. */
export interface Edge {
  readonly reporter: 'source' | 'destination';
  /** Last part of the SPIFFE id when it is of the shop, the whole id or `unknown` otherwise. */
  readonly from: string;
  readonly to: string;
  readonly count: number;
  /** Of which with mesh TLS. */
  readonly mutual: number;
}

/** The edges along which anything was counted. `tcp`: connections opened; otherwise requests. */
export function edgesOf(growth: Growth, tcp = false): Edge[] {
  const edges = new Map<string, Edge>();
  for (const { labels, value } of growth.series(tcp ? METRICS.tcpOpened : METRICS.requests)) {
    if (value === 0) continue;
    const reporter = labels.reporter === 'source' ? 'source' : 'destination';
    const from = shortName(labels.source_principal);
    const to = shortName(labels.destination_principal);
    const key = `${reporter} ${from} ${to}`;
    const known = edges.get(key);
    const mutual = labels.connection_security_policy === MUTUAL ? value : 0;
    edges.set(key, {
      reporter,
      from,
      to,
      count: (known?.count ?? 0) + value,
      mutual: (known?.mutual ?? 0) + mutual,
    });
  }
  return [...edges.values()];
}

function shortName(principal: string | undefined): string {
  if (!principal) return 'unknown';
  const match = /^spiffe:\/\/[^/]+\/ns\/([^/]+)\/sa\/([^/]+)$/.exec(principal);
  return match?.[1] === SHOP ? match[2]! : principal;
}
