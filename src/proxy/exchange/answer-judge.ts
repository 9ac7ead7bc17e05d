import { httpStatusOf, NO_STATUS, STATUS } from '../../grpc/index.ts';
import type { Fields, Head } from '../../http/index.ts';
import { GRPC_RETRY_CONDITIONS, type RetryCondition } from '../../model/index.ts';
import { isFailure } from '../../routing/index.ts';
import type { RunningRoute } from '../destinations/running-route.ts';
import { isUntouched } from '../replies/untouched.ts';
import { markCascaded, takeCascaded } from './cascade.ts';
import type { CurrentTry } from './current-try.ts';
import type { ExchangeHost, ExchangeServices } from './exchange-host.ts';
import type { GrpcCall } from './grpc-call.ts';
import type { HedgeRace } from './hedge-race.ts';
import type { RequestSoFar } from './request-so-far.ts';
import type { RetryPermits } from './retry-permits.ts';
import { retriableStatus } from './retry-rules.ts';
import { VERDICT } from './tries-owner.interface.ts';

/** The tries whose answers are judged. */
export interface JudgedTries {
  /** Whether one more try is wanted, safe, and within the budget; if so it is charged. */
  mayRetry(condition: RetryCondition | 'status', untouched: boolean): boolean;
  /**
   * The answer is not wanted; the next try follows, after so many ms where the server asks for that. `ended`: nothing more of it
   * is to come.
   */
  leaveAnswer(status: number, ended: boolean, afterMs?: number): void;
}

/** What a judge looks at, and whom it tells. */
export interface Judged {
  readonly request: RequestSoFar;
  readonly current: CurrentTry;
  readonly permits: RetryPermits;
  readonly race: HedgeRace;
  readonly tries: JudgedTries;
}

/**
 * Whether the answer to a try is taken or the request goes out once more, and what outlier detection learns of it. One object
 * serves the requests of a connection, one after the other.
 */
export class AnswerJudge {
  readonly #services: ExchangeServices;
  readonly #host: ExchangeHost;
  readonly #request: RequestSoFar;
  readonly #current: CurrentTry;
  readonly #permits: RetryPermits;
  readonly #race: HedgeRace;
  readonly #tries: JudgedTries;
  #route: RunningRoute | undefined;
  /** When the first try began. */
  #startMs = 0;

  constructor(
    services: ExchangeServices,
    host: ExchangeHost,
    { request, current, permits, race, tries }: Judged,
  ) {
    this.#services = services;
    this.#host = host;
    this.#request = request;
    this.#current = current;
    this.#permits = permits;
    this.#race = race;
    this.#tries = tries;
  }

  begin(route: RunningRoute, startMs: number): void {
    this.#route = route;
    this.#startMs = startMs;
  }

  /** The head of an answer has come. One of VERDICT. */
  judge(head: Head, end: boolean, nowMs: number): number {
    const { status } = head;
    const { call } = this.#request;
    if (call !== undefined) return this.#judgeCall(call, head, end, nowMs);
    const { responseClasses, retry } = this.#route!.route;
    const failed = responseClasses === undefined ? status >= 500 : isFailure(responseClasses, status);
    this.#current.record(
      !failed ? 'success' : status >= 502 && status <= 504 ? 'gateway-error' : 'error-5xx',
    );
    if ((status >= 400 || failed || retry.statuses !== undefined) && this.#retryStatus(head, end, failed))
      return VERDICT.TRY_AGAIN;
    return VERDICT.TAKE;
  }

  /** The same of a gRPC call, whose status may be known only at its end. */
  #judgeCall(call: GrpcCall, head: Head, end: boolean, nowMs: number): number {
    const grpcStatus = call.statusOfHead(head, end);
    const { status } = head;
    if (grpcStatus === NO_STATUS) return this.#mayHold() ? VERDICT.HOLD : VERDICT.TAKE;
    const failed = this.#recordCall(call, grpcStatus);
    const again = status === 200 ? false : (status >= 400 || failed) && this.#retryStatus(head, end, failed);
    return again || this.#retryCall(call, grpcStatus, head, end, nowMs) ? VERDICT.TRY_AGAIN : VERDICT.TAKE;
  }

  /** See Tries.judgeEnd. */
  judgeEnd(call: GrpcCall, grpcStatus: number, trailers: Fields | undefined, held: boolean): number {
    this.#recordCall(call, grpcStatus);
    if (trailers === undefined) return VERDICT.TAKE;
    if (!held) {
      // Whoever tries it again, further up, is told whether it was tried here.
      if (httpStatusOf(grpcStatus) >= 500) this.#isCascaded(trailers);
      return VERDICT.TAKE;
    }
    const nowMs = this.#services.clock.monotonic();
    return this.#retryCall(call, grpcStatus, trailers, true, nowMs) ? VERDICT.TRY_AGAIN : VERDICT.TAKE;
  }

  /** Whether the head of an answer is to be kept until more has come, because the call may be tried again yet. */
  #mayHold(): boolean {
    const request = this.#request;
    // A client that has more to say may wait for the head before it does.
    if (!this.#route!.retriesCalls || !request.ended || !request.repeatable) return false;
    return !this.#current.owned && !this.#race.on;
  }

  /**
   * What outlier detection learns of a call, and whether it counts as a failure. Callers choose their methods and their
   * deadlines: what fails because of those says nothing about the endpoint.
   */
  #recordCall(call: GrpcCall, grpcStatus: number): boolean {
    const { responseClasses } = this.#route!.route;
    const failed = isFailure(responseClasses, httpStatusOf(grpcStatus));
    const callers =
      grpcStatus === STATUS.UNIMPLEMENTED || (grpcStatus === STATUS.DEADLINE_EXCEEDED && call.timeoutMs >= 0);
    const atGateway = grpcStatus === STATUS.UNAVAILABLE || grpcStatus === STATUS.DEADLINE_EXCEEDED;
    this.#current.record(!failed || callers ? 'success' : atGateway ? 'gateway-error' : 'error-5xx');
    return failed;
  }

  /** Tries a call again because of its status. `fields`: where that stands. `ended`: nothing more of the answer is to come. */
  #retryCall(call: GrpcCall, grpcStatus: number, fields: Fields, ended: boolean, nowMs: number): boolean {
    if (grpcStatus === STATUS.OK) return false;
    if (httpStatusOf(grpcStatus) >= 500 && this.#isCascaded(fields)) return false;
    const condition = GRPC_RETRY_CONDITIONS.get(grpcStatus);
    if (condition === undefined || !this.#route!.retriesCalls) return false;
    const pushbackMs = call.pushbackMs(fields, nowMs);
    if (pushbackMs !== undefined && pushbackMs < 0) return this.#permits.refuse('pushback');
    if (!this.#race.on && !this.#tries.mayRetry(condition, false)) return false;
    this.#tries.leaveAnswer(200, ended, pushbackMs);
    return true;
  }

  /** Tries again because of the answer's status. `ended`: the answer has no body that is still to come. */
  #retryStatus(head: Head, ended: boolean, failed: boolean): boolean {
    const { status } = head;
    const { upstream } = this.#host.terms.trust;
    const untouched = status === 503 && isUntouched(head, upstream, this.#fromProxy);
    if (status >= 500 && this.#isCascaded(head)) return false;
    const condition = untouched
      ? 'connect-failure'
      : retriableStatus(this.#route!.route.retry, status, failed);
    if (condition === undefined) return false;
    if (!this.#race.on && !this.#tries.mayRetry(condition, untouched)) return false;
    this.#tries.leaveAnswer(status, ended);
    return true;
  }

  /** Whether the try under way goes to the endpoint's proxy. */
  get #fromProxy(): boolean {
    return this.#current.endpoint!.config.tls === 'mesh';
  }

  /** Whether a failure was tried again further down already; to whoever is further up that is said. See cascade.ts. */
  #isCascaded(fields: Fields): boolean {
    const { upstream, downstream } = this.#host.terms.trust;
    if (upstream === 'mesh') return this.#fromProxy && takeCascaded(fields);
    const { failedCalls } = this.#services;
    markCascaded(fields, downstream === 'mesh' && failedCalls.concern(this.#request.head, this.#startMs));
    return false;
  }
}
