// OpenTelemetry logs over HTTP in JSON (opentelemetry.io/docs/specs/otlp, "OTLP/HTTP"). Written by hand: OpenTelemetry's packages
// for logs would be loaded into every sidecar that logs, and nothing of them is needed here but the shape of a POST.
import { guarded } from '../../errors/index.ts';
import type { Collector, Peer } from '../../model/index.ts';
import type { Log, LogSeries } from '../../telemetry/index.ts';
import type { Cancel, Clock } from '../../time/index.ts';
import { type CallResult, CollectorClient } from '../../tracing/collector-client.ts';
import type { LineSink } from './file-sink.ts';

/** What waits, and for how long. */
export interface OtlpLimits {
  readonly maxRecords: number;
  readonly maxBytes: number;
  readonly maxBatch: number;
  /** The longest a record waits while the collector is there. */
  readonly delayMs: number;
  readonly maxBackoffMs: number;
}

export const DEFAULT_OTLP_LIMITS: OtlpLimits = {
  maxRecords: 4096,
  maxBytes: 4 << 20,
  maxBatch: 512,
  delayMs: 1_000,
  maxBackoffMs: 30_000,
};

/** Calls to one collector; see CollectorClient. */
export interface CollectorCalls {
  post(body: string): Promise<CallResult>;
  close(): Promise<void>;
}

/** What an OtlpSink is made of. */
export interface OtlpSinkOptions {
  readonly collector: Collector;
  readonly logName: string;
  readonly self: () => Peer;
  readonly hostname: string;
  readonly clock: Clock;
  readonly log: Log;
  readonly series: LogSeries;
  readonly client?: CollectorCalls;
  readonly limits?: OtlpLimits;
}

/** Brings records to a collector in batches, off the path of requests. What its queue has no room for is dropped and counted. */
export class OtlpSink implements LineSink {
  readonly #options: OtlpSinkOptions;
  readonly #limits: OtlpLimits;
  readonly #client: CollectorCalls;
  #queue: string[] = [];
  #bytes = 0;
  #sending = false;
  #failures = 0;
  #timer: Cancel | undefined;
  #closed = false;
  /** The process ends: no second try of what fails. */
  #ending = false;
  #over: () => void = () => {};

  constructor(options: OtlpSinkOptions) {
    this.#options = options;
    this.#limits = options.limits ?? DEFAULT_OTLP_LIMITS;
    this.#client = options.client ?? new CollectorClient(options.collector, 'application/json');
  }

  /** `line`: a LogRecord in JSON. */
  write(line: string): void {
    const { maxRecords, maxBytes, maxBatch, delayMs } = this.#limits;
    const { series, clock } = this.#options;
    if (this.#closed || this.#queue.length >= maxRecords || this.#bytes + line.length > maxBytes) {
      series.dropped++;
      return;
    }
    this.#queue.push(line);
    this.#bytes += line.length;
    if (this.#sending) return;
    if (this.#failures === 0 && this.#queue.length >= maxBatch) this.#send();
    else this.#timer ??= clock.after(delayMs, () => this.#send());
  }

  async end(withinMs: number): Promise<void> {
    this.#ending = true;
    if (this.#queue.length > 0 || this.#sending) {
      const over = new Promise<void>(resolve => {
        this.#over = resolve;
      });
      this.#send();
      let cancel: Cancel = () => {};
      const late = new Promise<void>(resolve => {
        cancel = this.#options.clock.after(withinMs, resolve);
      });
      await Promise.race([over, late]);
      cancel();
    }
    this.#timer?.();
    this.#timer = undefined;
    this.#options.series.dropped += this.#queue.length;
    this.#queue = [];
    this.#closed = true;
    await this.#client.close();
  }

  close(): void {
    this.#send();
    this.#closed = true;
    if (!this.#sending) void this.#client.close();
  }

  #send(): void {
    this.#timer?.();
    this.#timer = undefined;
    if (this.#sending || this.#queue.length === 0) return;
    this.#sending = true;
    const batch = this.#queue.slice(0, this.#limits.maxBatch);
    void this.#client
      .post(this.#body(batch))
      .then(guarded('otlp-logs', (result: CallResult) => this.#sent(batch, result)));
  }

  #sent(batch: readonly string[], result: CallResult): void {
    const { kind: posted } = result;
    const { series, clock, log, collector } = this.#options;
    const { delayMs, maxBackoffMs, maxBatch } = this.#limits;
    this.#sending = false;
    if (result.kind === 'taken') {
      series.lines += batch.length;
      if (this.#failures > 0) log.info({ collector: collector.address }, 'access logs are taken again');
      this.#failures = 0;
    } else {
      series.failures++;
      if (posted === 'refused') series.dropped += batch.length;
      if (this.#failures++ === 0)
        log.warn(
          { collector: collector.address, why: result.why },
          'access logs cannot be sent: see that the collector runs and takes OTLP over HTTP at this address and path; requests are not held up',
        );
    }
    if (posted !== 'later') {
      this.#queue.splice(0, batch.length);
      for (const each of batch) this.#bytes -= each.length;
    }
    if (this.#closed) void this.#client.close();
    if (this.#queue.length === 0 || this.#closed || (this.#ending && posted === 'later')) {
      this.#over();
      return;
    }
    const waitMs =
      this.#failures === 0 ? 0 : Math.min(maxBackoffMs, delayMs * 2 ** Math.min(10, this.#failures));
    if (waitMs === 0 && (this.#ending || this.#queue.length >= maxBatch)) this.#send();
    else this.#timer ??= clock.after(waitMs === 0 ? delayMs : waitMs, () => this.#send());
  }

  #body(records: readonly string[]): string {
    const { logName, self, hostname } = this.#options;
    const { app, workload, namespace, version, pod } = self();
    const known = Object.entries({
      'service.name': app || workload || hostname,
      'service.namespace': namespace,
      'service.version': version,
      'k8s.namespace.name': namespace,
      'k8s.pod.name': pod || hostname,
    }).filter(([, value]) => value !== '');
    const attributes = known.map(([key, stringValue]) => ({ key, value: { stringValue } }));
    const resource = JSON.stringify({ attributes });
    const scope = JSON.stringify({ name: logName });
    return `{"resourceLogs":[{"resource":${resource},"scopeLogs":[{"scope":${scope},"logRecords":[${records.join(',')}]}]}]}`;
  }
}
