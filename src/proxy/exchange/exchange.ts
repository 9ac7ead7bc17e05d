import type { Cluster, HashKey } from '../../cluster/index.ts';
import { type Flag, giveUp, INTERNAL_ERROR, internalError } from '../../errors/index.ts';
import {
  type Field,
  type Fields,
  grpcStatusOf,
  type Head,
  type LocalReply,
  METHOD,
  NO_FIELDS,
  type ServerStream,
  type ServerStreamHandler,
  type StreamFailure,
} from '../../http/index.ts';
import { isFailure } from '../../routing/index.ts';
import { Deadline } from '../../time/index.ts';
import { enterEvent, leaveEvent } from '../../wire/index.ts';
import type { RunningDestination } from '../destinations/destination.ts';
import type { RunningRoute } from '../destinations/running-route.ts';
import { type Instead, PASS, type Verdict, WAIT } from '../filters/filter.interface.ts';
import { inItsProtocol, localReply, OUT_OF_MEMORY, statusFor } from '../replies/local-replies.ts';
import { clientKey } from '../services/client-key.ts';
import type { ExchangeHost, ExchangeServices, TargetWaiter } from './exchange-host.ts';
import { ExchangeView, recordOf } from './exchange-record.ts';
import { giveRequestId, REQUEST_ID, requestIdOf } from './request-id.ts';
import { RequestSoFar } from './request-so-far.ts';
import { RouteWork, type RouteWorkOwner } from './route-work.ts';
import { Shadow } from './shadow.ts';
import { Tries, type TriesOwner, VERDICT } from './tries.ts';

/** What an exchange is waiting for. */
const PHASE = {
  /** No request. */
  IDLE: 0,
  /** Where the request goes. */
  TARGET: 1,
  /** A filter that has to find something out, or holds it on purpose. */
  HELD: 2,
  /** An answer to one of the tries. */
  ANSWER: 3,
  /** The rest of the answer. */
  BODY: 4,
  /** Upgraded or CONNECT: bytes in both directions. */
  TUNNEL: 5,
} as const;

const requestIdField = REQUEST_ID.toString('latin1');

/**
 * One request on its way: routed, tried at endpoints, answered, counted. One object serves all requests of an HTTP/1 connection,
 * one after the other.
 */
export class Exchange implements ServerStreamHandler, TriesOwner, TargetWaiter, RouteWorkOwner {
  readonly #services: ExchangeServices;
  readonly #host: ExchangeHost;
  readonly #stream: ServerStream;
  #phase: number = PHASE.IDLE;
  #responseEnded = false;
  #route: RunningRoute | undefined;
  #cluster: Cluster | undefined;
  /** The cluster that had no room for it. */
  #full: Cluster | undefined;
  #startMs = 0;
  #lastMoveMs = 0;
  #status = 0;
  #grpcStatus = -1;
  #receivedBytes = 0;
  #sentBytes = 0;
  /** Whether a policy held the request up on purpose. */
  #delayed = false;
  /** Whether a filter had it wait. */
  #held = false;
  /** Where it goes, as long as its route is looked for. */
  #target: RunningDestination | undefined;
  /** Grows with every request: whoever comes back with a word on an earlier one is too late. */
  #turn = 0;
  /** Made when a route first asks for it. */
  #ownWork: RouteWork | undefined;
  /** Defined while the route of this request has work to do. */
  #work: RouteWork | undefined;
  #shadows: readonly Shadow[] | undefined;
  /** The answer that took the upstream's place. */
  #instead: Instead | undefined;
  /** When the answer that is taken came. */
  #answeredMs = -1;
  /** Made when this is first logged or observed. */
  #ownView: ExchangeView | undefined;
  readonly #request = new RequestSoFar();
  readonly #tries: Tries;
  readonly #timeout = new Deadline(() => this.#timedOut(), this);
  readonly #idleTimeout = new Deadline(() => this.#checkIdle(), this);
  readonly #delay = new Deadline(() => this.resume(this.#turn, PASS), this);

  constructor(services: ExchangeServices, host: ExchangeHost, stream: ServerStream) {
    this.#services = services;
    this.#host = host;
    this.#stream = stream;
    this.#tries = new Tries(services, host, this, this.#request);
  }

  /** See FailedCalls. */
  get underWay(): Head | undefined {
    return this.#phase === PHASE.IDLE ? undefined : this.#request.head;
  }

  onRequest(head: Head, end: boolean): void {
    head.retain();
    this.#request.begin(head, end);
    this.#startMs = this.#services.clock.monotonic();
    this.#lastMoveMs = this.#startMs;
    this.#services.active++;
    this.#phase = PHASE.TARGET;
    if (this.#services.refusing) {
      this.#fail('OM', OUT_OF_MEMORY, true);
      return;
    }
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
    const { upstream } = this.#tries;
    if (this.#shadows !== undefined) for (const shadow of this.#shadows) shadow.data(bytes, start, end);
    if (this.#phase < PHASE.BODY) {
      const { body } = this.#request;
      body.add(bytes, start, end, upstream === undefined);
      if (upstream === undefined) {
        if (body.full) this.#stream.pauseRequest();
        return;
      }
    }
    this.#lastMoveMs = this.#services.clock.monotonic();
    if (upstream !== undefined && !upstream.data(bytes, start, end)) this.#stream.pauseRequest();
  }

  onRequestEnd(trailers: Fields | undefined): void {
    this.#request.ended = true;
    if (trailers !== undefined) this.#request.trailers = trailers.copy();
    if (this.#shadows !== undefined) for (const shadow of this.#shadows) shadow.end(trailers);
    this.#tries.upstream?.end(trailers);
    if (this.#phase === PHASE.TUNNEL && this.#responseEnded) this.#finish('', '');
  }

  /**
   * The body of the request under way is malformed and `status` is the answer to it; onRequestAbort follows. False: none is under
   * way.
   */
  onMalformedBody(status: number): boolean {
    if (this.#phase === PHASE.IDLE) return false;
    if (this.#phase < PHASE.BODY) this.#status = status;
    return true;
  }

  onRequestAbort(flag: Flag, detail: string): void {
    if (this.#phase === PHASE.IDLE) return;
    if (!this.#request.ended && this.#shadows !== undefined)
      for (const shadow of this.#shadows) shadow.cancel();
    this.#tries.letGo(flag === 'LR' ? 'fault' : 'client-gone');
    this.#finish(flag, detail);
  }

  onResponseWritable(): void {
    this.#tries.upstream?.resumeResponse();
  }

  onTriesFailed(flag: Flag, detail: string, untouched: boolean): void {
    this.#fail(flag, detail, untouched);
  }

  /** What the client is logged in on ends: so does its own connection, as it would if nobody were in between. */
  onLoginLost(): void {
    this.#stream.finish();
  }

  /** The client's connection is gone. */
  close(): void {
    this.#tries.close();
  }

  onInformational(head: Head): void {
    this.#stream.informational(head);
  }

  onResponse(head: Head, end: boolean): void {
    const nowMs = this.#services.clock.monotonic();
    const tries = this.#tries;
    this.#lastMoveMs = nowMs;
    if (tries.judge(head, end, nowMs) === VERDICT.TRY_AGAIN) return;
    const { status } = head;
    this.#status = status;
    this.#answeredMs = nowMs;
    this.#request.body.drop();
    const { observers } = this.#services;
    if (observers.answers) observers.answer(this.#view(), head);
    if (status >= 500 && head.requestId < 0) this.#nameRequest(head);
    this.#work?.decorate(head, tries.endpoint!);
    if (end) {
      if (head.grpcStatus >= 0) this.#grpcStatus = grpcStatusOf(head, head.grpcStatus);
      this.#finish(tries.outOfRetries ? 'URX' : '', '');
      this.#stream.respond(head, true);
      return;
    }
    this.#phase = PHASE.BODY;
    if (status === 101 || (status < 300 && this.#request.head.method === METHOD.CONNECT))
      this.#becomeTunnel();
    this.#stream.respond(head, false);
  }

  onResponseData(bytes: Buffer, start: number, end: number): void {
    this.#sentBytes += end - start;
    this.#lastMoveMs = this.#services.clock.monotonic();
    if (!this.#stream.data(bytes, start, end)) this.#tries.upstream?.pauseResponse();
  }

  onResponseEnd(trailers: Fields | undefined): void {
    if (this.#phase === PHASE.TUNNEL) {
      // Half-closed: the other direction goes on. Once both have ended the connections close themselves, when everything is sent.
      this.#responseEnded = true;
      this.#stream.end(undefined);
      if (this.#request.ended) this.#finish('', '');
      return;
    }
    if (trailers !== undefined) this.#grpcStatus = grpcStatusOf(trailers);
    this.#finish(this.#tries.outOfRetries ? 'URX' : '', '');
    this.#stream.end(trailers);
  }

  onResponseAbort(failure: StreamFailure): void {
    // After an error of Weft's own an upstream may outlive its exchange.
    if (this.#phase === PHASE.IDLE) return;
    if (this.#phase < PHASE.BODY) {
      this.#tries.broken(failure);
      return;
    }
    this.#tries.record('gateway-error');
    this.#finish(failure.flag, failure.detail);
    this.#stream.abort(failure.flag);
  }

  onRequestWritable(): void {
    this.#stream.resumeRequest();
  }

  /** An error of Weft's own: the client is cut off, and what was under way for it ends. */
  onFault(): void {
    try {
      if (this.#phase !== PHASE.IDLE) this.onRequestAbort('LR', INTERNAL_ERROR);
    } finally {
      this.#stream.abort('LR');
    }
  }

  #send(target: RunningDestination): void {
    const { head } = this.#request;
    if (!target.paths.normalize(head)) {
      this.#fail('DPE', `the path holds %00, which no rule can be asked about: ${head.targetText}`);
      return;
    }
    this.#target = target;
    const filters = target.filtersBehind(this.#host.terms.filters);
    if (filters.length === 0) this.#match(target);
    else this.#heed(this.#beginWork().ask(filters));
  }

  #match(target: RunningDestination): void {
    const { head } = this.#request;
    const route = target.match(head);
    if (route === undefined) {
      this.#fail('NR', `${head.methodText} ${head.targetText} to ${target.resource.host}`);
      return;
    }
    this.#route = route;
    this.#work?.follow(route);
    if (route.plain) {
      this.#forward(route);
      return;
    }
    if (this.#work === undefined) this.#beginWork().follow(route);
    this.#heed(this.#work!.ask(route.filters));
  }

  #beginWork(): RouteWork {
    this.#ownWork ??= new RouteWork(this.#host, this.#services.random, this);
    this.#work = this.#ownWork;
    this.#work.begin(this.#request.head, this.#services.clock.monotonic(), this.#turn);
    return this.#work;
  }

  /** Does what the filters say: those of listener and port before the route is looked for, the route's after it. */
  #heed(verdict: Verdict): void {
    if (verdict === WAIT) {
      this.#held = true;
      this.#phase = PHASE.HELD;
    } else if (verdict !== PASS) this.#answer(verdict);
    else if (this.#route === undefined) this.#match(this.#target!);
    else this.#forward(this.#route);
  }

  resume(turn: number, verdict: Instead | typeof PASS): void {
    if (turn !== this.#turn || this.#phase !== PHASE.HELD) return;
    enterEvent();
    try {
      this.#phase = PHASE.TARGET;
      this.#heed(verdict === PASS ? this.#work!.askOn() : verdict);
    } catch (thrown) {
      internalError('filter', thrown);
      giveUp('filter', this);
    }
    leaveEvent();
  }

  resumeAfter(delayMs: number): void {
    this.#delayed = true;
    this.#services.timers.schedule(this.#delay, delayMs);
  }

  #forward(route: RunningRoute): void {
    const { head } = this.#request;
    const work = this.#work;
    const session = route.sessionCookie === undefined ? undefined : work?.bySession();
    const own = this.#tries.loginAmong(route.clusters.clusters);
    const choice = own >= 0 ? own : session === undefined ? route.clusters.pickIndex() : session.choice;
    const invalid = route.invalid?.[choice];
    if (invalid !== undefined) {
      this.#answer({ reply: localReply('NC', invalid, { status: 500 }), flag: 'NC', detail: invalid });
      return;
    }
    const redirect = route.redirects?.[choice];
    if (redirect !== undefined) {
      this.#answer(work!.redirect(choice, redirect));
      return;
    }
    const cluster = route.clusters.clusters[choice];
    if (cluster === undefined) {
      this.#fail('NC', `route ${route.route.name} names no cluster`);
      return;
    }
    if (!cluster.occupancy.mayRequest()) {
      cluster.occupancy.overflows++;
      this.#full = cluster;
      this.#fail('UO', `${cluster.occupancy.requests} requests to ${cluster.config.name} are under way`);
      return;
    }
    this.#cluster = cluster;
    cluster.occupancy.requests++;
    cluster.budget.recordRequest(this.#startMs);
    const { hashKey } = cluster;
    // Before the route edits the request: it is the client that is to be known again.
    const hash = hashKey === undefined ? -1 : this.#hashRequest(hashKey);
    this.#host.prepare(head, cluster);
    const { observers } = this.#services;
    if (observers.forwards) observers.forward(this.#view());
    if (work !== undefined) {
      work.prepare(choice, cluster);
      if (route.mirrors[choice]!.length > 0) this.#mirror(work.mirrors(choice));
    }
    const { timeoutMs, idleTimeoutMs } = route.route;
    if (timeoutMs > 0) this.#services.timers.schedule(this.#timeout, timeoutMs);
    if (idleTimeoutMs > 0) this.#services.timers.schedule(this.#idleTimeout, idleTimeoutMs);
    this.#phase = PHASE.ANSWER;
    const startMs = this.#held ? this.#services.clock.monotonic() : this.#startMs;
    this.#tries.begin(route, cluster, startMs, hash, session?.endpoint);
  }

  /** What consistent hashing knows the request by. */
  #hashRequest(hashKey: HashKey): number {
    const { downstream } = this.#host;
    const { head } = this.#request;
    const hash = hashKey.of(head, clientKey(downstream, this.#services.address));
    const cookie = hashKey.takeCookie();
    if (cookie === undefined) return hash;
    if (this.#work === undefined) this.#beginWork().follow(this.#route!);
    this.#work!.addCookie(cookie);
    return hash;
  }

  #mirror(clusters: readonly Cluster[]): void {
    const { head, body, ended } = this.#request;
    // A copy would log in a connection that others share.
    if (clusters.length === 0 || head.isUpgrade || head.connectionLogin) return;
    this.#shadows = clusters.map(
      cluster => new Shadow(this.#services, cluster, head.copy(), cluster.mirrored, body.pieces, ended),
    );
    for (const shadow of this.#shadows) shadow.start();
  }

  #becomeTunnel(): void {
    this.#phase = PHASE.TUNNEL;
    this.#services.tunnels++;
    this.#services.timers.cancel(this.#timeout);
    this.#services.timers.cancel(this.#idleTimeout);
    // From here on the request's end is the client's half-close.
    this.#request.ended = false;
    this.#responseEnded = false;
  }

  #timedOut(): void {
    const { timeoutMs } = this.#route!.route;
    // An answer that has begun shows that the endpoint is there.
    if (this.#phase < PHASE.BODY) this.#tries.noAnswer();
    this.#giveUp('UT', `no complete answer within ${timeoutMs} ms (route ${this.#route!.route.name})`);
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
    this.#tries.letGo('timed-out');
    if (!started) {
      this.#fail(flag, detail);
      return;
    }
    this.#finish(flag, detail);
    this.#stream.abort(flag);
  }

  /** Answers in place of the upstream. `untouched`: the upstream has not seen a byte of the request. */
  #fail(flag: Flag, detail: string, untouched = false): void {
    this.#status = statusFor(flag);
    const { attempts } = this.#tries;
    const tries = attempts > 1 ? ` (after ${attempts} tries)` : '';
    const words = `${detail}${tries}`;
    const fields = this.#work?.localFields ?? NO_FIELDS;
    const told = untouched && this.#host.terms.trust.downstream === 'mesh';
    const reply = inItsProtocol(this.#request.head, localReply(flag, words, { untouched: told, fields }));
    this.#respond(reply, flag, words);
  }

  /** Answers as a policy says, in place of the upstream. */
  #answer(instead: Instead): void {
    const { reply, flag, detail } = instead;
    this.#status = reply.status;
    this.#instead = instead;
    // What a route says in its own name is for whom it was written; what is in place of an answer is in words that the client
    // knows.
    const said = flag === '' ? reply : inItsProtocol(this.#request.head, reply);
    this.#respond(said, flag, detail);
  }

  /** Ends with an answer of Weft's own. Each names its request, so that it can be asked about: weft explain. */
  #respond(reply: LocalReply, flag: Flag | '', detail: string): void {
    const { head } = this.#request;
    giveRequestId(head);
    const fields: readonly Field[] = [...reply.fields, [requestIdField, requestIdOf(head)]];
    this.#finish(flag, detail);
    this.#stream.respondLocal({ ...reply, fields });
  }

  /** A failed answer of an app names its request, too, where it does not do so itself. */
  #nameRequest(response: Head): void {
    const id = requestIdOf(this.#request.head);
    if (id !== '') response.add(REQUEST_ID, Buffer.from(id, 'latin1'));
  }

  /** Counts and logs the exchange and gets ready for the next. Before the last bytes are written, because they may start it. */
  #finish(flag: Flag | '', detail: string): void {
    const { timers } = this.#services;
    timers.cancel(this.#timeout);
    timers.cancel(this.#idleTimeout);
    timers.cancel(this.#delay);
    // Places that were taken are given back whatever happens.
    try {
      this.#account(flag, detail);
    } finally {
      const tunnelled = this.#phase === PHASE.TUNNEL;
      // First: whatever goes wrong below, nothing is given back twice.
      this.#phase = PHASE.IDLE;
      const cluster = this.#cluster;
      const failed = this.#status >= 500 || this.#status === 0;
      if (cluster !== undefined) cluster.occupancy.requests--;
      this.#services.active--;
      if (tunnelled) this.#services.tunnels--;
      if (failed && this.#host.terms.trust.downstream === 'app')
        this.#services.failedCalls.note(this.#request.head, this.#services.clock.monotonic());
      this.#tries.end();
      this.#reset();
    }
  }

  #account(flag: Flag | '', detail: string): void {
    const { clock, accessLog, observers } = this.#services;
    const endpoint = this.#tries.lastEndpoint;
    const nowMs = clock.monotonic();
    const durationMs = nowMs - this.#startMs;
    if (flag === '' && this.#delayed) flag = 'DI';
    const route = this.#route;
    if (route?.series !== undefined) this.#countRoute(route, nowMs);
    const peer = this.#host.metrics(endpoint, this.#cluster, this.#target);
    const { tagger } = this.#services;
    const series =
      tagger === undefined
        ? peer.series(this.#status, flag)
        : peer.tagged(this.#status, flag, tagger.tagsOf(this.#view(flag, detail, nowMs)));
    series.requests++;
    series.touchedMs = nowMs;
    series.durationMs.observe(durationMs);
    series.requestBytes.observe(this.#receivedBytes);
    series.responseBytes.observe(this.#sentBytes);
    const { attempts } = this.#tries;
    const watched =
      observers.watching && observers.wantEnd(this.#status, flag, route?.route, durationMs, nowMs, attempts);
    const logged = accessLog.wants(this.#status, flag);
    if (!watched && !logged) return;
    if (watched) this.#tries.conclude();
    const view = this.#view(flag, detail, nowMs);
    view.series = series;
    if (logged) accessLog.write(recordOf(view));
    if (watched) observers.requestEnd(view);
  }

  #countRoute({ series, route }: RunningRoute, nowMs: number): void {
    if (this.#status === 0 || isFailure(route.responseClasses, this.#status)) series!.failure++;
    else series!.success++;
    series!.touchedMs = nowMs;
    series!.durationMs.observe(nowMs - this.#startMs);
  }

  #reset(): void {
    this.#phase = PHASE.IDLE;
    this.#route = undefined;
    this.#cluster = undefined;
    this.#status = 0;
    this.#grpcStatus = -1;
    this.#receivedBytes = 0;
    this.#sentBytes = 0;
    this.#delayed = false;
    this.#held = false;
    this.#target = undefined;
    this.#instead = undefined;
    this.#full = undefined;
    this.#answeredMs = -1;
    this.#turn++;
    this.#work = undefined;
    this.#shadows = undefined;
    this.#request.clear();
  }

  /** The request as others see it, as it stands now. */
  #view(flag: Flag | '' = '', detail = '', endMs = 0): ExchangeView {
    const { head } = this.#request;
    if (endMs > 0) giveRequestId(head);
    this.#ownView ??= new ExchangeView(this.#host);
    const view = this.#ownView;
    view.head = head;
    view.destination = this.#target?.resource;
    view.route = this.#route?.route;
    view.cluster = this.#cluster ?? this.#full;
    view.endpoint = this.#tries.lastEndpoint;
    view.work = this.#work;
    view.instead = this.#instead;
    view.mirrored = this.#shadows?.length ?? 0;
    view.startMs = this.#startMs;
    view.answeredMs = this.#answeredMs;
    view.tries = this.#tries.records;
    view.attempts = this.#tries.attempts;
    view.noRetry = this.#tries.noRetry;
    view.endMs = endMs;
    view.status = this.#status;
    view.grpcStatus = this.#grpcStatus;
    view.flag = flag;
    view.detail = detail;
    view.receivedBytes = this.#receivedBytes;
    view.sentBytes = this.#sentBytes;
    return view;
  }
}
