import type { Outcome, RunningCluster, RunningEndpoint, StreamWaiter } from '../../cluster/index.ts';
import type { Flag } from '../../errors/index.ts';
import type { ClientStream, UpstreamConnection } from '../../http/index.ts';
import type { TryEnd, TryWhy } from '../observation/try-record.ts';
import type { ExchangeServices } from './exchange-host.ts';
import type { Hedge } from './hedge.ts';
import { TryRecords } from './try-records.ts';

/** What a try is waiting for. */
export const STATE = {
  /** There is none, or its answer has come and is taken. */
  NONE: 0,
  CONNECTION: 1,
  /** The answer's head; the request is being or has been sent. */
  ANSWER: 2,
  /** The time of the next try. */
  BACKOFF: 3,
} as const;

/**
 * The try under way: where it goes, how far it is, and what its endpoint and cluster learn of it. One object serves all tries of
 * the requests of a connection, one after the other.
 */
export class CurrentTry {
  state: number = STATE.NONE;
  cluster: RunningCluster | undefined;
  endpoint: RunningEndpoint | undefined;
  /** Once there is one. */
  stream: ClientStream | undefined;
  connection: UpstreamConnection | undefined;
  /** Who waits for its connection: the tries themselves, or the hedge that was adopted. */
  waiter: StreamWaiter | undefined;
  /** Why it went where it went. */
  why: TryWhy = 'balanced';
  startMs = 0;
  /** Whether it had to wait for its connection. */
  waited = false;
  /**
   * Whether it goes over a connection that is the client's own: there it was, and nowhere else, that the request made sense.
   */
  owned = false;
  readonly records: TryRecords;
  readonly #services: ExchangeServices;

  constructor(services: ExchangeServices) {
    this.#services = services;
    this.records = new TryRecords(services.clock);
  }

  /** It goes to this endpoint, which counts it as under way from now on. */
  begin(endpoint: RunningEndpoint): void {
    this.endpoint = endpoint;
    endpoint.active++;
    this.state = STATE.CONNECTION;
    this.waited = false;
  }

  /** It has its stream. */
  streams(stream: ClientStream, connection: UpstreamConnection): void {
    this.stream = stream;
    this.connection = connection;
    this.state = STATE.ANSWER;
  }

  /** A hedge takes its place. */
  become(hedge: Hedge): void {
    const { endpoint, stream, connection, startMs } = hedge;
    this.waiter = hedge;
    this.endpoint = endpoint;
    this.stream = stream;
    this.connection = connection;
    this.startMs = startMs;
    this.why = 'hedge';
    this.state = stream === undefined ? STATE.CONNECTION : STATE.ANSWER;
  }

  /** The head of its answer has come. How long that took is told to whoever picks endpoints and limits requests. */
  answered(nowMs: number): number {
    const latencyMs = nowMs - this.startMs;
    this.endpoint!.latency.observe(latencyMs, nowMs);
    const { occupancy } = this.cluster!;
    occupancy.adaptive?.observe(latencyMs, occupancy.requests, nowMs);
    return latencyMs;
  }

  /** What outlier detection learns of it. */
  record(outcome: Outcome): void {
    if (this.endpoint !== undefined) this.cluster!.record(this.endpoint, outcome);
  }

  /** The endpoint has not answered in time. */
  noAnswer(): void {
    this.record('connect-failure');
    const { occupancy } = this.cluster!;
    const nowMs = this.#services.clock.monotonic();
    occupancy.adaptive?.dropped(nowMs - this.startMs, occupancy.requests, nowMs);
  }

  /** Another was quicker. The slow endpoint is known by the time that it has taken so far. */
  overtaken(): void {
    const nowMs = this.#services.clock.monotonic();
    this.endpoint?.latency.observe(nowMs - this.startMs, nowMs);
  }

  /** It is over. Costs nothing where nobody watches. */
  tell(end: TryEnd, status = 0, flag: Flag | '' = '', detail = ''): void {
    if (!this.#services.observers.watching || this.endpoint === undefined) return;
    const how = { why: this.why, end, status, flag, detail };
    this.records.write(this.cluster!, this.endpoint, this.startMs, how);
  }

  /** The same of a hedge that nobody needed. */
  tellHedge({ endpoint, startMs }: Hedge, end: TryEnd, flag: Flag | '' = '', detail = ''): void {
    if (!this.#services.observers.watching) return;
    this.records.write(this.cluster!, endpoint, startMs, { why: 'hedge', end, status: 0, flag, detail });
  }

  /** The request is over. */
  conclude(): void {
    const { endpoint } = this;
    if (endpoint !== undefined && this.state !== STATE.NONE) this.tell('given-up');
    this.state = STATE.NONE;
    if (endpoint !== undefined) this.records.writeTaken(this.cluster!, endpoint, this.startMs, this.why);
  }

  /** Its endpoint is done with; undefined where there was none. */
  leave(): RunningEndpoint | undefined {
    const { endpoint } = this;
    if (endpoint !== undefined) endpoint.active--;
    this.endpoint = undefined;
    return endpoint;
  }

  /** Ready for the next request. */
  clear(): void {
    this.leave();
    this.records.clear();
    this.state = STATE.NONE;
    this.cluster = undefined;
    this.stream = undefined;
    this.connection = undefined;
    this.waiter = undefined;
    this.owned = false;
  }
}
