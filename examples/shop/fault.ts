// The fault switch of a service: for demonstrations, it makes a share of the answers slow or wrong.
import { setTimeout as sleep } from 'node:timers/promises';

/** What `POST /fault` takes; every field is optional. */
export interface Fault {
  /** Answer with this status instead of the real answer. */
  readonly status?: number;
  /** Close the connection without an answer. */
  readonly reset?: boolean;
  /** Wait this long first. */
  readonly delayMs?: number;
  /** The share of requests it holds for, 0 to 1; 1 unless said. */
  readonly share?: number;
  /** Only paths that start with this. */
  readonly path?: string;
}

/** Holds at most one Fault and applies it. Health checks, `/stats`, `/echo` and the switch itself are never touched. */
export class FaultSwitch {
  #fault: Fault | undefined;
  readonly #random: () => number;

  constructor(random: () => number = Math.random) {
    this.#random = random;
  }

  /** Takes what was posted; fields of the wrong type are dropped. Answers with what now holds. */
  set(posted: unknown): object {
    const given = (typeof posted === 'object' && posted !== null ? posted : {}) as Record<string, unknown>;
    this.#fault = {
      ...(typeof given.status === 'number' ? { status: given.status } : {}),
      ...(typeof given.delayMs === 'number' ? { delayMs: given.delayMs } : {}),
      ...(typeof given.share === 'number' ? { share: given.share } : {}),
      ...(typeof given.path === 'string' ? { path: given.path } : {}),
      ...(given.reset === true ? { reset: true } : {}),
    };
    return this.describe();
  }

  /** No fault any more. */
  clear(): object {
    this.#fault = undefined;
    return this.describe();
  }

  /** `{ fault }`, null when there is none. */
  describe(): object {
    return { fault: this.#fault ?? null };
  }

  /** Waits as the fault says; then the status to answer with, `reset`, or undefined for the real answer. */
  async apply(path: string): Promise<number | 'reset' | undefined> {
    const fault = this.#fault;
    if (!fault || (fault.path !== undefined && !path.startsWith(fault.path))) return undefined;
    if (this.#random() >= (fault.share ?? 1)) return undefined;
    if (fault.delayMs) await sleep(fault.delayMs);
    return fault.reset ? 'reset' : fault.status;
  }
}
