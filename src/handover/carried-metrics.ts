import { mergeMetrics } from '../cores/index.ts';

/** Of what still goes on in a process that drains, beside counters: what is open there. */
const open = ['weft_requests_under_way', 'weft_connections', 'weft_mesh_connections', 'weft_grpc_open_calls'];

/**
 * What of a process's Prometheus text its successor adds to its own: counters and histograms, and while it drains what is open
 * there. Everything else a process says of itself alone.
 */
export function carriedMetrics(text: string, drains: boolean): string {
  return text
    .split(/^(?=# HELP )/m)
    .filter(section => {
      const [, name = '', type] = /^# HELP (\S+)[^\n]*\n# TYPE \S+ (\S+)/.exec(section) ?? [];
      return type === 'counter' || type === 'histogram' || (drains && open.includes(name));
    })
    .join('');
}

/** A process's text with what was carried over from the one before. */
export function withCarried(own: string, carried: string): Iterable<string> {
  return carried === '' ? [own] : mergeMetrics([own, carried]);
}
