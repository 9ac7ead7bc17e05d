// cel: expressions of the Common Expression Language over Envoy's attributes, as filters of access logs and tags of metrics have
// them. A closed part of the language (docs/decisions/telemetry.md says which and why), checked as a whole before it runs: an
// unknown attribute, a function that is not there or two types that do not go together are faults with words. In: a text, and
// where attributes are read. Out: a function from a request to a value.
export { ATTRIBUTES, type Attribute, type AttributeType, nearest } from './attributes.ts';
export { type CompiledExpression, compileExpression, type Readers } from './expression.ts';
export { expressionFault } from './fault.ts';
export type { Value } from './value.ts';
