import type { Caller } from '../resolve/index.ts';
import { deliverable } from './deliverable.ts';
import { encode, encodeDelivery } from './encode.ts';
import { type Delivery, Interest } from './interest.ts';
import { keyFault, refusedDestination } from './key.ts';
import { Ledger } from './ledger.ts';
import { OpenQuestions } from './open-questions.ts';
import type { DoneMessage, HelloMessage, Question, SaidMessage } from './protocol.ts';
import type {
  AskableProxy,
  DiscoveryServerOptions,
  QuestionListener,
  ResourceStatus,
  StreamStatus,
} from './server.interface.ts';

/** What a session is made of. */
export interface SessionOptions {
  readonly server: DiscoveryServerOptions;
  readonly hello: HelloMessage;
  readonly caller: Caller;
  /** So many destinations are followed; what is asked for beyond them is refused alone. */
  readonly subscriptions: number;
  /** Writes a line; false when nothing more should be written until `drained` is called. */
  readonly write: (line: string) => boolean;
  /** Have `flush` called soon. */
  readonly flushSoon: () => void;
}

/**
 * So many refusals wait to be written, and no longer names are answered at all: neither may a proxy pile up that does not read.
 */
const maxRefusals = 1_000;
const maxRefusedLength = 2_000;

/**
 * What one proxy follows, was sent and has answered. One push at a time: what changes while a push waits for its answers, or for
 * the socket, is gathered, the latest of each resource only. Answers to subscriptions do not wait for that.
 */
export class ProxySession implements AskableProxy {
  readonly #options: SessionOptions;
  readonly #interest: Interest;
  readonly #ledger = new Ledger();
  /** Keys that cannot be followed, with the reason, until the proxy is told. */
  readonly #refusals = new Map<string, string>();
  readonly #questions: OpenQuestions;
  readonly pod: string;
  readonly proxyVersion: string;
  /** The socket takes no more until it has drained. */
  #blocked = false;
  /** Somebody waits for what is pending, or it is the rest of a push that is under way. */
  #hurry = false;

  constructor(options: SessionOptions) {
    this.#options = options;
    const { hello, caller, server } = options;
    this.pod = `${hello.namespace}/${hello.pod}`;
    this.proxyVersion = hello.proxyVersion;
    this.#questions = new OpenQuestions(hello.answers, message => void options.write(encode(message)));
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

  /** Follows what can be followed. What cannot costs the others nothing: the proxy is told so of that key alone. */
  subscribe(keys: readonly string[]): void {
    const { subscriptions } = this.#options;
    for (const key of keys) {
      const fault = keyFault(key);
      if (fault !== undefined) this.#refuse(key, fault);
      else if (this.#interest.destinations < subscriptions || this.#interest.follows(key)) {
        this.#interest.want(key);
      } else {
        const why = `this proxy follows ${subscriptions} destinations, and no more are told to one; see who calls so many addresses`;
        this.#refuse(key, why);
      }
    }
  }

  #refuse(key: string, why: string): void {
    const { observer, log } = this.#options.server;
    observer?.keyRefused();
    log.debug({ pod: this.pod, key: key.slice(0, 100), why }, 'refused to follow a destination');
    if (key.length > maxRefusedLength || this.#refusals.size >= maxRefusals) return;
    this.#refusals.set(key, why);
    this.#hurry = true;
    this.#options.flushSoon();
  }

  unsubscribe(keys: readonly string[]): void {
    for (const key of keys) this.#interest.forget(key);
  }

  /** Writes what is pending, as far as it may be written now. */
  flush(): void {
    if (this.#blocked || (!this.#hurry && this.#ledger.outstanding > 0)) return;
    this.#hurry = false;
    this.#flushRefusals();
    while (!this.#blocked) {
      const delivery = this.#interest.take();
      if (!delivery) return;
      this.#deliver(delivery);
    }
  }

  #deliver(delivery: Delivery): void {
    const { clock, observer, log } = this.#options.server;
    const { kind, key } = delivery.resource;
    const version = this.#ledger.send(kind, key, clock.monotonic(), delivery.changedAtMs);
    const line = encodeDelivery(version, delivery);
    if (line === undefined) this.#ledger.settle(version, deliverable(delivery.resource).trouble);
    else this.#blocked = !this.#options.write(line);
    const trouble = troubleOf(delivery);
    if (trouble !== undefined)
      log.warn({ pod: this.pod, kind, key }, `the ${kind} of ${key} is not told as it is: ${trouble}`);
    observer?.pushed(kind);
  }

  /** Nothing is followed for these, so nothing about them is kept once they are told. */
  #flushRefusals(): void {
    const nowMs = this.#options.server.clock.monotonic();
    for (const [key, why] of this.#refusals) {
      if (this.#blocked) return;
      this.#refusals.delete(key);
      const version = this.#ledger.send('destination', key, nowMs, undefined);
      this.#ledger.forget('destination', key);
      const resource = refusedDestination(key, why);
      this.#blocked = !this.#options.write(encode({ type: 'resource', version, resource }));
    }
  }

  drained(): void {
    this.#blocked = false;
    this.#hurry = true;
    if (this.#interest.isPending || this.#refusals.size > 0) this.#options.flushSoon();
  }

  ping(): void {
    if (!this.#blocked) this.#blocked = !this.#options.write(encode({ type: 'ping' }));
  }

  /** The proxy's answer to a version; `reason` when it refused it. False when that version waits for none. */
  settle(version: number, reason?: string): boolean {
    const settled = this.#ledger.settle(version, reason);
    if (!settled) return false;
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
    return true;
  }

  ask(question: Question, listener: QuestionListener): () => void {
    return this.#questions.ask(question, listener);
  }

  /** The proxy has answered a question. */
  heard(message: SaidMessage | DoneMessage): void {
    this.#questions.heard(message);
  }

  /** What the proxy refuses now. */
  refused(): readonly ResourceStatus[] {
    return this.#ledger.refused();
  }

  status(): Pick<StreamStatus, 'pod' | 'proxyVersion' | 'destinations' | 'outstanding' | 'resources'> {
    return {
      pod: this.pod,
      proxyVersion: this.proxyVersion,
      destinations: this.#interest.destinations,
      outstanding: this.#ledger.outstanding,
      resources: this.#ledger.resources(),
    };
  }

  close(): void {
    this.#questions.close('the proxy is no longer connected to the control plane');
    this.#interest.close();
  }
}

/** Only where the text of the resource has been made: a change of a small set says nothing of the whole. */
function troubleOf({ resource, before }: Delivery): string | undefined {
  return resource.kind === 'endpoints' && before ? undefined : deliverable(resource).trouble;
}
