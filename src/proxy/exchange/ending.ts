import type { Flag } from '../../errors/index.ts';
import { ownStatus } from '../../grpc/index.ts';
import type { CancelReason, LocalReply } from '../../http/index.ts';
import type { Instead } from '../filters/filter.interface.ts';
import { statusFor } from '../replies/local-replies.ts';
import type { Account } from './account.ts';
import type { ExchangeHost, ExchangeServices } from './exchange-host.ts';
import type { ExchangeParts } from './exchange-parts.ts';
import { failureReply, lastWords, named, policyReply, toldStatus } from './own-answers.ts';
import type { RequestSoFar } from './request-so-far.ts';
import { PHASE, type StreamInfo } from './stream-info.ts';
import type { TimeLimits } from './time-limits.ts';
import type { Tries } from './tries.ts';

/**
 * How a request ends: with an answer of its upstream that is complete, with one of Weft's own, or broken off. Whichever it is, it
 * is counted once, and what it took is given back. One object serves the requests of a stream, one after the other.
 */
export class Ending {
  readonly #services: ExchangeServices;
  readonly #host: ExchangeHost;
  readonly #request: RequestSoFar;
  readonly #info: StreamInfo;
  readonly #tries: Tries;
  readonly #limits: TimeLimits;
  readonly #account: Account;

  constructor({ services, host, request, info, tries, limits, account }: ExchangeParts) {
    this.#services = services;
    this.#host = host;
    this.#request = request;
    this.#info = info;
    this.#tries = tries;
    this.#limits = limits;
    this.#account = account;
  }

  /** Ends what took too long, or whose request is broken, whatever it is waiting for. */
  giveUp(flag: Flag, detail: string, why: CancelReason = 'timed-out'): void {
    const started = this.#info.phase >= PHASE.BODY;
    this.#tries.letGo(why);
    if (started) this.breakOff(flag, detail);
    else this.fail(flag, detail);
  }

  /**
   * Ends an answer that has begun, so that nobody takes it for a whole one. A gRPC call is told why, where its last message is
   * whole.
   */
  breakOff(flag: Flag, detail: string): void {
    const { call, head, stream } = this.#request;
    const end = call?.canEnd ? lastWords(head, flag, detail) : undefined;
    if (call !== undefined) this.#info.grpcStatus = ownStatus(statusFor(flag));
    this.finish(flag, detail);
    if (end === undefined) stream.abort(flag);
    else stream.end(end);
  }

  /** Answers in place of the upstream. `untouched`: the upstream has not seen a byte of the request. */
  fail(flag: Flag, detail: string, untouched = false): void {
    this.#info.status = statusFor(flag);
    const { attempts } = this.#tries;
    const tries = attempts > 1 ? ` (after ${attempts} tries)` : '';
    const words = `${detail}${tries}`;
    const told = untouched && this.#host.terms.trust.downstream === 'mesh';
    this.#respond(failureReply(this.#request.head, flag, words, told, this.#info.work), flag, words);
  }

  /** Answers as a policy says, in place of the upstream. */
  answer(instead: Instead): void {
    this.#info.instead = instead;
    if (instead.reset !== undefined) {
      this.finish(instead.flag, instead.detail);
      this.#request.stream.abort('FI', instead.reset);
      return;
    }
    this.#info.status = instead.reply.status;
    this.#respond(policyReply(this.#request.head, instead), instead.flag, instead.detail);
  }

  /** Ends with an answer of Weft's own. */
  #respond(reply: LocalReply, flag: Flag | '', detail: string): void {
    const { head, call, stream } = this.#request;
    const answer = named(head, reply);
    if (call !== undefined) this.#info.grpcStatus = toldStatus(reply);
    this.finish(flag, detail);
    stream.respondLocal(answer);
  }

  /** Counts and logs the exchange and gets ready for the next. Before the last bytes are written, because they may start it. */
  finish(flag: Flag | '', detail: string): void {
    this.#limits.end();
    const info = this.#info;
    // Places that were taken are given back whatever happens.
    try {
      this.#account.end(flag, detail);
    } finally {
      const tunnelled = info.phase === PHASE.TUNNEL;
      // First: whatever goes wrong below, nothing is given back twice.
      info.phase = PHASE.IDLE;
      const { cluster, outcome } = info;
      const failed = outcome >= 500 || outcome === 0;
      if (cluster !== undefined) cluster.occupancy.requests--;
      this.#services.active--;
      if (tunnelled) this.#services.tunnels--;
      if (failed && this.#host.terms.trust.downstream === 'app')
        this.#services.failedCalls.note(this.#request.head, this.#services.clock.monotonic());
      this.#tries.end();
      info.work?.over();
      info.clear();
      this.#request.clear();
    }
  }
}
