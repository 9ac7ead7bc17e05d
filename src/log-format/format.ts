import type { HeaderOperator, Operator, TimeOperator } from './operators.ts';
import { type GrpcStyle, type Piece, parseFormat } from './parse.ts';

/** What an operator comes to; undefined where there is nothing, which is `-` in texts and null in JSON. */
export type OperatorValue = string | number | undefined;

/** Where operators are read, for one kind of context. */
export interface OperatorReaders<T> {
  readonly plain: { readonly [O in Operator]: (context: T) => OperatorValue };
  /** `name`: in lower case, or a pseudo header such as `:path`. */
  header(context: T, of: HeaderOperator, name: string): string | undefined;
  /** Milliseconds since the epoch. */
  time(context: T, of: TimeOperator): number;
  environment(name: string): string | undefined;
  grpcStatus(context: T): number | undefined;
}

/** Parsed JSON fields: formats and maps of them. */
export interface JsonFormatFields {
  readonly [name: string]: string | JsonFormatFields;
}

type Run<T> = (context: T) => OperatorValue;

/** A format string that is ready for use. */
export class TextFormat<T> {
  readonly #runs: readonly (string | Run<T>)[];
  /** Names of headers of the answer that it reads, in lower case. */
  readonly responseHeaders: readonly string[];

  /** Throws a FormatFault. */
  constructor(format: string, readers: OperatorReaders<T>) {
    const pieces = parseFormat(format);
    this.#runs = pieces.map(piece => (piece.kind === 'literal' ? piece.text : runOf(piece, readers)));
    this.responseHeaders = answerHeaders(pieces);
  }

  text(context: T): string {
    let text = '';
    for (const each of this.#runs) {
      if (typeof each === 'string') text += each;
      else {
        const value = each(context);
        text += value === undefined || value === '' ? '-' : value;
      }
    }
    return text;
  }

  /** Of a format that is one operator and nothing else, its value with its type; of any other its text. */
  value(context: T): OperatorValue {
    const [only] = this.#runs;
    if (this.#runs.length === 1 && typeof only === 'function') {
      const value = only(context);
      return value === '' ? undefined : value;
    }
    return this.text(context);
  }
}

/** Fields with formats, as lines of JSON. Names come in order, as Envoy has them. */
export class JsonFormat<T> {
  readonly #fields: readonly { readonly key: string; readonly format: TextFormat<T> | JsonFormat<T> }[];
  readonly responseHeaders: readonly string[];

  /** Throws a FormatFault. */
  constructor(fields: JsonFormatFields, readers: OperatorReaders<T>) {
    this.#fields = Object.keys(fields)
      .sort()
      .map(name => {
        const said = fields[name]!;
        const format =
          typeof said === 'string' ? new TextFormat(said, readers) : new JsonFormat(said, readers);
        return { key: `${JSON.stringify(name)}:`, format };
      });
    this.responseHeaders = [...new Set(this.#fields.flatMap(({ format }) => format.responseHeaders))];
  }

  text(context: T): string {
    let text = '{';
    for (const { key, format } of this.#fields) {
      if (text.length > 1) text += ',';
      text += key + (format instanceof JsonFormat ? format.text(context) : jsonOf(format.value(context)));
    }
    return `${text}}`;
  }
}

function jsonOf(value: OperatorValue): string {
  if (value === undefined) return 'null';
  return typeof value === 'number' ? String(value) : JSON.stringify(value);
}

function answerHeaders(pieces: readonly Piece[]): readonly string[] {
  const names = pieces.flatMap(piece => {
    if (piece.kind === 'grpc') return ['grpc-status'];
    if (piece.kind !== 'header' || piece.operator !== 'RESP') return [];
    return piece.other === undefined ? [piece.name] : [piece.name, piece.other];
  });
  return [...new Set(names)];
}

function runOf<T>(piece: Exclude<Piece, { kind: 'literal' }>, readers: OperatorReaders<T>): Run<T> {
  switch (piece.kind) {
    case 'plain':
      return cut(readers.plain[piece.operator], piece.most);
    case 'header': {
      const { operator, name, other } = piece;
      const read: Run<T> = context => {
        const value = readers.header(context, operator, name);
        return value !== undefined || other === undefined ? value : readers.header(context, operator, other);
      };
      return cut(read, piece.most);
    }
    case 'time': {
      const { operator, format } = piece;
      return context => format.text(readers.time(context, operator));
    }
    case 'environment': {
      const value = readers.environment(piece.name);
      return cut(() => value, piece.most);
    }
    case 'grpc': {
      const { style } = piece;
      return context => grpcText(readers.grpcStatus(context), style);
    }
  }
}

function cut<T>(run: Run<T>, most: number | undefined): Run<T> {
  if (most === undefined) return run;
  return context => {
    const value = run(context);
    return value === undefined ? undefined : String(value).slice(0, most);
  };
}

/** https://grpc.github.io/grpc/core/md_doc_statuscodes.html */
const grpcNames = [
  'OK',
  'Canceled',
  'Unknown',
  'InvalidArgument',
  'DeadlineExceeded',
  'NotFound',
  'AlreadyExists',
  'PermissionDenied',
  'ResourceExhausted',
  'FailedPrecondition',
  'Aborted',
  'OutOfRange',
  'Unimplemented',
  'Internal',
  'Unavailable',
  'DataLoss',
  'Unauthenticated',
];

function grpcText(status: number | undefined, style: GrpcStyle): OperatorValue {
  if (status === undefined || style === 'number') return status;
  const name = grpcNames[status];
  if (name === undefined) return String(status);
  if (style === 'camel') return name;
  // As Envoy has it: CANCELLED is what gRPC calls it there.
  return name === 'Canceled' ? 'CANCELLED' : name.replace(/(?<=[a-z])(?=[A-Z])/g, '_').toUpperCase();
}
