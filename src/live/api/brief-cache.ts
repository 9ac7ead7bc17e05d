import type { Clock } from '../../time/index.ts';

/** Answers that are good for a short while: at most so many, the oldest goes first. What is under way is asked for once. */
export class BriefCache<T> {
  readonly #clock: Clock;
  readonly #keepMs: number;
  readonly #limit: number;
  readonly #entries = new Map<string, { readonly answer: Promise<T>; readonly untilMs: number }>();

  constructor(clock: Clock, keepMs: number, limit: number) {
    this.#clock = clock;
    this.#keepMs = keepMs;
    this.#limit = limit;
  }

  /** What is known for the key, or what `ask` resolves with; not kept where `keep` says no. `ask` never rejects. */
  get(key: string, ask: () => Promise<T>, keep: (answer: T) => boolean): Promise<T> {
    const nowMs = this.#clock.monotonic();
    const known = this.#entries.get(key);
    if (known && known.untilMs > nowMs) return known.answer;
    this.#entries.delete(key);
    if (this.#entries.size >= this.#limit) {
      const [oldest] = this.#entries.keys();
      this.#entries.delete(oldest!);
    }
    const entry = { answer: ask(), untilMs: nowMs + this.#keepMs };
    this.#entries.set(key, entry);
    void entry.answer.then(answer => {
      if (!keep(answer) && this.#entries.get(key) === entry) this.#entries.delete(key);
    });
    return entry.answer;
  }
}
