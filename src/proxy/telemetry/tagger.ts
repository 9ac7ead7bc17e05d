import { compileExpression, type Value } from '../../cel/index.ts';
import { errorMessage } from '../../errors/index.ts';
import type { Head } from '../../http/index.ts';
import {
  DEFAULT_REDACTION,
  type DirectionTelemetry,
  type IstioMetric,
  type TelemetrySettings,
} from '../../model/index.ts';
import { type Log, NO_TAGS, type SeriesTags, slotOf } from '../../telemetry/index.ts';
import type { ObservedRequest, ObservedSession, RequestObserver } from '../observation/observer.interface.ts';
import { AnswerFields } from './answer-fields.ts';
import { attributeReaders } from './readers.ts';
import { Redactor } from './redaction.ts';
import { type Owner, Subject, selfOf } from './subject.ts';

/** Clients choose what many tags come to; what is longer is no name of anything. */
const longestTag = 128;

const ofRequests: readonly IstioMetric[] = [
  'REQUEST_COUNT',
  'REQUEST_DURATION',
  'REQUEST_SIZE',
  'RESPONSE_SIZE',
];
const ofSessions: readonly IstioMetric[] = [
  'TCP_OPENED_CONNECTIONS',
  'TCP_CLOSED_CONNECTIONS',
  'TCP_SENT_BYTES',
  'TCP_RECEIVED_BYTES',
];

interface Tags {
  readonly slots: readonly string[];
  readonly evaluate: readonly ((subject: Subject) => Value)[];
}

/** Computes the tags that Telemetry objects set on metrics of requests and of TCP connections. Made only where there are any. */
export class Tagger implements RequestObserver {
  readonly #tags: Readonly<Record<'inbound' | 'outbound', Tags>>;
  readonly #sessionTags: Readonly<Record<'inbound' | 'outbound', Tags>>;
  readonly #answers: AnswerFields;
  readonly #subject: Subject;

  private constructor(settings: TelemetrySettings, owner: Owner, log: Log) {
    const headers: string[] = [];
    const tagsOf = (metrics: readonly IstioMetric[]): Readonly<Record<'inbound' | 'outbound', Tags>> => ({
      inbound: compile(settings.inbound, metrics, headers, log),
      outbound: compile(settings.outbound, metrics, headers, log),
    });
    this.#tags = tagsOf(ofRequests);
    // Connections have no answer whose fields could be asked for.
    const watched = headers.length;
    this.#sessionTags = tagsOf(ofSessions);
    headers.length = watched;
    this.#answers = new AnswerFields(headers);
    this.#subject = new Subject(
      selfOf(owner),
      new Redactor(settings.redaction ?? DEFAULT_REDACTION),
      this.#answers,
    );
  }

  /** Undefined where no tag differs by request or connection. */
  static of(settings: TelemetrySettings | undefined, owner: Owner, log: Log): Tagger | undefined {
    const tagger = settings && new Tagger(settings, owner, log);
    return tagger?.tagsRequests || tagger?.tagsSessions ? tagger : undefined;
  }

  /** Whether tags of metrics of requests are among them. */
  get tagsRequests(): boolean {
    return isAny(this.#tags);
  }

  /** Whether tags of metrics of connections are. */
  get tagsSessions(): boolean {
    return isAny(this.#sessionTags);
  }

  /** Whether it has to see answers: `onAnswer`. */
  get watches(): boolean {
    return this.#answers.wanted;
  }

  onAnswer(request: ObservedRequest, head: Head): void {
    this.#answers.keep(request, head);
  }

  tagsOf(request: ObservedRequest): SeriesTags {
    const tags = this.#tags[request.direction];
    return tags.slots.length === 0
      ? NO_TAGS
      : valuesOf(tags, this.#subject.set(request, undefined, undefined));
  }

  tagsOfSession(session: ObservedSession): SeriesTags {
    const tags = this.#sessionTags[session.direction];
    return tags.slots.length === 0
      ? NO_TAGS
      : valuesOf(tags, this.#subject.set(undefined, session, undefined));
  }
}

function isAny({ inbound, outbound }: Readonly<Record<'inbound' | 'outbound', Tags>>): boolean {
  return inbound.slots.length + outbound.slots.length > 0;
}

function valuesOf({ slots, evaluate }: Tags, subject: Subject): SeriesTags {
  return { slots, values: evaluate.map(each => told(each(subject))) };
}

/** An empty value would be no label at all to Prometheus. */
function told(value: Value): string {
  if (value === undefined || value === '') return 'unknown';
  return String(value).slice(0, longestTag);
}

function compile(
  { metrics = [] }: DirectionTelemetry,
  of: readonly IstioMetric[],
  headers: string[],
  log: Log,
): Tags {
  const compiled = new Map<string, (subject: Subject) => Value>();
  for (const { metric, disabled, tags } of metrics) {
    if (disabled || !of.includes(metric)) continue;
    for (const { name, expression } of tags) {
      if (expression === undefined || compiled.has(slotOf(name, expression))) continue;
      try {
        const { evaluate, responseHeaders } = compileExpression(expression, attributeReaders);
        headers.push(
          ...responseHeaders,
          ...(expression.includes('response.grpc_status') ? ['grpc-status'] : []),
        );
        compiled.set(slotOf(name, expression), evaluate);
      } catch (thrown) {
        const why = errorMessage(thrown);
        log.error(
          { tag: name, why },
          "a tag cannot be set; restart this pod, so that its proxy is of the control plane's version",
        );
      }
    }
  }
  return { slots: [...compiled.keys()], evaluate: [...compiled.values()] };
}
