import { type Flag, giveUp, INTERNAL_ERROR, internalError } from '../../errors/index.ts';
import { isGrpc, NO_STATUS, ownStatus, webCallOf } from '../../grpc/index.ts';
import {
  type CancelReason,
  type Fields,
  type Head,
  type LocalReply,
  METHOD,
  type ServerStream,
  type ServerStreamHandler,
  type StreamFailure,
} from '../../http/index.ts';
import { enterEvent, leaveEvent } from '../../wire/index.ts';
import type { RunningDestination } from '../destinations/destination.ts';
import type { RunningRoute } from '../destinations/running-route.ts';
import { type Instead, PASS, type Verdict, WAIT } from '../filters/filter.interface.ts';
import { OUT_OF_MEMORY, statusFor } from '../replies/local-replies.ts';
import { Account } from './account.ts';
import type { ExchangeHost, ExchangeServices, TargetWaiter } from './exchange-host.ts';
import { GrpcCall } from './grpc-call.ts';
import { GrpcWebStream } from './grpc-web-stream.ts';
import { failureReply, lastWords, named, nameRequest, policyReply, toldStatus } from './own-answers.ts';
import { Placement } from './placement.ts';
import { RequestSoFar } from './request-so-far.ts';
import { RouteWork, type RouteWorkOwner } from './route-work.ts';
import { Shadows } from './shadows.ts';
import { StreamInfo } from './stream-info.ts';
import { TimeLimits, type TimeLimitsOwner } from './time-limits.ts';
import { Tries } from './tries.ts';
import { type TriesOwner, VERDICT } from './tries-owner.interface.ts';

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

const NO_BASE64 = 'the body of a call of application/grpc-web-text is no base64';

/**
 * One request on its way: routed, tried at endpoints, answered, counted. One object serves all requests of a stream, one after
 * the other: those of a connection of HTTP/1, or of a stream of HTTP/2 that is used again.
 */
export class Exchange
  implements ServerStreamHandler, TriesOwner, TargetWaiter, RouteWorkOwner, TimeLimitsOwner
{
  readonly #services: ExchangeServices;
  readonly #host: ExchangeHost;
  readonly #codecStream: ServerStream;
  /** The same, or what stands between it and this exchange. */
  #stream: ServerStream;
  #phase: number = PHASE.IDLE;
  #responseEnded = false;
  /** Grows with every request: whoever comes back with a word on an earlier one is too late. */
  #turn = 0;
  /** Made when a route first asks for it. */
  #ownWork: RouteWork | undefined;
  /** Made when a gRPC call first comes. */
  #ownCall: GrpcCall | undefined;
  /** The head of a call's answer, kept until more has come: the call may be tried again yet. */
  #heldHead: Head | undefined;
  readonly #request = new RequestSoFar();
  readonly #info = new StreamInfo();
  readonly #tries: Tries;
  readonly #placement: Placement;
  readonly #limits: TimeLimits;
  readonly #account: Account;

  constructor(services: ExchangeServices, host: ExchangeHost, stream: ServerStream) {
    this.#services = services;
    this.#host = host;
    this.#codecStream = stream;
    this.#stream = stream;
    this.#tries = new Tries(services, host, this, this.#request);
    this.#placement = new Placement(services, host, this.#request, this.#info, this.#tries);
    this.#limits = new TimeLimits(services.clock, services.timers, this.#info, this);
    this.#account = new Account(services, host, this.#request, this.#info, this.#tries);
  }

  /** See RouteWorkOwner. */
  get requestSoFar(): RequestSoFar {
    return this.#request;
  }

  /** See FailedCalls. */
  get underWay(): Head | undefined {
    return this.#phase === PHASE.IDLE ? undefined : this.#request.head;
  }

  onRequest(head: Head, end: boolean): void {
    head.retain();
    this.#stream = this.#codecStream;
    this.#request.begin(head, end);
    this.#info.begin(this.#services.clock.monotonic());
    this.#services.active++;
    this.#phase = PHASE.TARGET;
    if (isGrpc(head)) this.#beginCall(head);
    if (this.#services.refusing) {
      this.#fail('OM', OUT_OF_MEMORY, true);
      return;
    }
    const target = this.#host.target(head, this);
    if (target !== undefined) this.#send(target);
  }

  #beginCall(head: Head): void {
    this.#ownCall ??= new GrpcCall();
    const call = this.#ownCall;
    call.begin(head, this.#info.startMs);
    this.#request.call = call;
    if (call.timeoutMs >= 0) this.#limits.callEnds(call.timeoutMs);
  }

  /** A call of gRPC-Web to a port that speaks it becomes one of gRPC. False: its body is none. */
  #translateWeb(head: Head): boolean {
    const said = webCallOf(head);
    if (said === undefined) return true;
    const web = new GrpcWebStream(this.#codecStream, said);
    this.#stream = web;
    this.#request.web = web;
    GrpcWebStream.translate(head, said);
    this.#beginCall(head);
    const { body, call } = this.#request;
    const { pieces } = body;
    body.clear();
    this.#info.receivedBytes = 0;
    for (const piece of pieces) {
      const read = web.read(piece, 0, piece.length);
      if (read === undefined) return false;
      body.add(read, 0, read.length, true);
      call!.requestMessages.add(read, 0, read.length);
      this.#info.receivedBytes += read.length;
    }
    return true;
  }

  onTarget(target: RunningDestination | undefined, flag: Flag, detail: string): void {
    if (this.#phase !== PHASE.TARGET) return;
    if (target === undefined) this.#fail(flag, detail);
    else this.#send(target);
  }

  onRequestData(bytes: Buffer, start: number, end: number): void {
    const info = this.#info;
    const { web } = this.#request;
    if (web !== undefined) {
      const read = web.read(bytes, start, end);
      if (read === undefined) {
        this.#giveUp('DPE', NO_BASE64, 'client-gone');
        return;
      }
      bytes = read;
      start = 0;
      end = read.length;
    }
    info.receivedBytes += end - start;
    const { upstream } = this.#tries;
    const { call } = this.#request;
    if (call !== undefined) {
      call.requestMessages.add(bytes, start, end);
      if (upstream !== undefined) this.#account.moved(call);
    }
    info.shadows?.data(bytes, start, end);
    if (this.#phase < PHASE.BODY) {
      const { body } = this.#request;
      body.add(bytes, start, end, upstream === undefined);
      if (upstream === undefined) {
        if (body.full) this.#stream.pauseRequest();
        if (this.#phase === PHASE.HELD) info.work?.onBody?.();
        return;
      }
    }
    info.lastMoveMs = this.#services.clock.monotonic();
    if (upstream !== undefined && !upstream.data(bytes, start, end)) this.#stream.pauseRequest();
  }

  onRequestEnd(trailers: Fields | undefined): void {
    this.#request.ended = true;
    if (trailers !== undefined) this.#request.trailers = trailers.copy();
    this.#info.shadows?.end(trailers);
    this.#tries.upstream?.end(trailers);
    if (this.#phase === PHASE.HELD) this.#info.work?.onBody?.();
    if (this.#phase === PHASE.TUNNEL && this.#responseEnded) this.#finish('', '');
  }

  /**
   * The body of the request under way is malformed and `status` is the answer to it; onRequestAbort follows. False: none is under
   * way.
   */
  onMalformedBody(status: number): boolean {
    if (this.#phase === PHASE.IDLE) return false;
    if (this.#phase < PHASE.BODY) this.#info.status = status;
    return true;
  }

  onRequestAbort(flag: Flag, detail: string): void {
    if (this.#phase === PHASE.IDLE) return;
    if (!this.#request.ended) this.#info.shadows?.cancel();
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
    this.#info.lastMoveMs = nowMs;
    const verdict = this.#tries.judge(head, end, nowMs);
    if (verdict === VERDICT.TAKE) this.#take(head, end, nowMs);
    else if (verdict === VERDICT.HOLD) {
      this.#heldHead = head.copy();
      this.#limits.hold();
    }
  }

  /** The head of the answer goes on to the client. */
  #take(head: Head, end: boolean, nowMs: number): void {
    const tries = this.#tries;
    const info = this.#info;
    const { call } = this.#request;
    const { status } = head;
    info.status = status;
    info.answeredMs = nowMs;
    this.#request.body.drop();
    this.#account.answer(head);
    if (status >= 500 && head.requestId < 0) nameRequest(this.#request.head, head);
    info.work?.decorate(head, tries.endpoint!);
    if (call !== undefined) {
      info.grpcStatus = call.statusOfHead(head, end);
      call.answered(head);
      this.#account.moved(call);
    }
    if (end) {
      this.#finish(tries.outOfRetries ? 'URX' : '', '');
      this.#stream.respond(head, true);
      return;
    }
    this.#phase = PHASE.BODY;
    if (status === 101 || (status < 300 && this.#request.head.method === METHOD.CONNECT))
      this.#becomeTunnel();
    this.#stream.respond(head, false);
  }

  #takeHeld(head: Head): void {
    const nowMs = this.#services.clock.monotonic();
    this.#dropHeld();
    this.#tries.takeHeld(head.status, nowMs);
    this.#take(head, false, nowMs);
  }

  #dropHeld(): void {
    if (this.#heldHead === undefined) return;
    this.#heldHead = undefined;
    this.#limits.letGo();
  }

  onHeldLongEnough(): void {
    if (this.#heldHead !== undefined) this.#takeHeld(this.#heldHead);
  }

  onResponseData(bytes: Buffer, start: number, end: number): void {
    if (this.#heldHead !== undefined) this.#takeHeld(this.#heldHead);
    this.#info.sentBytes += end - start;
    this.#info.lastMoveMs = this.#services.clock.monotonic();
    const { call } = this.#request;
    if (call !== undefined) {
      call.responseMessages.add(bytes, start, end);
      this.#account.moved(call);
    }
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
    const { call } = this.#request;
    if (call !== undefined && !this.#endCall(call, trailers)) return;
    this.#finish(this.#tries.outOfRetries ? 'URX' : '', '');
    this.#stream.end(trailers);
  }

  /** The answer to a call is complete. False: it is not taken, and the call goes out once more. */
  #endCall(call: GrpcCall, trailers: Fields | undefined): boolean {
    const info = this.#info;
    // An answer of no gRPC has said all in its head.
    if (info.grpcStatus !== NO_STATUS) return true;
    const status = call.statusOfEnd(trailers);
    const held = this.#heldHead;
    if (this.#tries.judgeEnd(call, status, trailers, held !== undefined) === VERDICT.TRY_AGAIN) {
      this.#dropHeld();
      return false;
    }
    if (held !== undefined) this.#takeHeld(held);
    info.grpcStatus = status;
    return true;
  }

  onResponseAbort(failure: StreamFailure): void {
    // After an error of Weft's own an upstream may outlive its exchange.
    if (this.#phase === PHASE.IDLE) return;
    this.#dropHeld();
    if (this.#phase < PHASE.BODY) {
      this.#tries.broken(failure);
      return;
    }
    this.#tries.record('gateway-error');
    this.#breakOff(failure.flag, failure.detail);
  }

  /**
   * Ends an answer that has begun, so that nobody takes it for a whole one. A gRPC call is told why, where its last message is
   * whole.
   */
  #breakOff(flag: Flag, detail: string): void {
    const { call, head } = this.#request;
    const end = call?.canEnd ? lastWords(head, flag, detail) : undefined;
    if (call !== undefined) this.#info.grpcStatus = ownStatus(statusFor(flag));
    this.#finish(flag, detail);
    if (end === undefined) this.#stream.abort(flag);
    else this.#stream.end(end);
  }

  onRequestWritable(): void {
    this.#stream.resumeRequest();
  }

  /** Whether it is a gRPC call whose answer has begun and may go on for long. */
  get isLongCall(): boolean {
    return this.#phase === PHASE.BODY && this.#request.call?.canEnd === true;
  }

  /** Ends a long call with UNAVAILABLE: its client makes it anew, elsewhere. */
  endCall(detail: string): void {
    if (!this.isLongCall) return;
    this.#tries.letGo('draining');
    this.#breakOff('LR', detail);
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
    this.#info.target = target;
    if (target.translatesWeb && !this.#translateWeb(head)) {
      this.#fail('DPE', NO_BASE64);
      return;
    }
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
    const info = this.#info;
    info.route = route;
    info.work?.follow(route);
    if (route.plain) {
      this.#forward(route);
      return;
    }
    const work = info.work ?? this.#beginWork();
    work.follow(route);
    this.#heed(work.ask(route.filters));
  }

  #beginWork(): RouteWork {
    this.#ownWork ??= new RouteWork(this.#host, this.#services.random, this);
    const work = this.#ownWork;
    this.#info.work = work;
    work.begin(this.#request.head, this.#services.clock.monotonic(), this.#turn);
    return work;
  }

  /** Does what the filters say: those of listener and port before the route is looked for, the route's after it. */
  #heed(verdict: Verdict): void {
    if (verdict === WAIT) {
      this.#info.held = true;
      this.#phase = PHASE.HELD;
    } else if (verdict !== PASS) this.#answer(verdict);
    else if (this.#info.route === undefined) this.#match(this.#info.target!);
    else this.#forward(this.#info.route);
  }

  resume(turn: number, verdict: Instead | typeof PASS): void {
    if (turn !== this.#turn || this.#phase !== PHASE.HELD) return;
    enterEvent();
    try {
      this.#phase = PHASE.TARGET;
      this.#heed(verdict === PASS ? this.#info.work!.askOn() : verdict);
    } catch (thrown) {
      internalError('filter', thrown);
      giveUp('filter', this);
    }
    leaveEvent();
  }

  resumeAfter(delayMs: number): void {
    this.#info.delayed = true;
    this.#limits.delay(delayMs);
  }

  #forward(route: RunningRoute): void {
    const info = this.#info;
    const placement = this.#placement;
    const refused = placement.take(route);
    if (refused !== undefined) {
      if ('reply' in refused) this.#answer(refused);
      else this.#fail(refused.flag, refused.detail);
      return;
    }
    const { choice, hash, cookie, preferred } = placement;
    const cluster = info.cluster!;
    // What the client gets when the answer comes is the route's work, even where the route has none.
    if (cookie !== undefined && info.work === undefined) this.#beginWork().follow(route);
    const { work } = info;
    if (cookie !== undefined) work!.addCookie(cookie);
    this.#host.prepare(this.#request.head, cluster);
    this.#account.forward();
    if (work !== undefined) {
      work.prepare(choice, cluster);
      if (route.mirrors[choice]!.length > 0)
        info.shadows = Shadows.of(this.#services, work.mirrors(choice), this.#request);
    }
    this.#limits.begin(route);
    this.#phase = PHASE.ANSWER;
    const startMs = info.held ? this.#services.clock.monotonic() : info.startMs;
    this.#tries.begin(route, cluster, startMs, hash, preferred);
  }

  #becomeTunnel(): void {
    this.#phase = PHASE.TUNNEL;
    this.#services.tunnels++;
    this.#limits.end();
    // From here on the request's end is the client's half-close.
    this.#request.ended = false;
    this.#responseEnded = false;
  }

  onTimeout(): void {
    const { timeoutMs, name } = this.#info.route!.route;
    const { call, ended } = this.#request;
    // Streams live as long as something moves, or their caller has said (grpc-timeout).
    if (call?.isStream(ended, this.#phase >= PHASE.BODY)) return;
    // An answer that has begun shows that the endpoint is there.
    if (this.#phase < PHASE.BODY) this.#tries.noAnswer();
    this.#giveUp('UT', `no complete answer within ${timeoutMs} ms (route ${name})`);
  }

  /** Says nothing about the endpoint: callers choose how long they wait. */
  onDeadline(): void {
    this.#giveUp('UT', `the caller's deadline of ${this.#request.call!.timeoutMs} ms is over (grpc-timeout)`);
  }

  onIdle(limitMs: number): void {
    this.#giveUp('SI', `nothing moved for ${limitMs} ms`);
  }

  onDelayOver(): void {
    this.resume(this.#turn, PASS);
  }

  /** Ends an exchange that took too long, or whose request is broken, whatever it is doing. */
  #giveUp(flag: Flag, detail: string, why: CancelReason = 'timed-out'): void {
    const started = this.#phase >= PHASE.BODY;
    this.#tries.letGo(why);
    if (started) this.#breakOff(flag, detail);
    else this.#fail(flag, detail);
  }

  /** Answers in place of the upstream. `untouched`: the upstream has not seen a byte of the request. */
  #fail(flag: Flag, detail: string, untouched = false): void {
    this.#info.status = statusFor(flag);
    const { attempts } = this.#tries;
    const tries = attempts > 1 ? ` (after ${attempts} tries)` : '';
    const words = `${detail}${tries}`;
    const told = untouched && this.#host.terms.trust.downstream === 'mesh';
    this.#respond(failureReply(this.#request.head, flag, words, told, this.#info.work), flag, words);
  }

  /** Answers as a policy says, in place of the upstream. */
  #answer(instead: Instead): void {
    if (instead.reset !== undefined) {
      this.#info.instead = instead;
      this.#finish(instead.flag, instead.detail);
      this.#stream.abort('FI', instead.reset);
      return;
    }
    this.#info.status = instead.reply.status;
    this.#info.instead = instead;
    this.#respond(policyReply(this.#request.head, instead), instead.flag, instead.detail);
  }

  /** Ends with an answer of Weft's own. */
  #respond(reply: LocalReply, flag: Flag | '', detail: string): void {
    const answer = named(this.#request.head, reply);
    if (this.#request.call !== undefined) this.#info.grpcStatus = toldStatus(reply);
    this.#finish(flag, detail);
    this.#stream.respondLocal(answer);
  }

  /** Counts and logs the exchange and gets ready for the next. Before the last bytes are written, because they may start it. */
  #finish(flag: Flag | '', detail: string): void {
    this.#limits.end();
    // Places that were taken are given back whatever happens.
    try {
      this.#account.end(flag, detail);
    } finally {
      const tunnelled = this.#phase === PHASE.TUNNEL;
      // First: whatever goes wrong below, nothing is given back twice.
      this.#phase = PHASE.IDLE;
      const { cluster, outcome } = this.#info;
      const failed = outcome >= 500 || outcome === 0;
      if (cluster !== undefined) cluster.occupancy.requests--;
      this.#services.active--;
      if (tunnelled) this.#services.tunnels--;
      if (failed && this.#host.terms.trust.downstream === 'app')
        this.#services.failedCalls.note(this.#request.head, this.#services.clock.monotonic());
      this.#tries.end();
      this.#reset();
    }
  }

  #reset(): void {
    this.#phase = PHASE.IDLE;
    this.#turn++;
    this.#heldHead = undefined;
    this.#info.clear();
    this.#request.clear();
  }
}
