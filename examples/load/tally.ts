import { Histogram, type Summary } from './histogram.ts';

/** How one request ended. */
export interface Outcome {
  readonly id: string;
  readonly method: string;
  readonly url: string;
  /** 0 when there was no complete answer. */
  readonly status: number;
  /** The error's code or message when there was no complete answer. */
  readonly error?: string;
  readonly latencyMs: number;
  /** `service/pod/version` of each service that had a part in the answer. */
  readonly servedBy: readonly string[];
  /** What the cart says: how often this order reached it. */
  readonly seen?: number;
  /** The start of the answer when it was not a success. */
  readonly text?: string;
}

/** A request that failed, for the report. */
export interface Failure {
  readonly atMs: number;
  readonly id: string;
  readonly request: string;
  readonly reason: string;
}

/** What a run has to say, now or at its end. */
export interface Report {
  readonly running: boolean;
  readonly elapsedMs: number;
  readonly sent: number;
  readonly inFlight: number;
  /** Answered with 2xx. */
  readonly ok: number;
  readonly failed: number;
  /** Failed ones that HTTP lets anybody repeat (RFC 9110 section 9.2.2). */
  readonly lostIdempotent: number;
  /** The other failed ones. */
  readonly lostOther: number;
  /** Orders that the cart had seen before: somebody on the way repeated them. */
  readonly repeatedOrders: number;
  /** Due in open mode but not sent, because too many were in flight. */
  readonly skipped: number;
  readonly ratePerSecond: number;
  readonly statuses: Readonly<Record<string, number>>;
  readonly errors: Readonly<Record<string, number>>;
  readonly latencyMs: Summary;
  readonly methods: Readonly<Record<string, { readonly sent: number; readonly ok: number }>>;
  /** Answers per `service/pod/version`. */
  readonly servedBy: Readonly<Record<string, number>>;
  /** The first twenty. */
  readonly failures: readonly Failure[];
}

const idempotent = new Set(['GET', 'HEAD', 'PUT', 'DELETE', 'OPTIONS', 'TRACE']);
const keptFailures = 20;

/** Adds up outcomes. */
export class Tally {
  readonly #latency = new Histogram();
  readonly #statuses: Record<string, number> = {};
  readonly #errors: Record<string, number> = {};
  readonly #servedBy: Record<string, number> = {};
  readonly #methods: Record<string, { sent: number; ok: number }> = {};
  readonly #failures: Failure[] = [];
  #sent = 0;
  #done = 0;
  #ok = 0;
  #lostIdempotent = 0;
  #repeatedOrders = 0;
  #skipped = 0;

  /** A request goes out. */
  sent(method: string): void {
    this.#sent += 1;
    this.#method(method).sent += 1;
  }

  /** A request was due and not sent. */
  skipped(): void {
    this.#skipped += 1;
  }

  /** A request ended; `atMs` since the run began. */
  ended(outcome: Outcome, atMs: number): void {
    this.#done += 1;
    this.#latency.record(outcome.latencyMs);
    bump(this.#statuses, String(outcome.status));
    for (const name of outcome.servedBy) bump(this.#servedBy, name);
    if ((outcome.seen ?? 1) > 1) this.#repeatedOrders += 1;
    if (outcome.status >= 200 && outcome.status < 300) {
      this.#ok += 1;
      this.#method(outcome.method).ok += 1;
      return;
    }
    if (outcome.error !== undefined) bump(this.#errors, outcome.error);
    if (idempotent.has(outcome.method)) this.#lostIdempotent += 1;
    if (this.#failures.length < keptFailures) {
      const reason = outcome.error ?? `${outcome.status} ${outcome.text ?? ''}`.trim();
      const request = `${outcome.method} ${outcome.url}`;
      this.#failures.push({ atMs: Math.round(atMs), id: outcome.id, request, reason });
    }
  }

  /** The sum so far. */
  report(running: boolean, elapsedMs: number): Report {
    const failed = this.#done - this.#ok;
    return {
      running,
      elapsedMs: Math.round(elapsedMs),
      sent: this.#sent,
      inFlight: this.#sent - this.#done,
      ok: this.#ok,
      failed,
      lostIdempotent: this.#lostIdempotent,
      lostOther: failed - this.#lostIdempotent,
      repeatedOrders: this.#repeatedOrders,
      skipped: this.#skipped,
      ratePerSecond: elapsedMs > 0 ? Math.round((this.#done / elapsedMs) * 10_000) / 10 : 0,
      statuses: { ...this.#statuses },
      errors: { ...this.#errors },
      latencyMs: this.#latency.summary(),
      methods: structuredClone(this.#methods),
      servedBy: { ...this.#servedBy },
      failures: [...this.#failures],
    };
  }

  #method(name: string): { sent: number; ok: number } {
    this.#methods[name] ??= { sent: 0, ok: 0 };
    return this.#methods[name];
  }
}

function bump(counts: Record<string, number>, key: string): void {
  counts[key] = (counts[key] ?? 0) + 1;
}
