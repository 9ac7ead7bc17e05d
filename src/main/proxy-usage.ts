// What a proxy has used at most since its process began: weft analyze --sizes and the dashboard propose its requests by that.
import type { MemoryGovernor } from '../memory/index.ts';
import type { UsedByProxies } from '../model/index.ts';
import type { Exposition } from '../telemetry/index.ts';
import type { Clock } from '../time/index.ts';

/** So long is a stretch that CPU time is averaged over: long enough that a start or a push does not stand for traffic. */
const stretchMs = 60_000;

/** Watches it: one look at the process' CPU time in a minute; memory is seen by the governor. */
export class ProxyUsage {
  readonly #clock: Clock;
  readonly #governor: Pick<MemoryGovernor, 'peakBytes'>;
  readonly #cpuSeconds: () => number;
  readonly #startMs: number;
  #busiestCores = 0;

  constructor(
    clock: Clock,
    governor: Pick<MemoryGovernor, 'peakBytes'>,
    cpuSeconds: () => number = cpuOfProcess,
  ) {
    this.#clock = clock;
    this.#governor = governor;
    this.#cpuSeconds = cpuSeconds;
    this.#startMs = clock.monotonic();
  }

  start(): void {
    let [lastMs, lastSeconds] = [this.#clock.monotonic(), this.#cpuSeconds()];
    this.#clock.every(stretchMs, () => {
      const [nowMs, seconds] = [this.#clock.monotonic(), this.#cpuSeconds()];
      // A late turn covers more than a minute, and is divided by what it covers.
      this.#busiestCores = Math.max(this.#busiestCores, (seconds - lastSeconds) / ((nowMs - lastMs) / 1000));
      [lastMs, lastSeconds] = [nowMs, seconds];
    });
  }

  /** Since it was started. Without a whole minute yet no core was busy. */
  get now(): UsedByProxies {
    return {
      seconds: (this.#clock.monotonic() - this.#startMs) / 1000,
      busiestCores: this.#busiestCores,
      peakBytes: this.#governor.peakBytes,
    };
  }

  metrics(out: Exposition): void {
    const { seconds, busiestCores, peakBytes } = this.now;
    const gauge = (name: string, help: string, value: number): void => {
      out.family(name, 'gauge', help);
      out.sample(name, '', value);
    };
    gauge('weft_usage_seconds', 'For how long what was used at most has been watched.', seconds);
    gauge(
      'weft_cpu_busiest_minute_cores',
      'Cores that were busy in the busiest whole minute of this process.',
      busiestCores,
    );
    gauge(
      'weft_memory_peak_bytes',
      'The most memory that this process has had and the kernel could not take back; for this it ends a container.',
      peakBytes,
    );
  }
}

function cpuOfProcess(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}
