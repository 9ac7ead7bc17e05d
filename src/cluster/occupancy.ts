import type { ConnectionLimits } from '../model/index.ts';
import type { AdaptiveLimit } from './adaptive-limit.ts';

/** What one cluster holds open, against its limits; shared by the pools of its endpoints. */
export class Occupancy {
  limits: ConnectionLimits;
  /** A limit on requests that finds itself, within `limits.maxRequests`. */
  adaptive: AdaptiveLimit | undefined = undefined;
  connections = 0;
  /** Requests that wait for a connection. */
  waiting = 0;
  /** Requests under way, waiting ones included. */
  requests = 0;
  /** Times that a limit refused something. */
  overflows = 0;
  connectFailures = 0;
  /** Closes the connection of the cluster that has been idle longest; false when none is idle. Given by the cluster. */
  closeIdle: () => boolean = () => false;

  constructor(limits: ConnectionLimits) {
    this.limits = limits;
  }

  /** Whether one more connection may be opened. At the limit an idle one, to whichever endpoint, makes room. */
  mayOpen(): boolean {
    const { maxConnections } = this.limits;
    return this.connections < maxConnections || (this.closeIdle() && this.connections < maxConnections);
  }

  /** Takes a connection's place. */
  take(): Place {
    this.connections++;
    return new Place(this);
  }

  mayWait(): boolean {
    return this.waiting < this.limits.maxPendingRequests;
  }

  mayRequest(): boolean {
    if (this.requests >= this.limits.maxRequests) return false;
    return this.adaptive === undefined || this.requests < this.adaptive.limit;
  }
}

/** The place of one connection, from its dial on. Given back once, however often that is said. */
export class Place {
  readonly #occupancy: Occupancy;
  #held = true;

  constructor(occupancy: Occupancy) {
    this.#occupancy = occupancy;
  }

  release(): void {
    if (!this.#held) return;
    this.#held = false;
    this.#occupancy.connections--;
  }
}
