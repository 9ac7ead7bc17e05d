import type { Cluster, HashKey, Outcome, RunningEndpoint, StreamWaiter } from '../cluster/index.ts';
import type { Flag } from '../errors/index.ts';
import {
  type ClientStream,
  type Head,
  isIdempotent,
  METHOD,
  type ServerStream,
  type ServerStreamHandler,
  type StreamFailure,
} from '../http/index.ts';
import type { ClientConnection } from '../http1/index.ts';
import type { RetryCondition } from '../model/index.ts';
import { isFailure } from '../routing/index.ts';
import { Deadline } from '../time/index.ts';
import { markCascaded, takeCascaded } from './cascade.ts';
import type { RunningDestination } from './destination.ts';
import type { ExchangeHost, ExchangeServices, TargetWaiter } from './exchange-host.ts';
import { type ExchangeEnd, recordOf } from './exchange-record.ts';
import { Hedge, type HedgeOwner } from './hedge.ts';
import { localReply, statusFor } from './local-replies.ts';
import { ReplayBuffer } from './replay-buffer.ts';
import { backoffMs, retriableStatus } from './retry-rules.ts';
import { type Instead, RouteWork } from './route-work.ts';
import type { RunningRoute } from './running-route.ts';
import { Shadow } from './shadow.ts';
import { removeUntouched, saysUntouched } from './untouched.ts';

/** What an exchange is waiting for. */
const PHASE = {
  /** No request. */
  IDLE: 0,
  /** Where the request goes. */
  TARGET: 1,
  /** The end of a delay that a policy asks for. */
  DELAY: 2,
  /** A connection. */
  CONNECTION: 3,
  /** The answer's head; the request is being or has been sent. */
  ANSWER: 4,
  /** The time of the next try. */
  BACKOFF: 5,
  /** The rest of the answer. */
  BODY: 6,
  /** Upgraded or CONNECT: bytes in both directions. */
  TUNNEL: 7,
} as const;

/** Idle keep-alive races are repaired this often without counting as retries. */
const maxStaleReplays = 2;
const noneTried: readonly RunningEndpoint[] = [];

/**
 * One request on its way: routed, sent to an endpoint, tried again where that is safe, answered, counted. One object serves all
 * requests of an HTTP/1 connection, one after the other.
 */
export class Exchange implements ServerStreamHandler, HedgeOwner, StreamWaiter, TargetWaiter {
  readonly #services: ExchangeServices;
  readonly #host: ExchangeHost;
  #stream!: ServerStream;
  #phase: number = PHASE.IDLE;
  #head!: Head;
  #requestEnded = false;
  #responseEnded = false;
  #trailers: Buffer | undefined;
  #upstream: ClientStream | undefined;
  #route: RunningRoute | undefined;
  #cluster: Cluster | undefined;
  #endpoint: RunningEndpoint | undefined;
  #tried: RunningEndpoint[] | undefined;
  #attempts = 0;
  #staleReplays = 0;
  #startMs = 0;
  #tryStartMs = 0;
  #waited = false;
  #lastMoveMs = 0;
  #status = 0;
  #receivedBytes = 0;
  #sentBytes = 0;
  #outOfRetries = false;
  /** Services.failedCalls when the request came. */
  #failedCallsBefore = 0;
  /** Whether a policy held the request up on purpose. */
  #delayed = false;
  /** What consistent hashing knows the request by; -1 for nothing. */
  #hash = -1;
  /** The endpoint of a sticky session, for the first try. */
  #preferred: RunningEndpoint | undefined;
  /** Made when a route first asks for it. */
  #ownWork: RouteWork | undefined;
  /** Defined while the route of this request has work to do. */
  #work: RouteWork | undefined;
  #shadows: readonly Shadow[] | undefined;
  /** A second try beside the first; undefined when there is none, or once it has become the try. */
  #hedge: Hedge | undefined;
  /** Who waits for this try's connection: the exchange itself, or the hedge that it adopted. */
  #waiter: StreamWaiter = this;
  readonly #replay = new ReplayBuffer();
  readonly #timeout = new Deadline(() => this.#timedOut());
  readonly #tryTimeout = new Deadline(() => this.#tryTimedOut());
  readonly #hedgeTime = new Deadline(() => this.#startHedge());
  readonly #idleTimeout = new Deadline(() => this.#checkIdle());
  readonly #later = new Deadline(() => (this.#phase === PHASE.DELAY ? this.#answerOrForward() : this.#try()));

  constructor(services: ExchangeServices, host: ExchangeHost) {
    this.#services = services;
    this.#host = host;
  }

  /** Before the first request. */
  bind(stream: ServerStream): void {
    this.#stream = stream;
  }

  get repeatable(): boolean {
    return isIdempotent(this.#head.method);
  }

  onRequest(head: Head, end: boolean): void {
    head.retain();
    this.#head = head;
    this.#requestEnded = end;
    this.#startMs = this.#services.clock.monotonic();
    this.#lastMoveMs = this.#startMs;
    this.#services.active++;
    this.#failedCallsBefore = this.#services.failedCalls;
    this.#phase = PHASE.TARGET;
    const target = this.#host.target(head, this);
    if (target !== undefined) this.#send(target);
  }

  onTarget(target: RunningDestination | undefined, flag: Flag, detail: string): void {
    if (this.#phase !== PHASE.TARGET) return;
    if (target === undefined) this.#fail(flag, detail);
    else this.#send(target);
  }

  onRequestData(bytes: Buffer, start: number, end: number): void {
    this.#receivedBytes += end - start;
    const upstream = this.#upstream;
    if (this.#shadows !== undefined) for (const shadow of this.#shadows) shadow.data(bytes, start, end);
    if (this.#phase <= PHASE.BACKOFF) {
      this.#replay.add(bytes, start, end, upstream === undefined);
      if (upstream === undefined) {
        if (this.#replay.full) this.#stream.pauseRequest();
        return;
      }
    }
    this.#lastMoveMs = this.#services.clock.monotonic();
    if (upstream !== undefined && !upstream.data(bytes, start, end)) this.#stream.pauseRequest();
  }

  onRequestEnd(trailers: Buffer | undefined): void {
    this.#requestEnded = true;
    if (trailers !== undefined) this.#trailers = Buffer.from(trailers);
    if (this.#shadows !== undefined) for (const shadow of this.#shadows) shadow.end(trailers);
    this.#upstream?.end(trailers);
    if (this.#phase === PHASE.TUNNEL && this.#responseEnded) this.#finishTunnel();
  }

  /** The body of the request under way is malformed and `status` is the answer to it; onRequestAbort follows. False: none is under way. */
  onMalformedBody(status: number): boolean {
    if (this.#phase === PHASE.IDLE) return false;
    if (this.#phase < PHASE.BODY) this.#status = status;
    return true;
  }

  onRequestAbort(flag: Flag, detail: string): void {
    if (this.#phase === PHASE.IDLE) return;
    if (!this.#requestEnded && this.#shadows !== undefined)
      for (const shadow of this.#shadows) shadow.cancel();
    this.#letGo();
    this.#finish(flag, detail);
  }

  onResponseWritable(): void {
    this.#upstream?.resumeResponse();
  }

  onConnection(connection: ClientConnection): void {
    const upstream = connection.open(this);
    this.#upstream = upstream;
    this.#phase = PHASE.ANSWER;
    // How long opening took says nothing about how fast the endpoint answers.
    if (this.#waited) this.#tryStartMs = this.#services.clock.monotonic();
    const head = this.#head;
    const whole = this.#requestEnded && this.#replay.empty && !head.chunked && head.bodyLength === 0;
    upstream.request(head, whole);
    if (whole) return;
    for (const piece of this.#replay.pieces) upstream.data(piece, 0, piece.length);
    if (this.#requestEnded) upstream.end(this.#trailers);
    else this.#stream.resumeRequest();
  }

  onNoConnection(flag: Flag, detail: string): void {
    if (flag === 'UO') {
      this.#leaveEndpoint();
      this.#fail(flag, detail, true);
      return;
    }
    this.#record('connect-failure');
    this.#leaveEndpoint();
    if (this.#takeHedge()) return;
    if (!this.#retry('connect-failure', true)) this.#fail(flag, detail, true);
  }

  onHedgeAnswer(): void {
    const nowMs = this.#services.clock.monotonic();
    // The slow one is known by the time that it has taken so far.
    this.#endpoint?.latency.observe(nowMs - this.#tryStartMs, nowMs);
    this.#letGo();
    this.#leaveEndpoint();
    this.#takeHedge();
  }

  onHedgeStream(stream: ClientStream): void {
    this.#upstream = stream;
    this.#phase = PHASE.ANSWER;
  }

  onHedgeLost(): void {
    this.#hedge = undefined;
  }

  onInformational(head: Head): void {
    this.#stream.informational(head);
  }

  onResponse(head: Head, end: boolean): void {
    const nowMs = this.#services.clock.monotonic();
    const { status } = head;
    const { responseClasses, retry } = this.#route!.route;
    const latencyMs = nowMs - this.#tryStartMs;
    this.#lastMoveMs = nowMs;
    this.#endpoint!.latency.observe(latencyMs, nowMs);
    const { occupancy } = this.#cluster!;
    occupancy.adaptive?.observe(latencyMs, occupancy.requests, nowMs);
    const failed = responseClasses === undefined ? status >= 500 : isFailure(responseClasses, status);
    this.#record(!failed ? 'success' : status >= 502 && status <= 504 ? 'gateway-error' : 'error-5xx');
    this.#services.timers.cancel(this.#tryTimeout);
    if ((status >= 400 || failed || retry.statuses !== undefined) && this.#retryStatus(head, end, failed))
      return;
    this.#status = status;
    this.#replay.drop();
    this.#dropHedge();
    this.#work?.decorate(head, this.#endpoint!);
    if (end) {
      this.#upstream = undefined;
      this.#finish(this.#outOfRetries ? 'URX' : '', '');
      this.#stream.respond(head, true);
      return;
    }
    this.#phase = PHASE.BODY;
    if (status === 101 || (head.status < 300 && this.#head.method === METHOD.CONNECT)) this.#becomeTunnel();
    this.#stream.respond(head, false);
  }

  onResponseData(bytes: Buffer, start: number, end: number): void {
    this.#sentBytes += end - start;
    this.#lastMoveMs = this.#services.clock.monotonic();
    if (!this.#stream.data(bytes, start, end)) this.#upstream?.pauseResponse();
  }

  onResponseEnd(trailers: Buffer | undefined): void {
    if (this.#phase === PHASE.TUNNEL) {
      // Half-closed: the other direction goes on.
      this.#responseEnded = true;
      this.#stream.end(undefined);
      if (this.#requestEnded) this.#finishTunnel();
      return;
    }
    this.#upstream = undefined;
    this.#finish(this.#outOfRetries ? 'URX' : '', '');
    this.#stream.end(trailers);
  }

  onResponseAbort(failure: StreamFailure): void {
    this.#upstream = undefined;
    if (this.#phase === PHASE.TUNNEL || this.#phase === PHASE.BODY) {
      this.#record('gateway-error');
      this.#finish(failure.flag, failure.detail);
      this.#stream.abort();
      return;
    }
    if (this.#replayStale(failure)) return;
    this.#record('connect-failure');
    this.#leaveEndpoint();
    if (this.#takeHedge()) return;
    if (!this.#retry('reset', failure.unread)) this.#fail(failure.flag, failure.detail, failure.unread);
  }

  onRequestWritable(): void {
    this.#stream.resumeRequest();
  }

  #send(target: RunningDestination): void {
    const head = this.#head;
    const route = target.match(head);
    if (route === undefined) {
      this.#fail('NR', `${head.methodText} ${head.targetText} to ${target.resource.host}`);
      return;
    }
    this.#route = route;
    if (route.plain) {
      this.#forward(route);
      return;
    }
    const { clock, timers, random } = this.#services;
    this.#ownWork ??= new RouteWork(this.#host.downstream, random);
    const work = this.#ownWork;
    this.#work = work;
    const instead = work.begin(route, head, clock.monotonic());
    if (instead !== undefined) {
      this.#answer(instead);
      return;
    }
    const delayMs = work.delayMs();
    if (delayMs === 0) {
      this.#answerOrForward();
      return;
    }
    this.#delayed = true;
    this.#phase = PHASE.DELAY;
    timers.schedule(this.#later, delayMs);
  }

  /** The request has come through the filters. */
  #answerOrForward(): void {
    const instead = this.#work!.answer();
    if (instead === undefined) this.#forward(this.#route!);
    else this.#answer(instead);
  }

  #forward(route: RunningRoute): void {
    const head = this.#head;
    const work = this.#work;
    const session = route.sessionCookie === undefined ? undefined : work?.bySession();
    const choice = session === undefined ? route.clusters.pickIndex() : session.choice;
    const cluster = route.clusters.clusters[choice];
    if (cluster === undefined) {
      this.#fail('NC', `route ${route.route.name} names no cluster`);
      return;
    }
    this.#preferred = session?.endpoint;
    if (!cluster.occupancy.mayRequest()) {
      cluster.occupancy.overflows++;
      this.#fail('UO', `${cluster.occupancy.requests} requests to ${cluster.config.name} are under way`);
      return;
    }
    this.#cluster = cluster;
    cluster.occupancy.requests++;
    cluster.budget.recordRequest(this.#startMs);
    const { hashKey } = cluster;
    // Before the route edits the request: it is the client that is to be known again.
    if (hashKey !== undefined) this.#hashRequest(hashKey);
    this.#host.prepare(head);
    if (work !== undefined) {
      work.prepare(choice, cluster);
      if (route.mirrors.length > 0) this.#mirror(work.mirrors());
    }
    const { timeoutMs, idleTimeoutMs } = route.route;
    if (timeoutMs > 0) this.#services.timers.schedule(this.#timeout, timeoutMs);
    if (idleTimeoutMs > 0) this.#services.timers.schedule(this.#idleTimeout, idleTimeoutMs);
    this.#try();
  }

  #hashRequest(hashKey: HashKey): void {
    const { downstream } = this.#host;
    this.#hash = hashKey.of(this.#head, downstream.slice(0, downstream.lastIndexOf(':')));
    const cookie = hashKey.takeCookie();
    if (cookie === undefined) return;
    if (this.#work === undefined) {
      this.#ownWork ??= new RouteWork(this.#host.downstream, this.#services.random);
      this.#ownWork.begin(this.#route!, this.#head, this.#startMs);
      this.#work = this.#ownWork;
    }
    this.#work.addCookie(cookie);
  }

  #mirror(clusters: readonly Cluster[]): void {
    if (clusters.length === 0 || this.#head.isUpgrade) return;
    this.#shadows = clusters.map(cluster => {
      const { pieces } = this.#replay;
      return new Shadow(
        this.#services,
        cluster,
        this.#head.copy(),
        cluster.mirrored,
        pieces,
        this.#requestEnded,
      );
    });
    for (const shadow of this.#shadows) shadow.start();
  }

  #try(): void {
    const cluster = this.#cluster!;
    const first = this.#attempts === 0 && !this.#delayed;
    this.#tryStartMs = first ? this.#startMs : this.#services.clock.monotonic();
    const anywhere = this.#route!.route.retry.remoteLocalities === true;
    const endpoint =
      this.#preferred ?? cluster.pick(this.#tried ?? noneTried, this.#tryStartMs, this.#hash, anywhere);
    this.#preferred = undefined;
    if (endpoint === undefined) {
      const { name } = cluster.config;
      const why = cluster.known
        ? `no endpoint of ${name} is ready (0 of ${cluster.total})`
        : `the endpoints of ${name} are not known yet`;
      this.#fail('UH', why);
      return;
    }
    this.#endpoint = endpoint;
    endpoint.active++;
    this.#attempts++;
    if (this.#route!.series !== undefined) this.#route!.series.tries++;
    const { perTryTimeoutMs } = this.#route!.route.retry;
    if (perTryTimeoutMs > 0) this.#services.timers.schedule(this.#tryTimeout, perTryTimeoutMs);
    this.#phase = PHASE.CONNECTION;
    this.#waiter = this;
    this.#waited = false;
    const { hedgeAfterMs = 0 } = this.#route!.route.retry;
    if (hedgeAfterMs > 0 && this.#attempts === 1)
      this.#services.timers.schedule(this.#hedgeTime, hedgeAfterMs);
    endpoint.pool.acquire(this);
    if (this.#phase === PHASE.CONNECTION) this.#waited = true;
  }

  /** The first try has not answered in time: a second goes out beside it, where repeating is safe and the budget allows it. */
  #startHedge(): void {
    if (this.#phase !== PHASE.CONNECTION && this.#phase !== PHASE.ANSWER) return;
    const cluster = this.#cluster!;
    const { retry } = this.#route!.route;
    const safe = retry.nonIdempotent || isIdempotent(this.#head.method);
    if (!safe || !this.#requestEnded || !this.#replay.complete || this.#head.isUpgrade) return;
    const nowMs = this.#services.clock.monotonic();
    const endpoint = cluster.pick([...(this.#tried ?? noneTried), this.#endpoint!], nowMs, this.#hash);
    // With nobody else to ask a second try would only add to what is slow.
    if (endpoint === undefined || endpoint === this.#endpoint || !cluster.budget.tryRetry()) return;
    cluster.retries++;
    this.#attempts++;
    if (this.#route!.series !== undefined) this.#route!.series.tries++;
    const request = { head: this.#head, body: this.#replay.pieces, trailers: this.#trailers };
    this.#hedge = new Hedge(this, endpoint, nowMs, request);
    this.#hedge.start();
  }

  /** The hedge becomes the try. False when there is none. */
  #takeHedge(): boolean {
    const hedge = this.#hedge;
    if (hedge === undefined) return false;
    this.#hedge = undefined;
    hedge.adopt();
    this.#endpoint = hedge.endpoint;
    this.#upstream = hedge.stream;
    this.#waiter = hedge;
    this.#tryStartMs = hedge.startMs;
    this.#phase = hedge.stream === undefined ? PHASE.CONNECTION : PHASE.ANSWER;
    return true;
  }

  #dropHedge(): void {
    this.#hedge?.cancel();
    this.#hedge = undefined;
  }

  /** Both directions of a tunnel have ended; the connections close themselves once everything is sent. */
  #finishTunnel(): void {
    this.#upstream = undefined;
    this.#finish('', '');
  }

  #becomeTunnel(): void {
    this.#phase = PHASE.TUNNEL;
    this.#services.tunnels++;
    this.#services.timers.cancel(this.#timeout);
    this.#services.timers.cancel(this.#idleTimeout);
    // From here on the request's end is the client's half-close.
    this.#requestEnded = false;
    this.#responseEnded = false;
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
    if (!ended) this.#upstream!.cancel();
    this.#upstream = undefined;
    this.#leaveEndpoint();
    if (!this.#takeHedge()) this.#waitAndTry();
    return true;
  }

  /** Whether a failure was retried further down already; see cascade.ts. */
  #isCascaded(head: Head): boolean {
    if (this.#host.direction === 'outbound')
      return this.#endpoint!.config.tls === 'mesh' && takeCascaded(head);
    markCascaded(head, this.#services.failedCalls !== this.#failedCallsBefore);
    return false;
  }

  /** Whether a 503 comes from the peer's proxy, whose app has not seen the request. What an app itself says of that does not count. */
  #isUntouched(head: Head): boolean {
    if (this.#host.direction === 'outbound')
      return this.#endpoint!.config.tls === 'mesh' && saysUntouched(head);
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
    if (condition !== 'status' && !retry.on.includes(condition)) return false;
    if (!untouched && !retry.nonIdempotent && !isIdempotent(this.#head.method)) return false;
    if (!this.#replay.complete || this.#head.isUpgrade) return false;
    if (this.#attempts > retry.attempts) {
      this.#outOfRetries = retry.attempts > 0;
      return false;
    }
    const cluster = this.#cluster!;
    if (!cluster.budget.tryRetry()) return false;
    cluster.retries++;
    return true;
  }

  #waitAndTry(): void {
    const { retry } = this.#route!.route;
    this.#services.timers.cancel(this.#tryTimeout);
    this.#phase = PHASE.BACKOFF;
    this.#services.timers.schedule(this.#later, backoffMs(retry, this.#attempts, this.#services.random()));
  }

  /**
   * The idle keep-alive race: the upstream closed a connection that it had used before, just when we used it again. Not its failure and not a
   * retry: the request goes out once more at once, if it is certain that it was not read or if repeating it is harmless.
   */
  #replayStale(failure: StreamFailure): boolean {
    if (!failure.reused || failure.flag === 'UPE') return false;
    if (!failure.unread && !isIdempotent(this.#head.method)) return false;
    if (!this.#replay.complete || this.#staleReplays >= maxStaleReplays) return false;
    this.#staleReplays++;
    this.#attempts--;
    this.#leaveEndpoint(false);
    this.#try();
    return true;
  }

  #record(outcome: Outcome): void {
    if (this.#endpoint !== undefined) this.#cluster!.record(this.#endpoint, outcome);
  }

  /** The endpoint of this try is done with; the next try goes elsewhere if it can. */
  #leaveEndpoint(avoid = true): void {
    const endpoint = this.#endpoint;
    if (endpoint === undefined) return;
    endpoint.active--;
    this.#endpoint = undefined;
    if (!avoid) return;
    this.#tried ??= [];
    this.#tried.push(endpoint);
  }

  /** Breaks off whatever is under way towards the upstream. */
  #letGo(): void {
    if (this.#phase === PHASE.CONNECTION) this.#endpoint?.pool.cancel(this.#waiter);
    this.#upstream?.cancel();
    this.#upstream = undefined;
  }

  #timedOut(): void {
    const { timeoutMs } = this.#route!.route;
    // An answer that has begun shows that the endpoint is there.
    if (this.#phase < PHASE.BODY) this.#noAnswer();
    this.#giveUp('UT', `no complete answer within ${timeoutMs} ms (route ${this.#route!.route.name})`);
  }

  #tryTimedOut(): void {
    const { retry, name } = this.#route!.route;
    if (this.#phase !== PHASE.CONNECTION && this.#phase !== PHASE.ANSWER) return;
    const untouched = this.#phase === PHASE.CONNECTION;
    this.#noAnswer();
    this.#letGo();
    this.#leaveEndpoint();
    if (!this.#retry('gateway-error', untouched))
      this.#fail('UT', `no answer within ${retry.perTryTimeoutMs} ms per try (route ${name})`);
  }

  /** The endpoint has not answered in time. */
  #noAnswer(): void {
    this.#record('connect-failure');
    const { occupancy } = this.#cluster!;
    const nowMs = this.#services.clock.monotonic();
    occupancy.adaptive?.dropped(nowMs - this.#tryStartMs, occupancy.requests, nowMs);
  }

  #checkIdle(): void {
    const limitMs = this.#route!.route.idleTimeoutMs;
    const quietMs = this.#services.clock.monotonic() - this.#lastMoveMs;
    if (quietMs < limitMs) this.#services.timers.schedule(this.#idleTimeout, limitMs - quietMs);
    else this.#giveUp('SI', `nothing moved for ${limitMs} ms`);
  }

  /** Ends an exchange that took too long, whatever it is doing. */
  #giveUp(flag: Flag, detail: string): void {
    const started = this.#phase >= PHASE.BODY;
    this.#letGo();
    if (!started) {
      this.#fail(flag, detail);
      return;
    }
    this.#finish(flag, detail);
    this.#stream.abort();
  }

  /** Answers in place of the upstream. `untouched`: the upstream has not seen a byte of the request. */
  #fail(flag: Flag, detail: string, untouched = false): void {
    this.#status = statusFor(flag);
    const tries = this.#attempts > 1 ? ` (after ${this.#attempts} tries)` : '';
    const reply = localReply(flag, `${detail}${tries}`, untouched && this.#host.direction === 'inbound');
    const lines = this.#work?.localLines ?? '';
    this.#finish(flag, `${detail}${tries}`);
    this.#stream.respondLocal(lines === '' ? reply : { ...reply, headers: reply.headers + lines });
  }

  /** Answers as a policy says, in place of the upstream. */
  #answer({ reply, flag, detail }: Instead): void {
    this.#status = reply.status;
    this.#finish(flag, detail);
    this.#stream.respondLocal(reply);
  }

  /** Counts and logs the exchange and gets ready for the next. Before the last bytes are written, because they may start it. */
  #finish(flag: Flag | '', detail: string): void {
    const { timers, clock, accessLog } = this.#services;
    timers.cancel(this.#timeout);
    timers.cancel(this.#tryTimeout);
    timers.cancel(this.#idleTimeout);
    timers.cancel(this.#later);
    timers.cancel(this.#hedgeTime);
    this.#dropHedge();
    const endpoint = this.#endpoint ?? this.#tried?.at(-1);
    const cluster = this.#cluster;
    const nowMs = clock.monotonic();
    if (flag === '' && this.#delayed) flag = 'DI';
    const route = this.#route;
    if (route?.series !== undefined) this.#countRoute(route, nowMs);
    const series = this.#host.metrics(endpoint, cluster).series(this.#status, flag);
    series.requests++;
    series.touchedMs = nowMs;
    series.durationMs.observe(nowMs - this.#startMs);
    series.requestBytes.observe(this.#receivedBytes);
    series.responseBytes.observe(this.#sentBytes);
    if (accessLog.wants(this.#status, flag)) this.#log(flag, detail, nowMs, endpoint);
    if (this.#endpoint !== undefined) this.#endpoint.active--;
    if (cluster !== undefined) cluster.occupancy.requests--;
    this.#services.active--;
    if (this.#phase === PHASE.TUNNEL) this.#services.tunnels--;
    if (this.#host.direction === 'outbound' && (this.#status >= 500 || this.#status === 0))
      this.#services.failedCalls++;
    this.#reset();
  }

  #countRoute({ series, route }: RunningRoute, nowMs: number): void {
    if (this.#status === 0 || isFailure(route.responseClasses, this.#status)) series!.failure++;
    else series!.success++;
    series!.durationMs.observe(nowMs - this.#startMs);
  }

  #reset(): void {
    this.#phase = PHASE.IDLE;
    this.#trailers = undefined;
    this.#route = undefined;
    this.#cluster = undefined;
    this.#endpoint = undefined;
    this.#tried = undefined;
    this.#attempts = 0;
    this.#staleReplays = 0;
    this.#status = 0;
    this.#receivedBytes = 0;
    this.#sentBytes = 0;
    this.#outOfRetries = false;
    this.#delayed = false;
    this.#hash = -1;
    this.#preferred = undefined;
    this.#work = undefined;
    this.#shadows = undefined;
    this.#replay.clear();
  }

  #log(flag: Flag | '', detail: string, nowMs: number, endpoint: RunningEndpoint | undefined): void {
    const end: ExchangeEnd = {
      head: this.#head,
      status: this.#status,
      flag,
      detail,
      durationMs: nowMs - this.#startMs,
      receivedBytes: this.#receivedBytes,
      sentBytes: this.#sentBytes,
      attempts: this.#attempts,
      endpoint,
      cluster: this.#cluster,
      route: this.#route,
    };
    this.#services.accessLog.write(recordOf(this.#host, end));
  }
}
