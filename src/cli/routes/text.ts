import { duration, percent, rateCell, troubleLines } from '../stat/text.ts';
import { type Cell, type Screen, table } from '../table.ts';
import type { RouteTable, RouteTraffic } from './routes.ts';

/** The table, and below it which pods could not be counted. */
export function routesText({ rows, troubles }: RouteTable, wide: boolean, screen: Screen): string {
  const figures = wide
    ? ['EFFECTIVE SUCCESS', 'EFFECTIVE RPS', 'ACTUAL SUCCESS', 'ACTUAL RPS']
    : ['SUCCESS', 'RPS'];
  const head = ['ROUTE', 'SERVICE', ...figures, 'P50', 'P95', 'P99'];
  const lines =
    rows.length > 0
      ? table(
          head,
          rows.map(row => cells(row, wide)),
          screen,
        )
      : [nothing(troubles.length)];
  return [...lines, ...troubleLines(troubles)].join('\n');
}

function nothing(troubles: number): string {
  if (troubles > 0) return 'no proxy could be asked twice';
  return 'no route with a name of its own has been called: those are the routes of ServiceProfiles; weft stat services tells of the rest';
}

function cells(row: RouteTraffic, wide: boolean): Cell[] {
  const { successRate, requestsPerSecond, triesSuccessRate, triesPerSecond } = row;
  const actual = [
    triesSuccessRate === undefined ? '-' : percent(triesSuccessRate),
    triesPerSecond.toFixed(1),
  ];
  return [
    row.route,
    row.service,
    rateCell(successRate),
    requestsPerSecond.toFixed(1),
    ...(wide ? actual : []),
    ...[row.p50Ms, row.p95Ms, row.p99Ms].map(duration),
  ];
}
