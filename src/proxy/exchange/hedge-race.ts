import type { Flag } from '../../errors/index.ts';
import type { ClientStream, ClientStreamHandler, UpstreamConnection } from '../../http/index.ts';
import type { RetryPolicy } from '../../model/index.ts';
import { Deadline } from '../../time/index.ts';
import { type CurrentTry, STATE } from './current-try.ts';
import type { EndpointChoice } from './endpoint-choice.ts';
import type { ExchangeServices } from './exchange-host.ts';
import { Hedge, type HedgeOwner } from './hedge.ts';
import type { RequestSoFar } from './request-so-far.ts';

/** The tries whose first is raced. */
export interface RacingTries {
  onHedgeBegun(): void;
  /** The hedge has answered first: the try under way is over. */
  onOvertaken(): void;
  onNoConnection(flag: Flag, detail: string, removed?: boolean): void;
  onFault(): void;
}

/**
 * Sends a second try beside a first that is slow, and sees to which of them counts. One object serves the requests of a
 * connection, one after the other.
 */
export class HedgeRace implements HedgeOwner {
  readonly #services: ExchangeServices;
  readonly #tries: RacingTries;
  readonly #handler: ClientStreamHandler;
  readonly #request: RequestSoFar;
  readonly #current: CurrentTry;
  readonly #choice: EndpointChoice;
  #policy: RetryPolicy | undefined;
  /** Undefined when there is none, or once it has become the try. */
  #hedge: Hedge | undefined;
  readonly #time: Deadline;

  /** `handler`: who hears of the answer that is first. */
  constructor(
    services: ExchangeServices,
    tries: RacingTries,
    handler: ClientStreamHandler,
    request: RequestSoFar,
    current: CurrentTry,
    choice: EndpointChoice,
  ) {
    this.#services = services;
    this.#tries = tries;
    this.#handler = handler;
    this.#request = request;
    this.#current = current;
    this.#choice = choice;
    this.#time = new Deadline(() => this.#start(), tries);
  }

  /** The first try has begun; a hedge follows unless it is answered in time. */
  begin(policy: RetryPolicy, afterMs: number): void {
    this.#policy = policy;
    this.#services.timers.schedule(this.#time, afterMs);
  }

  /** Whether two tries are under way. */
  get on(): boolean {
    return this.#hedge !== undefined;
  }

  /** The hedge becomes the try. False when there is none. */
  take(): boolean {
    const hedge = this.#hedge;
    if (hedge === undefined) return false;
    this.#hedge = undefined;
    hedge.adopt();
    this.#current.become(hedge);
    return true;
  }

  /** Nobody needs the hedge any more. */
  drop(): void {
    if (this.#hedge === undefined) return;
    this.#hedge.cancel();
    this.#current.tellHedge(this.#hedge, 'overtaken');
    this.#hedge = undefined;
  }

  /** Ready for the next request. */
  end(): void {
    this.#services.timers.cancel(this.#time);
    this.drop();
    this.#policy = undefined;
  }

  onHedgeAnswer(): void {
    this.#current.overtaken();
    this.#tries.onOvertaken();
    this.take();
  }

  onHedgeStream(stream: ClientStream, connection: UpstreamConnection): void {
    this.#current.streams(stream, connection);
  }

  onNoConnection(flag: Flag, detail: string, removed?: boolean): void {
    this.#tries.onNoConnection(flag, detail, removed);
  }

  nowMs(): number {
    return this.#services.clock.monotonic();
  }

  onHedgeLost(flag: Flag, detail: string): void {
    this.#current.tellHedge(this.#hedge!, 'broken', flag, detail);
    this.#hedge = undefined;
  }

  /** The first try has not answered in time: a second goes out beside it, where repeating is safe and the budget allows it. */
  #start(): void {
    const current = this.#current;
    if (current.state !== STATE.CONNECTION && current.state !== STATE.ANSWER) return;
    const cluster = current.cluster!;
    const request = this.#request;
    if (current.owned || request.head.connectionLogin) return;
    if (!request.ended || !request.repeatable || !(this.#policy!.nonIdempotent || request.idempotent)) return;
    const nowMs = this.#services.clock.monotonic();
    const endpoint = this.#choice.beside(cluster, current.endpoint!, nowMs);
    // With nobody else to ask a second try would only add to what is slow.
    if (endpoint === undefined || !cluster.budget.tryRetry()) return;
    cluster.retries++;
    this.#tries.onHedgeBegun();
    this.#hedge = new Hedge(this, this.#handler, endpoint, nowMs, request);
    this.#hedge.start();
  }
}
