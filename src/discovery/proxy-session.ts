import type { Caller } from '../resolve/index.ts';
import { encode, encodeDelivery } from './encode.ts';
import { Interest } from './interest.ts';
import { Ledger } from './ledger.ts';
import type { HelloMessage } from './protocol.ts';
import type { DiscoveryServerOptions, StreamStatus } from './server.interface.ts';

/** What a session is made of. */
export interface SessionOptions {
  readonly server: DiscoveryServerOptions;
  readonly hello: HelloMessage;
  readonly caller: Caller;
  /** Writes a line; false when nothing more should be written until `drained` is called. */
  readonly write: (line: string) => boolean;
  /** Have `flush` called soon. */
  readonly flushSoon: () => void;
}

/**
 * What one proxy follows, was sent and has answered. One push at a time: what changes while a push waits for its answers, or for
 * the socket, is gathered, the latest of each resource only. Answers to subscriptions do not wait for that.
 */
export class ProxySession {
  readonly #options: SessionOptions;
  readonly #interest: Interest;
  readonly #ledger = new Ledger();
  readonly pod: string;
  /** The socket takes no more until it has drained. */
  #blocked = false;
  /** Somebody waits for what is pending, or it is the rest of a push that is under way. */
  #hurry = false;

  constructor(options: SessionOptions) {
    this.#options = options;
    const { hello, caller, server } = options;
    this.pod = `${hello.namespace}/${hello.pod}`;
    this.#interest = new Interest(server.hub, {
      pod: this.pod,
      caller,
      pending: answer => {
        if (answer) this.#hurry = true;
        options.flushSoon();
      },
      forgotten: (kind, key) => this.#ledger.forget(kind, key),
    });
  }

  /** Follows trust and the inbound side from now on. */
  start(): void {
    this.#interest.start();
  }

  /** How many destinations are followed. */
  get destinations(): number {
    return this.#interest.destinations;
  }

  /** How long the oldest push has waited for its answer. */
  get unansweredMs(): number {
    const nowMs = this.#options.server.clock.monotonic();
    return nowMs - (this.#ledger.oldestSentAtMs ?? nowMs);
  }

  subscribe(keys: readonly string[]): void {
    for (const key of keys) this.#interest.want(key);
  }

  unsubscribe(keys: readonly string[]): void {
    for (const key of keys) this.#interest.forget(key);
  }

  /** Writes what is pending, as far as it may be written now. */
  flush(): void {
    if (this.#blocked || (!this.#hurry && this.#ledger.outstanding > 0)) return;
    this.#hurry = false;
    const { clock, observer } = this.#options.server;
    while (!this.#blocked) {
      const delivery = this.#interest.take();
      if (!delivery) return;
      const { kind, key } = delivery.resource;
      const version = this.#ledger.send(kind, key, clock.monotonic(), delivery.changedAtMs);
      this.#blocked = !this.#options.write(encodeDelivery(version, delivery));
      observer?.pushed(kind);
    }
  }

  drained(): void {
    this.#blocked = false;
    this.#hurry = true;
    if (this.#interest.isPending) this.#options.flushSoon();
  }

  ping(): void {
    if (!this.#blocked) this.#blocked = !this.#options.write(encode({ type: 'ping' }));
  }

  /** The proxy's answer to a version; `reason` when it refused it. */
  settle(version: number, reason?: string): void {
    const settled = this.#ledger.settle(version, reason);
    if (!settled) return;
    const { clock, observer, log } = this.#options.server;
    const { kind, key, changedAtMs } = settled;
    if (reason === undefined) {
      if (kind === 'destination' && settled.latest) this.#interest.accepted(key);
      observer?.acked(kind, changedAtMs === undefined ? undefined : Math.max(0, clock.now() - changedAtMs));
    } else {
      observer?.nacked(kind);
      const fields = { pod: this.pod, kind, key, reason };
      log.warn(fields, `a proxy refused the ${kind} of ${key} and keeps the last good one: ${reason}`);
    }
    if (this.#ledger.outstanding === 0 && this.#interest.isPending) this.#options.flushSoon();
  }

  status(): Pick<StreamStatus, 'pod' | 'proxyVersion' | 'destinations' | 'outstanding' | 'resources'> {
    return {
      pod: this.pod,
      proxyVersion: this.#options.hello.proxyVersion,
      destinations: this.#interest.destinations,
      outstanding: this.#ledger.outstanding,
      resources: this.#ledger.resources(),
    };
  }

  close(): void {
    this.#interest.close();
  }
}
