// errors: the one error type of Weft, and the response flags with their plain words. In: nothing. Out: WeftError (thrown or
// returned at boundaries), Flag (why a request or connection failed); and where errors of Weft's own go that nobody catches.

export { FLAGS, type Flag, flagWords } from './flags.ts';
export {
  countInternalError,
  type Guarded,
  giveUp,
  guarded,
  INTERNAL_ERROR,
  type InternalError,
  internalError,
  internalErrors,
  onInternalError,
} from './internal.ts';
export { type ErrorSource, errorMessage, WeftError } from './weft-error.ts';
