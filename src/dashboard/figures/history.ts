import type { PageHistory } from '../contract.ts';
import type { PodSum, RequestSum } from './sums.ts';

/** A point every five seconds, for 15 minutes. */
export const HISTORY_POINTS = 180;
/** So many workloads and pods have one: 6 KB each. */
const maxSubjects = 4_000;
const columns = ['rps', 'errors', 'p50', 'p90', 'p99', 'busy', 'memoryBytes'] as const;
/** Columns that have nothing to say where nothing was said. */
const gaps = new Set<string>(['p50', 'p90', 'p99', 'busy', 'memoryBytes']);

/** One workload's or pod's columns, as rings. */
class Ring {
  readonly values: readonly Float32Array[] = columns.map(() =>
    new Float32Array(HISTORY_POINTS).fill(Number.NaN),
  );
  /** Point of the history that it was last written at. */
  last = 0;
}

/** What was, of every workload and pod: a ring of fixed size for each, bounded in number. */
export class History {
  readonly #atMs = new Float64Array(HISTORY_POINTS);
  readonly #rings = new Map<string, Ring>();
  #points = 0;

  /** Adds a point for each subject; one that says nothing has a gap. */
  add(
    atMs: number,
    seconds: number,
    subjects: ReadonlyMap<string, readonly [inbound: RequestSum, pods: readonly PodSum[]]>,
  ): void {
    const at = this.#points % HISTORY_POINTS;
    this.#points++;
    this.#atMs[at] = atMs;
    for (const [name, ring] of this.#rings) {
      if (this.#points - ring.last > HISTORY_POINTS) this.#rings.delete(name);
      else for (const column of ring.values) column[at] = Number.NaN;
    }
    for (const [name, [inbound, pods]] of subjects) {
      let ring = this.#rings.get(name);
      if (ring === undefined) {
        if (this.#rings.size >= maxSubjects) continue;
        ring = new Ring();
        this.#rings.set(name, ring);
      }
      ring.last = this.#points;
      const { rps, errors, p50, p90, p99 } = inbound.signals(seconds);
      const busy = pods.map(each => each.busy).filter(each => each !== undefined);
      const memory = pods.map(each => each.memoryBytes).filter(each => each > 0);
      const point = [rps, errors, p50, p90, p99, mean(busy), mean(memory)];
      for (const [column, value] of point.entries()) ring.values[column]![at] = value ?? Number.NaN;
    }
  }

  /** Of `workload shop/cart` or `pod shop/cart-0`; without points where nothing is known. */
  of(name: string): PageHistory {
    const ring = this.#rings.get(name);
    const many = ring === undefined ? 0 : Math.min(this.#points, HISTORY_POINTS);
    const order = Array.from({ length: many }, (_, back) => (this.#points - many + back) % HISTORY_POINTS);
    const read = (column: (typeof columns)[number]): (number | null)[] => {
      const values = ring?.values[columns.indexOf(column)];
      return order.map(at => {
        const value = values![at]!;
        return Number.isNaN(value) ? (gaps.has(column) ? null : 0) : value;
      });
    };
    const named = Object.fromEntries(columns.map(each => [each, read(each)]));
    return { atMs: order.map(at => this.#atMs[at]!), ...named } as unknown as PageHistory;
  }
}

function mean(values: readonly number[]): number | undefined {
  return values.length > 0 ? values.reduce((sum, each) => sum + each, 0) / values.length : undefined;
}
