// status: what became of each policy object. In: objects, the problems of their translation, the mesh that they made. Out: for
// each object whether it takes effect, what was ignored and who won a conflict; and for kinds with a status the conditions to
// write there.

export { CONTROLLER_NAME, mergeStatus } from './merge-status.ts';
export {
  type Condition,
  hasStatus,
  type ObjectStatus,
  type StatusContent,
  type ValidationMessage,
} from './object-status.ts';
export { type ProxyRefusal, refusalProblems } from './proxy-refusals.ts';
export { objectStatuses, type StatusInput } from './statuses.ts';
