// log-format: Envoy's format strings, as access logs of Istio have them. Pure. In: a format, and where its operators are read.
// Out: a function from a request to a line, compiled once; or what is wrong with the format, for its author.
export { formatFault, jsonFormatFault } from './fault.ts';
export { JsonFormat, type OperatorReaders, type OperatorValue, TextFormat } from './format.ts';
export { DEFAULT_JSON_FORMAT, DEFAULT_TEXT_FORMAT } from './istio.ts';
export { type HeaderOperator, OPERATORS, type Operator } from './operators.ts';
export { parseFormat } from './parse.ts';
export { formatTime, TimeFormat } from './time-format.ts';
