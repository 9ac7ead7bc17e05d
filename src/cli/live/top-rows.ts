import { type Cell, type Screen, table } from '../table.ts';
import { latencyText, type RequestRow, succeeded } from './row.ts';

/** Requests that are alike, counted. Latencies in milliseconds. */
export interface TopRow {
  readonly source: string;
  readonly destination: string;
  readonly method: string;
  /** Ids are `*`. */
  readonly path: string;
  count: number;
  best: number;
  worst: number;
  last: number;
  succeeded: number;
}

/** So many different rows are kept; the one that was seen longest ago goes first. */
const maxRows = 1_000;

/** Counts requests that are alike. */
export class TopRows {
  readonly #rows = new Map<string, TopRow>();

  add(request: RequestRow): void {
    const { source, destination, method, durationMs } = request;
    const path = request.what === undefined && request.protocol === 'tcp' ? '(tcp)' : collapse(request.path);
    const key = JSON.stringify([source, destination, method, path]);
    const row = this.#rows.get(key) ?? {
      ...{ source, destination, method, path, count: 0, succeeded: 0 },
      ...{ best: durationMs, worst: durationMs, last: durationMs },
    };
    row.count++;
    row.best = Math.min(row.best, durationMs);
    row.worst = Math.max(row.worst, durationMs);
    row.last = durationMs;
    if (succeeded(request)) row.succeeded++;
    // Behind the others: those in front were seen longest ago.
    this.#rows.delete(key);
    this.#rows.set(key, row);
    if (this.#rows.size > maxRows) this.#rows.delete(this.#rows.keys().next().value!);
  }

  /** The most frequent first. */
  rows(): readonly TopRow[] {
    return [...this.#rows.values()].sort((a, b) => b.count - a.count || (a.path < b.path ? -1 : 1));
  }
}

/** Numbers, UUIDs and what else looks like an id, each a part of a path that would make a row of its own. */
const isId = /^(?:\d+|[0-9a-f]{8,}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|(?=.*\d)[\w~.-]{20,})$/i;

/** The path without its query, ids as `*`. */
export function collapse(path: string): string {
  return path
    .replace(/[?#].*/s, '')
    .split('/')
    .map(part => (isId.test(part) ? '*' : part))
    .join('/');
}

/** The table, at most `limit` rows of it. */
export function topText(rows: readonly TopRow[], screen: Screen, limit: number): string {
  const head = ['SOURCE', 'DESTINATION', 'METHOD', 'PATH', 'COUNT', 'BEST', 'WORST', 'LAST', 'SUCCESS'];
  const cells = rows
    .slice(0, limit)
    .map(row => [
      ...[row.source, row.destination, row.method, row.path, String(row.count)],
      ...[latencyText(row.best), latencyText(row.worst), latencyText(row.last)],
      shareCell(row),
    ]);
  return table(head, cells, screen).join('\n');
}

/** Rounded down, so that 100% is all of them. */
function shareCell({ count, succeeded: good }: TopRow): Cell {
  const text = `${(Math.floor((good / count) * 10_000) / 100).toFixed(2)}%`;
  if (good === count) return { text, colour: 'green' };
  return { text, colour: good / count < 0.95 ? 'red' : 'yellow' };
}
