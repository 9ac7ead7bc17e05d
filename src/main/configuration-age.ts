import type { Clock } from '../time/index.ts';

/**
 * For how long nobody has stood behind what a proxy goes by: since the control plane was lost or, where it has never been there,
 * since this proxy began. A proxy carries traffic on with what it knows, so this is the only sign that it is out of date.
 */
export class ConfigurationAge {
  readonly #clock: Clock;
  #aloneSinceMs: number | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#aloneSinceMs = clock.monotonic();
  }

  /** The stream to the control plane is up, or is not; saying it again changes nothing. */
  connection(up: boolean): void {
    if (up) this.#aloneSinceMs = undefined;
    else this.#aloneSinceMs ??= this.#clock.monotonic();
  }

  /** 0 while the control plane is there. */
  get seconds(): number {
    return this.#aloneSinceMs === undefined ? 0 : (this.#clock.monotonic() - this.#aloneSinceMs) / 1000;
  }
}
