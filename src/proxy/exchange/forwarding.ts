import { type Guarded, giveUp, internalError } from '../../errors/index.ts';
import { enterEvent, leaveEvent } from '../../wire/index.ts';
import type { RunningDestination } from '../destinations/destination.ts';
import type { RunningRoute } from '../destinations/running-route.ts';
import {
  type Instead,
  type MakeAnswerStream,
  PASS,
  type Verdict,
  WAIT,
} from '../filters/filter.interface.ts';
import type { Account } from './account.ts';
import { type CallIntake, NO_BASE64 } from './call-intake.ts';
import type { Ending } from './ending.ts';
import type { ExchangeHost, ExchangeServices } from './exchange-host.ts';
import type { ExchangeParts } from './exchange-parts.ts';
import { Placement } from './placement.ts';
import type { RequestSoFar } from './request-so-far.ts';
import { RouteWork, type RouteWorkOwner } from './route-work.ts';
import { Shadows } from './shadows.ts';
import { PHASE, type StreamInfo } from './stream-info.ts';
import type { TimeLimits } from './time-limits.ts';
import type { Tries } from './tries.ts';

const AMBIGUOUS_SLASHES =
  'the path holds %2F or %5C, and were they slashes it would take another route; write slashes, or see escaped-slashes in docs/gateway.md';

/**
 * The way of a request from its destination to its first try: what listener and port want of it, which route it takes, what that
 * wants of it, and a place in one of the route's clusters. What does not get so far is ended here. One object serves the requests
 * of a stream, one after the other.
 */
export class Forwarding implements RouteWorkOwner {
  readonly #services: ExchangeServices;
  readonly #host: ExchangeHost;
  readonly #request: RequestSoFar;
  readonly #info: StreamInfo;
  readonly #tries: Tries;
  readonly #limits: TimeLimits;
  readonly #account: Account;
  readonly #placement: Placement;
  readonly #calls: CallIntake;
  readonly #ending: Ending;
  /** What an error of Weft's own ends. */
  readonly #guarded: Guarded;
  /** Made when a route first asks for it. */
  #work: RouteWork | undefined;

  constructor(parts: ExchangeParts, calls: CallIntake, ending: Ending, guarded: Guarded) {
    const { services, host, request, info, tries, limits, account } = parts;
    this.#services = services;
    this.#host = host;
    this.#request = request;
    this.#info = info;
    this.#tries = tries;
    this.#limits = limits;
    this.#account = account;
    this.#placement = new Placement(services, host, request, info, tries);
    this.#calls = calls;
    this.#ending = ending;
    this.#guarded = guarded;
  }

  /** See RouteWorkOwner. */
  get requestSoFar(): RequestSoFar {
    return this.#request;
  }

  /** It is known where the request goes. */
  begin(target: RunningDestination): void {
    const { head } = this.#request;
    if (!target.paths.normalize(head)) {
      this.#ending.fail('DPE', `the path holds %00, which no rule can be asked about: ${head.targetText}`);
      return;
    }
    this.#info.target = target;
    if (target.translatesWeb && !this.#calls.translateWeb(head)) {
      this.#ending.fail('DPE', NO_BASE64);
      return;
    }
    const filters = target.filtersBehind(this.#host.terms.filters);
    if (filters.length === 0) this.#match(target);
    else this.#heed(this.#beginWork().ask(filters));
  }

  #match(target: RunningDestination): void {
    const { head } = this.#request;
    const route = target.match(head, this.#info.work?.token);
    if (route === undefined) {
      this.#ending.fail('NR', `${head.methodText} ${head.targetText} to ${target.resource.host}`);
      return;
    }
    const info = this.#info;
    if (target.guardsSlashes && target.isAmbiguous(head, route, info.work?.token)) {
      this.#ending.fail('DPE', AMBIGUOUS_SLASHES);
      return;
    }
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
    this.#work ??= new RouteWork(this.#host, this.#services.random, this);
    const work = this.#work;
    this.#info.work = work;
    work.begin(this.#request.head, this.#services.clock.monotonic(), this.#info.turn);
    return work;
  }

  /** Does what the filters say: those of listener and port before the route is looked for, the route's after it. */
  #heed(verdict: Verdict): void {
    const info = this.#info;
    if (verdict === WAIT) {
      info.held = true;
      info.phase = PHASE.HELD;
    } else if (verdict !== PASS) this.#ending.answer(verdict);
    else if (info.route === undefined) this.#match(info.target!);
    else this.#forward(info.route);
  }

  /** See RouteWorkOwner. */
  resume(turn: number, verdict: Instead | typeof PASS): void {
    const info = this.#info;
    if (turn !== info.turn || info.phase !== PHASE.HELD) return;
    enterEvent();
    try {
      info.phase = PHASE.TARGET;
      this.#heed(verdict === PASS ? info.work!.askOn() : verdict);
    } catch (thrown) {
      internalError('filter', thrown);
      giveUp('filter', this.#guarded);
    }
    leaveEvent();
  }

  /** See RouteWorkOwner. */
  resumeAfter(delayMs: number): void {
    this.#info.delayed = true;
    this.#limits.delay(delayMs);
  }

  /** See RouteWorkOwner. */
  limitBody(maxBytes: number): boolean {
    this.#info.bodyLimit = maxBytes;
    return this.#info.receivedBytes <= maxBytes;
  }

  /** See RouteWorkOwner. */
  answerThrough(make: MakeAnswerStream): void {
    const upstream = {
      writable: () => void this.#tries.upstream?.resumeResponse(),
      moved: () => {
        this.#info.lastMoveMs = this.#services.clock.monotonic();
      },
    };
    this.#request.wrap(make(this.#request.stream, upstream));
  }

  #forward(route: RunningRoute): void {
    const info = this.#info;
    const placement = this.#placement;
    const refused = placement.take(route);
    if (refused !== undefined) {
      if ('reply' in refused) this.#ending.answer(refused);
      else this.#ending.fail(refused.flag, refused.detail);
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
    info.phase = PHASE.ANSWER;
    const startMs = info.held ? this.#services.clock.monotonic() : info.startMs;
    this.#tries.begin(route, cluster, startMs, hash, preferred);
  }
}
