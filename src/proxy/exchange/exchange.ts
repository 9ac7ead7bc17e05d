import { type Flag, INTERNAL_ERROR } from '../../errors/index.ts';
import { isGrpc, NO_STATUS } from '../../grpc/index.ts';
import {
  type Fields,
  type Head,
  METHOD,
  type ServerStream,
  type ServerStreamHandler,
  type StreamFailure,
} from '../../http/index.ts';
import { NO_SEAT } from '../../sets/index.ts';
import type { RunningDestination } from '../destinations/destination.ts';
import { bodyTooLong } from '../filters/body-limit.ts';
import { PASS } from '../filters/filter.interface.ts';
import { OUT_OF_MEMORY } from '../replies/local-replies.ts';
import { Account } from './account.ts';
import { CallIntake, NO_BASE64 } from './call-intake.ts';
import { Ending } from './ending.ts';
import type { ExchangeHost, ExchangeServices, TargetWaiter } from './exchange-host.ts';
import { Forwarding } from './forwarding.ts';
import type { GrpcCall } from './grpc-call.ts';
import { nameRequest } from './own-answers.ts';
import { RequestSoFar } from './request-so-far.ts';
import { PHASE, StreamInfo } from './stream-info.ts';
import { TimeLimits, type TimeLimitsOwner } from './time-limits.ts';
import { Tries } from './tries.ts';
import { type TriesOwner, VERDICT } from './tries-owner.interface.ts';

/**
 * One request on its way: what its client's stream and its upstream's tell of it comes in here, and goes on to whoever has to do
 * with it. Its parts, in the order in which a request meets them: CallIntake (is it a gRPC call?), Forwarding (filters, route,
 * place), Tries (endpoints), Ending (answers of Weft's own, and what is given back), Account (counted and told). RequestSoFar is
 * what came in, StreamInfo what became of it.
 *
 * One object serves all requests of a stream, one after the other: those of a connection of HTTP/1, or of a stream of HTTP/2 that
 * is used again.
 */
export class Exchange implements ServerStreamHandler, TriesOwner, TargetWaiter, TimeLimitsOwner {
  workingSeat = NO_SEAT;
  /** Among the exchanges of a connection of HTTP/2. */
  seat = NO_SEAT;
  readonly #services: ExchangeServices;
  readonly #host: ExchangeHost;
  readonly #request: RequestSoFar;
  readonly #info = new StreamInfo();
  readonly #tries: Tries;
  readonly #limits: TimeLimits;
  readonly #account: Account;
  readonly #calls: CallIntake;
  readonly #ending: Ending;
  readonly #forwarding: Forwarding;
  /** The upstream of a tunnel has said all. */
  #responseEnded = false;

  constructor(services: ExchangeServices, host: ExchangeHost, stream: ServerStream) {
    const info = this.#info;
    const request = new RequestSoFar(stream);
    const tries = new Tries(services, host, this, request);
    const limits = new TimeLimits(services.clock, services.timers, info, this);
    const account = new Account(services, host, request, info, tries);
    this.#services = services;
    this.#host = host;
    this.#request = request;
    this.#tries = tries;
    this.#limits = limits;
    this.#account = account;
    const parts = { services, host, request, info, tries, limits, account };
    this.#calls = new CallIntake(parts);
    this.#ending = new Ending(parts);
    this.#forwarding = new Forwarding(parts, this.#calls, this.#ending, this);
  }

  /** See FailedCalls. */
  get underWay(): Head | undefined {
    return this.#info.phase === PHASE.IDLE ? undefined : this.#request.head;
  }

  onRequest(head: Head, end: boolean): void {
    head.retain();
    this.#request.begin(head, end);
    this.#info.begin(this.#services.clock.monotonic());
    this.#services.active++;
    if (isGrpc(head)) this.#calls.begin(head);
    if (this.#services.refusing) {
      this.#ending.fail('OM', OUT_OF_MEMORY, true);
      return;
    }
    const target = this.#host.target(head, this);
    if (target !== undefined) this.#forwarding.begin(target);
  }

  onTarget(target: RunningDestination | undefined, flag: Flag, detail: string): void {
    if (this.#info.phase !== PHASE.TARGET) return;
    if (target === undefined) this.#ending.fail(flag, detail);
    else this.#forwarding.begin(target);
  }

  onRequestData(bytes: Buffer, start: number, end: number): void {
    const info = this.#info;
    const { web } = this.#request;
    if (web !== undefined) {
      const read = web.read(bytes, start, end);
      if (read === undefined) {
        this.#ending.giveUp('DPE', NO_BASE64, 'client-gone');
        return;
      }
      bytes = read;
      start = 0;
      end = read.length;
    }
    info.receivedBytes += end - start;
    if (info.receivedBytes > info.bodyLimit) {
      this.#refuseBody();
      return;
    }
    const { upstream } = this.#tries;
    const { call } = this.#request;
    if (call !== undefined) {
      call.requestMessages.add(bytes, start, end);
      if (upstream !== undefined) this.#account.moved(call);
    }
    info.shadows?.data(bytes, start, end);
    if (this.#info.phase < PHASE.BODY) {
      const { body } = this.#request;
      body.add(bytes, start, end, upstream === undefined);
      if (upstream === undefined) {
        if (body.full) this.#request.stream.pauseRequest();
        if (this.#info.phase === PHASE.HELD) info.work?.onBody?.();
        return;
      }
    }
    info.lastMoveMs = this.#services.clock.monotonic();
    if (upstream !== undefined && !upstream.data(bytes, start, end)) this.#request.stream.pauseRequest();
  }

  /** More of the body has come than its route takes. */
  #refuseBody(): void {
    const info = this.#info;
    info.shadows?.cancel();
    this.#tries.letGo('client-gone');
    const instead = bodyTooLong(info.bodyLimit);
    if (info.phase >= PHASE.BODY) this.#ending.breakOff('DPE', instead.detail);
    else this.#ending.answer(instead);
  }

  onRequestEnd(trailers: Fields | undefined): void {
    this.#request.ended = true;
    if (trailers !== undefined) this.#request.trailers = trailers.copy();
    this.#info.shadows?.end(trailers);
    this.#tries.upstream?.end(trailers);
    if (this.#info.phase === PHASE.HELD) this.#info.work?.onBody?.();
    if (this.#info.phase === PHASE.TUNNEL && this.#responseEnded) this.#ending.finish('', '');
  }

  /**
   * The body of the request under way is malformed and `status` is the answer to it; onRequestAbort follows. False: none is under
   * way.
   */
  onMalformedBody(status: number): boolean {
    if (this.#info.phase === PHASE.IDLE) return false;
    if (this.#info.phase < PHASE.BODY) this.#info.status = status;
    return true;
  }

  onRequestAbort(flag: Flag, detail: string): void {
    this.#request.unwrap();
    if (this.#info.phase === PHASE.IDLE) return;
    if (!this.#request.ended) this.#info.shadows?.cancel();
    this.#tries.letGo(flag === 'LR' ? 'fault' : 'client-gone');
    this.#ending.finish(flag, detail);
  }

  onResponseWritable(): void {
    this.#tries.upstream?.resumeResponse();
  }

  onTriesFailed(flag: Flag, detail: string, untouched: boolean): void {
    this.#ending.fail(flag, detail, untouched);
  }

  /** What the client is logged in on ends: so does its own connection, as it would if nobody were in between. */
  onLoginLost(): void {
    this.#request.stream.finish();
  }

  /** The client's connection is gone. */
  close(): void {
    this.#tries.close();
  }

  onInformational(head: Head): void {
    this.#request.stream.informational(head);
  }

  onResponse(head: Head, end: boolean): void {
    const nowMs = this.#services.clock.monotonic();
    this.#info.lastMoveMs = nowMs;
    const verdict = this.#tries.judge(head, end, nowMs);
    if (verdict === VERDICT.TAKE) this.#take(head, end, nowMs);
    else if (verdict === VERDICT.HOLD) {
      this.#request.call!.heldHead = head.copy();
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
      this.#ending.finish(tries.outOfRetries ? 'URX' : '', '');
      this.#request.stream.respond(head, true);
      return;
    }
    this.#info.phase = PHASE.BODY;
    if (status === 101 || (status < 300 && this.#request.head.method === METHOD.CONNECT))
      this.#becomeTunnel();
    this.#request.stream.respond(head, false);
  }

  #takeHeld(head: Head): void {
    const nowMs = this.#services.clock.monotonic();
    this.#dropHeld();
    this.#tries.takeHeld(head.status, nowMs);
    this.#take(head, false, nowMs);
  }

  #dropHeld(): void {
    const { call } = this.#request;
    if (call?.heldHead === undefined) return;
    call.heldHead = undefined;
    this.#limits.letGo();
  }

  onHeldLongEnough(): void {
    const held = this.#request.call?.heldHead;
    if (held !== undefined) this.#takeHeld(held);
  }

  onResponseData(bytes: Buffer, start: number, end: number): void {
    const { call } = this.#request;
    if (call?.heldHead !== undefined) this.#takeHeld(call.heldHead);
    this.#info.sentBytes += end - start;
    this.#info.lastMoveMs = this.#services.clock.monotonic();
    if (call !== undefined) {
      call.responseMessages.add(bytes, start, end);
      this.#account.moved(call);
    }
    if (!this.#request.stream.data(bytes, start, end)) this.#tries.upstream?.pauseResponse();
  }

  onResponseEnd(trailers: Fields | undefined): void {
    if (this.#info.phase === PHASE.TUNNEL) {
      // Half-closed: the other direction goes on. Once both have ended the connections close themselves, when everything is sent.
      this.#responseEnded = true;
      this.#request.stream.end(undefined);
      if (this.#request.ended) this.#ending.finish('', '');
      return;
    }
    const { call } = this.#request;
    if (call !== undefined && !this.#endCall(call, trailers)) return;
    this.#ending.finish(this.#tries.outOfRetries ? 'URX' : '', '');
    this.#request.stream.end(trailers);
  }

  /** The answer to a call is complete. False: it is not taken, and the call goes out once more. */
  #endCall(call: GrpcCall, trailers: Fields | undefined): boolean {
    const info = this.#info;
    // An answer of no gRPC has said all in its head.
    if (info.grpcStatus !== NO_STATUS) return true;
    const status = call.statusOfEnd(trailers);
    const held = call.heldHead;
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
    if (this.#info.phase === PHASE.IDLE) return;
    this.#dropHeld();
    // Servers know the deadline, too, and break such calls off: as gRPC's own libraries have it, that is what the reset means,
    // and nothing is wrong with them.
    if (this.#request.call?.isLate(this.#services.clock.monotonic())) {
      this.#tries.brokenLate();
      this.onDeadline();
      return;
    }
    if (this.#info.phase < PHASE.BODY) {
      this.#tries.broken(failure);
      return;
    }
    this.#tries.record('gateway-error');
    this.#ending.breakOff(failure.flag, failure.detail);
  }

  onRequestWritable(): void {
    this.#request.stream.resumeRequest();
  }

  /** Whether it is a gRPC call whose answer has begun and may go on for long. */
  get isLongCall(): boolean {
    return this.#info.phase === PHASE.BODY && this.#request.call?.canEnd === true;
  }

  /** Ends a long call with UNAVAILABLE: its client makes it anew, elsewhere. */
  endCall(detail: string): void {
    if (!this.isLongCall) return;
    this.#tries.letGo('draining');
    this.#ending.breakOff('LR', detail);
  }

  /** An error of Weft's own: the client is cut off, and what was under way for it ends. */
  onFault(): void {
    try {
      if (this.#info.phase !== PHASE.IDLE) this.onRequestAbort('LR', INTERNAL_ERROR);
    } finally {
      this.#request.stream.abort('LR');
    }
  }

  #becomeTunnel(): void {
    this.#info.phase = PHASE.TUNNEL;
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
    if (call?.isStream(ended, this.#info.phase >= PHASE.BODY)) return;
    // An answer that has begun shows that the endpoint is there.
    if (this.#info.phase < PHASE.BODY) this.#tries.noAnswer();
    this.#ending.giveUp('UT', `no complete answer within ${timeoutMs} ms (route ${name})`);
  }

  /** Says nothing about the endpoint: callers choose how long they wait. */
  onDeadline(): void {
    this.#ending.giveUp(
      'UT',
      `the caller's deadline of ${this.#request.call!.timeoutMs} ms is over (grpc-timeout)`,
    );
  }

  onIdle(limitMs: number): void {
    this.#ending.giveUp('SI', `nothing moved for ${limitMs} ms`);
  }

  onDelayOver(): void {
    this.#forwarding.resume(this.#info.turn, PASS);
  }
}
