// errors: the one error type of Weft, and the response flags with their plain words.
// In: nothing. Out: WeftError (thrown or returned at boundaries), Flag (why a request or connection failed).

export { FLAGS, type Flag, flagWords } from './flags.ts';
export { type ErrorSource, errorMessage, type RetrySafety, WeftError } from './weft-error.ts';
