import { nearest } from '../cel/index.ts';
import {
  ALL_OPERATORS,
  ELSEWHERE,
  HEADER_OPERATORS,
  type HeaderOperator,
  OPERATORS,
  type Operator,
  TIME_OPERATORS,
  type TimeOperator,
} from './operators.ts';
import { TimeFormat } from './time-format.ts';

/** What is wrong with a format, in words for its author. */
export class FormatFault extends Error {}

/** A piece of a format. `most`: longer texts are cut. */
export type Piece =
  | { readonly kind: 'literal'; readonly text: string }
  | { readonly kind: 'plain'; readonly operator: Operator; readonly most: number | undefined }
  | {
      readonly kind: 'header';
      readonly operator: HeaderOperator;
      /** Lower case, or a pseudo header `:path`. */
      readonly name: string;
      /** Instead, where there is none. */
      readonly other: string | undefined;
      readonly most: number | undefined;
    }
  | { readonly kind: 'time'; readonly operator: TimeOperator; readonly format: TimeFormat }
  | { readonly kind: 'environment'; readonly name: string; readonly most: number | undefined }
  | { readonly kind: 'grpc'; readonly style: GrpcStyle };

/** How a gRPC status is written: `InvalidArgument`, `INVALID_ARGUMENT`, or 3. */
export type GrpcStyle = 'camel' | 'snake' | 'number';

/** Envoy has no bound; this is of a line that somebody could want. */
const maxLength = 16_384;

const operator = /%([A-Z][A-Z0-9_]*)(?:\(([^)]*)\))?(?::(\d+))?%/y;

/** Throws a FormatFault. `%%` is a percent sign. */
export function parseFormat(format: string): readonly Piece[] {
  if (format.length > maxLength) throw new FormatFault(`is longer than ${maxLength} characters`);
  const pieces: Piece[] = [];
  let literal = '';
  const close = (): void => {
    if (literal !== '') pieces.push({ kind: 'literal', text: literal });
    literal = '';
  };
  for (let at = 0; at < format.length; ) {
    const percent = format.indexOf('%', at);
    if (percent < 0) {
      literal += format.slice(at);
      break;
    }
    literal += format.slice(at, percent);
    if (format[percent + 1] === '%') {
      literal += '%';
      at = percent + 2;
      continue;
    }
    operator.lastIndex = percent;
    const found = operator.exec(format);
    if (found === null) throw new FormatFault(broken(format.slice(percent, percent + 40)));
    close();
    pieces.push(pieceOf(found[1]!, found[2], found[3] === undefined ? undefined : Number(found[3])));
    at = operator.lastIndex;
  }
  close();
  return pieces;
}

function broken(text: string): string {
  const name = /^%([A-Za-z][A-Za-z0-9_]*)/.exec(text)?.[1];
  if (name !== undefined && name !== name.toUpperCase())
    return `'${text}' is no operator: write its name in capitals, %${name.toUpperCase()}%`;
  return `'${text}' begins no operator: close it with %, or write %% for a percent sign`;
}

function pieceOf(name: string, argument: string | undefined, most: number | undefined): Piece {
  if (isOneOf(HEADER_OPERATORS, name)) return headerPiece(name, argument, most);
  if (isOneOf(TIME_OPERATORS, name)) {
    if (most !== undefined) throw new FormatFault(`%${name}% has no length`);
    return { kind: 'time', operator: name, format: TimeFormat.of(argument ?? '') };
  }
  if (name === 'ENVIRONMENT') {
    if (!argument)
      throw new FormatFault('%ENVIRONMENT% needs the name of a variable: %ENVIRONMENT(POD_NAME)%');
    return { kind: 'environment', name: argument, most };
  }
  if (name === 'GRPC_STATUS' || name === 'GRPC_STATUS_NUMBER') return grpcPiece(name, argument);
  if (!(name in OPERATORS)) throw new FormatFault(unknown(name));
  if (argument !== undefined) throw new FormatFault(`%${name}% takes no argument`);
  return { kind: 'plain', operator: name as Operator, most };
}

function headerPiece(
  operator: HeaderOperator,
  argument: string | undefined,
  most: number | undefined,
): Piece {
  const [name = '', other, ...more] = (argument ?? '').toLowerCase().split('?');
  const names = other === undefined ? [name] : [name, other];
  if (more.length > 0) throw new FormatFault(`%${operator}(${argument})% names more than two headers`);
  if (!names.every(each => /^:?[!#$&'*+.^_`|~0-9a-z-]+$/.test(each)))
    throw new FormatFault(
      `%${operator}(${argument ?? ''})% needs the name of a header: %${operator}(X-TEAM)%`,
    );
  return { kind: 'header', operator, name, other, most };
}

function grpcPiece(name: string, argument: string | undefined): Piece {
  if (name === 'GRPC_STATUS_NUMBER') return { kind: 'grpc', style: 'number' };
  const styles: Readonly<Record<string, GrpcStyle>> = {
    '': 'camel',
    CAMEL_STRING: 'camel',
    SNAKE_STRING: 'snake',
    NUMBER: 'number',
  };
  const style = styles[argument ?? ''];
  if (style === undefined)
    throw new FormatFault(
      `%GRPC_STATUS(${argument})%: CAMEL_STRING, SNAKE_STRING and NUMBER are all there are`,
    );
  return { kind: 'grpc', style };
}

function unknown(name: string): string {
  const reason = ELSEWHERE[name];
  if (reason !== undefined) return `%${name}% is not supported: ${reason}`;
  const near = nearest(name, ALL_OPERATORS);
  const hint =
    near === undefined ? 'docs/telemetry.md lists those that are known' : `did you mean %${near}%?`;
  return `no operator is called %${name}%; ${hint}`;
}

function isOneOf<T extends string>(names: readonly T[], name: string): name is T {
  return (names as readonly string[]).includes(name);
}
