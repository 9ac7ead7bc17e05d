import type { Caller } from '../resolve/index.ts';
import type { Log } from '../telemetry/index.ts';
import type { ResourceSink, ResourceStream } from './client.interface.ts';
import type { Hub } from './hub.ts';
import { Interest } from './interest.ts';
import { keyFault, refusedDestination } from './key.ts';
import { applied } from './received.ts';

/** Who the proxy is, and where its resources go. */
export interface InProcessOptions {
  readonly hub: Hub;
  readonly sink: ResourceSink;
  readonly log: Log;
  readonly caller: Caller;
  /** `namespace/pod`; undefined for a proxy that is no pod. */
  readonly pod?: string;
  /** What is behind the hub, for `connection`: `files:/etc/weft`. */
  readonly source: string;
}

/** The stream of a proxy that runs the pipeline itself (`--discovery files`): the same resources, without a wire. */
export class InProcessStream implements ResourceStream {
  readonly #options: InProcessOptions;
  readonly #interest: Interest;
  #scheduled = false;
  #closed = false;

  constructor(options: InProcessOptions) {
    this.#options = options;
    const { hub, caller, pod } = options;
    this.#interest = new Interest(hub, { caller, ...(pod && { pod }), pending: () => this.#schedule() });
  }

  /** Begins to deliver. */
  start(): void {
    this.#options.sink.connection(true, `resources come from ${this.#options.source}`);
    this.#interest.start();
  }

  want(key: string): void {
    if (this.#closed) return;
    const fault = keyFault(key);
    if (fault === undefined) this.#interest.want(key);
    else
      setImmediate(() => {
        if (!this.#closed) this.#options.sink.apply(refusedDestination(key, fault));
      });
  }

  forget(key: string): void {
    this.#interest.forget(key);
  }

  close(): void {
    this.#closed = true;
    this.#interest.close();
  }

  /** Never from within the call that caused it, as it would be over a wire. */
  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      this.#deliver();
    });
  }

  #deliver(): void {
    for (let next = this.#interest.take(); next && !this.#closed; next = this.#interest.take()) {
      const { kind, key } = next.resource;
      const reason = applied(this.#options.sink, next.resource);
      if (reason === undefined) {
        if (kind === 'destination') this.#interest.accepted(key);
        continue;
      }
      this.#options.log.warn(
        { kind, key, reason },
        `the ${kind} of ${key} was refused; the last good one stays in use`,
      );
    }
  }
}
