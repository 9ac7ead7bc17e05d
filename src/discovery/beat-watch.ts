import type { Cancel, Clock } from '../time/index.ts';
import { BEAT_GRACE_MS } from './protocol.ts';

/** Looks twice for each beat, and at least so often. */
const looksPerBeat = 2;
const longestLookMs = 250;

/** What a control plane may ask for: nobody is kept busy with looking, and nobody is left without. */
const shortestMs = 50;
const longestMs = 60_000;

/**
 * Notices the silence of a control plane that said how often it would be heard of. Silence is counted in looks of this process
 * and not timed: one that was stopped or starved itself finds what was said meanwhile before it has looked often enough.
 */
export class BeatWatch {
  readonly #clock: Clock;
  readonly #silent: (everyMs: number) => void;
  #everyMs = 0;
  #looks = 0;
  #stop: Cancel = () => {};

  /** `silent`: called at every look once a beat has been due for BEAT_GRACE_MS. */
  constructor(clock: Clock, silent: (everyMs: number) => void) {
    this.#clock = clock;
    this.#silent = silent;
  }

  /** The control plane will be heard of this often. */
  expect(everyMs: unknown): void {
    if (typeof everyMs !== 'number' || !(everyMs > 0)) return;
    const soonMs = Math.min(longestMs, Math.max(shortestMs, everyMs));
    if (soonMs === this.#everyMs) return;
    this.stop();
    this.#everyMs = soonMs;
    const lookMs = Math.min(longestLookMs, soonMs / looksPerBeat);
    const most = Math.ceil((soonMs + BEAT_GRACE_MS) / lookMs);
    this.#stop = this.#clock.every(lookMs, () => {
      if (++this.#looks >= most) this.#silent(soonMs);
    });
  }

  heard(): void {
    this.#looks = 0;
  }

  /** Nothing is expected any more. */
  stop(): void {
    this.#stop();
    this.#everyMs = 0;
    this.#looks = 0;
  }
}
