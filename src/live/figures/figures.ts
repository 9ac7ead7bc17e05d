import type { UsedByProxies } from '../../model/index.ts';
import type { Clock } from '../../time/index.ts';
import type { Answerer } from '../index.ts';
import { type CountedSeries, FiguresGrowth } from './growth.ts';
import { FIGURES_EVERY_MS, type FiguresItem, type ProxyItem } from './item.ts';

/** A cluster, as far as it matters here. */
export interface FiguresCluster {
  readonly retries: number;
  readonly size: number;
  readonly healthy: number;
  readonly occupancy: { readonly waiting: number };
}

/** What of a proxy's thread is told. */
export interface FiguresOf {
  readonly series: CountedSeries;
  readonly clusters: Iterable<FiguresCluster>;
  /** Of the whole process; undefined on threads beside the first. */
  readonly used?: UsedByProxies | undefined;
}

/**
 * Answers `figures`: every FIGURES_EVERY_MS what was counted since, until the asker goes. Nothing is kept and nothing is done
 * while nobody asks.
 */
export function figuresAnswerer(of: () => FiguresOf, clock: Clock): Answerer {
  return (_question, asker) => {
    const say = (item: FiguresItem): boolean => asker.say(item);
    const growth = new FiguresGrowth(of().series);
    let loop = performance.eventLoopUtilization();
    let retries = retriesOf(of());
    return clock.every(FIGURES_EVERY_MS, () => {
      for (const edge of growth.take()) say({ edge });
      const now = performance.eventLoopUtilization();
      const made = retriesOf(of());
      const { used } = of();
      say({
        proxy: {
          activeMs: Math.round(now.active - loop.active),
          idleMs: Math.round(now.idle - loop.idle),
          memoryBytes: process.memoryUsage.rss(),
          // Clusters that are gone take their count with them.
          retries: Math.max(0, made - retries),
          ...fullness(of()),
          ...(used && { used }),
        },
      });
      loop = now;
      retries = made;
    });
  };
}

function retriesOf({ clusters }: FiguresOf): number {
  let sum = 0;
  for (const cluster of clusters) sum += cluster.retries;
  return sum;
}

function fullness({ clusters }: FiguresOf): Pick<ProxyItem, 'ejected' | 'waiting'> {
  let [ejected, waiting] = [0, 0];
  for (const cluster of clusters) {
    ejected += cluster.size - cluster.healthy;
    waiting += cluster.occupancy.waiting;
  }
  return { ejected, waiting };
}
