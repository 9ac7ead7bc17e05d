// Does the app pass on the trace context that it gets? Nobody can tell of one call: a call without a context may be made for a
// request that is being worked on, or be the app's own doing (a poll, a refresh). But work of its own happens at any time, and
// calls made for requests happen only while requests are there. So moments are sampled: if calls without a context come while
// requests are under way more often than that share of the time accounts for, by far more than chance has it, they are made for
// requests, and their context was dropped on the way.
import type { Clock } from '../time/index.ts';

/** At most one moment in this time is looked at, so that a burst of calls, which is one decision of the app, counts once. */
const momentMs = 250;
/** Moments with a call while requests were under way, at least. */
const minBusy = 20;
/** Standard deviations from what chance would have: five is one in three million. */
const minDeviations = 5;
/** What has not become clear in this time begins anew: apps change. */
const windowMs = 600_000;
/** Destinations that are told apart; further ones are not looked at. */
const maxDestinations = 100;

/** What is known about the calls to one destination. */
interface Calls {
  busy: number;
  idle: number;
  momentMs: number;
  /** Calls without a context while requests were under way, every one. */
  without: number;
  /** With one. */
  carried: number;
  named: boolean;
}

/** One service that the app calls without passing its context on. */
export interface Dropped {
  readonly destination: string;
  /** Calls without a context while requests were under way, and calls with one. */
  readonly without: number;
  readonly carried: number;
}

/** Watches one app, on one core. */
export class DroppedContext {
  readonly #clock: Clock;
  readonly #onNamed: (dropped: Dropped) => void;
  readonly #calls = new Map<string, Calls>();
  #underWay = 0;
  #busyMs = 0;
  #idleMs = 0;
  #sinceMs: number;
  #windowStartMs: number;

  /** `onNamed`: once for each destination. */
  constructor(clock: Clock, onNamed: (dropped: Dropped) => void) {
    this.#clock = clock;
    this.#onNamed = onNamed;
    this.#sinceMs = clock.monotonic();
    this.#windowStartMs = this.#sinceMs;
  }

  /** The app gets a request, with a context. */
  began(nowMs: number): void {
    if (this.#underWay === 0) this.#passTime(nowMs);
    this.#underWay++;
  }

  /** It is over. */
  ended(nowMs: number): void {
    if (this.#underWay === 1) this.#passTime(nowMs);
    this.#underWay--;
  }

  /** The app calls `destination`. */
  called(destination: string, hasContext: boolean): void {
    let calls = this.#calls.get(destination);
    if (calls === undefined) {
      if (this.#calls.size >= maxDestinations) return;
      const momentMs = Number.NEGATIVE_INFINITY;
      calls = { busy: 0, idle: 0, momentMs, without: 0, carried: 0, named: false };
      this.#calls.set(destination, calls);
    }
    if (hasContext) {
      calls.carried++;
      return;
    }
    if (this.#underWay > 0) calls.without++;
    if (calls.named) return;
    const nowMs = this.#clock.monotonic();
    if (nowMs - calls.momentMs < momentMs) return;
    calls.momentMs = nowMs;
    if (this.#underWay > 0) calls.busy++;
    else calls.idle++;
    this.#judge(destination, calls, nowMs);
  }

  /** Those that have been named. */
  get dropped(): readonly Dropped[] {
    return [...this.#calls]
      .filter(([, { named }]) => named)
      .map(([destination, { without, carried }]) => ({ destination, without, carried }));
  }

  #judge(destination: string, calls: Calls, nowMs: number): void {
    if (calls.busy < minBusy) return;
    this.#passTime(nowMs);
    const share = this.#busyMs / (this.#busyMs + this.#idleMs);
    const moments = calls.busy + calls.idle;
    const expected = moments * share;
    const deviation = Math.sqrt(expected * (1 - share));
    if (calls.busy - expected <= minDeviations * deviation) return;
    calls.named = true;
    this.#onNamed({ destination, without: calls.without, carried: calls.carried });
  }

  #passTime(nowMs: number): void {
    const passedMs = nowMs - this.#sinceMs;
    if (this.#underWay > 0) this.#busyMs += passedMs;
    else this.#idleMs += passedMs;
    this.#sinceMs = nowMs;
    if (nowMs - this.#windowStartMs < windowMs) return;
    this.#windowStartMs = nowMs;
    this.#busyMs = 0;
    this.#idleMs = 0;
    for (const [destination, { named }] of this.#calls) if (!named) this.#calls.delete(destination);
  }
}
