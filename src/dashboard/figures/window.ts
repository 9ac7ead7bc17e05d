import { proposedSize } from '../../model/index.ts';
import type { PageEdge, PageFigures, PagePodFigures } from '../contract.ts';
import { EdgeSum, PodSum } from './sums.ts';
import type { Tick } from './tick.ts';

/** Figures are over so many ticks, so that they are calm. */
export const WINDOW_TICKS = 4;

/** The ticks as one. */
export function figuresOf(
  ticks: readonly Tick[],
  tickMs: number,
): Pick<PageFigures, 'edges' | 'pods' | 'seconds'> {
  const seconds = (ticks.length * tickMs) / 1_000;
  const edges = new Map<string, EdgeSum>();
  const pods = new Map<string, PodSum>();
  for (const tick of ticks) {
    for (const [key, edge] of tick.edges) {
      const known = edges.get(key) ?? new EdgeSum(edge);
      known.follow(edge);
      edges.set(key, known);
    }
    // Who is not in the last tick has no open connections there.
    for (const [key, edge] of edges) if (!tick.edges.has(key)) edge.open.clear();
    for (const [key, pod] of tick.pods) {
      const known = pods.get(key) ?? new PodSum();
      known.follow(pod);
      pods.set(key, known);
    }
  }
  if (seconds === 0) return { seconds, edges: [], pods: [] };
  return {
    seconds,
    edges: chosen(edges.values()).map(each => edgeOf(each, seconds)),
    pods: [...pods].map(([pod, sum]) => podOf(pod, sum, seconds)),
  };
}

/**
 * What both sides counted is taken from the caller: it alone saw what never arrived, and counts a request with its retries once.
 */
function chosen(edges: Iterable<EdgeSum>): readonly EdgeSum[] {
  const all = [...edges];
  const called = new Set(
    all.filter(each => each.reporter === 'source').map(each => `${each.from} ${each.to}`),
  );
  return all.filter(each => each.reporter === 'source' || !called.has(`${each.from} ${each.to}`));
}

function edgeOf(edge: EdgeSum, seconds: number): PageEdge {
  const { from, to, version, service, protocol, secured, all, sent, received, opened, open, flags } = edge;
  return {
    from,
    to,
    toVersion: version,
    service,
    protocol,
    mtls: all > 0 ? secured / all : 0,
    sent: sent / seconds,
    received: received / seconds,
    connections: [...open.values()].reduce((sum, each) => sum + each, 0),
    opened: opened / seconds,
    flags: Object.fromEntries([...flags].map(([flag, many]) => [flag, many / seconds])),
    ...edge.signals(seconds),
  };
}

function podOf(pod: string, sum: PodSum, seconds: number): PagePodFigures {
  const { memoryBytes, retries, ejected, waiting, used, busy = 0 } = sum;
  return {
    pod,
    inbound: sum.inbound.signals(seconds),
    outbound: sum.outbound.signals(seconds),
    saturation: { busy, memoryBytes, retries: retries / seconds, ejected, waiting },
    ...(used && { size: { ...used, ...proposedSize(used) } }),
  };
}
