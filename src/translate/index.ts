// translate: what objects mean. In: changes of objects from the registry. Out: a Mesh that shares what did not change, the
// facts that did, and every problem of every object. One folder per dialect (kubernetes/, istio/), each pure: object in,
// parts and problems out; assemble/ puts the parts of all objects together.

export type { KindTranslator } from './dialect.ts';
export { policyKinds } from './dialects.ts';
export { protocolOf } from './kubernetes/protocol.ts';
export {
  hasStatus,
  mergeStatus,
  type ObjectStatus,
  objectStatuses,
  refusalProblems,
} from './status/index.ts';
export { Translator, type TranslatorOptions, type Update } from './translator.ts';
