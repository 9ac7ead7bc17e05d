import { compileExpression, type Value } from '../../cel/index.ts';
import {
  DEFAULT_JSON_FORMAT,
  DEFAULT_TEXT_FORMAT,
  JsonFormat,
  type OperatorReaders,
  TextFormat,
} from '../../log-format/index.ts';
import type { AccessLogSettings, JsonFields, LogFormat } from '../../model/index.ts';
import { attributeReaders, traceIdOf } from './readers.ts';
import type { Subject } from './subject.ts';

/** One access log of one direction, ready for use. */
export interface CompiledLog {
  readonly filter: ((subject: Subject) => Value) | undefined;
  readonly line: (subject: Subject) => string;
  /** Fields of answers that it reads, in lower case. */
  readonly answerFields: readonly string[];
}

/** Throws for a format or a filter that cannot be used; the control plane has looked, but may be of another version. */
export function compileLog(
  { provider, filter }: AccessLogSettings,
  readers: OperatorReaders<Subject>,
): CompiledLog {
  const condition = filter === undefined ? undefined : compileExpression(filter, attributeReaders);
  const format =
    provider.kind === 'file' ? lineFormat(provider.format, readers) : recordFormat(provider, readers);
  const grpc = filter?.includes('response.grpc_status') === true ? ['grpc-status'] : [];
  return {
    filter: condition?.evaluate,
    line: format.line,
    answerFields: [...format.answerFields, ...(condition?.responseHeaders ?? []), ...grpc],
  };
}

type Format = Pick<CompiledLog, 'line' | 'answerFields'>;

function lineFormat(format: LogFormat, readers: OperatorReaders<Subject>): Format {
  if (format.kind === 'json') {
    const json = new JsonFormat(format.fields ?? DEFAULT_JSON_FORMAT, readers);
    return { line: subject => `${json.text(subject)}\n`, answerFields: json.responseHeaders };
  }
  // As Istio has it: a line's end is put behind a format that has none.
  const said = format.text ?? DEFAULT_TEXT_FORMAT;
  const text = new TextFormat(said.endsWith('\n') ? said : `${said}\n`, readers);
  return { line: subject => text.text(subject), answerFields: text.responseHeaders };
}

/** A LogRecord of OTLP in JSON. */
function recordFormat(
  { text = DEFAULT_TEXT_FORMAT.trimEnd(), labels }: { readonly text?: string; readonly labels: JsonFields },
  readers: OperatorReaders<Subject>,
): Format {
  const body = new TextFormat(text, readers);
  const attributes = new Attributes(labels, readers);
  const line = (subject: Subject): string => {
    const startNs = nanos(subject.self.wallMs(subject.startMs));
    const endNs = nanos(subject.self.wallMs(subject.startMs + subject.durationMs));
    const trace = traceIdOf(subject);
    const traceId = /^[0-9a-f]{32}$/.test(trace) ? `,"traceId":"${trace}"` : '';
    const said = JSON.stringify(body.text(subject));
    return `{"timeUnixNano":"${startNs}","observedTimeUnixNano":"${endNs}","body":{"stringValue":${said}},"attributes":${attributes.text(subject)}${traceId}}`;
  };
  return { line, answerFields: [...body.responseHeaders, ...attributes.answerFields] };
}

/** Milliseconds, with a fraction, in nanoseconds: more than a double holds. */
function nanos(ms: number): string {
  const whole = Math.floor(ms);
  return `${whole}${String(Math.floor((ms - whole) * 1e6)).padStart(6, '0')}`;
}

/** Fields as a list of OTLP's KeyValue. */
class Attributes {
  readonly answerFields: readonly string[];
  readonly #fields: readonly { readonly key: string; readonly value: TextFormat<Subject> | Attributes }[];

  constructor(fields: JsonFields, readers: OperatorReaders<Subject>) {
    this.#fields = Object.entries(fields).map(([name, said]) => ({
      key: JSON.stringify(name),
      value: typeof said === 'string' ? new TextFormat(said, readers) : new Attributes(said, readers),
    }));
    this.answerFields = this.#fields.flatMap(({ value }) =>
      value instanceof Attributes ? value.answerFields : value.responseHeaders,
    );
  }

  text(subject: Subject): string {
    let text = '[';
    for (const { key, value } of this.#fields) {
      if (text.length > 1) text += ',';
      const said =
        value instanceof Attributes
          ? `{"kvlistValue":{"values":${value.text(subject)}}}`
          : `{"stringValue":${JSON.stringify(value.text(subject))}}`;
      text += `{"key":${key},"value":${said}}`;
    }
    return `${text}]`;
  }
}
