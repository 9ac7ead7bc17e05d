import type { PageEdge, Signals } from '../../src/dashboard/contract.ts';

/** The share of requests that failed; undefined without requests. */
export function errorShare({ rps, errors }: Pick<Signals, 'rps' | 'errors'>): number | undefined {
  return rps > 0 ? Math.min(errors / rps, 1) : undefined;
}

/** From this share of failed requests on something is wrong, and from the second on gravely. */
const noted = 0.001;
const grave = 0.05;

/** How grave the failures are. */
export function standingOf(signals: Pick<Signals, 'rps' | 'errors'>): 'ok' | 'warning' | 'error' {
  const share = errorShare(signals) ?? 0;
  return share >= grave ? 'error' : share >= noted ? 'warning' : 'ok';
}

/** Several edges as one. Quantiles cannot be added up: the worst is told. */
export function together(
  edges: readonly PageEdge[],
): Signals & Pick<PageEdge, 'mtls' | 'connections' | 'sent' | 'received'> {
  let [rps, errors, mtls, connections, sent, received, weight] = [0, 0, 0, 0, 0, 0, 0];
  for (const edge of edges) {
    rps += edge.rps;
    errors += edge.errors;
    connections += edge.connections;
    sent += edge.sent;
    received += edge.received;
    const share = edge.rps + edge.connections + edge.opened;
    mtls += edge.mtls * share;
    weight += share;
  }
  const worst = (of: (edge: PageEdge) => number | undefined): number | undefined => {
    const known = edges.map(of).filter(each => each !== undefined);
    return known.length > 0 ? Math.max(...known) : undefined;
  };
  const signals = {
    rps,
    errors,
    connections,
    sent,
    received,
    mtls: weight > 0 ? mtls / weight : (edges[0]?.mtls ?? 0),
  };
  const [p50, p90, p99] = [worst(each => each.p50), worst(each => each.p90), worst(each => each.p99)];
  return {
    ...signals,
    ...(p50 !== undefined && { p50 }),
    ...(p90 !== undefined && { p90 }),
    ...(p99 !== undefined && { p99 }),
  };
}
