import type { Cluster, Outcome, RunningEndpoint, StreamWaiter } from '../../cluster/index.ts';
import type { Flag } from '../../errors/index.ts';
import type {
  CancelReason,
  ClientStream,
  ClientStreamHandler,
  Head,
  StreamFailure,
  UpstreamConnection,
} from '../../http/index.ts';
import type { RetryCondition } from '../../model/index.ts';
import { isFailure } from '../../routing/index.ts';
import { Deadline } from '../../time/index.ts';
import type { RunningRoute } from '../destinations/running-route.ts';
import {
  NO_TRIES,
  type NoRetry,
  type TryEnd,
  type TryRecord,
  type TryWhy,
} from '../observation/try-record.ts';
import { removeUntouched, saysUntouched } from '../replies/untouched.ts';
import { markCascaded, takeCascaded } from './cascade.ts';
import type { ExchangeHost, ExchangeServices } from './exchange-host.ts';
import { Hedge, type HedgeOwner } from './hedge.ts';
import { Logins } from './logins.ts';
import type { RequestSoFar } from './request-so-far.ts';
import { backoffMs, retriableStatus, timeoutCondition } from './retry-rules.ts';

/** What a try is waiting for. */
const STATE = {
  /** There is none, or its answer has come and is taken. */
  NONE: 0,
  CONNECTION: 1,
  /** The answer's head; the request is being or has been sent. */
  ANSWER: 2,
  /** The time of the next try. */
  BACKOFF: 3,
} as const;

/** Idle keep-alive races are repaired this often without counting as retries. */
const maxStaleReplays = 2;
const noneTried: readonly RunningEndpoint[] = [];

/** What is to be done with the head of an answer. `TRY_AGAIN`: nothing, the request goes out once more. */
export const VERDICT = { TAKE: 0, TRY_AGAIN: 1 } as const;

/**
 * Whose tries they are. It hears what comes from the upstream of the try that counts, and asks `judge` what to do with its
 * answer.
 */
export interface TriesOwner extends ClientStreamHandler {
  /** There is no further try. `untouched`: the upstream has not seen a byte of the request. */
  onTriesFailed(flag: Flag, detail: string, untouched: boolean): void;
  /** A connection to an upstream that is the client's own is gone, or will be with this answer. */
  onLoginLost(): void;
}

/**
 * The tries of one request: an endpoint is chosen and connected to, and where that fails, or the answer is no good, another, for
 * as long as that is safe, wanted, and within the budget. One object serves the requests of a connection, one after the other.
 */
export class Tries implements StreamWaiter, HedgeOwner {
  /** The stream of the try under way, once there is one. */
  upstream: ClientStream | undefined;
  /** Of the try under way. */
  endpoint: RunningEndpoint | undefined;
  /** Tries so far. */
  attempts = 0;
  /** Whether the last failure would have been tried again, had there been tries left. */
  outOfRetries = false;
  /** Why the last failure was not tried again. */
  noRetry: NoRetry = '';
  /** Those that are over, as long as somebody watches. */
  records: readonly TryRecord[] = NO_TRIES;
  /** Of the answer that is taken, and how long it took: most of them nobody wants to hear of. */
  #takenStatus = 0;
  #takenMs = 0;
  readonly #services: ExchangeServices;
  readonly #host: ExchangeHost;
  readonly #owner: TriesOwner;
  readonly #request: RequestSoFar;
  #state: number = STATE.NONE;
  #route: RunningRoute | undefined;
  #cluster: Cluster | undefined;
  #tried: RunningEndpoint[] | undefined;
  /** When the first began. */
  #startMs = 0;
  /** When the one under way began. */
  #tryStartMs = 0;
  /** Whether it had to wait for its connection. */
  #waited = false;
  #staleReplays = 0;
  #hash = -1;
  /** Why the try under way went where it went. */
  #why: TryWhy = 'balanced';
  #preferred: RunningEndpoint | undefined;
  /** A second try beside the first; undefined when there is none, or once it has become the try. */
  #hedge: Hedge | undefined;
  /** Who waits for this try's connection: these tries themselves, or the hedge that was adopted. */
  #waiter: StreamWaiter = this;
  /** Made when a client first logs in a connection. */
  #logins: Logins | undefined;
  /**
   * Whether this try goes over a connection that is the client's own: there it was, and nowhere else, that the request made
   * sense.
   */
  #owned = false;
  #connection: UpstreamConnection | undefined;
  readonly #tryTimeout = new Deadline(() => this.#timedOut(), this);
  readonly #hedgeTime = new Deadline(() => this.#startHedge(), this);
  readonly #backoff = new Deadline(() => this.#try(), this);

  constructor(services: ExchangeServices, host: ExchangeHost, owner: TriesOwner, request: RequestSoFar) {
    this.#services = services;
    this.#host = host;
    this.#owner = owner;
    this.#request = request;
  }

  /**
   * Makes the first try. `hash`: what consistent hashing knows the request by; -1 for nothing. `preferred`: the endpoint of a
   * sticky session, for the first try.
   */
  begin(
    route: RunningRoute,
    cluster: Cluster,
    startMs: number,
    hash: number,
    preferred: RunningEndpoint | undefined,
  ): void {
    this.#route = route;
    this.#cluster = cluster;
    this.#startMs = startMs;
    this.#hash = hash;
    this.#preferred = preferred;
    this.#try();
  }

  /** The endpoint of the try under way, otherwise of the last. */
  get lastEndpoint(): RunningEndpoint | undefined {
    return this.endpoint ?? this.#tried?.at(-1);
  }

  /** For the pool: whether a connection may turn out to be dead. */
  get repeatable(): boolean {
    return this.#request.idempotent;
  }

  get exclusive(): boolean {
    const { head } = this.#request;
    return head.isUpgrade || head.connectionLogin;
  }

  get streamHandler(): ClientStreamHandler {
    return this.#owner;
  }

  /** The head of an answer has come. One of VERDICT. */
  judge(head: Head, end: boolean, nowMs: number): number {
    const { status } = head;
    // What will not be kept cannot stay logged in.
    if (head.connectionLogin && head.keepAlive) this.#bind();
    if (this.#owned && !head.keepAlive) this.#owner.onLoginLost();
    const { responseClasses, retry } = this.#route!.route;
    const latencyMs = nowMs - this.#tryStartMs;
    this.endpoint!.latency.observe(latencyMs, nowMs);
    const { occupancy } = this.#cluster!;
    occupancy.adaptive?.observe(latencyMs, occupancy.requests, nowMs);
    const failed = responseClasses === undefined ? status >= 500 : isFailure(responseClasses, status);
    this.record(!failed ? 'success' : status >= 502 && status <= 504 ? 'gateway-error' : 'error-5xx');
    this.#services.timers.cancel(this.#tryTimeout);
    if ((status >= 400 || failed || retry.statuses !== undefined) && this.#retryStatus(head, end, failed))
      return VERDICT.TRY_AGAIN;
    this.#takenStatus = status;
    this.#takenMs = latencyMs;
    this.#state = STATE.NONE;
    this.#dropHedge();
    return VERDICT.TAKE;
  }

  /** The stream broke before an answer was taken. */
  broken(failure: StreamFailure): void {
    this.upstream = undefined;
    if (this.#replayStale(failure)) return;
    const { final } = failure;
    // An answer that is too large says nothing about the endpoint: clients choose what they ask for, and would have healthy ones
    // ejected.
    if (final !== 'everywhere') this.record('connect-failure');
    this.#tell('broken', 0, failure.flag, failure.detail);
    this.#leaveEndpoint();
    if (this.#takeHedge()) return;
    const hopeless =
      final === 'everywhere' || (final === 'here' && this.#tried!.length >= this.#cluster!.size);
    if (hopeless || !this.#retry('reset', failure.unread))
      this.#owner.onTriesFailed(failure.flag, failure.detail, failure.unread);
  }

  /** What outlier detection learns of the try under way. */
  record(outcome: Outcome): void {
    if (this.endpoint !== undefined) this.#cluster!.record(this.endpoint, outcome);
  }

  /** The endpoint has not answered in time. */
  noAnswer(): void {
    this.record('connect-failure');
    const { occupancy } = this.#cluster!;
    const nowMs = this.#services.clock.monotonic();
    occupancy.adaptive?.dropped(nowMs - this.#tryStartMs, occupancy.requests, nowMs);
  }

  /** Which of the clusters the client has a connection of its own to; -1 for none. */
  loginAmong(clusters: readonly Cluster[]): number {
    return this.#logins === undefined ? -1 : this.#logins.among(clusters);
  }

  /** The client's connection is gone, and with it what it was logged in on. */
  close(): void {
    this.#logins?.close();
  }

  /** Breaks off whatever is under way towards the upstream. */
  letGo(why: CancelReason): void {
    if (this.#state === STATE.CONNECTION) {
      this.endpoint?.pool.cancel(this.#waiter);
      this.#logins?.cancel(this.#waiter);
    }
    this.upstream?.cancel(why);
    this.upstream = undefined;
  }

  /** The request is over; what its tries were is known. */
  conclude(): void {
    this.#dropHedge();
    if (this.endpoint !== undefined && this.#state !== STATE.NONE) this.#tell('given-up');
    this.#state = STATE.NONE;
    if (this.endpoint === undefined || this.#takenStatus === 0) return;
    const taken = { why: this.#why, end: 'taken', status: this.#takenStatus, flag: '', detail: '' } as const;
    this.#write(this.endpoint, this.#tryStartMs, taken, this.#takenMs);
    this.#takenStatus = 0;
  }

  /** Ready for the next request. */
  end(): void {
    const { timers } = this.#services;
    timers.cancel(this.#tryTimeout);
    timers.cancel(this.#hedgeTime);
    timers.cancel(this.#backoff);
    this.#dropHedge();
    if (this.endpoint !== undefined) this.endpoint.active--;
    this.records = NO_TRIES;
    this.#takenStatus = 0;
    this.upstream = undefined;
    this.endpoint = undefined;
    this.attempts = 0;
    this.outOfRetries = false;
    this.noRetry = '';
    this.#state = STATE.NONE;
    this.#route = undefined;
    this.#cluster = undefined;
    this.#tried = undefined;
    this.#staleReplays = 0;
    this.#preferred = undefined;
    this.#connection = undefined;
    this.#owned = false;
  }

  onFault(): void {
    this.#owner.onFault?.();
  }

  onStream(upstream: ClientStream, connection: UpstreamConnection): void {
    this.#connection = connection;
    if (this.#request.head.connectionLogin) this.#bind();
    this.upstream = upstream;
    this.#state = STATE.ANSWER;
    // How long opening took says nothing about how fast the endpoint answers.
    if (this.#waited) this.#tryStartMs = this.#services.clock.monotonic();
    if (!this.#request.sendTo(upstream)) this.#owner.onRequestWritable();
  }

  onNoConnection(flag: Flag, detail: string, removed = false): void {
    if (removed && !this.#owned) {
      this.#tell('endpoint-gone', 0, flag, detail);
      this.#goElsewhere();
      return;
    }
    this.#tell('no-connection', 0, flag, detail);
    if (flag === 'UO') {
      this.#leaveEndpoint();
      this.#owner.onTriesFailed(flag, detail, true);
      return;
    }
    this.record('connect-failure');
    this.#leaveEndpoint();
    if (this.#takeHedge()) return;
    if (!this.#retry('connect-failure', true)) this.#owner.onTriesFailed(flag, detail, true);
  }

  onHedgeAnswer(): void {
    const nowMs = this.#services.clock.monotonic();
    // The slow one is known by the time that it has taken so far.
    this.endpoint?.latency.observe(nowMs - this.#tryStartMs, nowMs);
    this.letGo('overtaken');
    this.#tell('overtaken');
    this.#leaveEndpoint();
    this.#takeHedge();
  }

  onHedgeStream(stream: ClientStream, connection: UpstreamConnection): void {
    this.upstream = stream;
    this.#connection = connection;
    this.#state = STATE.ANSWER;
  }

  onHedgeLost(flag: Flag, detail: string): void {
    this.#tellHedge(this.#hedge!, 'broken', flag, detail);
    this.#hedge = undefined;
  }

  #try(): void {
    const cluster = this.#cluster!;
    const { route, series } = this.#route!;
    this.#tryStartMs = this.attempts === 0 ? this.#startMs : this.#services.clock.monotonic();
    const anywhere = route.retry.remoteLocalities === true;
    const own = this.#logins?.endpoint(cluster);
    const endpoint =
      own ??
      this.#preferred ??
      cluster.pick(this.#tried ?? noneTried, this.#tryStartMs, this.#hash, anywhere);
    this.#why =
      own !== undefined
        ? 'login'
        : this.#preferred !== undefined
          ? 'session'
          : this.#hash < 0
            ? 'balanced'
            : 'hashed';
    this.#preferred = undefined;
    if (endpoint === undefined) {
      this.#owner.onTriesFailed('UH', cluster.emptyWords, false);
      return;
    }
    this.endpoint = endpoint;
    endpoint.active++;
    this.attempts++;
    if (series !== undefined) series.tries++;
    const { perTryTimeoutMs, hedgeAfterMs = 0 } = route.retry;
    if (perTryTimeoutMs > 0) this.#services.timers.schedule(this.#tryTimeout, perTryTimeoutMs);
    if (hedgeAfterMs > 0 && this.attempts === 1)
      this.#services.timers.schedule(this.#hedgeTime, hedgeAfterMs);
    this.#state = STATE.CONNECTION;
    this.#waiter = this;
    this.#waited = false;
    if (own === undefined) endpoint.pool.acquire(this);
    else {
      this.#owned = true;
      this.#logins!.acquire(cluster, this);
    }
    if (this.#state === STATE.CONNECTION) this.#waited = true;
  }

  /** The connection of this try is the client's alone from now on. */
  #bind(): void {
    // Where many share a connection, none of them can log it in.
    if (this.#connection === undefined || this.#connection.multiplexes) return;
    this.#logins ??= new Logins(() => this.#owner.onLoginLost());
    this.#logins.bind(this.#cluster!, this.endpoint!, this.#connection);
    this.#owned = true;
  }

  /** The first try has not answered in time: a second goes out beside it, where repeating is safe and the budget allows it. */
  #startHedge(): void {
    if (this.#state !== STATE.CONNECTION && this.#state !== STATE.ANSWER) return;
    const cluster = this.#cluster!;
    const { route, series } = this.#route!;
    const request = this.#request;
    if (this.#owned || request.head.connectionLogin) return;
    if (!request.ended || !request.repeatable || !(route.retry.nonIdempotent || request.idempotent)) return;
    const nowMs = this.#services.clock.monotonic();
    const endpoint = cluster.pick([...(this.#tried ?? noneTried), this.endpoint!], nowMs, this.#hash);
    // With nobody else to ask a second try would only add to what is slow.
    if (endpoint === undefined || endpoint === this.endpoint || !cluster.budget.tryRetry()) return;
    cluster.retries++;
    this.attempts++;
    if (series !== undefined) series.tries++;
    this.#hedge = new Hedge(this, this.#owner, endpoint, nowMs, request);
    this.#hedge.start();
  }

  /** The hedge becomes the try. False when there is none. */
  #takeHedge(): boolean {
    const hedge = this.#hedge;
    if (hedge === undefined) return false;
    this.#hedge = undefined;
    hedge.adopt();
    this.endpoint = hedge.endpoint;
    this.upstream = hedge.stream;
    this.#connection = hedge.connection;
    this.#waiter = hedge;
    this.#tryStartMs = hedge.startMs;
    this.#why = 'hedge';
    this.#state = hedge.stream === undefined ? STATE.CONNECTION : STATE.ANSWER;
    return true;
  }

  #dropHedge(): void {
    if (this.#hedge === undefined) return;
    this.#hedge.cancel();
    this.#tellHedge(this.#hedge, 'overtaken');
    this.#hedge = undefined;
  }

  /** Tries again because of the answer's status. `ended`: the answer has no body that is still to come. */
  #retryStatus(head: Head, ended: boolean, failed: boolean): boolean {
    const { status } = head;
    const untouched = status === 503 && this.#isUntouched(head);
    if (status >= 500 && this.#isCascaded(head)) return false;
    const condition = untouched
      ? 'connect-failure'
      : retriableStatus(this.#route!.route.retry, status, failed);
    if (condition === undefined) return false;
    const hedged = this.#hedge !== undefined;
    if (!hedged && !this.#mayRetry(condition, untouched)) return false;
    if (!ended) this.upstream!.cancel('not-taken');
    this.upstream = undefined;
    this.#tell('not-taken', status);
    this.#leaveEndpoint();
    if (!this.#takeHedge()) this.#waitAndTry();
    return true;
  }

  /** Whether a failure was retried further down already; see cascade.ts. */
  #isCascaded(head: Head): boolean {
    const { trust } = this.#host.terms;
    if (trust.upstream === 'mesh') return this.endpoint!.config.tls === 'mesh' && takeCascaded(head);
    const { failedCalls } = this.#services;
    markCascaded(head, trust.downstream === 'mesh' && failedCalls.concern(this.#request.head, this.#startMs));
    return false;
  }

  /**
   * Whether a 503 comes from the peer's proxy, whose app has not seen the request. What an app itself says of that does not
   * count.
   */
  #isUntouched(head: Head): boolean {
    if (this.#host.terms.trust.upstream === 'mesh')
      return this.endpoint!.config.tls === 'mesh' && saysUntouched(head);
    removeUntouched(head);
    return false;
  }

  /** Tries again after a failure without an answer. `untouched`: no byte reached the application. */
  #retry(condition: RetryCondition, untouched: boolean): boolean {
    if (!this.#mayRetry(condition, untouched)) return false;
    this.#waitAndTry();
    return true;
  }

  /** Whether one more try is wanted, safe, and within the budget; if so it is charged. */
  #mayRetry(condition: RetryCondition | 'status', untouched: boolean): boolean {
    const { retry } = this.#route!.route;
    const request = this.#request;
    if (this.#owned) return this.#noMore('login');
    if (condition !== 'status' && !retry.on.includes(condition)) return this.#noMore('not-wanted');
    if (!untouched && !retry.nonIdempotent && !request.idempotent) return this.#noMore('not-idempotent');
    if (!request.repeatable) return this.#noMore('not-kept');
    if (this.attempts > retry.attempts) {
      this.outOfRetries = retry.attempts > 0;
      return this.#noMore(this.outOfRetries ? 'no-tries-left' : 'not-wanted');
    }
    const cluster = this.#cluster!;
    if (!cluster.budget.tryRetry()) return this.#noMore('budget');
    cluster.retries++;
    return true;
  }

  #noMore(why: NoRetry): false {
    this.noRetry = why;
    return false;
  }

  #waitAndTry(): void {
    const { timers, random } = this.#services;
    timers.cancel(this.#tryTimeout);
    this.#state = STATE.BACKOFF;
    timers.schedule(this.#backoff, backoffMs(this.#route!.route.retry, this.attempts, random()));
  }

  /**
   * The idle keep-alive race: the upstream closed a connection that it had used before, just when we used it again. Not its
   * failure and not a retry: the request goes out once more at once, if it is certain that it was not read or if repeating it is
   * harmless.
   */
  #replayStale(failure: StreamFailure): boolean {
    const request = this.#request;
    if (this.#owned || !failure.reused || failure.flag === 'UPE') return false;
    if (!failure.unread && !request.idempotent) return false;
    if (!request.body.complete || this.#staleReplays >= maxStaleReplays) return false;
    this.#staleReplays++;
    this.attempts--;
    this.#tell('stale', 0, failure.flag, failure.detail);
    this.#leaveEndpoint(false);
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
    if (this.#takeHedge()) return;
    this.#services.timers.cancel(this.#tryTimeout);
    this.#state = STATE.BACKOFF;
    this.#services.timers.schedule(this.#backoff, 0);
  }

  /** The try under way is over. Costs nothing where nobody watches. */
  #tell(end: TryEnd, status = 0, flag: Flag | '' = '', detail = ''): void {
    if (!this.#services.observers.watching || this.endpoint === undefined) return;
    this.#write(this.endpoint, this.#tryStartMs, { why: this.#why, end, status, flag, detail });
  }

  /** The same of a hedge that nobody needed. */
  #tellHedge({ endpoint, startMs }: Hedge, end: TryEnd, flag: Flag | '' = '', detail = ''): void {
    if (!this.#services.observers.watching) return;
    this.#write(endpoint, startMs, { why: 'hedge', end, status: 0, flag, detail });
  }

  #write(
    { key: endpoint, config }: RunningEndpoint,
    startMs: number,
    rest: Pick<TryRecord, 'why' | 'end' | 'status' | 'flag' | 'detail'>,
    durationMs = this.#services.clock.monotonic() - startMs,
  ): void {
    const { name: cluster } = this.#cluster!.config;
    const { peer, tls } = config;
    const { why, end, status, flag, detail } = rest;
    const mesh = tls === 'mesh';
    const record = { cluster, endpoint, peer, mesh, startMs, durationMs, why, end, status, flag, detail };
    // Nearly always the only one.
    this.records =
      this.records.length === 0 ? [record] : [...this.records, record].sort((a, b) => a.startMs - b.startMs);
  }

  /** The endpoint of this try is done with; the next try goes elsewhere if it can. */
  #leaveEndpoint(avoid = true): void {
    const { endpoint } = this;
    if (endpoint === undefined) return;
    endpoint.active--;
    this.endpoint = undefined;
    if (!avoid) return;
    this.#tried ??= [];
    this.#tried.push(endpoint);
  }

  #timedOut(): void {
    if (this.#state !== STATE.CONNECTION && this.#state !== STATE.ANSWER) return;
    const { retry, name } = this.#route!.route;
    const untouched = this.#state === STATE.CONNECTION;
    this.noAnswer();
    this.letGo('timed-out');
    this.#tell('no-answer');
    this.#leaveEndpoint();
    if (this.#retry(timeoutCondition(retry, untouched), untouched)) return;
    const why = `no answer within ${retry.perTryTimeoutMs} ms per try (route ${name})`;
    this.#owner.onTriesFailed('UT', why, false);
  }
}
