// schema: which fields Kubernetes' own kinds have. In: an object as somebody wrote it. Out: the fields that are none, each with
// its path and the one that was probably meant. Pure; fields.table.ts is written from the client library's models by
// fields.test.ts.

export { type UnknownField, unknownFields, unknownWords } from './unknown-fields.ts';
