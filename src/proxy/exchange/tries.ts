import type { Outcome, RunningCluster, RunningEndpoint, StreamWaiter } from '../../cluster/index.ts';
import type { Flag } from '../../errors/index.ts';
import {
  type CancelReason,
  type ClientStream,
  type ClientStreamHandler,
  equalsIgnoreCase,
  type Fields,
  type Head,
  type StreamFailure,
  type UpstreamConnection,
} from '../../http/index.ts';
import type { RetryCondition } from '../../model/index.ts';
import { Deadline } from '../../time/index.ts';
import type { RunningRoute } from '../destinations/running-route.ts';
import type { NoRetry, TryRecord } from '../observation/try-record.ts';
import { AnswerJudge, type JudgedTries } from './answer-judge.ts';
import { CurrentTry, STATE } from './current-try.ts';
import { EndpointChoice } from './endpoint-choice.ts';
import type { ExchangeHost, ExchangeServices } from './exchange-host.ts';
import type { GrpcCall } from './grpc-call.ts';
import { HedgeRace, type RacingTries } from './hedge-race.ts';
import { Logins } from './logins.ts';
import type { RequestSoFar } from './request-so-far.ts';
import { RetryPermits } from './retry-permits.ts';
import { backoffMs, timeoutCondition } from './retry-rules.ts';
import { StaleReplays } from './stale-replays.ts';
import { type TriesOwner, VERDICT } from './tries-owner.interface.ts';

const WEBSOCKET = Buffer.from('websocket', 'latin1');

/**
 * The tries of one request: an endpoint is chosen and connected to, and where that fails, or the answer is no good, another, for
 * as long as that is safe, wanted, and within the budget. One object serves the requests of a connection, one after the other.
 */
export class Tries implements StreamWaiter, RacingTries, JudgedTries {
  /** Tries so far. */
  attempts = 0;
  readonly #services: ExchangeServices;
  readonly #owner: TriesOwner;
  readonly #request: RequestSoFar;
  readonly #current: CurrentTry;
  readonly #choice = new EndpointChoice();
  readonly #permits: RetryPermits;
  readonly #stale: StaleReplays;
  #route: RunningRoute | undefined;
  /** When the first began. */
  #startMs = 0;
  readonly #race: HedgeRace;
  readonly #judge: AnswerJudge;
  /** Made when a client first logs in a connection. */
  #logins: Logins | undefined;
  readonly #tryTimeout = new Deadline(() => this.#timedOut(), this);
  readonly #backoff = new Deadline(() => this.#try(), this);

  constructor(services: ExchangeServices, host: ExchangeHost, owner: TriesOwner, request: RequestSoFar) {
    this.#services = services;
    this.#owner = owner;
    this.#request = request;
    this.#current = new CurrentTry(services);
    this.#permits = new RetryPermits(request);
    this.#stale = new StaleReplays(request, this.#current);
    this.#race = new HedgeRace(services, this, owner, request, this.#current, this.#choice);
    const judged = { request, current: this.#current, permits: this.#permits, race: this.#race, tries: this };
    this.#judge = new AnswerJudge(services, host, judged);
  }

  /**
   * Makes the first try. `hash`: what consistent hashing knows the request by; -1 for nothing. `preferred`: the endpoint of a
   * sticky session, for the first try.
   */
  begin(
    route: RunningRoute,
    cluster: RunningCluster,
    startMs: number,
    hash: number,
    preferred: RunningEndpoint | undefined,
  ): void {
    this.#route = route;
    this.#current.cluster = cluster;
    this.#startMs = startMs;
    this.#judge.begin(route, startMs);
    this.#choice.begin(hash, preferred);
    this.#try();
  }

  /** Those that are over, as long as somebody watches. */
  get records(): readonly TryRecord[] {
    return this.#current.records.list;
  }

  /** Whether the last failure would have been tried again, had there been tries left. */
  get outOfRetries(): boolean {
    return this.#permits.outOfRetries;
  }

  /** Why the last failure was not tried again. */
  get noRetry(): NoRetry {
    return this.#permits.refusal;
  }

  /** The stream of the try under way, once there is one. */
  get upstream(): ClientStream | undefined {
    return this.#current.stream;
  }

  /** Of the try under way. */
  get endpoint(): RunningEndpoint | undefined {
    return this.#current.endpoint;
  }

  /** The endpoint of the try under way, otherwise of the last. */
  get lastEndpoint(): RunningEndpoint | undefined {
    return this.#current.endpoint ?? this.#choice.last;
  }

  /** For the pool: whether a connection may turn out to be dead. */
  get repeatable(): boolean {
    return this.#request.idempotent;
  }

  get exclusive(): boolean {
    const { head } = this.#request;
    return head.isUpgrade || head.connectionLogin;
  }

  get isWebSocket(): boolean {
    const { head } = this.#request;
    if (!head.isUpgrade) return false;
    const { upgrade } = head;
    return equalsIgnoreCase(head.bytes, head.valueStart(upgrade), head.valueEnd(upgrade), WEBSOCKET);
  }

  get isHttp2(): boolean {
    return this.#request.isHttp2;
  }

  get needsHttp2(): boolean {
    return this.#request.needsHttp2;
  }

  get streamHandler(): ClientStreamHandler {
    return this.#owner;
  }

  /** The head of an answer has come. One of VERDICT. */
  judge(head: Head, end: boolean, nowMs: number): number {
    const current = this.#current;
    // What will not be kept cannot stay logged in.
    if (head.connectionLogin && head.keepAlive) this.#bind();
    if (current.owned && !head.keepAlive) this.#owner.onLoginLost();
    const latencyMs = current.answered(nowMs);
    this.#services.timers.cancel(this.#tryTimeout);
    const verdict = this.#judge.judge(head, end, nowMs);
    if (verdict === VERDICT.TAKE) this.#take(head.status, latencyMs);
    return verdict;
  }

  /** The head that was held is taken after all. */
  takeHeld(status: number, nowMs: number): void {
    this.#take(status, nowMs - this.#current.startMs);
  }

  /**
   * A call has ended, with a status that its head had not told. `held`: nothing of the answer has gone on, so that the call can
   * be tried again. One of VERDICT.
   */
  judgeEnd(call: GrpcCall, grpcStatus: number, trailers: Fields | undefined, held: boolean): number {
    return this.#judge.judgeEnd(call, grpcStatus, trailers, held);
  }

  #take(status: number, latencyMs: number): void {
    const current = this.#current;
    current.records.taken(status, latencyMs);
    current.state = STATE.NONE;
    this.#race.drop();
  }

  /** The stream broke, and whoever waited for its answer had given up by then: nothing against the endpoint. */
  brokenLate(): void {
    this.#current.stream = undefined;
  }

  /** The stream broke before an answer was taken. */
  broken(failure: StreamFailure): void {
    const current = this.#current;
    current.stream = undefined;
    if (this.#replayStale(failure)) return;
    const { final } = failure;
    // An answer that is too large says nothing about the endpoint: clients choose what they ask for, and would have healthy ones
    // ejected.
    if (final !== 'everywhere') current.record('connect-failure');
    current.tell('broken', 0, failure.flag, failure.detail);
    this.#leaveEndpoint();
    if (this.#race.take()) return;
    const hopeless =
      final === 'everywhere' || (final === 'here' && this.#choice.tried >= current.cluster!.size);
    if (hopeless || !this.#retry('reset', failure.unread))
      this.#owner.onTriesFailed(failure.flag, failure.detail, failure.unread);
  }

  /** What outlier detection learns of the try under way. */
  record(outcome: Outcome): void {
    this.#current.record(outcome);
  }

  /** The endpoint has not answered in time. */
  noAnswer(): void {
    this.#current.noAnswer();
  }

  /** Which of the clusters the client has a connection of its own to; -1 for none. */
  loginAmong(clusters: readonly RunningCluster[]): number {
    return this.#logins === undefined ? -1 : this.#logins.among(clusters);
  }

  /** The client's connection is gone, and with it what it was logged in on. */
  close(): void {
    this.#logins?.close();
  }

  /** Breaks off whatever is under way towards the upstream. */
  letGo(why: CancelReason): void {
    const current = this.#current;
    if (current.state === STATE.CONNECTION) {
      current.endpoint?.pool.cancel(current.waiter!);
      this.#logins?.cancel(current.waiter!);
    }
    current.stream?.cancel(why);
    current.stream = undefined;
  }

  /** The request is over; what its tries were is known. */
  conclude(): void {
    this.#race.drop();
    this.#current.conclude();
  }

  /** Ready for the next request. */
  end(): void {
    const { timers } = this.#services;
    timers.cancel(this.#tryTimeout);
    timers.cancel(this.#backoff);
    this.#race.end();
    this.#current.clear();
    this.#choice.clear();
    this.#permits.clear();
    this.attempts = 0;
    this.#route = undefined;
    this.#stale.count = 0;
  }

  onFault(): void {
    this.#owner.onFault?.();
  }

  onStream(upstream: ClientStream, connection: UpstreamConnection): void {
    const current = this.#current;
    current.streams(upstream, connection);
    if (this.#request.head.connectionLogin) this.#bind();
    // How long opening took says nothing about how fast the endpoint answers.
    if (current.waited) current.startMs = this.#services.clock.monotonic();
    if (!this.#request.sendTo(upstream, current.startMs)) this.#owner.onRequestWritable();
  }

  onNoConnection(flag: Flag, detail: string, removed = false): void {
    const current = this.#current;
    if (removed && !current.owned) {
      current.tell('endpoint-gone', 0, flag, detail);
      this.#goElsewhere();
      return;
    }
    current.tell('no-connection', 0, flag, detail);
    if (flag === 'UO') {
      this.#leaveEndpoint();
      this.#owner.onTriesFailed(flag, detail, true);
      return;
    }
    current.record('connect-failure');
    this.#leaveEndpoint();
    if (this.#race.take()) return;
    if (!this.#retry('connect-failure', true)) this.#owner.onTriesFailed(flag, detail, true);
  }

  /** The hedge has begun, and counts as a try. */
  onHedgeBegun(): void {
    const { series } = this.#route!;
    this.attempts++;
    if (series !== undefined) series.tries++;
  }

  /** The hedge was quicker. */
  onOvertaken(): void {
    this.letGo('overtaken');
    this.#current.tell('overtaken');
    this.#leaveEndpoint();
  }

  #try(): void {
    const current = this.#current;
    const cluster = current.cluster!;
    const { route, series } = this.#route!;
    current.startMs = this.attempts === 0 ? this.#startMs : this.#services.clock.monotonic();
    const anywhere = route.retry.remoteLocalities === true;
    const login = this.#logins?.endpoint(cluster);
    const endpoint = this.#choice.next(cluster, login, current.startMs, anywhere);
    current.why = this.#choice.why;
    if (endpoint === undefined) {
      this.#owner.onTriesFailed(cluster.emptyFlag, cluster.emptyWords, false);
      return;
    }
    current.begin(endpoint);
    this.attempts++;
    if (series !== undefined) series.tries++;
    const { perTryTimeoutMs, hedgeAfterMs = 0 } = route.retry;
    if (perTryTimeoutMs > 0) this.#services.timers.schedule(this.#tryTimeout, perTryTimeoutMs);
    if (hedgeAfterMs > 0 && this.attempts === 1) this.#race.begin(route.retry, hedgeAfterMs);
    current.waiter = this;
    if (login === undefined) endpoint.pool.acquire(this);
    else {
      current.owned = true;
      this.#logins!.acquire(cluster, this);
    }
    if (current.state === STATE.CONNECTION) current.waited = true;
  }

  /** The connection of this try is the client's alone from now on. */
  #bind(): void {
    const { cluster, endpoint, connection } = this.#current;
    // Where many share a connection, none of them can log it in.
    if (connection === undefined || connection.multiplexes) return;
    this.#logins ??= new Logins(() => this.#owner.onLoginLost());
    this.#logins.bind(cluster!, endpoint!, connection);
    this.#current.owned = true;
  }

  /** See JudgedTries. */
  leaveAnswer(status: number, ended: boolean, afterMs?: number): void {
    const current = this.#current;
    if (!ended) current.stream!.cancel('not-taken');
    current.stream = undefined;
    current.tell('not-taken', status);
    this.#leaveEndpoint();
    if (!this.#race.take()) this.#waitAndTry(afterMs);
  }

  /** Tries again after a failure without an answer. `untouched`: no byte reached the application. */
  #retry(condition: RetryCondition, untouched: boolean): boolean {
    if (!this.mayRetry(condition, untouched)) return false;
    this.#waitAndTry();
    return true;
  }

  /** See JudgedTries. */
  mayRetry(condition: RetryCondition | 'status', untouched: boolean): boolean {
    const { retry } = this.#route!.route;
    const { cluster, owned } = this.#current;
    const { withinMs } = retry;
    if (withinMs !== undefined && this.#services.clock.monotonic() - this.#startMs >= withinMs)
      return this.#permits.refuse('too-late');
    return this.#permits.ask(retry, cluster!, condition, untouched, this.attempts, owned);
  }

  /** `afterMs`: as the server asks; undefined: as the policy has it. */
  #waitAndTry(afterMs?: number): void {
    const { timers, random } = this.#services;
    const { call } = this.#request;
    if (call !== undefined) call.retries++;
    timers.cancel(this.#tryTimeout);
    this.#current.state = STATE.BACKOFF;
    const waitMs = afterMs ?? backoffMs(this.#route!.route.retry, this.attempts, random());
    timers.schedule(this.#backoff, waitMs);
  }

  #replayStale(failure: StreamFailure): boolean {
    if (!this.#stale.take(failure)) return false;
    this.attempts--;
    this.#current.tell('stale', 0, failure.flag, failure.detail);
    // One that goes away may be asked again, for it may only want another connection; twice is enough.
    this.#leaveEndpoint(failure.unread && this.#stale.count > 1);
    this.#try();
    return true;
  }

  /**
   * The endpoint was taken away while the request waited for a connection to it, as every rolling restart does: nobody has
   * failed, so this is no retry. Not at once: whoever takes it away is in the middle of doing so.
   */
  #goElsewhere(): void {
    this.attempts--;
    this.#leaveEndpoint();
    if (this.#race.take()) return;
    this.#services.timers.cancel(this.#tryTimeout);
    this.#current.state = STATE.BACKOFF;
    this.#services.timers.schedule(this.#backoff, 0);
  }

  /** The endpoint of this try is done with; the next try goes elsewhere if it can. */
  #leaveEndpoint(avoid = true): void {
    const endpoint = this.#current.leave();
    if (endpoint !== undefined && avoid) this.#choice.avoid(endpoint);
  }

  #timedOut(): void {
    const current = this.#current;
    if (current.state !== STATE.CONNECTION && current.state !== STATE.ANSWER) return;
    const { retry, name } = this.#route!.route;
    const untouched = current.state === STATE.CONNECTION;
    current.noAnswer();
    this.letGo('timed-out');
    current.tell('no-answer');
    this.#leaveEndpoint();
    if (this.#retry(timeoutCondition(retry, untouched), untouched)) return;
    const why = `no answer within ${retry.perTryTimeoutMs} ms per try (route ${name})`;
    this.#owner.onTriesFailed('UT', why, false);
  }
}
