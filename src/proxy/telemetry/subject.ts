import type { RunningCluster, RunningEndpoint } from '../../cluster/index.ts';
import type { Flag } from '../../errors/index.ts';
import type { Peer } from '../../model/index.ts';
import type { Clock } from '../../time/index.ts';
import type { ObservedRefusal, ObservedRequest, ObservedSession } from '../observation/observer.interface.ts';
import type { AnswerFields } from './answer-fields.ts';
import type { Redactor } from './redaction.ts';

/** What all proxies of a process say of themselves. */
export interface Self {
  readonly hostname: string;
  /** This workload's SPIFFE id; '' until it is known. */
  readonly principal: string;
  /** Milliseconds since the epoch, of a moment of the monotonic clock. */
  wallMs(monotonicMs: number): number;
}

/** Whose traffic it is, as whoever makes lines and tags is told. */
export interface Owner {
  readonly clock: Clock;
  readonly hostname: string;
  /** This workload, as discovery told it by now. */
  readonly self: () => Peer;
}

export function selfOf({ clock, hostname, self }: Owner): Self {
  return {
    hostname,
    get principal() {
      return self().principal;
    },
    wallMs: monotonicMs => clock.now() + monotonicMs - clock.monotonic(),
  };
}

/**
 * What a line is about: a request, a connection, or what was refused before it became either. One object for all of them, filled
 * for each.
 */
export class Subject {
  readonly self: Self;
  redactor: Redactor;
  request: ObservedRequest | undefined = undefined;
  session: ObservedSession | undefined = undefined;
  refusal: ObservedRefusal | undefined = undefined;
  readonly #answers: AnswerFields;

  constructor(self: Self, redactor: Redactor, answers: AnswerFields) {
    this.self = self;
    this.redactor = redactor;
    this.#answers = answers;
  }

  set(
    request: ObservedRequest | undefined,
    session: ObservedSession | undefined,
    refusal: ObservedRefusal | undefined,
  ): this {
    this.request = request;
    this.session = session;
    this.refusal = refusal;
    return this;
  }

  #any(): ObservedRequest | ObservedSession | ObservedRefusal {
    return (this.request ?? this.session ?? this.refusal)!;
  }

  get direction(): 'inbound' | 'outbound' {
    return this.#any().direction;
  }
  get downstream(): string {
    return this.#any().downstream;
  }
  get principal(): string {
    return this.#any().principal;
  }
  get flag(): Flag | '' {
    return this.#any().flag;
  }
  get detail(): string {
    return this.#any().detail;
  }
  get endpoint(): RunningEndpoint | undefined {
    return (this.request ?? this.session)?.endpoint;
  }
  get cluster(): RunningCluster | undefined {
    return (this.request ?? this.session)?.cluster;
  }
  get attempts(): number | undefined {
    return (this.request ?? this.session)?.attempts;
  }
  get startMs(): number {
    return (this.request ?? this.session)?.startMs ?? this.refusal!.atMs;
  }
  get durationMs(): number {
    const under = this.request ?? this.session;
    return under === undefined ? 0 : under.endMs - under.startMs;
  }
  get receivedBytes(): number {
    return (this.request ?? this.session)?.receivedBytes ?? 0;
  }
  get sentBytes(): number {
    return (this.request ?? this.session)?.sentBytes ?? 0;
  }
  /** 0 for none; undefined for connections. */
  get status(): number | undefined {
    return (
      this.request?.status ??
      (this.refusal === undefined || this.refusal.status === 0 ? undefined : this.refusal.status)
    );
  }

  /** A field of the answer, of those that were asked for beforehand. */
  answerField(name: string): string | undefined {
    return this.request && this.#answers.of(this.request, name);
  }

  /** The address that was called, `10.96.0.1:80`, where it is known. */
  get called(): string | undefined {
    const key = this.request?.destination?.key;
    return key !== undefined && /^(\d+\.\d+\.\d+\.\d+|\[[0-9a-f:]+\]):\d+$/i.test(key) ? key : undefined;
  }
}
