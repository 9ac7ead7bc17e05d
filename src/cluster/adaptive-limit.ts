import type { AdaptiveConcurrency } from '../model/index.ts';

/** Where it begins, within its bounds: Netflix's initial limit. */
const startLimit = 20;
const windowMs = 100;
const samplesInWindow = 10;
/** How much of a new limit is taken over at once. */
const smoothing = 0.3;
/** How fast the best latency follows when it has risen for good. */
const forgetting = 0.05;
/** So many windows in a row with answers that are too slow make it ask whether that is our own load. */
const slowWindowsBeforeProbe = 50;

/** Half of the limit for a while: does latency fall with it? */
interface Probe {
  /** The limit to go back to. */
  readonly before: number;
  /** Windows that begin before, milliseconds, still show requests from before the probe. */
  readonly fromMs: number;
}

/**
 * A limit on requests under way that finds itself, by the gradient of latencies (Netflix concurrency-limits, Gradient2; Envoy's
 * adaptive concurrency): while answers take at most `tolerance` times the best latency it grows by about the root of itself in
 * each window, and when they take longer it shrinks in proportion.
 *
 * The best latency is learnt where latency says nothing about our own load: with less than half of the limit in use, at the lower
 * bound, or when halving the limit for a while, as is done where answers stay slow, does not make them quicker (Envoy's minRTT
 * window). So an upstream that has become slower for good is not strangled, and a queue that we cause ourselves is never taken
 * for normal.
 */
export class AdaptiveLimit {
  #settings: AdaptiveConcurrency;
  #limit: number;
  #bestMs = 0;
  #windowSinceMs = -1;
  #samples = 0;
  #sumMs = 0;
  #most = 0;
  #dropped = false;
  #slowWindows = 0;
  #probe: Probe | undefined;

  constructor(settings: AdaptiveConcurrency) {
    this.#settings = settings;
    this.#limit = this.#bounded(startLimit);
  }

  /** Requests that may be under way at once. */
  get limit(): number {
    return Math.floor(this.#limit);
  }

  /** The best latency so far, milliseconds; 0 before the first window. */
  get bestMs(): number {
    return this.#bestMs;
  }

  /** Takes new bounds on; what was learnt stays. */
  configure(settings: AdaptiveConcurrency): void {
    this.#settings = settings;
    this.#limit = this.#bounded(this.#limit);
  }

  /** An answer came after `latencyMs`, with `underWay` requests under way, itself included. */
  observe(latencyMs: number, underWay: number, nowMs: number): void {
    if (this.#windowSinceMs < 0) this.#windowSinceMs = nowMs;
    this.#samples++;
    this.#sumMs += latencyMs;
    if (underWay > this.#most) this.#most = underWay;
    if (this.#samples >= samplesInWindow && nowMs - this.#windowSinceMs >= windowMs) this.#turn(nowMs);
  }

  /** A request got no answer in time: the surest sign of too much. */
  dropped(latencyMs: number, underWay: number, nowMs: number): void {
    this.#dropped = true;
    this.observe(latencyMs, underWay, nowMs);
  }

  #turn(nowMs: number): void {
    const sampleMs = this.#sumMs / this.#samples;
    if (this.#probe === undefined) this.#adapt(sampleMs, nowMs);
    else if (this.#windowSinceMs >= this.#probe.fromMs) this.#learn(this.#probe, sampleMs);
    this.#windowSinceMs = nowMs;
    this.#samples = 0;
    this.#sumMs = 0;
    this.#most = 0;
    this.#dropped = false;
  }

  /** Ends a probe: what stays slow with half of the load is how the upstream is now. */
  #learn(probe: Probe, sampleMs: number): void {
    if (!this.#dropped && sampleMs > this.#settings.tolerance * this.#bestMs) this.#bestMs = sampleMs;
    this.#limit = this.#bounded(probe.before);
    this.#probe = undefined;
  }

  #adapt(sampleMs: number, nowMs: number): void {
    const idle = this.#most < this.#limit / 2;
    const atFloor = this.#limit <= this.#settings.minRequests;
    if (this.#bestMs === 0 || sampleMs < this.#bestMs) this.#bestMs = sampleMs;
    else if ((idle || atFloor) && !this.#dropped) this.#bestMs += (sampleMs - this.#bestMs) * forgetting;
    const gradient = Math.max(0.5, Math.min(1, (this.#settings.tolerance * this.#bestMs) / sampleMs));
    const wanted = this.#dropped ? this.#limit * 0.8 : this.#limit * gradient + Math.sqrt(this.#limit);
    // What is not used proves nothing about more.
    if (!(idle && wanted > this.#limit))
      this.#limit = this.#bounded(this.#limit * (1 - smoothing) + wanted * smoothing);
    this.#slowWindows = gradient < 1 ? this.#slowWindows + 1 : 0;
    if (this.#slowWindows < slowWindowsBeforeProbe) return;
    this.#slowWindows = 0;
    this.#probe = { before: this.#limit, fromMs: nowMs + 2 * sampleMs };
    this.#limit = this.#bounded(this.#limit / 2);
  }

  #bounded(limit: number): number {
    return Math.min(this.#settings.maxRequests, Math.max(this.#settings.minRequests, limit));
  }
}
