import { errorMessage } from '../errors/index.ts';
import type { Log } from '../telemetry/index.ts';
import type { Cancel, Clock } from '../time/index.ts';
import type { CallResult } from './collector-client.ts';
import type { Span, SpanSource } from './span.ts';

/** How spans get to a collector. */
export interface SpanSink {
  /** For words: `zipkin at zipkin.istio-system:9411`. */
  readonly name: string;
  /** Never throws. */
  send(spans: readonly Span[], source: SpanSource): Promise<CallResult>;
  close(): Promise<void>;
}

/** What waits, and for how long. */
export interface ReporterLimits {
  /** Spans that wait at most; more are dropped. About 2 KB each. */
  readonly maxQueue: number;
  readonly maxBatch: number;
  /** The longest a span waits while the collector is there, milliseconds. */
  readonly delayMs: number;
  /** After a call that failed: at first, and at most. */
  readonly backoffMs: number;
  readonly maxBackoffMs: number;
}

export const DEFAULT_REPORTER_LIMITS: ReporterLimits = {
  maxQueue: 1024,
  maxBatch: 256,
  delayMs: 1_000,
  backoffMs: 1_000,
  maxBackoffMs: 30_000,
};

/** What became of spans. */
export interface ReportCounts {
  sent: number;
  /** There was no room, because the collector was away or slow. */
  queueFull: number;
  /** The collector does not want them. */
  refused: number;
}

/**
 * Brings spans to a collector in batches, off the path of requests: `add` puts a span into a queue, and what does not fit there
 * is dropped and counted. One call is under way at a time; one that fails is made again later, with the spans it was about.
 */
export class Reporter {
  readonly counts: ReportCounts = { sent: 0, queueFull: 0, refused: 0 };
  readonly #sink: SpanSink;
  readonly #source: () => SpanSource;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #limits: ReporterLimits;
  #queue: Span[] = [];
  #sending = false;
  #timer: Cancel | undefined;
  #failures = 0;
  /** Undefined: the collector took what it got last, or was never called. */
  #trouble: string | undefined;
  #idle: (() => void)[] = [];
  #ended = false;

  constructor(
    sink: SpanSink,
    source: () => SpanSource,
    clock: Clock,
    log: Log,
    limits: ReporterLimits = DEFAULT_REPORTER_LIMITS,
  ) {
    this.#sink = sink;
    this.#source = source;
    this.#clock = clock;
    this.#log = log;
    this.#limits = limits;
  }

  get waiting(): number {
    return this.#queue.length;
  }

  /** For the status page: what is wrong with the collector; undefined when nothing is. */
  get trouble(): string | undefined {
    return this.#trouble;
  }

  get name(): string {
    return this.#sink.name;
  }

  /** Whether there is room for one more. Where there is none it is counted as dropped, and need not be made. */
  hasRoom(): boolean {
    if (!this.#ended && this.#queue.length < this.#limits.maxQueue) return true;
    this.counts.queueFull++;
    return false;
  }

  add(span: Span): void {
    if (!this.hasRoom()) return;
    this.#queue.push(span);
    if (this.#sending) return;
    if (this.#failures === 0 && this.#queue.length >= this.#limits.maxBatch) this.#send();
    else this.#timer ??= this.#clock.after(this.#limits.delayMs, () => this.#send());
  }

  /** Sends what waits and ends. Resolves when it is sent, when the collector fails once more, or after `withinMs`. */
  async end(withinMs: number): Promise<void> {
    this.#ended = true;
    if (this.#queue.length > 0 || this.#sending) {
      const sent = new Promise<void>(resolve => this.#idle.push(resolve));
      if (!this.#sending) this.#send();
      let cancel: Cancel = () => {};
      const late = new Promise<void>(resolve => {
        cancel = this.#clock.after(withinMs, resolve);
      });
      await Promise.race([sent, late]);
      cancel();
    }
    this.#timer?.();
    this.counts.queueFull += this.#queue.length;
    this.#queue = [];
    await this.#sink.close();
  }

  #send(): void {
    this.#timer?.();
    this.#timer = undefined;
    if (this.#sending || this.#queue.length === 0) return;
    this.#sending = true;
    const batch = this.#queue.slice(0, this.#limits.maxBatch);
    const failed = (thrown: unknown): CallResult => ({ kind: 'refused', why: errorMessage(thrown) });
    void this.#sink
      .send(batch, this.#source())
      .catch(failed)
      .then(result => this.#sent(batch.length, result));
  }

  #sent(count: number, result: CallResult): void {
    this.#sending = false;
    if (result.kind !== 'later') this.#queue.splice(0, count);
    if (result.kind === 'taken') this.#taken(count);
    else this.#failed(count, result);
    const isOver = this.#queue.length === 0 || (this.#ended && result.kind === 'later');
    if (isOver) for (const tell of this.#idle.splice(0)) tell();
    if (this.#queue.length === 0 || (this.#ended && isOver)) return;
    const full = this.#ended || this.#queue.length >= this.#limits.maxBatch;
    if (this.#failures === 0 && full) this.#send();
    else this.#timer = this.#clock.after(this.#waitMs(result), () => this.#send());
  }

  #taken(count: number): void {
    this.counts.sent += count;
    if (this.#trouble !== undefined) this.#log.info({ collector: this.#sink.name }, 'spans are taken again');
    this.#trouble = undefined;
    this.#failures = 0;
  }

  #failed(count: number, { kind, why }: { readonly kind: 'later' | 'refused'; readonly why: string }): void {
    if (kind === 'refused') this.counts.refused += count;
    this.#failures = kind === 'later' ? this.#failures + 1 : 0;
    // Once for each trouble, not for each call.
    if (this.#trouble === undefined) {
      const remedy = kind === 'later' ? 'tried again; requests are not held up' : 'dropped';
      this.#log.warn({ collector: this.#sink.name, why }, `spans cannot be reported: ${why}; ${remedy}`);
    }
    this.#trouble = why;
  }

  /** Twice as long after every failure, and no two proxies at the same moment. */
  #waitMs(result: CallResult): number {
    const { delayMs, backoffMs, maxBackoffMs } = this.#limits;
    if (this.#failures === 0) return delayMs;
    const longest = Math.min(maxBackoffMs, backoffMs * 2 ** (this.#failures - 1));
    const asked = result.kind === 'later' ? (result.afterMs ?? 0) : 0;
    return Math.min(maxBackoffMs, Math.max(asked, longest * (0.5 + Math.random() / 2)));
  }
}
