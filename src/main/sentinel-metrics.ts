// Metrics under the names that Sentinel's users have in their dashboards, beside Weft's own. Counted on each core, and added up
// as all metrics of several cores are.
import type { Flag } from '../errors/index.ts';
import type { DataPlane } from '../proxy/index.ts';
import { type Exposition, labelText } from '../telemetry/index.ts';
import { BUILTIN_NAME, HEALTH_RULE } from '../translate/sentinel/index.ts';
import type { UpstreamStatus } from '../upstreams/index.ts';

/** Series of one family at most; what comes after counts as `overflow`. Routes and statuses are few, methods need not be. */
const MOST_SERIES = 2_000;

const KNOWN_METHODS: ReadonlySet<string> = new Set([
  'GET',
  'HEAD',
  'POST',
  'PUT',
  'PATCH',
  'DELETE',
  'OPTIONS',
  'CONNECT',
  'TRACE',
]);

/** Sentinel's words for why a try failed, by flag and, where that is not enough, by what was said. */
function reasonOf(flag: Flag | '', detail: string): string {
  if (flag === 'DF') return 'dns_error';
  if (flag === 'UT' || flag === 'SI') return 'read_timeout';
  if (/certificate|tls|ssl|handshake/i.test(detail)) return 'tls_error';
  if (/timed? ?out|ETIMEDOUT|within/i.test(detail)) return 'connection_timeout';
  if (flag === 'UF') return 'connection_refused';
  return 'connection_closed';
}

/** Counters by labels. */
class Counts {
  readonly #values = new Map<string, number>();
  readonly #overflow: string;

  constructor(names: readonly string[]) {
    this.#overflow = labelText(Object.fromEntries(names.map(name => [name, 'overflow'])));
  }

  add(labels: Readonly<Record<string, string>>): void {
    let key = labelText(labels);
    if (!this.#values.has(key) && this.#values.size >= MOST_SERIES) key = this.#overflow;
    this.#values.set(key, (this.#values.get(key) ?? 0) + 1);
  }

  render(out: Exposition, name: string, help: string): void {
    out.family(name, 'counter', help);
    for (const [labels, value] of this.#values) out.sample(name, labels, value);
  }
}

/** Counts the requests of a data plane. */
export class SentinelMetrics {
  readonly #requests = new Counts(['route', 'method', 'status']);
  readonly #attempts = new Counts(['upstream', 'route']);
  readonly #failures = new Counts(['upstream', 'route', 'reason']);

  constructor(plane: DataPlane) {
    plane.services.observers.add({
      onRequestEnd: request => {
        const cluster = request.cluster?.config.service.name ?? '';
        // The route of what no other takes stands a second time, under a name of its own.
        const route = (request.route?.name ?? '').replace(/~\d+$/, '');
        if (route === HEALTH_RULE || request.direction !== 'outbound') return;
        const method = request.head.methodText;
        this.#requests.add({
          route,
          method: KNOWN_METHODS.has(method) ? method : 'OTHER',
          status: String(request.status),
        });
        if (cluster === BUILTIN_NAME) return;
        for (const { flag, detail } of request.tries) {
          this.#attempts.add({ upstream: cluster, route });
          if (flag !== '') this.#failures.add({ upstream: cluster, route, reason: reasonOf(flag, detail) });
        }
      },
    });
  }

  render(out: Exposition): void {
    this.#requests.render(out, 'sentinel_requests_total', 'Requests by route, method and status.');
    this.#attempts.render(out, 'sentinel_upstream_attempts_total', 'Tries at targets of upstreams.');
    this.#failures.render(
      out,
      'sentinel_upstream_failures_total',
      'Tries that failed before an answer, by reason.',
    );
  }
}

/** What discovery and health checks know; on one core alone. */
export function renderUpstreams(out: Exposition, upstreams: readonly UpstreamStatus[]): void {
  out.family('sentinel_upstream_healthy_backends', 'gauge', 'Targets of an upstream that may get requests.');
  for (const { name, endpoints } of upstreams)
    out.sample(
      'sentinel_upstream_healthy_backends',
      labelText({ upstream: name }),
      endpoints.filter(each => each.healthy).length,
    );
}
