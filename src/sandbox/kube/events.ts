import type { Clock } from '../../time/index.ts';
import { type KubeObject, refOf } from './object.ts';

/** Something that happened to an object, as `kubectl get events` would tell it. */
export interface SandboxEvent {
  readonly at: string;
  readonly type: 'Normal' | 'Warning';
  /** CamelCase and stable: `Unhealthy`, `BackOff`, `Crashed`. */
  readonly reason: string;
  /** `Pod/shop/web-1`; empty when it concerns the sandbox itself. */
  readonly object: string;
  readonly message: string;
}

const kept = 1000;

/** The last thousand events, and those to come. */
export class EventLog {
  readonly #clock: Clock;
  readonly #events: SandboxEvent[] = [];
  readonly #listeners = new Set<(event: SandboxEvent) => void>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Adds one; a repetition of the very last one is left out. */
  add(type: SandboxEvent['type'], reason: string, object: KubeObject | undefined, message: string): void {
    const ref = object ? refOf(object) : '';
    const last = this.#events.at(-1);
    if (last?.reason === reason && last.object === ref && last.message === message) return;
    const event = { at: new Date(this.#clock.now()).toISOString(), type, reason, object: ref, message };
    this.#events.push(event);
    if (this.#events.length > kept) this.#events.shift();
    for (const listener of [...this.#listeners]) listener(event);
  }

  /** The events kept so far, oldest first. */
  list(): readonly SandboxEvent[] {
    return this.#events;
  }

  /** Calls `listener` for every event to come until the returned function is called. */
  onEvent(listener: (event: SandboxEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}
