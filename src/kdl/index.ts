// kdl: KDL documents (https://kdl.dev), v2 and what people write of v1, with the place of everything in them; and a check of such
// a document against a schema. In: text, BlockSchema. Out: a Section whose values all have their types, and problems with line
// and column. Pure; it knows no option of any dialect.

export { checkDocument, KdlReport } from './check.ts';
export {
  formatPosition,
  formatProblem,
  type KdlDocument,
  type KdlNode,
  type KdlProblem,
  type KdlProperty,
  type KdlScalar,
  type KdlValue,
  type TextPosition,
} from './document.ts';
export { parseKdl } from './parse.ts';
export { KdlReader } from './reader.ts';
export type { BlockSchema, OptionMark, OptionSchema } from './schema.ts';
export { type FreeEntry, type PlacedValue, Section } from './section.ts';
export {
  bytes,
  type CheckedValue,
  duration,
  flag,
  number,
  oneOf,
  seconds,
  shaped,
  text,
  type ValueType,
  whole,
} from './values.ts';
