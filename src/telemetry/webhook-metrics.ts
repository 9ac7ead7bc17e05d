// The metrics of the admission webhook, through prom-client. Not in this room's index: a sidecar must not load it.
import { Counter, Gauge, Histogram, Registry } from 'prom-client';

/** Counts what webhook/'s WebhookObserver tells, and shows the pods that are outside the mesh. */
export class WebhookMetrics {
  readonly #registry: Registry;
  readonly #admissions: Counter<'outcome' | 'code'>;
  readonly #latency: Histogram;
  readonly #events: Counter<'outcome'>;
  readonly #refused: Counter<'code'>;
  readonly #uninjected: Gauge<'workload_namespace' | 'code'>;

  /** In a registry of its own, or in `registry`. */
  constructor(registry = new Registry()) {
    this.#registry = registry;
    const registers = [registry];
    this.#admissions = new Counter({
      name: 'weft_webhook_admissions_total',
      help: 'Questions of the API server about pods, by what was answered and why.',
      labelNames: ['outcome', 'code'],
      registers,
    });
    this.#latency = new Histogram({
      name: 'weft_webhook_admission_seconds',
      help: 'From the head of a question to its answer.',
      buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5],
      registers,
    });
    this.#events = new Counter({
      name: 'weft_webhook_events_total',
      help: 'Events about pods outside the mesh: sent, repeated and so not sent, limited, failed.',
      labelNames: ['outcome'],
      registers,
    });
    this.#refused = new Counter({
      name: 'weft_webhook_refusals_total',
      help: 'Connections and reviews that were refused because there were too many at once, by code.',
      labelNames: ['code'],
      registers,
    });
    this.#uninjected = new Gauge({
      name: 'weft_uninjected_pods',
      help: 'Running pods that should be in the mesh and are not: missed, refused, impossible.',
      labelNames: ['workload_namespace', 'code'],
      registers,
    });
  }

  admission(outcome: string, code: string, durationMs: number): void {
    this.#admissions.inc({ outcome, code });
    this.#latency.observe(durationMs / 1000);
  }

  event(outcome: string): void {
    this.#events.inc({ outcome });
  }

  refused(code: string): void {
    this.#refused.inc({ code });
  }

  /** The findings of the last look, all of them. */
  uninjected(
    found: readonly {
      readonly namespace: string;
      readonly code: string;
      readonly pods: readonly unknown[];
    }[],
  ): void {
    this.#uninjected.reset();
    for (const { namespace, code, pods } of found)
      this.#uninjected.inc({ workload_namespace: namespace, code }, pods.length);
  }

  /** The Prometheus text and its content type. */
  async render(): Promise<{ readonly type: string; readonly body: string }> {
    return { type: this.#registry.contentType, body: await this.#registry.metrics() };
  }
}
