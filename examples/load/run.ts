import { type Plan, rotation, type Target } from './plan.ts';
import { SchemeSender, type Sender } from './sender.ts';
import { type Report, Tally } from './tally.ts';

let runs = 0;

/** One run of a plan. Start it once; it ends by its plan or by stop(), after the answers of what was sent. */
export class LoadRun {
  readonly #plan: Plan;
  readonly #sender: Sender;
  readonly #tally = new Tally();
  readonly #round: readonly Target[];
  readonly #prefix: string;
  readonly #ended = Promise.withResolvers<Report>();
  #startedMs = 0;
  #elapsedMs: number | undefined;
  #sent = 0;
  #inFlight = 0;
  #stopping = false;
  #timer: NodeJS.Timeout | undefined;
  #deadline: NodeJS.Timeout | undefined;

  constructor(plan: Plan, sender: Sender = new SchemeSender()) {
    this.#plan = plan;
    this.#sender = sender;
    this.#round = rotation(plan.targets);
    runs += 1;
    this.#prefix = `${process.pid}-${runs}-${Date.now().toString(36)}`;
  }

  /** Begins to send; resolves with the final report. */
  start(): Promise<Report> {
    this.#startedMs = performance.now();
    if (this.#plan.durationMs !== undefined) {
      this.#deadline = setTimeout(() => void this.stop(), this.#plan.durationMs);
    }
    if (this.#plan.mode === 'open') this.#tick();
    else for (let client = 0; client < this.#plan.concurrency; client += 1) this.#next();
    return this.#ended.promise;
  }

  /** Sends nothing more; resolves with the final report when everything sent has ended. */
  stop(): Promise<Report> {
    this.#stopping = true;
    clearTimeout(this.#timer);
    this.#endIfDone();
    return this.#ended.promise;
  }

  /** What is known so far. */
  report(): Report {
    const elapsedMs = this.#elapsedMs ?? performance.now() - this.#startedMs;
    return this.#tally.report(this.#elapsedMs === undefined, elapsedMs);
  }

  #tick(): void {
    const now = performance.now();
    const due = Math.floor(((now - this.#startedMs) * this.#plan.ratePerSecond) / 1000) + 1;
    while (this.#sent < due && !this.#exhausted()) {
      const dueMs = this.#startedMs + (this.#sent * 1000) / this.#plan.ratePerSecond;
      if (this.#inFlight >= this.#plan.concurrency) {
        this.#sent += 1;
        this.#tally.skipped();
      } else this.#send(dueMs);
    }
    if (this.#exhausted()) {
      this.#endIfDone();
      return;
    }
    const nextMs = this.#startedMs + (this.#sent * 1000) / this.#plan.ratePerSecond;
    this.#timer = setTimeout(() => this.#tick(), Math.max(1, nextMs - performance.now()));
  }

  #next(): void {
    if (this.#exhausted()) this.#endIfDone();
    else this.#send(performance.now());
  }

  #send(dueMs: number): void {
    const number = this.#sent;
    const target = this.#round[number % this.#round.length]!;
    const id = `${this.#prefix}-${number}`;
    const product = (number % 5) + 1;
    const url = target.url.replaceAll('{n}', String(product));
    const carries = target.method === 'POST' || target.method === 'PUT' || target.method === 'PATCH';
    const body = carries
      ? JSON.stringify({ id, user: `user-${number % 50}`, product: `p${product}` })
      : undefined;
    const errand = { id, method: target.method, url, timeoutMs: this.#plan.timeoutMs };
    this.#sent += 1;
    this.#inFlight += 1;
    this.#tally.sent(target.method);
    void this.#sender.send(body === undefined ? errand : { ...errand, body }).then(answered => {
      const now = performance.now();
      this.#inFlight -= 1;
      const outcome = { ...answered, id, method: target.method, url, latencyMs: now - dueMs };
      this.#tally.ended(outcome, now - this.#startedMs);
      if (this.#plan.mode === 'closed') this.#next();
      else this.#endIfDone();
    });
  }

  #exhausted(): boolean {
    return this.#stopping || (this.#plan.count !== undefined && this.#sent >= this.#plan.count);
  }

  #endIfDone(): void {
    if (!this.#exhausted() || this.#inFlight > 0 || this.#elapsedMs !== undefined) return;
    clearTimeout(this.#timer);
    clearTimeout(this.#deadline);
    this.#elapsedMs = performance.now() - this.#startedMs;
    this.#sender.close();
    this.#ended.resolve(this.report());
  }
}
