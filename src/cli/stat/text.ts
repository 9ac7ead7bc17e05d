import { type Cell, plainText, type Screen, table } from '../table.ts';
import type { StatKind, Traffic, TrafficTable } from './traffic.ts';

const names: Readonly<Record<StatKind, string>> = { pods: 'POD', workloads: 'WORKLOAD', services: 'SERVICE' };

/** The table, and below it which pods could not be counted. */
export function statText(
  kind: StatKind,
  { rows, troubles }: TrafficTable,
  wide: boolean,
  screen: Screen,
): string {
  const head = ['NAMESPACE', names[kind], 'RPS', 'SUCCESS', 'P50', 'P95', 'P99', 'TCP', 'MTLS'];
  const all = [...head, ...(wide ? ['PROXIES', 'TCP OPENED/S'] : [])];
  const lines =
    rows.length > 0
      ? table(
          all,
          rows.map(row => cells(row, wide)),
          screen,
        )
      : [nothing(kind, troubles.length)];
  return [...lines, ...troubleLines(troubles)].join('\n');
}

/** Which pods there are no figures of, and why. */
export function troubleLines(troubles: TrafficTable['troubles']): readonly string[] {
  const told = troubles.map(({ pod, message }) => plainText(`  ! ${pod}: ${message}`));
  return told.length > 0 ? ['', 'without figures (see weft proxy-status):', ...told] : [];
}

function nothing(kind: StatKind, troubles: number): string {
  if (troubles > 0) return 'no proxy could be asked twice';
  return kind === 'services'
    ? 'no Service has been called at a pod with a proxy'
    : 'no pod has a proxy here; label a namespace weft.dev/inject=enabled and restart its pods';
}

function cells(row: Traffic, wide: boolean): Cell[] {
  const { successRate: success } = row;
  return [
    row.namespace,
    row.name,
    row.requestsPerSecond.toFixed(1),
    rateCell(success),
    ...[row.p50Ms, row.p95Ms, row.p99Ms].map(duration),
    String(row.tcpConnections),
    row.mutualTls === undefined ? '-' : percent(row.mutualTls),
    ...(wide ? [String(row.proxies), row.tcpOpenedPerSecond.toFixed(1)] : []),
  ];
}

/** A share of successes, red below 99 %. */
export function rateCell(success: number | undefined): Cell {
  if (success === undefined) return '-';
  return success < 0.99 ? { text: percent(success), colour: 'red' } : percent(success);
}

/** Rounded down, so that 100 % means all. */
export function percent(share: number): string {
  return `${(Math.floor(share * 10_000 + 1e-6) / 100).toFixed(2)}%`;
}

/** Milliseconds as `2.1ms`, `87ms`, `12.3s`; `-` where there is no figure. */
export function duration(ms: number | undefined): string {
  if (ms === undefined) return '-';
  if (ms >= 10_000) return `${(ms / 1000).toFixed(1)}s`;
  return `${ms < 10 ? ms.toFixed(1) : Math.round(ms)}ms`;
}
