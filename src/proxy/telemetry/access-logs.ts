import { errorMessage } from '../../errors/index.ts';
import type { Head } from '../../http/index.ts';
import {
  type AccessLogSettings,
  DEFAULT_REDACTION,
  type LogProvider,
  type TelemetrySettings,
} from '../../model/index.ts';
import type { AccessLog, Log, LogMetrics } from '../../telemetry/index.ts';
import type {
  ObservedRefusal,
  ObservedRequest,
  ObservedSession,
  RequestObserver,
} from '../observation/observer.interface.ts';
import type { Observers } from '../observation/observers.ts';
import { AnswerFields } from './answer-fields.ts';
import { type CompiledLog, compileLog } from './compiled-log.ts';
import { type LineSink, openFileSink } from './file-sink.ts';
import { OtlpSink } from './otlp-sink.ts';
import { operatorReaders } from './readers.ts';
import { Redactor } from './redaction.ts';
import { type Owner, Subject, selfOf } from './subject.ts';

/** What access logs are made of. */
export interface AccessLogsOptions extends Owner {
  readonly log: Log;
  /** The proxy's own log, which is silent where settings say what is logged. */
  readonly own: AccessLog;
  readonly observers: Observers;
  readonly metrics: LogMetrics;
  readonly environment: (name: string) => string | undefined;
  /** For tests: where lines go instead of files. */
  readonly openFile?: (path: string) => LineSink;
}

interface RunningLog extends CompiledLog {
  readonly sink: LineSink;
}

type Direction = 'inbound' | 'outbound';

/** The access logs that settings ask for. They watch requests as long as there are any, and only then. */
export class AccessLogs {
  readonly #options: AccessLogsOptions;
  readonly #sinks = new Map<string, LineSink>();
  #logs: Readonly<Record<Direction, readonly RunningLog[]>> = { inbound: [], outbound: [] };
  #answers = new AnswerFields([]);
  #redactor = new Redactor(DEFAULT_REDACTION);
  #subject: Subject;
  #stop: () => void = () => {};

  constructor(options: AccessLogsOptions) {
    this.#options = options;
    this.#subject = this.#newSubject();
  }

  /** Takes settings over: what is logged from now on. */
  apply(settings: TelemetrySettings | undefined): void {
    const { own, observers } = this.#options;
    const wanted = { inbound: settings?.inbound.accessLogs, outbound: settings?.outbound.accessLogs };
    own.silent.inbound = wanted.inbound !== undefined;
    own.silent.outbound = wanted.outbound !== undefined;
    const used = new Set<string>();
    this.#logs = {
      inbound: this.#compile(wanted.inbound ?? [], used),
      outbound: this.#compile(wanted.outbound ?? [], used),
    };
    for (const [key, sink] of this.#sinks) {
      if (used.has(key)) continue;
      sink.close();
      this.#sinks.delete(key);
    }
    const all = [...this.#logs.inbound, ...this.#logs.outbound];
    this.#answers = new AnswerFields(all.flatMap(each => each.answerFields));
    this.#redactor = new Redactor(settings?.redaction ?? DEFAULT_REDACTION);
    this.#subject = this.#newSubject();
    this.#stop();
    this.#stop = all.length === 0 ? () => {} : observers.add(this.#watcher());
  }

  /** For the end of the process: resolves when everything is handed on, cannot be, or `withinMs` are over. */
  async end(withinMs: number): Promise<void> {
    await Promise.all([...this.#sinks.values()].map(sink => sink.end(withinMs)));
  }

  /** Looks at answers only where a format asks for their fields. */
  #watcher(): RequestObserver {
    const answers = this.#answers;
    return {
      ...(answers.wanted && {
        onAnswer: (request: ObservedRequest, head: Head) => answers.keep(request, head),
      }),
      onRequestEnd: request => this.#ended(request),
      onSessionEnd: session => this.#closed(session),
      onRefusal: refusal => this.#refused(refusal),
    };
  }

  #ended(request: ObservedRequest): void {
    this.#write(this.#logs[request.direction], this.#subject.set(request, undefined, undefined));
  }

  #closed(session: ObservedSession): void {
    this.#write(this.#logs[session.direction], this.#subject.set(undefined, session, undefined));
  }

  #refused(refusal: ObservedRefusal): void {
    this.#write(this.#logs[refusal.direction], this.#subject.set(undefined, undefined, refusal));
  }

  #write(logs: readonly RunningLog[], subject: Subject): void {
    for (const { filter, line, sink } of logs) {
      // What a filter compares is what the client sent; nobody reads it there.
      subject.redactor = plain;
      if (filter !== undefined && filter(subject) !== true) continue;
      subject.redactor = this.#redactor;
      sink.write(line(subject));
    }
  }

  #compile(settings: readonly AccessLogSettings[], used: Set<string>): readonly RunningLog[] {
    const { environment, log } = this.#options;
    const readers = operatorReaders(environment);
    return settings.flatMap(each => {
      try {
        const compiled = compileLog(each, readers);
        const key = keyOf(each.provider);
        used.add(key);
        return [{ ...compiled, sink: this.#sink(key, each.provider) }];
      } catch (thrown) {
        const why = errorMessage(thrown);
        log.error(
          { provider: each.provider.name, why },
          "an access log cannot be written; restart this pod, so that its proxy is of the control plane's version",
        );
        return [];
      }
    });
  }

  #sink(key: string, provider: LogProvider): LineSink {
    let sink = this.#sinks.get(key);
    if (sink === undefined) {
      sink = this.#open(provider);
      this.#sinks.set(key, sink);
    }
    return sink;
  }

  #open(provider: LogProvider): LineSink {
    const { metrics, openFile, hostname, self, clock, log } = this.#options;
    const series = metrics.open(provider.name);
    if (provider.kind === 'file') return openFile?.(provider.path) ?? openFileSink(provider.path, series);
    const { collector, logName } = provider;
    return new OtlpSink({ collector, logName, self, hostname, clock, log, series });
  }

  #newSubject(): Subject {
    return new Subject(selfOf(this.#options), this.#redactor, this.#answers);
  }
}

const plain = new Redactor({ headers: [], query: [] });

function keyOf(provider: LogProvider): string {
  if (provider.kind === 'file') return `file ${provider.path}`;
  return `otlp ${JSON.stringify([provider.collector, provider.logName])}`;
}
